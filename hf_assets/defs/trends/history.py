"""Series over all days. Not here: how they are made (`trends`).

They read the lake's small daily tables themselves: a day that is missing is a gap, not an error.
"""

from collections.abc import Callable, Iterator
from functools import partial

import dagster as dg

from hf_assets.defs.common.factories import every_day, once
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.metadata import column_schema
from hf_assets.defs.common.resources import AlreadyWritten, LakeResource, PartitionWrites
from hf_assets.storage.lake import TableWrite
from hf_assets.storage.parquet import Table
from hf_assets.trends.series import adoption, phases, schemas
from hf_assets.trends.series import lifecycle as lives
from hf_assets.trends.series.concentration_history import concentration_history
from hf_assets.trends.series.incremental import brought_up, counts, levels
from hf_assets.trends.series.key_history import (
    author_history,
    category_history,
    library_history,
    license_history,
)
from hf_assets.trends.series.model_history import model_history
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.space_history import space_usage_history

GROUP = "trends/history"
Make = Callable[[Past], TableWrite]


JUDGED = dg.AssetDep("day_quality")
# Made from one read of `daily_metrics`, in one step: what each is, as the UI says it.
FROM_METRICS: dict[str, tuple[Table, Make, str]] = {
    table.name: (table, make, about)
    for table, make, about in (
        (schemas.CATEGORY_HISTORY, category_history, "Categories over time: level, share, growth."),
        (schemas.LIBRARY_HISTORY, library_history, "Libraries over time: level, share, growth."),
        (
            schemas.LICENSE_HISTORY,
            license_history,
            "Licences over time, their groups, and derivatives looser or stricter than their base.",
        ),
        (schemas.AUTHOR_HISTORY, author_history, "Authors over time, of each day's first 1000."),
        (
            schemas.MODEL_HISTORY,
            model_history,
            "Every model that was ever among a day's first 1000, over time.",
        ),
        (schemas.SPACE_USAGE_HISTORY, space_usage_history, "What Spaces use, over time."),
        (
            schemas.CONCENTRATION_HISTORY,
            concentration_history,
            "How much of the downloads the first have, over time, and how many of them are new.",
        ),
    )
}


class SeriesConfig(dg.Config):
    """Whether to trust what was made before."""

    anew: bool = False


def _history(table: Table, *deps: dg.AssetDep) -> Callable[..., dg.AssetsDefinition]:
    return dg.asset(
        name=table.name,
        group_name=GROUP,
        owners=["team:hub"],
        kinds={"polars", "parquet"},
        deps=list(deps),
        io_manager_key="tables",
        metadata=_told(table),
    )


def _told(table: Table) -> dict[str, object]:
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
            metadata=_told(table),
            is_required=False,
        )
        for name, (table, _, about) in FROM_METRICS.items()
    },
    deps=[every_day("daily_metrics"), JUDGED],
    can_subset=True,
)
def histories(
    context: dg.AssetExecutionContext, config: SeriesConfig, lake: LakeResource
) -> Iterator[dg.Output[AlreadyWritten]]:
    """The series that are made from `daily_metrics`: it is read once for all.

    A month is made anew where one of its days, or one that they look back on, is not as it was;
    `anew` makes all of them, as after a change of code.
    """
    chosen = context.op_execution_context.selected_output_names
    series = [levels(table, make) for name, (table, make, _) in FROM_METRICS.items()
              if name in chosen]  # fmt: skip
    with clear_failures():
        found = brought_up(Past(lake.tree), *series, anew=config.anew)
    for one, stored in zip(series, found, strict=True):
        yield dg.Output(AlreadyWritten(one.table, stored), one.table.name)


@_history(schemas.MODEL_PHASES, dg.AssetDep("model_history"))
def model_phases(lake: LakeResource) -> PartitionWrites:
    """Each model's peak, half-life, and the phase of hype that it is in."""
    with clear_failures():
        history = lake.tree.read("model_history", None)
    return once(schemas.MODEL_PHASES, lambda: phases.model_phases(history))


@_history(schemas.ADOPTION_HISTORY, every_day("daily_changes"), JUDGED)
def adoption_history(config: SeriesConfig, lake: LakeResource) -> PartitionWrites:
    """How long models take to 1 k, 10 k, 100 k and 1 M downloads, those that wait counted."""
    make = partial(adoption.adoption_history, Past(lake.tree), anew=config.anew)
    return once(schemas.ADOPTION_HISTORY, make)


@_history(schemas.LIFECYCLE, every_day("daily_changes"), JUDGED)
def lifecycle(config: SeriesConfig, lake: LakeResource) -> AlreadyWritten:
    """Models created, deleted, returned, first seen late, renamed and gated, a day.

    In lists of some models: those that entered and left.
    """
    series = counts(schemas.LIFECYCLE, lives.lifecycle)
    with clear_failures():
        (stored,) = brought_up(Past(lake.tree), series, anew=config.anew)
    return AlreadyWritten(series.table, stored)
