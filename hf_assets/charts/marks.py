"""Chart primitives: the layout of a sheet, and bars.

Nothing here touches pyplot's global state. Positions are in px of a sheet of 1000 px width (or the
width of `page`) at 100 dpi, from its top left corner. All text from outside passes `clean`, and is
drawn without mathtext.
"""

import math
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from hf_assets.charts.numbers import human
from hf_assets.charts.wording import DPI, fit, text_width, wrapped

BLUE, PALE, NAVY = "#2F6FE0", "#9DB6EA", "#123A86"
OTHER, NONE = "#D5DAE2", "#B4BCC8"  # several keys together; rows without a key
INK, MUTED, FAINT = "#1B2430", "#5B6472", "#6F7885"  # all ≥ 4.4:1 on white

WIDTH, HEIGHT, MARGIN = 1000, 660, 24
_PITCH, _THICK = 25, 52  # px a row takes at least; px of the thickest bar
FOOT = 58  # px below the plot for ticks and the axis label
_SPREAD = 50  # max/median beyond which the median bar is < 2 % of the longest: 10 px

# rcParams belong to the process, and matplotlib draws from one thread at a time.
_LOCK = threading.RLock()


@lru_cache(maxsize=1)
def _style() -> dict[Any, Any]:
    path = Path(__file__).with_name("hf_assets.mplstyle")
    style = matplotlib.rc_params_from_file(path, use_default_template=True)
    return {k: v for k, v in style.items() if not k.startswith(("backend", "toolbar", "date."))}


@contextmanager
def house_style() -> Generator[None]:
    """The house style, without any setting of the machine, for a single thread at a time."""
    with _LOCK, matplotlib.rc_context(_style()):
        yield


# --- the sheet -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Page:
    width: int = WIDTH
    bare: bool = False


_PAGE: ContextVar[_Page | None] = ContextVar("page", default=None)


@contextmanager
def page(width: int, bare: bool = True) -> Generator[None]:
    """Figures drawn inside are that many px wide, and `bare` of words that the page has as text."""
    token = _PAGE.set(_Page(width, bare))
    try:
        yield
    finally:
        _PAGE.reset(token)


def is_narrow() -> bool:
    """Whether figures are drawn for a phone, where panels belong below each other."""
    return (_PAGE.get() or _Page()).width < 700


class Drawn(Figure):
    """A figure with its words as attributes, even where it is drawn bare of them."""

    title: str = ""
    finding: str = ""
    caption: str = ""


class Sheet:
    """A white figure with title, subtitle and caption set, and room for `body` px of plot.

    Attributes: figure; width; top and bottom, the px between which the plot lies.
    """

    def __init__(
        self,
        title: str,
        subtitle: str,
        caption: Sequence[str],
        body: float = 0,
        legend: Sequence[tuple[str, str]] = (),
    ) -> None:
        drawn_for = _PAGE.get() or _Page()
        self.width = drawn_for.width
        inner = self.width - 2 * MARGIN
        heads = wrapped(title, 17, inner, bold=True)
        says = wrapped(subtitle, 11.5, inner) if subtitle else []
        small = wrapped(" · ".join(caption), 8.5, inner)
        if drawn_for.bare:
            heads, says, small = [], [], []
        keys = _in_rows([17 + text_width(words, 9) + 24 for _, words in legend], inner + 24)
        head = 38 + 26 * len(heads) + 22 * len(says) if heads else 14
        self.top = head + (22 * keys[-1][1] + 26 if keys else 0)
        foot = 22 + 15 * len(small) if small else 8
        least = 380 if is_narrow() else HEIGHT - (0 if small else 100)
        height = max(round(least), math.ceil(self.top + body + FOOT + foot))
        self.height = height
        self.bottom = height - foot
        self.figure = Drawn(figsize=(self.width / DPI, height / DPI), dpi=DPI)
        FigureCanvasAgg(self.figure)
        self.figure.set_label(title)
        self.figure.title, self.figure.finding = title, subtitle
        self.figure.caption = " · ".join(caption)
        for i, line in enumerate(heads):
            self.text(MARGIN, 42 + 26 * i, line, size=17, bold=True)
        for i, line in enumerate(says):
            self.text(MARGIN, 42 + 26 * len(heads) + 22 * i, line, size=11.5, color=MUTED)
        for i, line in enumerate(small):
            self.text(MARGIN, self.bottom + 15 * (i + 1) - 4, line, size=8.5, color=FAINT)
        for (color, words), (x, row) in zip(legend, keys, strict=True):
            y = head + 22 * row
            self.box(MARGIN + x, y - 5, 11, 11, color)
            self.text(MARGIN + x + 17, y + 5, words, size=9, color=MUTED)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 10,
        color: str = INK,
        bold: bool = False,
        ha: Literal["left", "center", "right"] = "left",
    ) -> None:
        """Put a line of text with its base line at `y`."""
        self.figure.text(
            x / self.width, 1 - y / self.height, text, ha=ha, va="baseline", fontsize=size,
            color=color, fontweight="bold" if bold else "normal", parse_math=False,
        )  # fmt: skip

    def box(
        self, x: float, y: float, width: float, height: float, color: str, edge: str = "none"
    ) -> None:
        """Fill a rectangle whose upper left corner is (x, y)."""
        corner = (x / self.width, 1 - (y + height) / self.height)
        size = (width / self.width, height / self.height)
        transform = self.figure.transFigure
        patch = Rectangle(corner, *size, transform=transform, fc=color, ec=edge, lw=0.8)
        self.figure.add_artist(patch)

    def axes(self, left: float, top: float, right: float, bottom: float) -> Axes:
        """Axes that fill exactly this box, with the left spine off."""
        x, y, wide = left / self.width, 1 - bottom / self.height, (right - left) / self.width
        axes = self.figure.add_axes((x, y, wide, (bottom - top) / self.height))
        axes.spines["left"].set_visible(False)
        return axes

    def message(self, text: str) -> Figure:
        """Finish the figure as an empty frame with the reason in it."""
        axes = self.axes(MARGIN, self.top, self.width - MARGIN, self.bottom - 18)
        axes.set(xticks=[], yticks=[], facecolor="#F6F7F9")
        axes.spines["bottom"].set_visible(False)
        middle = (self.top + self.bottom - 18) / 2
        for i, line in enumerate(wrapped(text, 13, self.width - 2 * MARGIN - 20)):
            self.text(self.width / 2, middle + 5 + 22 * i, line, 13, MUTED, ha="center")
        return self.figure


