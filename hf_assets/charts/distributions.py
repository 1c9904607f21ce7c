"""Distributions of whole numbers over orders of magnitude, a row each.

A row has a histogram, and below it the median with its interval, and the quartiles.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray

from hf_assets.charts.marks import BLUE, FAINT, FOOT, MARGIN, MUTED, NAVY, Sheet, is_narrow
from hf_assets.charts.numbers import human
from hf_assets.charts.wording import fit, text_width

ROW = 62  # px of a row at least
_HIGHEST = 220  # px of one at most
_BELOW = 9  # px from a row's base line down to its median
_BINS = 6  # a decade
# Values of a sample, from which an interval of its median exists at all.
_FEWEST = 6
# Above, the normal approximation of the binomial is exact to a rank.
_EXACT = 10_000


@dataclass(frozen=True)
class Distribution:
    """A row: its name, a note below it, and its values: whole, 0 or more, in any order."""

    name: str
    note: str
    values: NDArray[np.float64]
    color: str = BLUE

    @property
    def median(self) -> float:
        """The middle value."""
        return float(np.median(self.values))

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the median; None for too few values."""
        return median_interval(self.values)


def median_interval(values: NDArray[np.float64], level: float = 0.95) -> tuple[float, float] | None:
    """An interval that holds the median of what the values are a sample of, by order statistics.

    It assumes nothing of the distribution, and that the values are independent of each other.

    Args:
        values: the sample.
        level: the probability, at least, with which the interval holds the median.

    Returns:
        None where the sample is too small for that probability.
    """
    n = len(values)
    if n < _FEWEST:
        return None
    if n > _EXACT:
        rank = math.floor(n / 2 - 1.96 * math.sqrt(n) / 2)
    else:
        # The most values on one side whose probability stays below half of what is left.
        rank, term, total = 0, 1, 1
        bound = (1 - level) / 2
        while total / 2**n <= bound if n < 1000 else total <= int(bound * 1e9) * 2**n // 10**9:
            rank += 1
            term = term * (n - rank + 1) // rank
            total += term
    if rank < 1:
        return None
    ordered = np.sort(values)
    return float(ordered[rank - 1]), float(ordered[n - rank])


def distributions(
    sheet: Sheet,
    rows: Sequence[Distribution],
    axis: str,
    number: Callable[[float], str] = human,
) -> Axes:
    """Histograms of the values above 0 on a log axis, in the order given.

    A dot is the median, the thick line its 95 % interval, the thin one the quartiles; a median of 0
    stands at the left edge.

    Args:
        sheet: with room for `ROW` px a row.
        rows: one or more, each with a value or more.
        axis: the measure, below the axis.
        number: formats the ticks and the labels.
    """
    right = sheet.width - MARGIN
    labels = [_label(row, number) for row in rows]
    most = (right - MARGIN) * (0.36 if is_narrow() else 0.3)
    names = [fit(row.name, 10, most) for row in rows]
    notes = [fit(row.note, 8.5, most) for row in rows]
    start = MARGIN + 12 + max(
        *(text_width(name, 10) for name in names), *(text_width(note, 8.5) for note in notes)
    )  # fmt: skip
    end = right if is_narrow() else right - max(text_width(label, 9.5) for label in labels) - 14
    above = np.concatenate([row.values[row.values > 0] for row in rows])
    low, high = _span(above)
    pitch = min((sheet.bottom - FOOT - sheet.top) / (len(rows) + 0.6), _HIGHEST)
    axes = sheet.axes(start, sheet.top, end, sheet.top + pitch * (len(rows) + 0.6))
    axes.set(xlim=(low - 0.08, high + 0.08), ylim=(len(rows) - 0.2, -0.8), yticks=[])
    ticks = _ticks(low, high, max(2, int((end - start) / 60)))
    axes.set_xticks([math.log10(tick) for tick in ticks], [number(tick) for tick in ticks])
    axes.set_xlabel(f"{axis} (log scale)", labelpad=6)
    axes.grid(axis="x")
    bins = _edges(low, high)
    for i, (row, name, note, label) in enumerate(zip(rows, names, notes, labels, strict=True)):
        _ridge(axes, i, row, bins)
        _summary(axes, i + _BELOW / pitch, row, low)
        base = sheet.top + (i + 0.8) * pitch
        sheet.text(start - 8, base - 5, name, ha="right")
        sheet.text(start - 8, base + 11, note, 8.5, FAINT, ha="right")
        if not is_narrow():
            sheet.text(end + 14, base + 3, label, 9.5)
    return axes


def _label(row: Distribution, number: Callable[[float], str]) -> str:
    """Such as "9 (8 to 11)"."""
    interval = row.interval
    if interval is None:
        return number(row.median)
    return f"{number(row.median)} ({number(interval[0])} to {number(interval[1])})"


def _span(above: NDArray[np.float64]) -> tuple[float, float]:
    """The decimal logarithms of the ends of the axis, whose span is a decade at least."""
    if not len(above):
        return 0.0, 1.0
    low, high = math.log10(float(above.min()) - 0.5), math.log10(float(above.max()) + 0.5)
    return low, max(high, low + 1)


def _edges(low: float, high: float) -> NDArray[np.float64]:
    """Edges of bins of about one width, each between two whole numbers, as logarithms."""
    even = np.linspace(low, high, max(round((high - low) * _BINS), 1) + 1)
    return np.log10(np.unique(np.floor(10**even) + 0.5))


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round values between two decimal logarithms, at most about `most`."""
    first, last = math.floor(low), math.ceil(high)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [10.0**n * step for n in range(first, last + 1) for step in steps]
        ticks = [tick for tick in found if tick >= 1 and low <= math.log10(tick) <= high]
        if len(ticks) <= most:
            return ticks
    return ticks[:: -(-len(ticks) // most)]


def _ridge(axes: Axes, at: int, row: Distribution, bins: NDArray[np.float64]) -> None:
    """The histogram above the row's line, its highest column as high as every row's."""
    counts, _ = np.histogram(np.log10(row.values[row.values > 0]), bins)
    if not counts.max(initial=0):
        return
    density = counts / np.diff(bins)
    high = density / density.max() * 0.62
    boxes = [
        ((a, at), (a, at - h), (b, at - h), (b, at))
        for a, b, h in zip(bins[:-1], bins[1:], high, strict=True)
        if h > 0
    ]
    axes.add_collection(
        PolyCollection(boxes, facecolors=row.color, alpha=0.4, linewidths=0, zorder=2),
        autolim=False,
    )


def _summary(axes: Axes, y: float, row: Distribution, low: float) -> None:
    """Quartiles, the interval of the median, and the median."""

    def x(value: float) -> float:
        return max(math.log10(value), low) if value > 0 else low

    first, last = (float(np.quantile(row.values, share)) for share in (0.25, 0.75))
    axes.hlines(y, x(first), x(last), colors=MUTED, linewidth=1.4, zorder=3)
    if row.interval:
        axes.hlines(y, x(row.interval[0]), x(row.interval[1]), colors=NAVY, linewidth=5, zorder=3)
    axes.scatter([x(row.median)], [y], s=34, color=NAVY, edgecolors="white", linewidths=0.8,
                 zorder=4, clip_on=False)  # fmt: skip
