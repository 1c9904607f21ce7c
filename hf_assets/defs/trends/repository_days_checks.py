"""Checks of the series of every repository: each hands them to a rule of `hub.repository_days`."""

from collections.abc import Callable

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.repository_days import rules
from hf_assets.hub.repository_days.schemas import OF_DATASETS, OF_MODELS, OF_SPACES, Kind
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake


def _days_check(
    kind: Kind, name: str, rule: Callable[[Lake, Kind], RuleResult], about: str
) -> dg.AssetChecksDefinition:
    def run(lake: LakeResource, _: str) -> RuleResult:
        return rule(lake.tree, kind)

    return check(kind.table.name, name, run, about, partitions=None)


@dg.definitions
def repository_days_checks() -> dg.Definitions:
    """Every stored day is in them, and the newest can be given back."""
    checks = [
        made
        for kind in (OF_MODELS, OF_DATASETS, OF_SPACES)
        for made in (
            _days_check(
                kind,
                "has_stored_days",
                rules.has_stored_days,
                f"Has exactly the stored days of {kind.source.name}.",
            ),
            _days_check(
                kind,
                "gives_newest_day_back",
                rules.gives_newest_day_back,
                f"The newest day, given back from it, has what its table had: {kind.source.name}.",
            ),
        )
    ]
    return dg.Definitions(asset_checks=checks)
