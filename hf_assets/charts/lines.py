"""Marks of a series: lines with their gaps open, stacked areas, steps with bands, ranks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from hf_assets.charts.axes import Along, Up
from hf_assets.charts.marks import FAINT, INK, MARGIN, MUTED, NONE, OTHER, Sheet, is_narrow
from hf_assets.charts.panels import SIZE, Box, End, names_room, panel, shade, write_ends
from hf_assets.charts.wording import fit, text_width

_FAR = 1.5  # a step this many times the usual one is a gap


@dataclass(frozen=True)
class Line:
    """A series: positions along the axis in order, values (None or NaN: unknown), and its looks.

    `note` follows the name at the end in grey; `low` and `high` are the ends of a band; `hatched`
    is of an area.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    color: str
    note: str = ""
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dashed: bool = False
    hatched: bool = False


def usual_step(x: Sequence[float]) -> float:
    """The median distance of neighbours: a series may have a day, or a day a week."""
    steps = np.diff(np.unique(np.asarray(x, float)))
    return float(np.median(steps)) if steps.size else 1.0


def runs(x: Sequence[float], y: Sequence[float | None], step: float = 0) -> list[slice]:
    """Stretches without a gap: no value is missing, and no step is longer than usual."""
    values = numbers(y)
    step = step or usual_step(x)
    found: list[slice] = []
    start = None
    for i, value in enumerate(values):
        if not math.isfinite(value):
            start = None
        elif start is None or x[i] - x[i - 1] > _FAR * step:
            start = i
            found.append(slice(i, i + 1))
        else:
            found[-1] = slice(start, i + 1)
    return found


def numbers(y: Sequence[float | None]) -> np.ndarray:
    """Values as floats; NaN where unknown."""
    return np.array([math.nan if v is None else float(v) for v in y], float)


def _end(line: Line) -> tuple[float, float] | None:
    valid = [(x, y) for x, y in zip(line.x, numbers(line.y), strict=True) if math.isfinite(y)]
    return valid[-1] if valid else None


def draw_line(axes: Axes, line: Line, step: float = 0, width: float = 2.0) -> None:
    """Draw a series with its gaps open; a value alone between gaps is a dot."""
    x, y = np.asarray(line.x, float), numbers(line.y)
    style = (0, (4, 2.5)) if line.dashed else "solid"
    for run in runs(line.x, line.y, step):
        if run.stop - run.start == 1:
            axes.plot(x[run], y[run], "o", color=line.color, markersize=width + 2.5)
        else:
            axes.plot(x[run], y[run], color=line.color, linewidth=width, linestyle=style,
                      solid_capstyle="round", solid_joinstyle="round", clip_on=False)  # fmt: skip


def lines_panel(
    sheet: Sheet,
    box: Box,
    along: Along,
    up: Up,
    lines: Sequence[Line],
    title: str = "",
    *,
    room: float | None = None,
    steps: bool = False,
    step: float = 0,
) -> Axes:
    """Lines in a panel, each named at its end.

    Args:
        lines: the more important first; they are drawn on top.
        room: px for the names, so that panels below each other end level; else what they need.
        steps: each value holds until the next, with its band: a survival curve.
        step: the distance of neighbours without a gap; else the usual distance.
    """
    ends = line_ends(lines)
    most = (0.46 if is_narrow() else 0.36) * (box.right - box.left)
    room = names_room(ends, most) if room is None else room
    axes = panel(sheet, box, along, up, title, names=room)
    for line in reversed(lines):
        if steps:
            _draw_steps(axes, line)
        else:
            draw_line(axes, line, step)
    write_ends(sheet, axes, ends, room)
    return axes


def line_ends(lines: Sequence[Line]) -> list[End]:
    """The ends of the lines that have a name."""
    found = []
    for line in lines:
        end = _end(line)
        if end and (line.name or line.note):
            found.append(End(*end, line.name, line.note, line.color))
    return found


def _draw_steps(axes: Axes, line: Line) -> None:
    x, y = np.asarray(line.x, float), numbers(line.y)
    if len(line.low) and len(line.high):
        axes.fill_between(x, numbers(line.low), numbers(line.high), step="post",
                          color=line.color, alpha=0.16, linewidth=0)  # fmt: skip
    axes.step(x, y, where="post", color=line.color, linewidth=2)


