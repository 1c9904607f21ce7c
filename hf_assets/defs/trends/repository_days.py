"""The counters of every model, dataset and Space, day by day.

Nothing is made of them that a night needs: where one fails, series, figures and report are made.
"""

from collections.abc import Callable

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.factories import every_day
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.resources import AlreadyWritten, LakeResource
from hf_assets.defs.trends.history import DAY_QUALITY_DEP, SeriesConfig, series_asset
from hf_assets.hub.repository_days import rules
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import OF_DATASETS, OF_MODELS, OF_SPACES, Kind
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake


def _days_asset(kind: Kind) -> Callable[..., dg.AssetsDefinition]:
    return series_asset(kind.table, every_day(kind.source.name), DAY_QUALITY_DEP)


def _refreshed(kind: Kind, config: SeriesConfig, lake: LakeResource) -> AlreadyWritten:
    with clear_failures():
        stored = refresh(lake.tree, kind, full_refresh=config.rebuild_all)
    return AlreadyWritten(kind.table, stored)


@_days_asset(OF_MODELS)
def model_days(config: SeriesConfig, lake: LakeResource) -> AlreadyWritten:
    """Downloads, likes and trending score of every model on every day: a row a model and month.

    A day is joined to its month; one that is made again, withdrawn or judged anew changes its month
    and no other.
    """
    return _refreshed(OF_MODELS, config, lake)


@_days_asset(OF_DATASETS)
def dataset_days(config: SeriesConfig, lake: LakeResource) -> AlreadyWritten:
    """Downloads, likes and trending score of every dataset, as `model_days`."""
    return _refreshed(OF_DATASETS, config, lake)


@_days_asset(OF_SPACES)
def space_days(config: SeriesConfig, lake: LakeResource) -> AlreadyWritten:
    """Likes and trending score of every Space, as `model_days`."""
    return _refreshed(OF_SPACES, config, lake)


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
                "The newest day, given back from it, has the identities and counters of "
                f"{kind.source.name}.",
            ),
        )
    ]
    return dg.Definitions(asset_checks=checks)
