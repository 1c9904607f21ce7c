"""The counters of every model, dataset and Space, day by day.

No asset waits for them: where one fails, the series, the figures and the report are made.
"""

from collections.abc import Callable

import dagster as dg
from pydantic import Field

from hf_assets.defs.common.factories import every_day
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.resources import AlreadyWritten, LakeResource
from hf_assets.defs.trends.history import DAY_QUALITY_DEP, SeriesConfig, series_asset
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import OF_DATASETS, OF_MODELS, OF_SPACES, Kind


class DaysConfig(SeriesConfig):
    """Whether to rebuild every month, and days that go for good."""

    withdraw: list[str] = Field(
        default=[],
        description="Days (YYYY-MM-DD) that go for good though nothing else has their rows: "
        "emptied days, whose table was deleted before. Irreversible.",
    )


def _days_asset(kind: Kind) -> Callable[..., dg.AssetsDefinition]:
    return series_asset(kind.table, every_day(kind.source.name), DAY_QUALITY_DEP)


def _refreshed(kind: Kind, config: DaysConfig, lake: LakeResource) -> AlreadyWritten:
    with clear_failures():
        stored = refresh(lake.tree, kind, full_refresh=config.rebuild_all, withdraw=config.withdraw)
    return AlreadyWritten(kind.table, stored)


@_days_asset(OF_MODELS)
def model_days(config: DaysConfig, lake: LakeResource) -> AlreadyWritten:
    """Downloads, likes and trending score of every model on every day: a row a model and month.

    A day is joined to its month; one that is made again, withdrawn or no longer trusted changes its
    month and no other.
    """
    return _refreshed(OF_MODELS, config, lake)


@_days_asset(OF_DATASETS)
def dataset_days(config: DaysConfig, lake: LakeResource) -> AlreadyWritten:
    """Downloads, likes and trending score of every dataset, as `model_days`."""
    return _refreshed(OF_DATASETS, config, lake)


@_days_asset(OF_SPACES)
def space_days(config: DaysConfig, lake: LakeResource) -> AlreadyWritten:
    """Likes and trending score of every Space, as `model_days`."""
    return _refreshed(OF_SPACES, config, lake)
