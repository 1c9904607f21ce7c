"""A table with sparklines: names, numbers and small lines in rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.collections import LineCollection

from hf_assets.charts.lines import numbers, runs
from hf_assets.charts.marks import BLUE, FAINT, INK, Sheet, is_narrow
from hf_assets.charts.panels import Box
from hf_assets.charts.wording import fit

ROW, HEADS = 27, 26  # px of a row and of the column heads


@dataclass(frozen=True)
class Cell:
    """A text in a table; empty for none."""

    text: str
    color: str = INK
    bold: bool = False


@dataclass(frozen=True)
class Spark:
    """A small line on a scale of its own from 0, with a dot at its last value.

    All sparklines of a column share `x`.
    """

    x: Sequence[float]
    y: Sequence[float | None]
    color: str = BLUE


@dataclass(frozen=True)
class Head:
    """A column: its name, its share of the width, and the side on which its texts stand.

    `wide`: the column is left out on a sheet for phones.
    """

    name: str
    share: float
    side: Literal["left", "right"] = "left"
    wide: bool = False


def ledger_height(rows: int) -> float:
    """The height in px of a table of so many rows."""
    return HEADS + ROW * rows


def ledger(
    sheet: Sheet, box: Box, heads: Sequence[Head], rows: Sequence[Sequence[Cell | Spark]]
) -> None:
    """Set a table into a box, from its top; a hair line below each row, texts cut to fit.

    The sparklines of a column share the horizontal scale; each has its own vertical one.
    """
    kept = [i for i, head in enumerate(heads) if not (head.wide and is_narrow())]
    whole = sum(heads[i].share for i in kept)
    left = box.left
    for i in kept:
        head = heads[i]
        right = left + (box.right - box.left) * head.share / whole
        _texts(sheet, head, [row[i] for row in rows], left, right, box.top)
        sparks = [(n, row[i]) for n, row in enumerate(rows)]
        _sparks(
            sheet,
            [(n, cell) for n, cell in sparks if isinstance(cell, Spark)],
            Box(left + 4, box.top + HEADS, right - 14, box.top + ledger_height(len(rows))),
            len(rows),
        )
        left = right
    for n in range(len(rows) + 1):
        y = box.top + HEADS + n * ROW
        sheet.box(box.left, y - 0.5, box.right - box.left, 0.9, "#E6E9EE" if n else "#C9CED6")


def _texts(
    sheet: Sheet, head: Head, cells: Sequence[Cell | Spark], left: float, right: float, top: float
) -> None:
    room, at = right - left - 12, left if head.side == "left" else right - 12
    sheet.text(at, top + HEADS - 9, fit(head.name, 9, room), 9, FAINT, ha=head.side)
    for n, cell in enumerate(cells):
        if isinstance(cell, Cell) and cell.text:
            text = fit(cell.text, 9.5, room, cell.bold)
            y = top + HEADS + ROW * n + ROW / 2 + 4.5
            sheet.text(at, y, text, 9.5, cell.color, cell.bold, ha=head.side)


def _sparks(sheet: Sheet, sparks: Sequence[tuple[int, Spark]], box: Box, rows: int) -> None:
    """All sparklines of a column in a single axes: an axes for each would take 10 ms."""
    positions = [x for _, spark in sparks for x in spark.x]
    if not positions:
        return
    low, high = min(positions), max(positions)
    pad = 0.5 if low == high else 0.02 * (high - low)
    axes = sheet.axes(box.left, box.top, box.right, box.bottom)
    axes.set(xlim=(low - pad, high + pad), ylim=(rows * ROW, 0), xticks=[], yticks=[])
    axes.spines["bottom"].set_visible(False)
    axes.patch.set_visible(False)
    segments, colors = [], []
    for n, spark in sparks:
        y = numbers(spark.y)
        most = max((v for v in y if math.isfinite(v)), default=0.0)
        height = (n + 1) * ROW - 5 - (ROW - 11) * (y / most if most > 0 else np.zeros(len(y)))
        x = np.asarray(spark.x, float)
        for run in runs(spark.x, spark.y):
            segments.append(np.column_stack([x[run], height[run]]))
            colors.append(spark.color)
        valid = np.flatnonzero(np.isfinite(y))
        if valid.size:
            end = valid[-1]
            axes.plot([x[end]], [height[end]], "o", color=spark.color, markersize=3.4,
                      clip_on=False)  # fmt: skip
    axes.add_collection(LineCollection(segments, colors=colors, linewidths=1.5), autolim=False)
