"""Figures of the days themselves: new models a week, and the quality of each day."""

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import Along, day_name, day_ticks, span_up
from hf_assets.charts.figure import figure
from hf_assets.charts.lines import Line, draw_line, plot_box
from hf_assets.charts.marks import BLUE, FAINT, INK, MUTED, NAVY, NONE, PALE, Sheet
from hf_assets.charts.numbers import exact, human, in_words, plural
from hf_assets.charts.panels import DOWN, FEET, PALETTE, Box, panel
from hf_assets.charts.wording import fit
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.trends.figures.day.snapshot import number_of
from hf_assets.trends.figures.history.history import (
    History,
    drawn_from,
    ordinals,
    period_of,
)
from hf_assets.trends.series.schemas import CATEGORY_HISTORY, LIFECYCLE

_WHOLE_WEEK = 6.5  # days really spanned from which a week counts as full


@figure
def new_models(h: History) -> Figure:
    """New models a week, over the days really spanned; weeks that lack days are paler."""
    title = "New models a week"
    frame = h.rows(LIFECYCLE)
    period = period_of(h, frame["day"])
    created, deleted = _weekly(frame, "created"), _weekly(frame, "deleted")
    if not period or not created:
        return Sheet(title, "", []).message("no two days of the whole Hub to compare yet")
    caption = [
        *period.words,
        drawn_from(LIFECYCLE, frame.height),
        "weeks begin on Monday; days that are not trusted are left out",
    ]
    partial = any(days < _WHOLE_WEEK for _, days in created.values())
    key = [(BLUE, "full weeks")] if any(d >= _WHOLE_WEEK for _, d in created.values()) else []
    key += [(PALE, "weeks that lack days: extrapolated from the others")] if partial else []
    sheet = Sheet(title, _weekly_finding(created, deleted), caption, 440 if deleted else 300,
                  [*key, *period.legend("days not trusted: not counted")])  # fmt: skip
    box = plot_box(sheet)
    first, last = min(created), max(created) + 7
    spare = max(28 - (last - first), 0) // 2  # a week alone is no wall
    first, last = first - spare, last + spare
    along = Along(first, last, lambda px: _mondays(first, last, px), shaded=period.shaded,
                  missing=period.missing)  # fmt: skip
    cut = box.top + (box.bottom - box.top) * (0.66 if deleted else 1)
    _columns(sheet, box._replace(bottom=cut), along, created, "created", BLUE, PALE)
    if deleted:
        _columns(sheet, box._replace(top=cut + 8), along, deleted, "no longer listed", MUTED, NONE)
    return sheet.figure


def _weekly(frame: pl.DataFrame, column: str) -> dict[int, tuple[float, float]]:
    """By Monday: the count a week in whole models, and the days that were spanned."""
    found: dict[int, tuple[float, float]] = {}
    for row in frame.filter(pl.col("trusted").fill_null(True)).to_dicts():
        count, spanned = number_of(row[column]), number_of(row["days_spanned"])
        if count is not None and spanned and spanned > 0:
            monday = row["day"].toordinal() - row["day"].weekday()
            n, days = found.get(monday, (0.0, 0.0))
            found[monday] = (n + count, days + spanned)
    return {
        monday: (float(round(7 * n / days)), min(days, 7))
        for monday, (n, days) in sorted(found.items())
    }


def _mondays(first: int, last: int, px: float) -> list[tuple[float, str]]:
    """Ticks in the middle of the weeks that begin on those days."""
    ticks = day_ticks(first, last - 1, px, least=7)
    weeks = all((x - 1) % 7 == 0 for x, _ in ticks)  # ordinal 1 was a Monday
    middles = [(x + 3.5 * weeks, text) for x, text in ticks]
    return [(x, text) for x, text in middles if x < last]


def _columns(
    sheet: Sheet,
    box: Box,
    along: Along,
    weeks: dict[int, tuple[float, float]],
    title: str,
    color: str,
    pale: str,
) -> None:
    up = span_up([n for n, _ in weeks.values()], whole=True)
    axes = panel(sheet, box, along, up, title)
    shades = [color if days >= _WHOLE_WEEK else pale for _, days in weeks.values()]
    axes.bar([monday + 3.5 for monday in weeks], [n for n, _ in weeks.values()], width=5.6,
             color=shades, zorder=2)  # fmt: skip
    pitch = 7 * (box.right - box.left - 40) / (along.high - along.low)
    if pitch < 38:
        return
    for monday, (n, _) in weeks.items():
        axes.annotate(human(n), (monday + 3.5, n), (0, 4), textcoords="offset points",
                      ha="center", fontsize=8.5, color=INK, parse_math=False)  # fmt: skip


def _weekly_finding(
    created: dict[int, tuple[float, float]], deleted: dict[int, tuple[float, float]]
) -> str:
    whole_weeks = [monday for monday, (_, days) in created.items() if days >= _WHOLE_WEEK]
    if not whole_weeks:
        monday = max(created)
        return (
            f"At the rate of the days there are: {plural(created[monday][0], 'new model')} a week"
        )
    last = whole_weeks[-1]
    best = max(whole_weeks, key=lambda monday: created[monday][0])
    text = f"{plural(created[last][0], 'new model')} in the week of {day_name(last)}"
    if best != last:
        text += f"; most in the week of {day_name(best)}, {in_words(created[best][0])}"
    elif len(whole_weeks) > 1:
        text += f", the most of {len(whole_weeks)} full weeks"
    if last in deleted:
        text += f"; {in_words(deleted[last][0])} left the listing"
    return text


