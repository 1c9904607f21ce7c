"""Panels of a series: their boxes, shading, titles, and names at line ends.

Days are ordinals (`date.toordinal`), px are those of the sheet.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from hf_assets.charts.axes import Along, Up
from hf_assets.charts.marks import INK, MUTED, Sheet, is_narrow
from hf_assets.charts.wording import DPI, fit, text_width

# Distinct in pairs for readers with any colour vision (CIE76 of 22 and more, Machado's matrices);
# the first is the house blue.
PALETTE = (
    "#2F6FE0", "#6CB8EE", "#123A86", "#D55E00", "#D9C733", "#8E1F4F", "#CC79A7", "#7A4E2D",
)  # fmt: skip
UP, DOWN = PALETTE[0], PALETTE[3]  # more, less
SHADE = "#FBEBD0"  # behind days that are not trusted
MISSING = "#ECEEF2"  # behind days without data

SIZE, LINE = 9.5, 16.0  # points of the names at line ends; px of a line of them
HEAD = 22  # px above the plot for the panel's title
FEET = 42  # px below the plot for ticks of two lines
_BELOW = 6.5  # points from the plot down to them
_LEAD = 16  # px between a line's end and its name


class Box(NamedTuple):
    """Px of a rectangle of the sheet."""

    left: float
    top: float
    right: float
    bottom: float


def beside(box: Box, count: int, gap: float = 28) -> list[Box]:
    """`count` boxes side by side in one; below each other on a page for phones."""
    if is_narrow():
        return below(box, count)
    wide = (box.right - box.left - gap * (count - 1)) / count
    lefts = [box.left + i * (wide + gap) for i in range(count)]
    return [Box(left, box.top, left + wide, box.bottom) for left in lefts]


def below(box: Box, count: int, gap: float = 10) -> list[Box]:
    """`count` boxes of one height, each below the last."""
    high = (box.bottom - box.top - gap * (count - 1)) / count
    tops = [box.top + i * (high + gap) for i in range(count)]
    return [Box(box.left, top, box.right, top + high) for top in tops]


def split(box: Box, first: float, second: float) -> tuple[Box, Box]:
    """A box in two, one below the other, as high as `first` is to `second`."""
    at = box.top + (box.bottom - box.top) * first / (first + second)
    return box._replace(bottom=at), box._replace(top=at + 8)


# --- the panel -----------------------------------------------------------------------------------


def panel(
    sheet: Sheet,
    box: Box,
    along: Along,
    up: Up,
    title: str = "",
    *,
    names: float = 0,
    inset: float = 0,
    foot: bool = True,
) -> Axes:
    """Axes in a box: title above, value ticks before, ticks below.

    `names` px are kept free behind it, and `inset` px at least before it, so that panels below each
    other stand level. Without `foot` the ticks below are left to the panel underneath.
    """
    top = box.top + (HEAD if title else 8)
    bottom = box.bottom - (FEET + (18 if along.name else 0) if foot else 10)
    ticks = up.ticks(bottom - top)
    marked = up.labels(ticks)
    wide = max((text_width(text, 9) for text in marked), default=0) + 9
    left = box.left + max(wide, inset)
    right = box.right - names
    if title:
        heading = fit(title, 10, box.right - box.left, bold=True)
        sheet.text(box.left, box.top + 10, heading, 10, INK, bold=True)
    axes = sheet.axes(left, top, right, bottom)
    if up.log:
        axes.set_yscale("log")
        axes.minorticks_off()
    axes.set(xlim=(along.low, along.high), ylim=(up.low, up.high))
    axes.set_yticks(ticks, marked, fontsize=9)
    axes.grid(axis="y")
    days = along.ticks(right - left)
    axes.set_xticks([x for x, _ in days], [text * foot for _, text in days], fontsize=9)
    # Below the lowest value label, which the first label's left half would touch.
    axes.tick_params(axis="x", pad=_BELOW)
    if along.name and foot:
        axes.set_xlabel(along.name, labelpad=4)
    shade(axes, along, right - left)
    return axes


def shade(axes: Axes, along: Along, px: float, over: bool = False) -> None:
    """Shade missing and untrusted days, 3 px wide at least.

    `over` areas that are drawn already, a veil marks the untrusted ones.
    """
    if not over:
        for begin, end in _wide_enough(along, along.missing, px):
            axes.axvspan(begin, end, color=MISSING, linewidth=0, zorder=0.4)
    for begin, end in _wide_enough(along, along.shaded, px):
        if over:
            axes.axvspan(begin, end, color="#FFF4E0", alpha=0.5, linewidth=0, zorder=1.8)
        else:
            axes.axvspan(begin, end, color=SHADE, linewidth=0, zorder=0.5)


def _wide_enough(
    along: Along, stretches: Iterable[tuple[float, float]], px: float
) -> Iterable[tuple[float, float]]:
    """These stretches, each within the axis and 3 px wide at least."""
    least = 3 * (along.high - along.low) / max(px, 1)
    for begin, end in stretches:
        more = max(0.0, least - (end - begin)) / 2
        begin, end = max(begin - more, along.low), min(end + more, along.high)
        if begin < end:
            yield begin, end


# --- names at line ends --------------------------------------------------------------------------


class End(NamedTuple):
    """The end of a line in data, its name there, and its note in grey."""

    x: float
    y: float
    name: str
    note: str
    color: str


def names_room(ends: Iterable[End], most: float) -> float:
    """Px that the names at the ends of lines take, at most `most`."""
    wide = max((text_width(e.name, SIZE) + _noted(e.note) for e in ends), default=0)
    return min(wide + _LEAD + 4, most) if wide else 0


def _noted(note: str) -> float:
    return text_width(note, 8.5) + 7 if note else 0


def write_ends(sheet: Sheet, axes: Axes, ends: Sequence[End], room: float) -> None:
    """Name each line behind its end, as near as the others allow; a thin line leads there.

    Without room for all, the last are left out: pass the more important ones first.
    """
    frame = axes.get_position()
    low, high = frame.y0 * sheet.height, frame.y1 * sheet.height
    left, right = frame.x0 * sheet.width, frame.x1 * sheet.width
    kept = list(ends)[: max(1, int((high - low + LINE) / LINE))]
    ratio = sheet.figure.dpi / DPI
    at = [axes.transData.transform((e.x, e.y)) / ratio for e in kept]
    wanted = [min(max(y, low), high) for _, y in at]
    for end, (x, y), position in zip(kept, at, spread(wanted, LINE, low, high), strict=True):
        y = min(max(y, low), high)
        lead = Line2D(
            [(min(x, right) + 3) / sheet.width, (right + 4) / sheet.width,
             (right + _LEAD - 4) / sheet.width],
            [y / sheet.height, y / sheet.height, position / sheet.height],
            transform=sheet.figure.transFigure, color=end.color, linewidth=1.1,
            alpha=0.9 if x > right - 2 else 0.45,
        )  # fmt: skip
        sheet.figure.add_artist(lead)
        noted = _noted(end.note)
        name = fit(end.name, SIZE, max(room - _LEAD - noted, 20))
        start = right + _LEAD
        sheet.text(start, sheet.height - position + 4, name, SIZE, INK)
        if end.note:
            after = start + text_width(name, SIZE) + 7
            sheet.text(after, sheet.height - position + 4, end.note, 8.5, MUTED)
    assert left <= right


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions as near to those wanted as a distance of `gap` allows, in their order.

    All lie between `low` and `high`, unless there is no room for that: then they begin at `low`.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    groups: list[tuple[float, int]] = []  # mean and size of what must move together
    for rank, i in enumerate(order):
        mean, size = wanted[i] - rank * gap, 1
        while groups and groups[-1][0] > mean:
            before, count = groups.pop()
            mean, size = (mean * size + before * count) / (size + count), size + count
        groups.append((mean, size))
    flat = np.repeat([mean for mean, _ in groups], [size for _, size in groups])
    flat = np.clip(flat, low, max(high - gap * (len(wanted) - 1), low))
    positions = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        positions[i] = float(flat[rank]) + rank * gap
    return positions
