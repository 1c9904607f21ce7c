"""Shares over many days, stacked to 100 %: the figures of categories, licences and sizes."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import span_up
from hf_assets.charts.lines import Line, areas_panel, line_ends, plot_box
from hf_assets.charts.marks import NONE, OTHER, Sheet, is_narrow
from hf_assets.charts.numbers import human, percent, plural
from hf_assets.charts.panels import PALETTE, below, names_room
from hf_assets.charts.wording import clean
from hf_assets.storage.parquet import Table
from hf_assets.trends.figures.day.snapshot import shortened
from hf_assets.trends.figures.history.history import (
    History,
    Period,
    drawn_from,
    ends_of,
    ordinals,
    period_of,
    series,
    signed,
)

_SHOWN = 7  # keys with a colour of their own, besides "others" and "none given"
_DEEP = 300  # px of a panel of areas
BEHIND = "behind a name: its share on the last day, and its change since the first in points"


def in_percent(value: float) -> str:
    """A share in words."""
    return f"{human(100 * value)}%"


def nothing(title: str, h: History, what: str) -> Figure:
    """A frame that says what is missing."""
    there = plural(h.days.height, "day") + " in day_quality" if h.days.height else "no day yet"
    return Sheet(title, "", [there]).message(f"no {what} yet")


def _layers(
    frame: pl.DataFrame,
    column: str,
    days: Sequence[int],
    shown: Sequence[str],
    names: Mapping[str, str],
    lumped: str,
    without: str,
) -> list[Line]:
    """A layer for each key, then the share of all other keys, then of rows without a key."""
    found = series(frame, "key", column, days)
    if not any(ends_of(values) for values in found.values()):
        return []
    nobody = [None] * len(days)
    none = found.get(None, nobody)
    chosen = [found.get(key, nobody) for key in shown]
    known = [any(values[i] is not None for values in found.values()) for i in range(len(days))]
    rest: list[float | None] = [
        max(0.0, 1 - sum(values[i] or 0 for values in [*chosen, none])) if known[i] else None
        for i in range(len(days))
    ]
    layers = [
        Line(names.get(key, clean(key)), days, values, PALETTE[i], moved(values))
        for i, (key, values) in enumerate(zip(shown, chosen, strict=True))
    ]
    if lumped and any((value or 0) > 5e-4 for value in rest):
        layers.append(Line(lumped, days, rest, OTHER, moved(rest)))
    if any(none):
        layers.append(Line(without, days, none, NONE, moved(none)))
    return layers


def moved(values: Sequence[float | None]) -> str:
    """A share on the last day and its change in points."""
    ends = ends_of(values)
    if ends is None:
        return ""
    change = f" {signed(100 * (ends[1] - ends[0]))}" if len(values) > 1 else ""
    return percent(ends[1], 1) + change


def over_time(
    h: History,
    table: Table,
    frame: pl.DataFrame,
    title: str,
    nouns: str,
    *,
    keys: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    of: str = "models",
    without: str = "none given",
    lead: str = "",
    period: Period | None = None,
) -> Figure:
    """Two panels of shares stacked to 100 %: by downloads and by number.

    Args:
        h: the history.
        table: the series.
        frame: its rows.
        title: of the figure.
        nouns: what the keys are.
        keys: shown in this order; by default those with the largest shares.
        names: words for keys.
        of: whose number.
        without: words for rows without a key.
        lead: the finding; by default who gained and who lost most.
        period: the days; by default as models are trusted.
    """
    period = period or period_of(h, frame["day"])
    days = ordinals(frame)
    weight = "share_downloads"
    if frame[weight].null_count() == frame.height:
        weight = "share_rows"
    last = frame.filter(pl.col("key").is_not_null() & pl.col(weight).is_not_null())
    by_share = (
        last.group_by("key").agg(pl.col(weight).sort_by("day").last()).sort(weight, "key",
        descending=[True, False])["key"].to_list()
    )  # fmt: skip
    shown = [key for key in keys if key in by_share] if keys else by_share[:_SHOWN]
    many = len(by_share) - len(shown)
    lumped = "" if keys else f"{many} other {nouns}" if many else "others"
    panels = {
        words: _layers(frame, column, days, shown, names or {}, lumped, without)
        for words, column in (("share of downloads", "share_downloads"),
                             (f"share of {of}", "share_rows"))
    }  # fmt: skip
    panels = {words: layers for words, layers in panels.items() if layers}
    if not period or not panels:
        return nothing(title, h, f"shares of {nouns}")
    caption = [*period.words, drawn_from(table, frame.height), BEHIND]
    lead = lead or _gains(next(iter(panels.values())), next(iter(panels)).removeprefix("share of "))
    sheet = Sheet(title, lead, caption, _DEEP * len(panels) - 20, period.legend())
    box = plot_box(sheet)
    most = (0.48 if is_narrow() else 0.4) * (box.right - box.left)
    room = max(names_room(line_ends(layers), most) for layers in panels.values())
    for part, (words, layers) in zip(below(box, len(panels)), panels.items(), strict=True):
        up = span_up([0, 1], in_percent, most=1)
        areas_panel(sheet, part, period.along, up, layers, words, room=room)
    return sheet.figure


def _gains(layers: Sequence[Line], of: str) -> str:
    """Who gained and who lost most; on a single day, who leads."""
    moved = [
        (ends[1] - ends[0], line.name, ends[1])
        for line in layers
        if line.color not in (OTHER, NONE) and (ends := ends_of(line.y))
    ]
    if not moved:
        return ""
    most, least = max(moved), min(moved)
    if max(abs(most[0]), abs(least[0])) < 5e-4:
        first = max(moved, key=lambda one: one[2])
        return f"{shortened(first[1])} leads with {percent(first[2], 1)} of {of}"
    words = []
    if most[0] > 0:
        words.append(f"{shortened(most[1])} gained most, {signed(100 * most[0])} points of {of}")
    if least[0] < 0:
        words.append(f"{shortened(least[1])} lost most, {signed(100 * least[0])}")
    return "; ".join(words)
