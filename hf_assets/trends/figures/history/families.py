"""Figures of families of models over many days: derivatives, the biggest families, sizes."""

import math

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import day_name
from hf_assets.charts.figure import figure
from hf_assets.charts.lines import plot_box
from hf_assets.charts.marks import MUTED, NONE, OTHER, Sheet, is_narrow
from hf_assets.charts.numbers import human, percent, plural
from hf_assets.charts.panels import PALETTE
from hf_assets.charts.wording import fit, text_width
from hf_assets.trends.figures.day.snapshot import number_of, shortened
from hf_assets.trends.figures.history.history import (
    History,
    drawn_from,
    last_trusted_day,
    model_name,
    period_of,
    signed,
)
from hf_assets.trends.figures.history.shares import nothing, over_time
from hf_assets.trends.series.schemas import FAMILY_HISTORY

# In the order of the layers, with the words of the figures.
RELATIONS = {
    "finetune": "fine-tuned", "adapter": "adapters", "quantized": "quantised", "merge": "merged",
    "unknown": "relation unknown",
}  # fmt: skip
_ROOT = "root"
_BANDS = ("<1B", "1-10B", "10-35B", "35-100B", "100B+")
_FAMILIES, _ROW = 14, 30  # bars, and px from one to the next


@figure
def derivatives(h: History) -> Figure:
    """Share of downloads and of models that are made from another model, by relation."""
    frame = h.rows(FAMILY_HISTORY, pl.col("of") == "relation")
    return over_time(
        h, FAMILY_HISTORY, frame, "Models made from other models", "relations",
        keys=[*RELATIONS, _ROOT], names=RELATIONS | {_ROOT: "their roots"},
        without="in no family", lead=_to_derivatives(frame),
    )  # fmt: skip


def _to_derivatives(frame: pl.DataFrame) -> str:
    """The share of downloads that goes to derivatives, on the last day and on the first."""
    derived = frame.filter(pl.col("key").is_in([*RELATIONS]), pl.col("share_downloads").is_finite())
    by_day = derived.group_by("day").agg(pl.col("share_downloads").sum()).sort("day")
    if not by_day.height:
        return ""
    (first, before), (last, now) = by_day.row(0), by_day.row(-1)
    lead = f"Derivatives have {percent(now, 1)} of the downloads on {day_name(last)}"
    if first == last:
        return lead
    return f"{lead}, {signed(100 * (now - before))} points since {day_name(first)}"


@figure
def model_sizes(h: History) -> Figure:
    """Share of downloads and of models of each size, in parameters."""
    frame = h.rows(FAMILY_HISTORY, pl.col("of") == "parameters")
    return over_time(h, FAMILY_HISTORY, frame, "Sizes of models over time", "sizes", keys=_BANDS,
                     without="parameters not given")  # fmt: skip


@figure
def biggest_families(h: History) -> Figure:
    """The most downloaded families: a root and all models made from it, by relation."""
    title = "The biggest families"
    last = last_trusted_day(h.frames[FAMILY_HISTORY.name])
    frame = h.rows(FAMILY_HISTORY, pl.col("day") == pl.lit(last, pl.Date))
    whole = float(frame.filter(pl.col("of") == "relation")["downloads"].sum())
    best = frame.filter(
        pl.col("of") == "family", pl.col("downloads") > 0, pl.col("downloads").is_finite()
    ).sort("downloads", "key", descending=[True, False])
    period = period_of(h, [last] if last else [])
    if not best.height or period is None or last is None:
        return nothing(title, h, "families")
    shown = best.head(_FAMILIES)
    parts = _by_relation(frame)
    first = shown.row(0, named=True)
    known = math.isfinite(whole) and whole > 0
    share = f", {percent(first['downloads'], whole)} of all" if known else ""
    # A root that is not listed has no part of its own.
    made = (number_of(first["rows"]) or 1) - (_ROOT in parts.get(first["key"], {}))
    lead = f"{shortened(model_name(first['key']))} and {plural(made, 'model')} made "
    lead += f"from it have {human(first['downloads'])} downloads{share} on {day_name(last)}"
    caption = [
        *period.words,
        drawn_from(FAMILY_HISTORY, frame.height),
        "each model counts in one family, that of its top-most ancestor; downloads in the last 30 "
        "days; in grey the number of models",
    ]
    colors = {_ROOT: NONE} | dict(zip(RELATIONS, [*PALETTE[:4], OTHER], strict=True))
    there = {key for part in parts.values() for key, value in part.items() if value}
    words = {_ROOT: "the root itself"} | RELATIONS
    key = [(color, words[name]) for name, color in colors.items() if name in there]
    sheet = Sheet(title, lead, caption, _ROW * shown.height - 40, key)
    _bars(sheet, shown, parts, colors)
    return sheet.figure


def _by_relation(frame: pl.DataFrame) -> dict[str, dict[str, float]]:
    """The downloads of each family by relation."""
    parts: dict[str, dict[str, float]] = {}
    rows = frame.filter(pl.col("of") == "family_relation").select("key", "downloads")
    for key, downloads in rows.iter_rows():
        relation, _, root = (key or "").partition("/")
        parts.setdefault(root, {})[relation] = number_of(downloads) or 0.0
    return parts


def _bars(
    sheet: Sheet,
    shown: pl.DataFrame,
    parts: dict[str, dict[str, float]],
    colors: dict[str, str],
) -> None:
    """A bar a family, from the root's own part to the derivatives' by relation."""
    box = plot_box(sheet)
    names = (0.3 if is_narrow() else 0.34) * (box.right - box.left)
    values = 62 if is_narrow() else 150
    wide = box.right - box.left - names - values - 12
    most = float(shown["downloads"][0])
    for at, row in enumerate(shown.iter_rows(named=True)):
        top = box.top + at * _ROW
        name = fit(model_name(row["key"]), 10.5, names)
        sheet.text(box.left, top + 15, name, 10.5)
        left = box.left + names + 12
        long = wide * row["downloads"] / most
        mine = {name: max(parts.get(row["key"], {}).get(name, 0.0), 0.0) for name in colors}
        whole = sum(mine.values())
        for relation, color in colors.items():
            part = long * mine[relation] / whole if whole else 0.0
            if part > 0.2:
                sheet.box(left, top + 4, part, 16, color)
            left += part
        label = human(row["downloads"])
        sheet.text(left + 6, top + 15, label, 10.5, bold=True)
        if not is_narrow():
            count = number_of(row["rows"])
            models = "" if count is None else plural(count, "model", number=human)
            after = left + 14 + text_width(label, 10.5, bold=True)
            sheet.text(after, top + 15, models, 10, MUTED)
