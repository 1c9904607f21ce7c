"""Checks of the series: each hands a table to a rule. Not here: any rule."""

import dagster as dg

from hf_assets.defs.checking import check
from hf_assets.defs.resources import LakeResource
from hf_assets.parquet import Table
from hf_assets.trends import history_rules, tables
from hf_assets.verdict import Verdict


def _grows(table: Table, behind: str) -> dg.AssetChecksDefinition:
    def rule(lake: LakeResource, _: str) -> Verdict:
        tree = lake.tree
        return history_rules.grows_with_days(tree.read(table.name, None), tree.days(behind))

    about = f"Every day of {behind} is in it, and no other."
    return check(table.name, "grows_with_days", rule, about, partitions=None)


def _adds_up(table: Table, *of: str) -> dg.AssetChecksDefinition:
    def rule(lake: LakeResource, _: str) -> Verdict:
        return history_rules.shares_add_up(lake.tree.read(table.name, None), *of)

    about = "On no day do the shares add up to more than one."
    return check(table.name, "shares_add_up", rule, about, partitions=None)


@dg.definitions
def history_checks() -> dg.Definitions:
    """A day that is stored shows up; nothing is counted twice."""
    return dg.Definitions(
        asset_checks=[
            _grows(tables.CATEGORY_HISTORY, "daily_metrics"),
            _grows(tables.LIFECYCLE, "daily_changes"),
            _adds_up(tables.CATEGORY_HISTORY),
            _adds_up(tables.LIBRARY_HISTORY),
            _adds_up(tables.LICENSE_HISTORY, "of"),
            _adds_up(tables.AUTHOR_HISTORY),
            _adds_up(tables.MODEL_HISTORY),
        ]
    )
