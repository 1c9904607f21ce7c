"""Chart primitives: one sheet layout, bars, columns, numbers for people, files.

What belongs here: anything that knows pixels, fonts or file formats. What does not: the Hub, its
tables and what a figure says (`figures.py`). Nothing touches pyplot's global state. Positions are
in px of a sheet of 1000 px width at 100 dpi, from its top left corner.

All text from outside passes `clean`, and is drawn without mathtext.
"""

import io
import math
import threading
import unicodedata
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from PIL import Image

BLUE, PALE, NAVY = "#2F6FE0", "#9DB6EA", "#123A86"
OTHER, NONE = "#D5DAE2", "#B4BCC8"  # what was lumped together; what carries no key
INK, MUTED, FAINT = "#1B2430", "#5B6472", "#6F7885"  # all ≥ 4.4:1 on white
MINUS = "\u2212"

WIDTH, HEIGHT, MARGIN, DPI = 1000, 660, 24, 100
GALLERY_BYTES = 50_000  # base64 Markdown of this stays light in the UI's asset page
_FILE_DPI = 180  # 1800 px wide: halves exactly into the gallery's 900
_PITCH, _THICK = 25, 52  # px a row takes at least; px of the thickest bar
_FOOT = 58  # px below the plot for ticks and the axis label
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
    """Draw inside this: the house style and nothing of the machine's, one thread at a time."""
    with _LOCK, matplotlib.rc_context(_style()):
        yield


# --- numbers and words ---------------------------------------------------------------------------


def human(value: float) -> str:
    """Three significant digits for people: 277, 1.2k, 95.6M, 3.5B, 12T. Never scientific."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    size = float(f"{abs(value) * (1 + 1e-12):.2e}")  # a half goes up: 2645 is 2.65k
    sign = MINUS if value < 0 and size else ""
    for step, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= step:
            scaled = size / step
            return sign + (f"{scaled:.3g}" if scaled < 1000 else exact(scaled)) + letter
    if 0 < size < 1e-4:
        return f"{sign}<0.0001"
    return sign + f"{size:.6f}".rstrip("0").rstrip(".")


def exact(value: float) -> str:
    """A whole number in groups of three: 1 234 567, with spaces that do not break."""
    return f"{round(value):,}".replace(",", "\u00a0")


def told(value: float) -> str:
    """A number inside a sentence: every digit below 10 000, `human` from there on."""
    whole = abs(value) < 10_000 and float(value).is_integer()
    return exact(value).replace("-", MINUS) if whole else human(value)


def percent(part: float, whole: float) -> str:
    """A share for people: 57%, 4.2%, <0.1%; "0%" of nothing. 100% only if it is all."""
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.1:
        return "<0.1%"
    if 99.9 < share < 100:
        return ">99.9%"
    digits = 1 if share < 10 or 99 <= share < 100 else 0
    text = f"{share:.{digits}f}"
    return (text.removesuffix(".0") if digits else text) + "%"


def plural(n: float, one: str, many: str = "", number: Callable[[float], str] = told) -> str:
    """Such as "1 model", "2 models", "0 models"; `many` where an s does not do."""
    return f"{number(n)}\u00a0{one if n == 1 else many or one + 's'}"


@lru_cache(maxsize=4)
def _font(bold: bool) -> FT2Font:
    properties = FontProperties(family=["DejaVu Sans"], weight="bold" if bold else "normal")
    font = FT2Font(findfont(properties))  # one of our own: drawing resizes matplotlib's
    font.set_size(100, 72)
    return font


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(_font(False).get_charmap()) & frozenset(_font(True).get_charmap())


def clean(text: str, limit: int = 120) -> str:
    """Text from outside as one inert line of at most `limit` characters, cut in the middle.

    Control and format characters (bidirectional overrides too) and stacked marks go, white space
    becomes one space, and what the font has no glyph for becomes □.
    """
    if len(text) > 4 * limit:
        text = f"{text[: 2 * limit]}…{text[-2 * limit :]}"
    kept = []
    for char in unicodedata.normalize("NFC", text):
        if char.isspace():
            kept.append(" ")
        elif unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Mn", "Me"}:
            kept.append(char if ord(char) in _glyphs() else "□")
    line = " ".join("".join(kept).split()) or "(blank)"
    return line if len(line) <= limit else _middle(line, limit - 1)


def _middle(text: str, keep: int) -> str:
    head = (keep + 1) // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (keep - head) :].lstrip()}"


@lru_cache(maxsize=4096)
def _advance(char: str, bold: bool) -> float:
    # Unhinted and without kerning, hence a little wide; shaping each label twice costs 0.4 ms.
    glyph = _font(bold).load_char(ord(char), flags=LoadFlags.NO_HINTING)
    return glyph.linearHoriAdvance / 65536 / 100


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width in px of one line at `size` points."""
    return sum(_advance(char, bold) for char in text) * size * DPI / 72


