"""Aggregates and figures of a day. Not here: how they are counted or drawn (`trends`)."""

import base64
from datetime import date
from typing import Any

import dagster as dg

from hf_assets.defs.daily import Tables, daily_table, each_day
from hf_assets.defs.partitions import daily, single_run
from hf_assets.defs.resources import Days, LakeResource
from hf_assets.lake import Lake, Stored
from hf_assets.trends import metrics


@daily_table(metrics.DAILY_METRICS, group="trends")
def daily_metrics(models: Tables, enriched_spaces: Tables, model_usage: Tables) -> Days:
    """The day in a few hundred sums: by category, library, licence, sdk, year; the top 1000."""
    chosen = {day: stored.aside("chosen_usage") for day, stored in model_usage.items()}
    return each_day(metrics.DAILY_METRICS, metrics.daily_metrics, models, enriched_spaces, chosen)


@dg.asset(
    group_name="trends",
    owners=["team:hub"],
    kinds={"matplotlib"},
    partitions_def=daily,
    backfill_policy=single_run,
    io_manager_key="tables",
)
def snapshot_figures(
    context: dg.AssetExecutionContext,
    daily_metrics: Tables,
    model_usage: Tables,
    enriched_spaces: Tables,
    models: Tables,
    lake: LakeResource,
) -> dg.MaterializeResult:
    """Figures of the day, as PNG and SVG; the gallery below shows them here.

    What is popular: downloads, likes and trending score by category, shares, years, usage.
    """
    for day in daily_metrics:
        rows = {"models": models[day].rows, "spaces": enriched_spaces[day].rows}
        drawn = _draw(lake.tree, day, daily_metrics[day], model_usage[day], rows)
        context.add_asset_metadata(drawn, partition_key=day)
    return dg.MaterializeResult()


def _draw(
    lake: Lake, day: str, day_metrics: Stored, usage: Stored, rows: dict[str, int]
) -> dict[str, Any]:
    # Imported here: matplotlib takes as long to load as the rest of the code location.
    from hf_assets.trends.charts import render
    from hf_assets.trends.figures import FIGURES, Snapshot

    snapshot = Snapshot(
        day=date.fromisoformat(day),
        source=_source(day_metrics),
        metrics=day_metrics.frame.collect(),
        usage=usage.frame.collect(),
        **rows,
    )
    gallery, size = [], 0
    for name, figure in FIGURES.items():
        rendered = render(figure(snapshot))
        for suffix, content in (("png", rendered.png), ("svg", rendered.svg)):
            lake.write_file("snapshot_figures", day, f"{name}.{suffix}", content)
            size += len(content)
        encoded = base64.b64encode(rendered.gallery).decode()
        gallery.append(f"![{name.replace('_', ' ')}](data:image/png;base64,{encoded})")
    return {
        "gallery": dg.MetadataValue.md("\n\n".join(gallery)),
        "figures": len(gallery),
        "bytes": size,
        "path": dg.MetadataValue.path(str(lake.folder("snapshot_figures", day))),
        "provenance": dg.MetadataValue.json(day_metrics.provenance),
    }


def _source(stored: Stored) -> str:
    """The host that the day's models were captured from."""
    facts = stored.provenance.get("raw_models", {})
    return str(facts.get("endpoint", "")).split("://")[-1] or "unknown"
