"""Vertical columns, for keys in an order of their own, such as years."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from hf_assets.charts.marks import (
    FAINT,
    FOOT,
    INK,
    MARGIN,
    MUTED,
    Bar,
    Scale,
    Sheet,
    spans_magnitudes,
)
from hf_assets.charts.numbers import human
from hf_assets.charts.wording import DPI, fit, text_width


def columns(
    sheet: Sheet,
    rows: Sequence[Bar],
    axis: str,
    below: str = "",
    number: Callable[[float], str] = human,
) -> Axes:
    """Vertical columns in the order of `rows`.

    `axis` stands above the value axis, `below` under the names; notes stand under the labels.
    """
    values = [row.value for row in rows]
    log = spans_magnitudes(values)
    top, bottom = sheet.top + 24, sheet.bottom - FOOT
    scale = Scale(values, [44.0] * len(rows), bottom - top, log)
    ticks = scale.ticks(5, True)
    left = MARGIN + max(text_width(number(t), 9.5) for t in ticks) + 10
    sheet.text(MARGIN, sheet.top + 8, axis + (" (log scale)" if log else ""), 9.5, MUTED)
    right = sheet.width - MARGIN
    axes = sheet.axes(left, top, right, bottom)
    x = [i + 0.4 * sum(row.apart for row in rows[:i]) for i in range(len(rows))]
    spare = max(4 - x[-1], 0) / 2
    axes.set(xlim=(-0.6 - spare, x[-1] + 0.6 + spare), ylim=(0, scale.end))
    axes.set_yticks([scale.at(t) for t in ticks], [number(t) for t in ticks])
    axes.grid(axis="y")
    pitch = (right - left) / (x[-1] + 1.2 + 2 * spare)
    size, room = (8, pitch * 0.96) if pitch < 60 else (9.5, pitch * 1.15)
    axes.set_xticks(x, [fit(row.name, size, room) for row in rows], fontsize=size)
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
        for text, rise, points, color in (
            (row.label, 24 if row.note else 9, min(size + 0.5, 9.5), INK),
            (row.note, 8, min(size, 8.5), FAINT),
        ):
            if text:
                shift = axes.transData + ScaledTranslation(0, (rise + 3 * log) / DPI, inch)
                axes.text(place, high, text, fontsize=points, color=color, ha="center",
                          transform=shift, parse_math=False)  # fmt: skip
    return axes