def areas_panel(
    sheet: Sheet,
    box: Box,
    along: Along,
    up: Up,
    layers: Sequence[Line],
    title: str = "",
    *,
    room: float | None = None,
) -> Axes:
    """Layers stacked from the bottom up, all with the same `x`, each named at its right end.

    A day without any value is a gap; a day alone between gaps is a narrow column.
    """
    x = np.asarray(layers[0].x, float)
    values = np.array([numbers(layer.y) for layer in layers])
    valid = np.isfinite(values).any(axis=0)
    heights = np.cumsum(np.nan_to_num(values), axis=0)
    floors = np.vstack([np.zeros(len(x)), heights[:-1]])
    ends = []
    if valid.any():
        last = int(np.flatnonzero(valid)[-1])
        for i, layer in enumerate(layers):
            middle = float(floors[i, last] + heights[i, last]) / 2
            ends.append(End(x[last], middle, layer.name, layer.note, layer.color))
    most = (0.48 if is_narrow() else 0.4) * (box.right - box.left)
    room = names_room(ends, most) if room is None else room
    axes = panel(sheet, box, along, up, title, names=room)
    half = 0.4 * usual_step(list(x))
    edge = 0.7 if len(x) <= 150 else 0.0  # on many days the white seams would be all there is
    for run in runs(list(x), np.where(valid, 0.0, math.nan).tolist()):
        alone = run.stop - run.start == 1
        at = np.array([x[run][0] - half, x[run][0] + half]) if alone else x[run]
        for i, layer in enumerate(layers):
            low, high = floors[i, run], heights[i, run]
            if alone:
                low, high = np.repeat(low, 2), np.repeat(high, 2)
            axes.fill_between(at, low, high, facecolor=layer.color, edgecolor="white",
                              linewidth=edge, hatch="////" if layer.hatched else None,
                              zorder=1.5)  # fmt: skip
    shade(axes, along, box.right - box.left - room, over=True)
    write_ends(sheet, axes, ends, room)
    return axes


@dataclass(frozen=True)
class Ranked:
    """The ranks of a name over time (None: not among the ranks shown), and a note on it."""

    name: str
    x: Sequence[float]
    rank: Sequence[int | None]
    color: str
    note: str = ""


def ranks_panel(
    sheet: Sheet, box: Box, along: Along, rows: Sequence[Ranked], ranks: int, foot: float = 40
) -> Axes:
    """A bump chart: rank 1 on top, a line for each name, the names at the right in their order.

    `rows` are those with a rank on the last day, best first; grey ones are drawn beneath.
    """
    wide = box.right - box.left
    room = min(max((text_width(r.name, SIZE) + text_width(r.note, 8.5) for r in rows), default=0)
               + 56, (0.56 if is_narrow() else 0.42) * wide)  # fmt: skip
    axes = sheet.axes(box.left + 26, box.top, box.right - room, box.bottom - foot)
    axes.set(xlim=(along.low, along.high), ylim=(ranks + 0.5, 0.5))
    axes.set_yticks(range(1, ranks + 1), [str(n) for n in range(1, ranks + 1)], fontsize=9)
    ticks = along.ticks(wide - room - 26)
    axes.set_xticks([x for x, _ in ticks], [text for _, text in ticks], fontsize=9)
    axes.grid(axis="x")
    shade(axes, along, wide - room - 26)
    pitch = (box.bottom - foot - box.top) / ranks
    for row in sorted(rows, key=lambda r: r.color not in (OTHER, NONE)):
        plain = row.color in (OTHER, NONE)
        line = Line(row.name, row.x, [None if r is None else float(r) for r in row.rank], row.color)
        draw_line(axes, line, width=1.6 if plain else 2.6)
    for row in rows:
        last = row.rank[-1] if row.rank else None
        if last is None:
            continue
        y = box.top + (last - 0.5) * pitch
        axes.plot([row.x[-1]], [last], "o", color=row.color, markersize=6, clip_on=False, zorder=4)
        noted = text_width(row.note, 8.5) + 8 if row.note else 0
        name = fit(row.name, SIZE, room - 38 - noted)
        start = box.right - room
        sheet.text(start + 12, y + 4, str(last), SIZE, FAINT)
        sheet.text(start + 34, y + 4, name, SIZE, INK if row.color not in (OTHER, NONE) else MUTED)
        if row.note:
            after = start + 34 + text_width(name, SIZE) + 8
            sheet.text(after, y + 4, row.note, 8.5, MUTED)
    return axes


def plot_box(sheet: Sheet) -> Box:
    """The room of a sheet for its plot."""
    return Box(MARGIN, sheet.top, sheet.width - MARGIN, sheet.bottom)
