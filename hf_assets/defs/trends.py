"""Aggregates and figures of a day. Not here: how they are counted or drawn (`trends`)."""

import base64
import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from hf_assets.defs.daily import Tables, daily_table, each_day
from hf_assets.defs.partitions import daily, single_run
from hf_assets.defs.resources import Days, LakeResource
from hf_assets.lake import Lake, Stored
from hf_assets.trends import metrics

if TYPE_CHECKING:
    from hf_assets.charts.saving import Rendered
    from hf_assets.trends.snapshot import Snapshot


# Written last: a day whose run died while drawing has none.
FIGURES_MARKER = "figures.json"


@daily_table(metrics.DAILY_METRICS, group="trends")
def daily_metrics(models: Tables, enriched_spaces: Tables, model_usage: Tables) -> Days:
    """The day in a few hundred sums: by category, library, licence, sdk, year; the top 1000."""
    chosen = {day: stored.notes["chosen_usage"] for day, stored in model_usage.items()}
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
    lake: LakeResource,
) -> dg.MaterializeResult:
    """Figures of the day, as PNG and SVG; the gallery below shows them here.

    What is popular: downloads, likes and trending score by category, shares, years, usage.
    """
    # Imported here: matplotlib takes as long to load as the rest of the code location.
    from hf_assets.trends.drawing import draw_days

    snapshots = {day: _snapshot(daily_metrics[day], model_usage[day]) for day in daily_metrics}
    drawn = draw_days(list(snapshots.values()))
    for day, rendered in zip(snapshots, drawn, strict=True):
        facts = _stored_figures(lake.tree, day, rendered, daily_metrics[day].provenance)
        context.add_asset_metadata(facts, partition_key=day)
    return dg.MaterializeResult()


def _snapshot(day_metrics: Stored, usage: Stored) -> "Snapshot":
    from hf_assets.trends.snapshot import Snapshot

    return Snapshot(
        day=date.fromisoformat(day_metrics.day),
        source=_source(day_metrics),
        models=day_metrics.notes["models"],
        spaces=day_metrics.notes["Spaces"],
        metrics=day_metrics.frame.collect(),
        usage=usage.frame.collect(),
    )


def _stored_figures(
    lake: Lake, day: str, drawn: Mapping[str, "Rendered"], provenance: Mapping[str, Any]
) -> dict[str, Any]:
    gallery, size = [], 0
    for name, rendered in drawn.items():
        for suffix, content in (("png", rendered.png), ("svg", rendered.svg)):
            lake.write_file("snapshot_figures", day, f"{name}.{suffix}", content)
            size += len(content)
        encoded = base64.b64encode(rendered.gallery).decode()
        gallery.append(f"![{name.replace('_', ' ')}](data:image/png;base64,{encoded})")
    manifest = {"figures": list(drawn), "provenance": provenance}
    lake.write_file("snapshot_figures", day, FIGURES_MARKER, json.dumps(manifest).encode())
    return {
        "gallery": dg.MetadataValue.md("\n\n".join(gallery)),
        "figures": len(gallery),
        "bytes": size,
        "path": dg.MetadataValue.path(str(lake.folder("snapshot_figures", day))),
        "provenance": dg.MetadataValue.json(dict(provenance)),
    }


def _source(stored: Stored) -> str:
    """Which Hub the day's models were captured from."""
    endpoint = str(stored.provenance.get("raw_models", {}).get("endpoint", ""))
    host = endpoint.split("://")[-1]
    return "an embedded Hub" if host.startswith("127.0.0.1:") else host or "an unknown Hub"
