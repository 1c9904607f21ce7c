"""The figures of a leaderboard: score against size and latency, and labels against their rows.

A `Leaderboard` in, matplotlib figures out. The title names the measure, the subtitle the result,
the caption corpus, rows, seed and machine. A leaderboard without models gives an empty frame that
says so, never an exception.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hf_assets.charts.marks import (
    BLUE,
    MARGIN,
    MUTED,
    NAVY,
    OTHER,
    WIDTH,
    Sheet,
    house_style,
)
from hf_assets.charts.numbers import exact, human, plural
from hf_assets.charts.point_labels import LINE, SIZE, Box, write_names
from hf_assets.charts.wording import DPI, clean, fit, text_width
from hf_assets.classifiers.evaluation.results import (
    CONSTANT,
    HELPED,
    INT8,
    NOTHING,
    ONNX,
    TFIDF,
    TORCH,
    Leaderboard,
    served_row,
)

_FOOT = 58  # px below the plot for ticks and the axis label
_COMMONEST, _APART = 4, 8  # labels that are named
_COLORS = {TORCH: NAVY, ONNX: BLUE, INT8: "#D1495B", HELPED: "#E8A33D"}
_WORDS = {TORCH: "torch", ONNX: "ONNX", INT8: "int8", HELPED: "int8 + TF-IDF"}


def score_against_size(board: Leaderboard) -> Figure:
    """Micro-F1 on test over the bytes of the weights, a point an artefact."""
    return _scatter(board, "Score against size", "size_bytes", "MB of weights", 1e-6)


def score_against_latency(board: Leaderboard) -> Figure:
    """Micro-F1 on test over the time a text takes, a point an artefact."""
    axis = "ms a text, one at a time on one thread, median"
    return _scatter(board, "Score against latency", "ms_p50", axis, 1.0)


@dataclass(frozen=True)
class _Point:
    name: str
    runtime: str
    x: float
    f1: float
    low: float
    high: float


def _scatter(board: Leaderboard, title: str, column: str, axis: str, unit: float) -> Figure:
    with house_style():
        points = [
            _Point(clean(row["model"], 40), row["runtime"], unit * row[column],
                   100 * row["micro_f1"], 100 * row["micro_f1_low"], 100 * row["micro_f1_high"])
            for row in board.rows.to_dicts()
            if row["runtime"] in _COLORS and row[column]
        ]  # fmt: skip
        caption = _caption(board, "bars: 95 % interval over resampled test rows")
        if not points:
            return Sheet(title, "", caption).message("no classifier has been measured yet")
        used = [runtime for runtime in _COLORS if any(p.runtime == runtime for p in points)]
        legend = [(_COLORS[runtime], _WORDS[runtime]) for runtime in used]
        sheet = Sheet(title, _finding(board), caption, 460, legend)
        _plot(sheet, points, axis, _baselines(board))
        return sheet.figure


def _finding(board: Leaderboard) -> str:
    row = served_row(board.rows)
    if row is None:
        return "No int8 model has been measured yet"
    others = " and ".join(
        f"{words} {_points(found['micro_f1'][0])}"
        for name, words in ((TFIDF, "TF-IDF"), (CONSTANT, "the best constant answer"))
        if (found := board.rows.filter(model=name)).height
    )
    return (
        f"{fit(clean(row['model']), 11.5, 240)} as {row['runtime']} reaches "
        f"{_points(row['micro_f1'])}, {others}; {human(row['size_bytes'] / 1e6)} MB, "
        f"{human(row['ms_p50'])} ms a text"
    )


def _baselines(board: Leaderboard) -> dict[str, float]:
    named = {TFIDF: "TF-IDF + SVM", CONSTANT: "constant labels", NOTHING: "predict nothing"}
    found = {row["model"]: 100 * row["micro_f1"] for row in board.rows.to_dicts()}
    return {words: found[name] for name, words in named.items() if name in found}


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _caption(board: Leaderboard, *more: str) -> list[str]:
    record = board.record
    about = (
        f"corpus {clean(record.corpus, 60)}",
        f"{plural(record.test_rows, 'test row', number=exact)}",
        f"{plural(record.labels, 'label', number=exact)}",
        "thresholds from validation",
        f"seed {record.seed}",
        clean(record.machine, 80),
        record.day,
    )
    return [*about, *filter(None, more)]


def _plot(sheet: Sheet, points: Sequence[_Point], axis: str, lines: dict[str, float]) -> None:
    low, high = _range(points, lines)
    ends = max(text_width(_ended(words, y, low), SIZE) for words, y in lines.items())
    sheet.text(MARGIN, sheet.top + 8, "micro-F1 on test, %", 9.5, MUTED)
    axes = sheet.axes(MARGIN + 34, sheet.top + 24, WIDTH - MARGIN - ends - 10, sheet.bottom - _FOOT)
    axes.set_xlabel(f"{axis} (log scale)", labelpad=6)
    axes.grid(axis="y")
    _log_axis(axes, [point.x for point in points])
    axes.set_ylim(low, high)
    axes.set_yticks([tick for tick in MaxNLocator(7).tick_values(low, high) if low <= tick <= high])
    _floors(axes, lines, low)
    for name in dict.fromkeys(point.name for point in points):
        mine = {point.runtime: point for point in points if point.name == name}
        chain = [mine[runtime] for runtime in _COLORS if runtime in mine]
        axes.plot([p.x for p in chain], [p.f1 for p in chain], color=OTHER, linewidth=1, zorder=1.5)
    for point in points:
        color, torch = _COLORS[point.runtime], point.runtime == TORCH
        axes.vlines(point.x, point.low, point.high, color=color, linewidth=1.4, zorder=2)
        # What ONNX gives lies on what torch gives: a ring around a dot.
        axes.scatter(
            [point.x], [point.f1], s=130 if torch else 46, linewidth=1.8 if torch else 0.8,
            facecolor="white" if torch else color, edgecolor=color if torch else "white",
            marker="D" if point.runtime == HELPED else "o", zorder=2.5 if torch else 3,
        )  # fmt: skip
    _name_models(axes, points)


def _ended(words: str, y: float, low: float) -> str:
    return f"{words} {y:.1f}" + " ↓" * (y < low)


def _range(points: Sequence[_Point], lines: dict[str, float]) -> tuple[float, float]:
    """What the score axis spans: all points, and the baselines that are not far below them."""
    shown = [*(p.low for p in points), *(p.high for p in points)]
    for y in sorted(lines.values(), reverse=True):
        if min(shown) - y < max(12, 1.5 * (max(shown) - min(shown))):
            shown.append(y)
    span = max(max(shown) - min(shown), 4)
    return max(min(shown) - 0.12 * span, -1), max(shown) + 0.16 * span


def _floors(axes: Axes, lines: dict[str, float], low: float) -> None:
    """A dashed line for each baseline, named at its end; those below the axis at its foot."""
    height = axes.get_window_extent().height / (axes.get_ylim()[1] - low)
    free = float("inf")  # px above the axis that the next name must stay below
    below = sum(y < low for y in lines.values())
    for i, (words, y) in enumerate(sorted(lines.items(), key=lambda line: -line[1])):
        above = len(lines) - i - 1
        px = (y - low) * height
        if y >= low:
            axes.axhline(y, color=MUTED, linewidth=1.2, linestyle=(0, (5, 4)), zorder=1)
            at = max(min(px, free - LINE), LINE * above)
        else:
            at = LINE * above
        free = at
        axes.annotate(
            _ended(words, y, low), (1, 0), (8 * 72 / DPI, at * 72 / DPI), xycoords="axes fraction",
            textcoords="offset points", va="center", fontsize=SIZE, color=MUTED,
            annotation_clip=False, parse_math=False,
        )  # fmt: skip
    if below:
        axes.spines["bottom"].set_linestyle((0, (2, 3)))


def _log_axis(axes: Axes, values: Sequence[float]) -> None:
    low, high = min(values), max(values)
    room = max(1.25, (high / low) ** 0.12)
    low, high = low / room, high * room
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**n for n in decades for step in steps if low <= step * 10.0**n <= high]
        if len(ticks) >= 4:
            break
    else:
        ticks = [tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]
    axes.minorticks_off()
    axes.set_xticks(ticks, [human(tick) for tick in ticks])


def _name_models(axes: Axes, points: Sequence[_Point]) -> None:
    """Each base model once, at its smallest artefact without help."""
    order = (INT8, ONNX, TORCH, HELPED)
    named = []
    for name in dict.fromkeys(point.name for point in points):
        mine = [point for point in points if point.name == name]
        at = min(mine, key=lambda point: order.index(point.runtime))
        named.append((at.x, at.f1, fit(name, SIZE, 220)))
    taken = []
    for point in points:
        x, y = axes.transData.transform((point.x, point.f1))
        bottom, top = (axes.transData.transform((point.x, e))[1] for e in (point.low, point.high))
        taken += [Box(x - 8, y - 8, x + 8, y + 8), Box(x - 2, bottom, x + 2, top)]
    write_names(axes, named, taken, _frame(axes))


def _frame(axes: Axes) -> Box:
    box = axes.get_window_extent()
    return Box(box.x0, box.y0, box.x1, box.y1)


# --- labels --------------------------------------------------------------------------------------


def label_scores(board: Leaderboard) -> Figure:
    """F1 on test of each label over the rows it was learnt from, of the best int8 model."""
    with house_style():
        title = "Score of a label against its training rows"
        found = board.labels.filter(pl.col("f1").is_not_null() & (pl.col("training_rows") > 0))
        lost = board.labels.height - found.height
        model = clean(str(board.record.best), 60)
        caption = _caption(
            board,
            f"{model}, int8",
            f"{plural(lost, 'label')} without a test row left out" if lost else "",
        )
        if not found.height:
            return Sheet(title, "", caption).message("no int8 model has been measured yet")
        rows, f1 = found["training_rows"].to_numpy(), 100 * found["f1"].to_numpy()
        middle = _medians(rows, f1)
        key = [(BLUE, "a label")]
        if not f1.all():
            key.append((_COLORS[INT8], "a label never given rightly"))
        if len(middle) > 2:
            key.append((NAVY, "median of labels with about as many rows"))
        sheet = Sheet(title, _label_finding(found), caption, 460, key)
        sheet.text(MARGIN, sheet.top + 8, "F1 on test, %", 9.5, MUTED)
        axes = sheet.axes(MARGIN + 34, sheet.top + 24, WIDTH - MARGIN - 8, sheet.bottom - _FOOT)
        axes.set_xlabel("training rows with the label (log scale)", labelpad=6)
        axes.grid(axis="y")
        _log_axis(axes, rows.tolist())
        axes.set_ylim(-4, 108)
        axes.set_yticks(range(0, 101, 20))
        colors = [BLUE if value > 0 else _COLORS[INT8] for value in f1]
        axes.scatter(rows, f1, s=26, color=colors, alpha=0.55, linewidth=0, zorder=2)
        if len(middle) > 2:
            axes.plot(*zip(*middle, strict=True), color=NAVY, linewidth=2.2, zorder=3)
        _name_labels(axes, found, middle)
        return sheet.figure


def _label_finding(found: pl.DataFrame) -> str:
    many = found.filter(pl.col("training_rows") >= found["training_rows"].quantile(0.75))
    few = found.filter(pl.col("training_rows") <= found["training_rows"].quantile(0.25))
    never = found.filter(pl.col("f1") == 0).height
    said = f"{exact(never)} of {plural(found.height, 'label', number=exact)} never rightly given"
    if found.height < 8:
        return said
    high, low = (100 * np.median(part["f1"].to_numpy()) for part in (many, few))
    return (
        f"Median F1 {high:.0f} among the commonest quarter of the labels, {low:.0f} among the "
        f"rarest; {said}"
    )


def _medians(rows: np.ndarray, f1: np.ndarray) -> list[tuple[float, float]]:
    """The middle label, by rows and by F1, of each of ten equal steps that has five labels."""
    edges = np.geomspace(rows.min(), rows.max() * 1.001, 11)
    step = np.clip(np.searchsorted(edges, rows, side="right"), 1, 10)
    parts = [step == i for i in range(1, 11) if np.count_nonzero(step == i) >= 5]
    return [(float(np.median(rows[part])), float(np.median(f1[part]))) for part in parts]


def _name_labels(axes: Axes, found: pl.DataFrame, middle: Sequence[tuple[float, float]]) -> None:
    """The commonest labels, and those furthest from what their number of rows gives."""
    rows, f1 = found["training_rows"].to_numpy(), 100 * found["f1"].to_numpy()
    x, y = np.array(middle or [(1.0, np.median(f1))]).T
    usual = np.interp(np.log(rows), np.log(x), y)
    often = np.argsort(-rows, kind="stable")[:_COMMONEST]
    apart = np.argsort(-np.abs(f1 - usual) * np.log1p(rows), kind="stable")
    chosen = list(dict.fromkeys([*often.tolist(), *apart[:_APART].tolist()]))
    labels = found["label"].to_list()
    named = [(float(rows[i]), float(f1[i]), fit(clean(labels[i], 40), SIZE, 150)) for i in chosen]
    taken = []
    for row, value in zip(rows, f1, strict=True):
        px, py = axes.transData.transform((row, value))
        taken.append(Box(px - 4, py - 4, px + 4, py + 4))
    if len(middle) > 2:
        line = axes.transData.transform(middle)
        along = np.linspace(line[0, 0], line[-1, 0], 200)
        heights = np.interp(along, line[:, 0], line[:, 1])
        taken += [
            Box(px - 3, py - 3, px + 3, py + 3) for px, py in zip(along, heights, strict=True)
        ]
    write_names(axes, named, taken, _frame(axes))
