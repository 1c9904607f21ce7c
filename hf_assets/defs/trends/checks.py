"""Checks of the series: each passes a table to a rule of `trends.series.rules`."""

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.rule_result import RuleResult
from hf_assets.storage.parquet import Table
from hf_assets.trends.series import rules, schemas


def _grows(table: Table, behind: str) -> dg.AssetChecksDefinition:
    def rule(lake: LakeResource, _: str) -> RuleResult:
        tree = lake.tree
        return rules.grows_with_days(tree.read(table.name, None), tree.days(behind))

    about = f"Has exactly the days of {behind}."
    return check(table.name, "grows_with_days", rule, about, partitions=None)


def _adds_up(table: Table, *of: str) -> dg.AssetChecksDefinition:
    def rule(lake: LakeResource, _: str) -> RuleResult:
        return rules.shares_add_up(lake.tree.read(table.name, None), *of)

    about = "The shares of a day add up to one at most."
    return check(table.name, "shares_add_up", rule, about, partitions=None)


@dg.definitions
def history_checks() -> dg.Definitions:
    """Every stored day is in the series, and nothing counts twice."""
    return dg.Definitions(
        asset_checks=[
            _grows(schemas.CATEGORY_HISTORY, "daily_metrics"),
            _grows(schemas.LIFECYCLE, "daily_changes"),
            _adds_up(schemas.CATEGORY_HISTORY),
            _adds_up(schemas.LIBRARY_HISTORY),
            _adds_up(schemas.LICENSE_HISTORY, "of"),
            _adds_up(schemas.AUTHOR_HISTORY),
            _adds_up(schemas.MODEL_HISTORY),
        ]
    )
