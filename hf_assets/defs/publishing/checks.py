"""The check of the publication."""

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.publishing.lake import plan_of_settings, repository_of_settings
from hf_assets.rule_result import RuleResult


def _matches(lake: LakeResource, _: str) -> RuleResult:
    from hf_assets.publishing.publication import publish
    from hf_assets.publishing.rules import published_matches

    outcome = publish(lake.tree, repository_of_settings(), plan_of_settings(), dry_run=True)
    return published_matches(outcome)


@dg.definitions
def defs() -> dg.Definitions:
    """The check of the publication."""
    about = "The Hub lists the files of the lake, by hash, and no others."
    matches = check("published_lake", "published_matches", _matches, about, partitions=None)
    return dg.Definitions(asset_checks=[matches])