def fit(text: str, size: float, width: float, bold: bool = False) -> str:
    """`text`, or its two ends around "…", so that it takes at most `width` px."""
    if text_width(text, size, bold) <= width:
        return text
    low, high = 0, len(text)
    while high - low > 1:
        half = (low + high) // 2
        low, high = (
            (half, high) if text_width(_middle(text, half), size, bold) <= width else (low, half)
        )
    return _middle(text, low)


def _wrap(text: str, size: float, width: float) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        word = fit(word, size, width)
        joined = f"{lines[-1]} {word}".lstrip()
        if text_width(joined, size) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


# --- the sheet -----------------------------------------------------------------------------------


class Sheet:
    """A white figure with title, subtitle and caption set, and room for `body` px of plot.

    Attributes: figure; top and bottom, the px between which the plot lies.
    """

    def __init__(
        self,
        title: str,
        subtitle: str,
        caption: Sequence[str],
        body: float = 0,
        legend: Sequence[tuple[str, str]] = (),
    ) -> None:
        inner = WIDTH - 2 * MARGIN
        says = _wrap(subtitle, 11.5, inner) if subtitle else []
        small = _wrap(" · ".join(caption), 8.5, inner)
        self.top = 64 + 22 * len(says) + (26 if legend else 0)
        height = max(HEIGHT, math.ceil(self.top + body + _FOOT + 22 + 15 * len(small)))
        self.height = height
        self.bottom = height - 22 - 15 * len(small)
        self.figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
        FigureCanvasAgg(self.figure)
        self.figure.set_label(title)
        self.text(MARGIN, 42, title, size=17, bold=True)
        for i, line in enumerate(says):
            self.text(MARGIN, 68 + 22 * i, line, size=11.5, color=MUTED)
        for i, line in enumerate(small):
            self.text(MARGIN, self.bottom + 15 * (i + 1) - 4, line, size=8.5, color=FAINT)
        x: float = MARGIN
        for color, words in legend:
            self.box(x, self.top - 31, 11, 11, color)
            self.text(x + 17, self.top - 21, words, size=9, color=MUTED)
            x += 17 + text_width(words, 9) + 24

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
        """Put one line with its base line at `y`."""
        self.figure.text(
            x / WIDTH, 1 - y / self.height, text, ha=ha, va="baseline", fontsize=size, color=color,
            fontweight="bold" if bold else "normal", parse_math=False,
        )  # fmt: skip

    def box(
        self, x: float, y: float, width: float, height: float, color: str, edge: str = "none"
    ) -> None:
        """Fill a rectangle whose upper left corner is (x, y)."""
        corner = (x / WIDTH, 1 - (y + height) / self.height)
        size = (width / WIDTH, height / self.height)
        place = self.figure.transFigure
        self.figure.add_artist(Rectangle(corner, *size, transform=place, fc=color, ec=edge, lw=0.8))

    def axes(self, left: float, top: float, right: float, bottom: float) -> Axes:
        """Axes that fill exactly this box, with the left spine off."""
        x, y = left / WIDTH, 1 - bottom / self.height
        axes = self.figure.add_axes((x, y, (right - left) / WIDTH, (bottom - top) / self.height))
        axes.spines["left"].set_visible(False)
        return axes

    def message(self, text: str) -> Figure:
        """An empty frame that says plainly why it is empty; the finished figure."""
        axes = self.axes(MARGIN, self.top, WIDTH - MARGIN, self.bottom - 18)
        axes.set(xticks=[], yticks=[], facecolor="#F6F7F9")
        axes.spines["bottom"].set_visible(False)
        middle = (self.top + self.bottom - 18) / 2
        self.text(WIDTH / 2, middle + 5, text, size=13, color=MUTED, ha="center")
        return self.figure