# --- the days themselves -------------------------------------------------------------------------

_LANES = (("gap", "missing"), ("partial", "partial"), ("stalled", "stalled"),
          ("rolled_back", "rolled back"), ("short", "under 18 hours"))  # fmt: skip
_SOURCES = {"captured": BLUE, "hub-stats": PALE, "folder": NAVY}
_SOURCE_WORDS = {"captured": "captured", "hub-stats": "hub-stats", "folder": "recorded files"}
_LANE = 20  # px of a row of marks


@figure
def day_quality(h: History) -> Figure:
    """Downloads and rows of every day as captured, with its source and its flags."""
    title = "Which days there are, and which to trust"
    frame = h.days
    there = frame.filter(~pl.col("gap").fill_null(False))
    period = period_of(h, there["day"])
    if not period:
        return Sheet(title, "", []).message("no day yet")
    caption = [*period.words, drawn_from(DAY_QUALITY, frame.height), "numbers as captured; "
               "downloads a day from counters since creation"]  # fmt: skip
    days = ordinals(frame)
    panels = _panels(h, frame)
    lanes = [(name, text) for name, text in _LANES if frame[name].any()]
    key = [(color, _SOURCE_WORDS[name]) for name, color in _SOURCES.items()
           if name in frame["source"]]  # fmt: skip
    deep = _LANE * (len(lanes) + 1) + 14
    legend = [*key, *period.legend("days not trusted")]
    sheet = Sheet(title, _trust_finding(frame, days), caption, 120 * len(panels) + deep, legend)
    box = plot_box(sheet)
    bottom = box.bottom - deep - 12
    high = (bottom - box.top - FEET) / max(len(panels), 1)
    left = 104
    along = period.along
    for i, (text, x, y, color) in enumerate(panels):
        foot = FEET * (i == len(panels) - 1)
        place = Box(box.left, box.top + i * high, box.right, box.top + (i + 1) * high + foot)
        up = span_up([v for v in y if v is not None], zero=False)
        axes = panel(sheet, place, along, up, text, inset=left, foot=i == len(panels) - 1)
        draw_line(axes, Line("", x, y, color), step=period.step, width=1.6)
    _marks(sheet, box._replace(top=bottom + 8), along, frame, lanes, left)
    return sheet.figure


def _panels(
    h: History, frame: pl.DataFrame
) -> list[tuple[str, list[int], list[float | None], str]]:
    """Title, days, values and colour of each measure with values."""
    found = []
    days = ordinals(frame)
    for column, text in (("downloads", "downloads in the last 30 days, all models"),
                         ("models", "models listed"), ("spaces", "Spaces listed")):  # fmt: skip
        values = [number_of(v) for v in frame[column]]
        if any(v is not None for v in values):
            found.append((text, days, values, BLUE))
    daily = (
        h.rows(CATEGORY_HISTORY, pl.col("daily_downloads").is_finite())
        .group_by("day").agg(pl.col("daily_downloads").sum()).sort("day")
    )  # fmt: skip
    if daily.height > 1:
        x = [day.toordinal() for day in daily["day"]]
        found.insert(1, ("downloads a day", x, daily["daily_downloads"].to_list(), PALETTE[2]))
    return found


def _marks(
    sheet: Sheet,
    box: Box,
    along: Along,
    frame: pl.DataFrame,
    lanes: Sequence[tuple[str, str]],
    left: float,
) -> None:
    """A row of marks for each flag, and a row for the sources."""
    axes = sheet.axes(box.left + left, box.top, box.right, box.top + _LANE * (len(lanes) + 1))
    rows = len(lanes) + 1
    axes.set(xlim=(along.low, along.high), ylim=(rows - 0.5, -0.5), xticks=[], yticks=[])
    axes.spines["bottom"].set_visible(False)
    wide = max(1.0, 3 * (along.high - along.low) / (box.right - box.left - left))
    for i, (name, _) in enumerate([("source", "from"), *lanes]):
        text = "from" if not i else dict(_LANES)[name]
        y = box.top + _LANE * (i + 0.5) + 4
        sheet.text(box.left + left - 8, y, fit(text, 9, left - 8), 9, MUTED, ha="right")
        axes.axhline(i, color="#EEF0F3", linewidth=9, zorder=0)
        # An artist for each lane and colour: a patch a day would take seconds over two years.
        strips: dict[str, list[tuple[float, float]]] = {}
        for row in frame.select("day", "source", *(lane for lane, _ in lanes)).to_dicts():
            at = row["day"].toordinal()
            if i and row[name]:
                strips.setdefault(DOWN, []).append((at - wide / 2, wide))
            elif not i and row["source"]:
                color = _SOURCES.get(row["source"], FAINT)
                strips.setdefault(color, []).append((at - 0.5, 1.0))
        for color, spans in strips.items():
            axes.broken_barh(spans, (i - 0.31, 0.62), color=color, linewidth=0, zorder=2)


def _trust_finding(frame: pl.DataFrame, days: Sequence[int]) -> str:
    trusted = int(frame["trusted"].fill_null(False).sum())
    text = f"{exact(trusted)} of {plural(len(days), 'day', number=exact)} can be trusted"
    counts = [f"{exact(n)} {words}" for name, words in _LANES if (n := int(frame[name].sum() or 0))]
    return f"{text}: {', '.join(counts)}" if counts else text
