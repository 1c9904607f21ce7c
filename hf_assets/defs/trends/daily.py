"""Aggregates and figures of a day."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from hf_assets.defs.common.events import report_day
from hf_assets.defs.common.factories import Tables, daily_table, each_day
from hf_assets.defs.common.metadata import gallery, stored_path
from hf_assets.defs.common.partitions import daily, hub_runs
from hf_assets.defs.common.resources import OPTIONAL, LakeResource, PartitionWrites
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets.trends.metrics import daily_metrics as metrics
from hf_assets.trends.metrics.uses import uses_of_days

if TYPE_CHECKING:
    from hf_assets.charts.saving import Rendered


# Written last: a day whose run was killed while drawing has no marker.
FIGURES_MARKER = "figures.json"


@daily_table(
    metrics.DAILY_METRICS,
    group="trends",
    # Days of earlier versions lack them.
    ins=dict.fromkeys(("hub_datasets", "uses", "used_by"), dg.AssetIn(metadata=OPTIONAL)),
)
def daily_metrics(
    models: Tables,
    enriched_spaces: Tables,
    model_usage: Tables,
    families: Tables,
    hub_datasets: Tables,
    uses: Tables,
    used_by: Tables,
) -> PartitionWrites:
    """The day as a few hundred sums: by category, library, licence, family, SDK; the top 1000.

    Datasets likewise: by task, language, size, modality, format, licence; the top 1000. What uses
    what: edges, models that name their training data, the most used datasets and papers.
    """
    chosen = {day: stored.notes["chosen_usage"] for day, stored in model_usage.items()}
    spaces = {
        day: one if _has_rows(one, "raw_spaces") else None for day, one in enriched_spaces.items()
    }
    inputs = (models, spaces, model_usage, chosen)
    datasets = {day: one for day, one in hub_datasets.items() if _has_rows(one, "raw_datasets")}
    edges = uses_of_days(uses, used_by)
    more = {"datasets": datasets, "families": families, "uses": edges}
    return each_day(metrics.DAILY_METRICS, metrics.daily_metrics, *inputs, **more)


def _has_rows(stored: StoredTable, raw: str) -> bool:
    """False if the day's source, an archive, has none of that kind."""
    return stored.capture(raw).absent_kind is None


@dg.asset(
    group_name="trends",
    owners=["team:hub"],
    kinds={"matplotlib"},
    partitions_def=daily,
    backfill_policy=hub_runs,
    io_manager_key="tables",
)
def snapshot_figures(
    context: dg.AssetExecutionContext,
    daily_metrics: Tables,
    model_usage: Tables,
    lake: LakeResource,
) -> dg.MaterializeResult:
    """Figures of the day, as PNG and SVG; the gallery below shows them here.

    What is popular: downloads, likes and trending score by category, shares, years, usage.
    """
    # Imported late: matplotlib takes as long to load as the rest of the code location.
    from hf_assets.trends.figures.day.snapshot import snapshot_of
    from hf_assets.trends.figures.render import draw_days

    days = [day for day in daily_metrics if day in model_usage]
    snapshots = {day: snapshot_of(daily_metrics[day], model_usage[day]) for day in days}
    drawn = draw_days(list(snapshots.values()))
    for day, rendered in zip(snapshots, drawn, strict=True):
        provenance = daily_metrics[day].provenance
        report_day(context, day, _stored_figures(lake.tree, context, day, rendered, provenance))
    return dg.MaterializeResult()


@dg.asset(
    group_name="trends",
    owners=["team:hub"],
    kinds={"matplotlib"},
    partitions_def=daily,
    backfill_policy=hub_runs,
    io_manager_key="tables",
)
def space_code_figures(
    context: dg.AssetExecutionContext, space_code: Tables, lake: LakeResource
) -> dg.MaterializeResult:
    """Figures of the code of Spaces, as PNG and SVG: files, bytes, languages, packages.

    Text classification beside text generation, as distributions with medians and their intervals.
    They say which Spaces end up smaller, not which were easier to develop.
    """
    from hf_assets.trends.figures.day.space_code import space_code_of
    from hf_assets.trends.figures.render import draw

    for day, stored in space_code.items():
        drawn = draw(space_code_of(stored))
        facts = _stored_figures(lake.tree, context, day, drawn, stored.provenance)
        report_day(context, day, facts)
    return dg.MaterializeResult()


def _stored_figures(
    lake: Lake,
    context: dg.AssetExecutionContext,
    day: str,
    drawn: Mapping[str, "Rendered"],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    asset, files = context.asset_key.path[-1], dict[str, bytes]()
    for name, rendered in drawn.items():
        files |= {f"{name}.png": rendered.png, f"{name}.svg": rendered.svg}
    manifest = {"figures": list(drawn), "provenance": provenance}
    lake.write_files(asset, day, files | {FIGURES_MARKER: json.dumps(manifest).encode()})
    return {
        "gallery": gallery({name: rendered.gallery for name, rendered in drawn.items()}),
        "figures": len(drawn),
        "size (bytes)": sum(map(len, files.values())),
        "path": stored_path(lake.folder(asset, day))["path"],
        "provenance": dg.MetadataValue.json(dict(provenance)),
    }