# --- marks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """One bar: what it is called, how long it is, and what is printed at its end.

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


def needs_log(values: Sequence[float]) -> bool:
    """Whether the longest bar would leave the median one no length to read."""
    above = sorted(v for v in values if v > 0)
    return len(above) > 2 and above[-1] / above[len(above) // 2] >= _SPREAD


class _Scale:
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
    right: float = WIDTH - MARGIN,
    top: float | None = None,
    bottom: float | None = None,
    slots: int = 0,
    names: float = 0.34,
    number: Callable[[float], str] = human,
    share: bool = False,
) -> Axes:
    """Horizontal bars in the order given, names before and labels after them.

    On a log axis a bar's length means nothing: dots on stems instead, and the axis says so.

    Args:
        axis: what is measured, below the axis.
        left, right, top, bottom: px of the box for all of it; the sheet's by default.
        slots: rows to keep room for, where panels side by side are to have their rows level.
        names: share of the box that the names may take.
        number: formats the ticks.
        share: values are parts of a whole, not counts: never a log axis, ticks where they fall.
    """
    top = sheet.top if top is None else top
    called = [fit(row.name, 10, (right - left) * names) for row in rows]
    start = left + max(text_width(name, 10) for name in called) + 8
    slots = max(slots, len(rows))
    bottom = sheet.bottom if bottom is None else bottom
    pitch = max((bottom - _FOOT - top) / slots, _PITCH)
    bottom = top + pitch * len(rows)
    room = [
        8 + text_width(row.label, 9.5) + (12 + text_width(row.note, 8.5) if row.note else 0) + 2
        for row in rows
    ]
    values = [row.value for row in rows]
    log = not share and needs_log(values)
    scale = _Scale(values, room, right - start, log)
    axes = sheet.axes(start, top, right, bottom)
    axes.set(xlim=(0, scale.end), ylim=(len(rows) - 0.5, -0.5), yticks=[])
    ticks = scale.ticks(min(5, max(2, int((right - start) / 65))), not share)
    axes.set_xticks([scale.at(t) for t in ticks], [number(t) for t in ticks])
    axes.set_xlabel(axis + (" (log scale)" if log else ""), labelpad=6)
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


def columns(
    sheet: Sheet,
    rows: Sequence[Bar],
    axis: str,
    below: str = "",
    number: Callable[[float], str] = human,
) -> Axes:
    """Vertical columns in the order given, for what has an order of its own, such as years.

    `axis` stands above the value axis, `below` under the names; notes stand under the labels.
    """
    values = [row.value for row in rows]
    log = needs_log(values)
    top, bottom = sheet.top + 24, sheet.bottom - _FOOT
    scale = _Scale(values, [44.0] * len(rows), bottom - top, log)
    ticks = scale.ticks(5, True)
    left = MARGIN + max(text_width(number(t), 9.5) for t in ticks) + 10
    sheet.text(MARGIN, sheet.top + 8, axis + (" (log scale)" if log else ""), 9.5, MUTED)
    axes = sheet.axes(left, top, WIDTH - MARGIN, bottom)
    x = [i + 0.4 * sum(row.apart for row in rows[:i]) for i in range(len(rows))]
    spare = max(4 - x[-1], 0) / 2
    axes.set(xlim=(-0.6 - spare, x[-1] + 0.6 + spare), ylim=(0, scale.end))
    axes.set_yticks([scale.at(t) for t in ticks], [number(t) for t in ticks])
    axes.grid(axis="y")
    pitch = (WIDTH - MARGIN - left) / (x[-1] + 1.2 + 2 * spare)
    axes.set_xticks(x, [fit(row.name, 9.5, pitch * 1.15) for row in rows])
    axes.set_xlabel(below, labelpad=6)
    at, colors = [scale.at(v) for v in values], [row.color for row in rows]
    tops = [min(a + 42 * scale.end / (bottom - top), scale.end) for a in at]
    wide = [text_width(max(row.label, row.note, key=len), 9.5) * 0.76 for row in rows]  # in points
    axes.vlines(x, at, tops, colors="white", linewidth=wide, zorder=0.8)
    if log:
        axes.vlines(x, 0, at, colors=colors, linewidth=3)
        axes.scatter(x, at, s=80, color=colors, clip_on=False, zorder=3)
    else:
        axes.bar(x, at, width=min(0.72, 96 / pitch), color=colors)
    inch = sheet.figure.dpi_scale_trans
    for place, high, row in zip(x, at, rows, strict=True):
        for text, rise, size, color in (
            (row.label, 24 if row.note else 9, 9.5, INK),
            (row.note, 8, 8.5, FAINT),
        ):
            if text:
                shift = axes.transData + ScaledTranslation(0, (rise + 3 * log) / DPI, inch)
                axes.text(place, high, text, fontsize=size, color=color, ha="center",
                          transform=shift, parse_math=False)  # fmt: skip
    return axes


