"""Figures over many days, and the report."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from hf_assets.defs.common.automation import after_changes
from hf_assets.defs.common.factories import every_day
from hf_assets.defs.common.failures import LONGEST_LINE
from hf_assets.defs.common.metadata import gallery, stored_folder
from hf_assets.defs.common.resources import LakeResource
from hf_assets.errors import clean
from hf_assets.storage.folders import replacing_folder

if TYPE_CHECKING:
    from hf_assets.trends.figures.history.history import History

SERIES = (
    "category_history", "library_history", "license_history", "family_history",
    "model_history", "model_phases",
    "adoption_history", "space_usage_history", "concentration_history", "lifecycle", "day_quality",
    "dataset_history", "dataset_group_history", "prediction_history", "used_by_history",
)  # fmt: skip


@dg.asset(
    group_name="trends/history",
    owners=["team:hub"],
    kinds={"matplotlib"},
    deps=[*SERIES],
    automation_condition=after_changes(),
)
def trend_figures(lake: LakeResource) -> dg.MaterializeResult:
    """Figures over all days, as PNG and SVG: shares, ranks, risers, adoption; the gallery is below.

    Missing days are left open and shaded grey; untrusted days are shaded yellow.
    """
    from hf_assets.trends.figures.history.history import read_history
    from hf_assets.trends.figures.render import draw

    history = read_history(lake.tree)
    drawn = draw(history)
    place = lake.tree.folder("trend_figures", None)
    facts = _days(history)
    with replacing_folder(place, public=True) as folder:
        for name, rendered in drawn.items():
            rendered.write(folder, name)
        _write(folder / "figures.json", {"figures": list(drawn), **facts})
    shown = gallery({name: rendered.gallery for name, rendered in drawn.items()})
    return dg.MaterializeResult(metadata={"gallery": shown, "figures": len(drawn)}
                                | facts | stored_folder(place))  # fmt: skip


@dg.asset(
    group_name="trends/history",
    owners=["team:hub"],
    kinds={"html"},
    deps=[*SERIES, every_day("daily_metrics"), every_day("model_usage")],
    automation_condition=after_changes(),
)
def insights_report(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """A page to mail or to publish as a static Space: numbers, trends, the newest trusted day.

    With a badge for each of the first thousand models: `badge/<id>.svg` and `.json`.
    """
    from hf_assets.trends.figures.history.history import read_history
    from hf_assets.trends.report.page import newest_code, newest_day, write_report

    history = read_history(lake.tree)
    day = newest_day(lake.tree, history)
    # No input: the report must not wait an hour for the files of Spaces, nor fail with them.
    files = write_report(history, day, code=newest_code(lake.tree))
    shown = _badges(context, lake, history)
    place = lake.tree.folder("insights_report", None)
    with replacing_folder(place, public=True) as folder:
        for name, content in (files | shown).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    facts = {"figures of": str(day.day) if day else "no day", "badges": len(shown) // 2}
    facts |= _days(history)
    return dg.MaterializeResult(metadata=facts | stored_folder(place, "index.html"))


def _badges(
    context: dg.AssetExecutionContext, lake: LakeResource, history: "History"
) -> dict[str, bytes]:
    """The badges; none where a stored day cannot say which models are private."""
    from hf_assets.publishing.record import read_published
    from hf_assets.publishing.withheld import private_models
    from hf_assets.trends.report.badges import badges

    try:
        withheld = private_models(lake.tree, read_published(lake.tree).private)
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
        # The report reads the newest day alone: it comes out where an older one is damaged.
        said = clean(error, LONGEST_LINE)
        context.log.warning(f"No badges: which models are private is unknown: {said}")
        return {}
    return badges(history, withheld)


def _days(history: "History") -> dict[str, Any]:
    """The days that the figures cover."""
    there = history.days.filter(~history.days["gap"].fill_null(False))
    first, last = (str(there["day"][at]) if there.height else "none" for at in (0, -1))
    trusted = int(history.days["trusted"].fill_null(False).sum())
    return {"first day": first, "last day": last, "days": there.height, "trusted days": trusted}


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
