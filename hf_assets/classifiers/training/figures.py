"""The figure of one training: the loss by step, the scores on validation by epoch.

Of a head that was not trained in steps, as few rows choose it: the scores of each way.

training.json in, a matplotlib figure out.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from hf_assets.charts.marks import BLUE, INK, MARGIN, MUTED, NAVY, PALE, WIDTH, Sheet, house_style
from hf_assets.charts.numbers import exact, human, plural
from hf_assets.charts.wording import clean
from hf_assets.classifiers.training.record import EpochScores, FewRows, TrainingRecord

_GAP, _FOOT = 56, 52  # px between the panels; px below a plot for ticks and the axis label
_WINDOWS = 20  # the smoothed loss is a mean over two such parts of all steps


def figure(training: TrainingRecord) -> Figure:
    """Loss and validation scores of a training, from its training.json."""
    if training.few_rows and len(training.history) == 1:
        return _figure_of_ways(training, training.few_rows)
    history, best = training.history, training.best_epoch
    kept = next(entry for entry in history if entry.epoch == best)
    with house_style():
        sheet = Sheet(
            f"Training {clean(training.base_model, 40)} on {clean(training.corpus, 40)}",
            _finding(training, kept),
            _caption(training),
        )
        middle, top = WIDTH / 2, sheet.top + 42
        bottom = sheet.bottom - _FOOT
        _loss(sheet, training, (MARGIN + 44, top, middle - _GAP / 2, bottom))
        _scores(sheet, training, (middle + _GAP / 2 + 34, top, WIDTH - MARGIN - 64, bottom))
    return sheet.figure


def _figure_of_ways(training: TrainingRecord, few_rows: FewRows) -> Figure:
    """The scores of the ways that a corpus of few rows could be trained, in the folds."""
    kept = training.validation or training.history[0]
    macro = "" if kept.macro_f1 is None else f" and macro-F1 {100 * kept.macro_f1:.1f} %"
    with house_style():
        sheet = Sheet(
            f"Training {clean(training.base_model, 40)} on {clean(training.corpus, 40)}",
            f"{few_rows.chosen.replace('_', ' ')}, the chosen way, has micro-F1 "
            f"{100 * kept.micro_f1:.1f} %{macro} on validation",
            [
                *_caption(training)[:3],
                f"each training row answered by one of {few_rows.folds} folds that did not learn "
                "from it, at the way's best threshold",
            ],
        )
        top = sheet.top + 42
        box = (MARGIN + 110, top, WIDTH - MARGIN - 64, sheet.bottom - _FOOT)
        _ways(sheet, few_rows, box)
    return sheet.figure


def _ways(sheet: Sheet, few_rows: FewRows, box: tuple[float, float, float, float]) -> None:
    ways = few_rows.candidates
    axes = _panel(sheet, box, "F1 of each way, in the folds", "F1")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x")
    for row, way in enumerate(ways):
        if way.left_out:
            axes.text(0.01, row, "left out", va="center", color=MUTED, fontsize=9)
            continue
        for score, color, off in ((way.micro_f1, BLUE, -0.17), (way.macro_f1, NAVY, 0.17)):
            axes.barh(row + off, 100 * score, height=0.3, color=color)
            axes.annotate(
                f"{100 * score:.1f}", (100 * score, row + off), xytext=(5, 0), va="center",
                textcoords="offset points", fontsize=9.5, color=INK,
            )  # fmt: skip
    names = [way.name.replace("_", " ") for way in ways]
    axes.set_yticks(range(len(ways)), names)
    for label, way in zip(axes.get_yticklabels(), ways, strict=True):
        label.set_fontweight("bold" if way.name == few_rows.chosen else "normal")
    axes.set_ylim(len(ways) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{human(value)}%"))
    _legend(sheet, box[0] + 250, box[1], ((BLUE, "micro"), (NAVY, "macro")))


def _finding(training: TrainingRecord, kept: EpochScores) -> str:
    ran = training.epochs
    which = f"epoch {kept.epoch} of {ran}" if ran > 1 else "its only epoch"
    return (
        f"Micro-F1 {100 * kept.micro_f1:.1f} % and macro-F1 {100 * kept.macro_f1:.1f} % on "
        f"validation after {which}, which was kept"
    )


def _caption(training: TrainingRecord) -> list[str]:
    rows = training.rows
    speed = human(training.samples_per_second)
    return [
        f"{exact(rows.train)} training and {exact(rows.validation)} validation rows, "
        f"{plural(training.labels, 'label')}",
        f"strategy {training.strategy}, seed {training.seed}",
        f"{human(training.seconds)} s, {speed} samples/s, {training.device} {training.dtype}",
        "loss: binary cross-entropy summed over the labels, mean over the rows",
        "F1 at the epoch's own best threshold",
    ]


def _loss(sheet: Sheet, training: TrainingRecord, box: tuple[float, float, float, float]) -> None:
    steps, losses = (np.array(each, float) for each in zip(*training.losses, strict=True))
    history = training.history
    smooth = _smoothed(losses)
    ends = [(entry.step, entry.validation_loss) for entry in history]
    axes = _panel(sheet, box, "Loss", "step")
    axes.plot(steps, losses, color=PALE, linewidth=1, alpha=0.7)
    axes.plot(steps, smooth, color=BLUE, linewidth=2)
    axes.plot(*zip(*ends, strict=True), color=NAVY, linewidth=1.2, marker="o", markersize=5)
    shown = np.concatenate([losses, [value for _, value in ends]])
    _limits(axes, float(shown.min()), float(shown.max()))
    axes.set_xlim(0, max(steps[-1], 1) * 1.02)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: human(value)))
    _legend(sheet, box[0] + 52, box[1], ((BLUE, "training, smoothed"), (NAVY, "validation")))


def _legend(sheet: Sheet, x: float, top: float, lines: tuple[tuple[str, str], ...]) -> None:
    for color, words in lines:
        sheet.box(x, top - 34, 11, 11, color)
        sheet.text(x + 17, top - 24, words, size=9, color=MUTED)
        x += 150


def _scores(sheet: Sheet, training: TrainingRecord, box: tuple[float, float, float, float]) -> None:
    history = training.history
    epochs = [entry.epoch for entry in history]
    axes = _panel(sheet, box, "F1 on validation", "epoch")
    marker = "o" if len(epochs) <= 12 else ""
    lines = (("micro_f1", "micro", BLUE), ("macro_f1", "macro", NAVY))
    values = {name: [100 * getattr(entry, name) for entry in history] for name, _, _ in lines}
    every = [value for column in values.values() for value in column]
    low, high = _limits(axes, min(every), max(every))
    apart = (high - low) * 0.05
    last = {name: values[name][-1] for name in values}
    together = abs(last["micro_f1"] - last["macro_f1"]) < 2 * apart
    lower = "macro_f1" if last["macro_f1"] <= last["micro_f1"] else "micro_f1"
    for name, words, color in lines:
        axes.plot(epochs, values[name], color=color, linewidth=2, marker=marker, markersize=6)
        # The two names keep clear of each other where the curves end together.
        at = last[name] + together * (-apart if name == lower else apart)
        axes.annotate(
            f"{words} {last[name]:.1f}", (epochs[-1], at), xytext=(9, 0), va="center",
            textcoords="offset points", color=color, fontsize=10, annotation_clip=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    best = training.best_epoch
    axes.axvline(best, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0.9)
    axes.annotate(
        "kept",
        (best, high),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=MUTED,
    )
    room = 0.05 * (max(epochs) - min(epochs) or 1)
    axes.set_xlim(min(epochs) - room, max(epochs) + room)
    axes.xaxis.set_major_locator(
        FixedLocator(epochs) if len(epochs) <= 8 else MaxNLocator(8, integer=True)
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{human(value)}%"))


def _panel(sheet: Sheet, box: tuple[float, float, float, float], title: str, below: str) -> Axes:
    left, top, right, bottom = box
    sheet.text(left, top - 24, title, size=10.5, bold=True)
    axes = sheet.axes(left, top, right, bottom)
    axes.set_xlabel(below, labelpad=6)
    axes.grid(axis="y")
    return axes


def _limits(axes: Axes, low: float, high: float) -> tuple[float, float]:
    """From 0, or from just below the lowest where all that happens is far above 0."""
    start = 0.0 if low < 0.4 * high else low - 0.15 * (high - low + 0.02 * high)
    end = high + 0.08 * (high - start) + 1e-6
    axes.set_ylim(start, end)
    return start, end


def _smoothed(values: np.ndarray) -> np.ndarray:
    """The mean of each value and its neighbours, of fewer towards the ends: no lag, no bend."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    reach = np.minimum(np.minimum(at, at[::-1]), len(values) // _WINDOWS)
    return (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1)