# --- files ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rendered:
    """One figure's files. `png`: 1800 px wide. `svg`: text as text. `gallery`: ≤ 50 kB."""

    png: bytes
    svg: bytes
    gallery: bytes


def render(figure: Figure) -> Rendered:
    """Draw once with Agg and once as SVG; the gallery image is the PNG at half its size.

    The same figure gives the same bytes: no dates, fixed ids.
    """
    with house_style():
        canvas = FigureCanvasAgg(figure)
        figure.set_dpi(_FILE_DPI)
        canvas.draw()
        size, pixels = canvas.get_width_height(), canvas.buffer_rgba()
        image = Image.frombuffer("RGBA", size, pixels, "raw", "RGBA", 0, 1).convert("RGB")
        figure.set_dpi(DPI)
        svg = io.BytesIO()
        about = {"Title": str(figure.get_label()), "Creator": "hf_assets", "Date": None}
        figure.savefig(svg, format="svg", metadata=about)
    half = image.reduce(2)
    # A palette takes a third of the time and bytes of RGB, and cannot be told from it by eye.
    png = _png(image.quantize(palette=_palette(half, 256), dither=Image.Dither.NONE))
    return Rendered(png, svg.getvalue(), gallery_png(half))


def gallery_png(image: Image.Image, limit: int = GALLERY_BYTES) -> bytes:
    """An RGB image as a palette PNG of at most `limit` bytes: fewer colours, then fewer pixels.

    A limit under some 100 bytes, which no PNG meets, gives one pixel.
    """
    while True:
        for colors in (128, 32):
            palette = _palette(image, colors)
            data = _png(image.quantize(palette=palette, dither=Image.Dither.NONE))
            if len(data) <= limit or image.size == (1, 1):
                return data
        size = (max(1, image.width * 3 // 4), max(1, image.height * 3 // 4))
        image = image.resize(size, Image.Resampling.LANCZOS)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "png", compress_level=5)  # 6 saves 1 % and takes a fifth longer
    return out.getvalue()


def _palette(image: Image.Image, colors: int) -> Image.Image:
    """The flat colours of `image` exactly (white stays white), an octree's for the edges."""
    sample = image.resize((-(-image.width // 4), -(-image.height // 4)), Image.Resampling.NEAREST)
    counted = sample.getcolors(sample.width * sample.height) or []
    flat = [color for _, color in sorted(counted, reverse=True)[: colors // 4]]
    edges = image.quantize(colors * 3 // 4, Image.Quantize.FASTOCTREE).getpalette() or []
    wanted = np.vstack([flat, np.reshape(edges, (-1, 3))]).astype(np.int16)
    kept = wanted[:1]
    for color in wanted[1:]:
        # Pillow looks colours up in cells of 4 levels: a neighbour this near would take the place.
        if np.abs(kept - color).max(axis=1).min() >= 9:
            kept = np.vstack([kept, color])
    palette = Image.new("P", (1, 1))
    palette.putpalette(kept.ravel().tolist())
    return palette
