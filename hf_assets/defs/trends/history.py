"""Series over all days.

They read the lake's small daily tables themselves: a missing day is a gap, not an error.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import partial

import dagster as dg
from pydantic import Field

from hf_assets.defs.common.automation import after_changes
from hf_assets.defs.common.factories import every_day, once
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.metadata import column_schema
from hf_assets.defs.common.resources import AlreadyWritten, LakeResource, PartitionWrites
from hf_assets.storage.parquet import Table
from hf_assets.trends import predictions
from hf_assets.trends.lives.model_phases import store_phases
from hf_assets.trends.series import adoption, schemas
from hf_assets.trends.series import lifecycle as lives
from hf_assets.trends.series.concentration_history import concentration_history
from hf_assets.trends.series.incremental import (
    Series,
    categories,
    counts,
    levels,
    levels_of_both,
    levels_of_datasets,
    refresh,
)
from hf_assets.trends.series.key_history import (
    author_history,
    category_history,
    dataset_group_history,
    family_history,
    library_history,
    license_history,
)
from hf_assets.trends.series.model_history import dataset_history, model_history
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.usage_history import space_usage_history, used_by_history

GROUP = "trends/history"

DAY_QUALITY_DEP = dg.AssetDep("day_quality")
# Built in one step from a single read of `daily_metrics`; each with its description in the UI.
FROM_METRICS: dict[str, tuple[Series, str]] = {
    series.table.name: (series, about)
    for series, about in (
        (
            categories(schemas.CATEGORY_HISTORY, category_history),
            "Categories over time: level, share, growth.",
        ),
        (
            levels(schemas.LIBRARY_HISTORY, library_history),
            "Libraries over time: level, share, growth.",
        ),
        (
            levels(schemas.LICENSE_HISTORY, license_history),
            "Licences over time, their groups, and derivatives looser or stricter than their base.",
        ),
        (
            levels(schemas.FAMILY_HISTORY, family_history),
            "Derivatives over time: relations, families, formats, sizes, quantisers, licences.",
        ),
        (
            levels(schemas.AUTHOR_HISTORY, author_history),
            "Authors over time, of each day's top 1000.",
        ),
        (
            levels(schemas.MODEL_HISTORY, model_history),
            "Every model that was ever among a day's top 1000, over time.",
        ),
        (
            levels_of_datasets(schemas.DATASET_HISTORY, dataset_history),
            "Every dataset that was ever among a day's top 1000, over time.",
        ),
        (
            levels_of_datasets(schemas.DATASET_GROUP_HISTORY, dataset_group_history),
            "Datasets by task, language, size, modality, format and licence, over time.",
        ),
        (
            levels(schemas.SPACE_USAGE_HISTORY, space_usage_history),
            "Models and SDKs that Spaces use, over time.",
        ),
        (
            levels(schemas.USED_BY_HISTORY, used_by_history),
            "What uses what over time: edges, training data, datasets and papers most used.",
        ),
        (
            levels_of_both(schemas.CONCENTRATION_HISTORY, concentration_history),
            "Share of downloads of the top models, datasets and authors, and how many are new.",
        ),
    )
}


class SeriesConfig(dg.Config):
    """Whether to rebuild every month, or those alone whose inputs changed."""

    full_refresh: bool = Field(
        default=False,
        description="Rebuild every month, as after a change of code; false: those months alone "
        "whose inputs changed.",
    )
    anew: bool | None = Field(default=None, description="Deprecated: the old name of full_refresh.")

    @property
    def rebuild_all(self) -> bool:
        """`full_refresh`, or `anew` where a run still says so."""
        if self.anew is None:
            return self.full_refresh
        warnings.warn(
            "the config field `anew` is now `full_refresh`; the next version drops the old name",
            FutureWarning,
            stacklevel=2,
        )
        return self.full_refresh or self.anew


def series_asset(table: Table, *deps: dg.AssetDep) -> Callable[..., dg.AssetsDefinition]:
    """An asset that stores one table over all days in the lake."""
    return dg.asset(
        name=table.name,
        group_name=GROUP,
        owners=["team:hub"],
        kinds={"polars", "parquet"},
        deps=list(deps),
        io_manager_key="tables",
        metadata=_table_metadata(table),
        automation_condition=after_changes(),
    )


def _table_metadata(table: Table) -> dict[str, object]:
    return {"dagster/column_schema": column_schema(table), "dagster/table_name": table.name}


@dg.multi_asset(
    name="histories",
    outs={
        name: dg.AssetOut(
            description=about,
            group_name=GROUP,
            owners=["team:hub"],
            kinds={"polars", "parquet"},
            io_manager_key="tables",
            metadata=_table_metadata(series.table),
            automation_condition=after_changes(),
            is_required=False,
        )
        for name, (series, about) in FROM_METRICS.items()
    },
    deps=[every_day("daily_metrics"), DAY_QUALITY_DEP, every_day("predicted_categories")],
    internal_asset_deps={
        name: {
            *map(dg.AssetKey, ("daily_metrics", "day_quality")),
            *([dg.AssetKey("predicted_categories")] if name == "category_history" else []),
        }
        for name in FROM_METRICS
    },
    can_subset=True,
)
def histories(
    context: dg.AssetExecutionContext, config: SeriesConfig, lake: LakeResource
) -> Iterator[dg.Output[AlreadyWritten]]:
    """The series built from `daily_metrics`, which is read once for all of them.

    A month is rebuilt if one of its days, or a day that their rates look back on, has changed;
    `full_refresh` rebuilds every month, as after a change of code.
    """
    chosen = context.op_execution_context.selected_output_names
    series = [one for name, (one, _) in FROM_METRICS.items() if name in chosen]
    with clear_failures():
        tables = refresh(Past(lake.tree), *series, full_refresh=config.rebuild_all)
    for one, stored in zip(series, tables, strict=True):
        yield dg.Output(AlreadyWritten(one.table, stored), one.table.name)


@series_asset(schemas.MODEL_PHASES, dg.AssetDep("model_history"), DAY_QUALITY_DEP)
def model_phases(context: dg.AssetExecutionContext, lake: LakeResource) -> AlreadyWritten:
    """Every model's peak, half-life, phase of hype, and growth.

    Of `model_days`, which this makes current itself: figures and report are behind it, and would be
    skipped where it waited for a step that fails. Then it has the first thousand alone.
    """
    with clear_failures():
        stored = store_phases(lake.tree, context.log.warning)
    return AlreadyWritten(schemas.MODEL_PHASES, stored)


@series_asset(schemas.PREDICTION_HISTORY, every_day("predicted_categories"))
def prediction_history(lake: LakeResource) -> PartitionWrites:
    """Predicted categories over time: how many, and how many the Hub has confirmed since."""
    return once(schemas.PREDICTION_HISTORY, lambda: predictions.prediction_history(lake.tree))


@series_asset(schemas.ADOPTION_HISTORY, every_day("daily_changes"), DAY_QUALITY_DEP)
def adoption_history(config: SeriesConfig, lake: LakeResource) -> PartitionWrites:
    """How long models take to 1 k, 10 k, 100 k and 1 M downloads; the slower ones are censored."""
    make = partial(adoption.adoption_history, Past(lake.tree), full_refresh=config.rebuild_all)
    return once(schemas.ADOPTION_HISTORY, make)


@series_asset(schemas.LIFECYCLE, every_day("daily_changes"), DAY_QUALITY_DEP)
def lifecycle(config: SeriesConfig, lake: LakeResource) -> AlreadyWritten:
    """Models and datasets created, deleted, returned, first seen late, renamed and gated, a day.

    For lists of some of them: those that entered and left.
    """
    series = counts(schemas.LIFECYCLE, lives.lifecycle)
    with clear_failures():
        (stored,) = refresh(Past(lake.tree), series, full_refresh=config.rebuild_all)
    return AlreadyWritten(series.table, stored)