def _in_rows(widths: Sequence[float], room: float) -> list[tuple[float, int]]:
    """For boxes of these widths set one after the other, x and row of each."""
    found, x, row = [], 0.0, 0
    for width in widths:
        if x and x + width > room:
            x, row = 0.0, row + 1
        found.append((x, row))
        x += width
    return found


# --- marks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """A bar: its name, its length, and the label at its end.

    `note` follows the label in grey; `inner` draws a second, dark bar inside; `apart` sets a column
    off from the next. Negative values are drawn as 0.
    """

    name: str
    value: float
    label: str
    note: str = ""
    color: str = BLUE
    inner: float | None = None
    apart: bool = False


def body(rows: int) -> float:
    """Px that `rows` horizontal bars need at least."""
    return rows * _PITCH


def spans_magnitudes(values: Sequence[float]) -> bool:
    """Whether the longest bar would leave the median bar too short to read."""
    above = sorted(v for v in values if v > 0)
    return len(above) > 2 and above[-1] / above[len(above) // 2] >= _SPREAD


class Scale:
    """Values to axis positions and back to ticks; its end leaves room for the labels at the ends.

    `room`: for each value, px beyond the bar's end that its labels take of `length` px.
    """

    def __init__(self, values: Sequence[float], room: Sequence[float], length: float, log: bool):
        self.log = log
        above = [v for v in values if v > 0]
        # Half a decade's start: a bar of exactly 1, 10 or 100 still has a stem.
        self.low = 10 ** math.floor(math.log10(min(above))) / 2 if log and above else 0.0
        at = [self.at(v) for v in values]
        slack = [(p, max(length - r, 20)) for p, r in zip(at, room, strict=True) if p > 0]
        self.end = max((p * length / free for p, free in slack), default=1.0)

    def at(self, value: float) -> float:
        """The position of `value` on a linear axis that starts at 0."""
        if self.log:
            return math.log10(max(value, self.low) / self.low)
        return max(value, 0.0)

    def ticks(self, most: int, whole: bool) -> list[float]:
        """At most about `most` round values within the axis."""
        if not self.log:
            steps = [1, 2, 2.5, 5, 10]
            found = MaxNLocator(most, steps=steps, integer=whole).tick_values(0, self.end)
            return [t for t in found if 0 <= t <= self.end * 1.0001]
        first = math.ceil(math.log10(self.low))
        last = math.floor(math.log10(self.low) + self.end)
        return [10.0**n for n in range(first, last + 1, (last - first) // (most + 1) + 1)]


def bars(
    sheet: Sheet,
    rows: Sequence[Bar],
    axis: str,
    *,
    left: float = MARGIN,
    right: float | None = None,
    top: float | None = None,
    bottom: float | None = None,
    slots: int = 0,
    names: float | None = None,
    number: Callable[[float], str] = human,
    share: bool = False,
) -> Axes:
    """Horizontal bars in the order given, names before and labels after them.

    On a log axis the length of a bar means nothing: it has dots on stems, and says so.

    Args:
        axis: the measure, below the axis.
        left, right, top, bottom: px of the box for all of it; the sheet's by default.
        slots: rows to keep room for, so that panels side by side have their rows level.
        names: share of the box that the names may take; a third by default, more for phones.
        number: formats the ticks.
        share: values are percent of a whole, not counts: never a log axis, no tick beyond 100.
    """
    top = sheet.top if top is None else top
    right = sheet.width - MARGIN if right is None else right
    names = (0.42 if is_narrow() else 0.34) if names is None else names
    called = [fit(row.name, 10, (right - left) * names) for row in rows]
    start = left + max(text_width(name, 10) for name in called) + 8
    slots = max(slots, len(rows))
    bottom = sheet.bottom if bottom is None else bottom
    pitch = max((bottom - FOOT - top) / slots, _PITCH)
    bottom = top + pitch * len(rows)
    room = [
        8 + text_width(row.label, 9.5) + (12 + text_width(row.note, 8.5) if row.note else 0) + 2
        for row in rows
    ]
    values = [row.value for row in rows]
    log = not share and spans_magnitudes(values)
    scale = Scale(values, room, right - start, log)
    axes = sheet.axes(start, top, right, bottom)
    axes.set(xlim=(0, scale.end), ylim=(len(rows) - 0.5, -0.5), yticks=[])
    ticks = scale.ticks(min(5, max(2, int((right - start) / 65))), not share)
    ticks = [tick for tick in ticks if tick <= 100] if share else ticks
    axes.set_xticks([scale.at(t) for t in ticks], [number(t) for t in ticks])
    text = axis + (" (log scale)" if log else "")
    wide = text_width(text, 9.5) > right - start  # then it may reach below the names
    axes.set_xlabel(text, labelpad=6, loc="right" if wide else "center")
    axes.grid(axis="x")
    at, y = [scale.at(v) for v in values], range(len(rows))
    colors = [row.color for row in rows]
    # White behind the labels: no grid line runs through a number.
    px = scale.end / (right - start)
    ends = [min(a + (r - 2) * px, scale.end) for a, r in zip(at, room, strict=True)]
    axes.hlines(y, at, ends, colors="white", linewidth=13, zorder=0.8)
    if log:
        axes.hlines(y, 0, at, colors=colors, linewidth=2)
        axes.scatter(at, y, s=52, color=colors, clip_on=False, zorder=3)
    else:
        thick = min(0.7 * pitch, _THICK) / pitch
        axes.add_collection(_strips(list(enumerate(at)), thick, colors), autolim=False)
        inner = [(i, row.inner) for i, row in enumerate(rows) if row.inner is not None]
        axes.add_collection(_strips(inner, thick / 2, [NAVY] * len(inner)), autolim=False)
    trans, inch = axes.transData, sheet.figure.dpi_scale_trans
    before = axes.get_yaxis_transform() + ScaledTranslation(-8 / DPI, 0, inch)
    after = trans + ScaledTranslation((11 if log else 7) / DPI, 0, inch)
    for i, row in enumerate(rows):
        plain = row.color not in (OTHER, NONE)
        axes.text(0, i, called[i], ha="right", va="center", transform=before, parse_math=False,
                  color=INK if plain else MUTED)  # fmt: skip
        axes.text(at[i], i, row.label, fontsize=9.5, va="center", transform=after,
                  parse_math=False)  # fmt: skip
        if row.note:
            shift = ScaledTranslation((text_width(row.label, 9.5) + 10) / DPI, 0, inch)
            axes.text(at[i], i, row.note, fontsize=8.5, va="center", transform=after + shift,
                      color=FAINT, parse_math=False)  # fmt: skip
    return axes


def _strips(ends: Sequence[tuple[int, float]], thick: float, colors: list[str]) -> PolyCollection:
    # One artist for all bars: a patch each takes 10 ms a figure.
    half = thick / 2
    corners = [((0, i - half), (x, i - half), (x, i + half), (0, i + half)) for i, x in ends]
    return PolyCollection(corners, facecolors=colors, linewidths=0, zorder=2)
