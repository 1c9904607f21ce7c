"""The figure of a corpus: how often its labels are given.

The title names the measure, the subtitle the result, the caption the source.
"""

from collections.abc import Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from hf_assets.charts.marks import (
    BLUE,
    FAINT,
    INK,
    MARGIN,
    MUTED,
    OTHER,
    PALE,
    WIDTH,
    Bar,
    Sheet,
    bars,
    body,
    house_style,
)
from hf_assets.charts.numbers import exact, human, percent, plural
from hf_assets.charts.wording import clean, fit
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.facts import NO_LICENSE, label_rows

# Labels named in the bars; the curve beside them has all.
_NAMED = 20
_MIDDLE = 545  # px where the curve's panel begins
_FIRST = 3  # labels in the darker colour
_HEAD = 26  # px that a panel's title takes
_FOOT = 58  # px below the curve for ticks and the axis label


def label_frequencies(corpus: Corpus) -> Figure:
    """Training rows a label: the commonest as bars, all of them by rank as a curve."""
    title = "How often labels are given"
    training = corpus.frame.filter(pl.col("split") == "train")
    counts = label_rows(training, corpus.labels)
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    with house_style():
        caption = _caption(corpus, training.height)
        if not ranked:
            return Sheet(title, "", caption).message("no labels in this corpus")
        named = ranked[:_NAMED]
        sheet = Sheet(title, _finding(ranked, training.height), caption, body(len(named)) + _HEAD)
        shown = [
            Bar(clean(label), rows, human(rows), percent(rows, training.height),
                BLUE if at < _FIRST else PALE)
            for at, (label, rows) in enumerate(named)
        ]  # fmt: skip
        if len(ranked) == len(named):
            bars(sheet, shown, "training rows")
            return sheet.figure
        for x, words in ((MARGIN, f"The {_NAMED} commonest"), (_MIDDLE, "All, by rank")):
            sheet.text(x, sheet.top + 14, words, 10, INK, bold=True)
        bars(sheet, shown, "training rows", right=_MIDDLE - 45, top=sheet.top + _HEAD)
        least = corpus.facts.least_rows
        _curve(sheet, [rows for _, rows in ranked], least)
        return sheet.figure


def _finding(ranked: Sequence[tuple[str, int]], training: int) -> str:
    (first, most), (last, fewest) = ranked[0], ranked[-1]
    said = f"“{fit(clean(first), 11.5, 240)}” is given to {percent(most, training)} of the rows"
    if len(ranked) > _NAMED:
        median = ranked[len(ranked) // 2][1]
        return (
            f"{said}; half of the {exact(len(ranked))} labels to {plural(median, 'row')} or fewer"
        )
    return f"{said}, “{fit(clean(last), 11.5, 240)}” to {percent(fewest, training)}"


def _caption(corpus: Corpus, training: int) -> list[str]:
    facts = corpus.facts
    given = facts.labels_given - len(corpus.labels)
    least = facts.least_rows
    licences = [clean(name, 40) for name in facts.licences if name != NO_LICENSE]
    return [
        f"corpus {clean(corpus.name, 60)}",
        f"{plural(corpus.frame.height, 'row', number=exact)}, {exact(training)} for training",
        *([f"{plural(given, 'label')} of fewer than {exact(least)} training rows left out"]
          if given > 0 else []),
        *([f"texts: {', '.join(licences[:3])}"] if licences else []),
    ]  # fmt: skip


def _curve(sheet: Sheet, rows: Sequence[int], least: int) -> None:
    """Rows by rank, both on log axes, and the line below which labels are left out."""
    top = sheet.top + _HEAD
    sheet.text(_MIDDLE, top + 14, "training rows (log scale)", 9.5, MUTED)
    axes = sheet.axes(_MIDDLE + 42, top + 24, WIDTH - MARGIN, sheet.bottom - _FOOT)
    axes.set_xscale("log")
    axes.set_yscale("log")
    low = max(min(*rows, least or rows[0]), 1)
    axes.set(xlim=(0.85, len(rows) * 1.15), ylim=(low / 1.7, rows[0] * 1.4))
    _round_ticks(axes)
    axes.grid(axis="y")
    axes.set_xlabel("rank of the label (log scale)", labelpad=6)
    ranks = range(1, len(rows) + 1)
    axes.plot(ranks, rows, color=OTHER, linewidth=1, zorder=2)
    colors = [BLUE if rank <= _FIRST else PALE for rank in ranks]
    axes.scatter(ranks, rows, s=20, color=colors, zorder=3, clip_on=False)
    if least:
        axes.axhline(least, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        said = f"left out below {exact(least)}"
        axes.annotate(said, (0.9, least), (0, -11), textcoords="offset points", fontsize=8.5,
                      color=FAINT, annotation_clip=False)  # fmt: skip


def _round_ticks(axes: Axes) -> None:
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        steps = (1, 2, 5) if high / low < 200 else (1,)
        ticks = [
            float(step * 10**power)
            for power in range(9)
            for step in steps
            if low <= step * 10**power <= high
        ]
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_ticklabels([human(tick) for tick in ticks])
