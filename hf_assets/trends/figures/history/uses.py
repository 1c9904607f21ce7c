"""Figures of what uses what over many days: training data, the most used datasets and papers."""

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import span_up
from hf_assets.charts.figure import figure
from hf_assets.charts.lines import Line, line_ends, lines_panel, plot_box
from hf_assets.charts.marks import Sheet, is_narrow
from hf_assets.charts.numbers import human, percent, plural
from hf_assets.charts.panels import PALETTE, below, names_room
from hf_assets.charts.wording import clean
from hf_assets.trends.figures.day.snapshot import shortened
from hf_assets.trends.figures.history.history import (
    History,
    drawn_from,
    ends_of,
    grown,
    lives,
    model_name,
    ordinals,
    period_of,
    series,
    signed,
)
from hf_assets.trends.series.schemas import USED_BY_HISTORY

_LINES = 6  # targets with a line of their own
_SHARES = {"share_models": "of all models", "share_downloads": "of all downloads"}
_TARGETS = {"dataset": "models trained on a dataset", "paper": "models that link a paper"}


@figure
def training_data_share(h: History) -> Figure:
    """Share of models, and of downloads, whose model names a dataset it was trained on."""
    title = "Models that name their training data"
    frame = h.rows(USED_BY_HISTORY, pl.col("of") == "training_data")
    days, period = ordinals(frame), period_of(h, frame["day"])
    lines = []
    for i, (column, words) in enumerate(_SHARES.items()):
        y = series(frame, "of", column, days).get("training_data", [])
        if ends := ends_of(y):
            note = percent(ends[1], 1)
            if len(days) > 1:
                note += f" {signed(100 * (ends[1] - ends[0]))}"
            lines.append(Line(words, days, y, PALETTE[i], note))
    if not period or not lines:
        return Sheet(title, "", []).message("no day yet that knows what uses what")
    words = " and ".join(f"{percent(ends[1], 1)} {line.name}" for line in lines
                         if (ends := ends_of(line.y)))  # fmt: skip
    caption = [
        *period.words,
        drawn_from(USED_BY_HISTORY, frame.height),
        "behind a name: the share on the last day, and its change since the first in points",
    ]
    sheet = Sheet(title, f"They are {words} on the last day", caption, 330, period.legend())
    up = span_up([v for line in lines for v in line.y if v is not None],
                 lambda v: f"{human(100 * v)}%", most=1)  # fmt: skip
    lines_panel(sheet, plot_box(sheet), period.along, up, lines,
                "models that name a dataset, and their downloads", step=period.step)  # fmt: skip
    return sheet.figure


@figure
def most_used(h: History) -> Figure:
    """The datasets and papers that most models name, day by day."""
    title = "Datasets and papers that most models name"
    frame = h.rows(USED_BY_HISTORY, pl.col("of").is_in(list(_TARGETS)), pl.col("key").is_not_null())
    days, period = ordinals(frame), period_of(h, frame["day"])
    panels = {words: lines for of, words in _TARGETS.items()
              if (lines := _most(frame.filter(pl.col("of") == of), days))}  # fmt: skip
    if not period or not panels:
        return Sheet(title, "", []).message("no day yet that knows what uses what")
    caption = [
        *period.words,
        drawn_from(USED_BY_HISTORY, frame.height),
        f"the {_LINES} of each that most models name at last; each panel has its own scale",
    ]
    leads = []
    for words, lines in panels.items():
        count = plural((ends_of(lines[0].y) or (0, 0))[1], "model")
        leads.append(f"{count} {'link' if 'link' in words else 'name'} {shortened(lines[0].name)}")
    sheet = Sheet(title, "; ".join(leads), caption, 260 * len(panels) - 20, period.legend())
    box = plot_box(sheet)
    most = (0.48 if is_narrow() else 0.4) * (box.right - box.left)
    room = max(names_room(line_ends(lines), most) for lines in panels.values())
    boxes = below(box, len(panels))
    for box, (words, lines) in zip(boxes, panels.items(), strict=True):
        up = span_up([v for line in lines for v in line.y if v is not None], zero=False)
        lines_panel(sheet, box, period.along, up, lines, words, room=room, step=period.step)
    return sheet.figure


def _most(frame: pl.DataFrame, days: Sequence[int]) -> list[Line]:
    """A line for each target that most models name on the last day that it has."""
    found = series(frame, "key", "models", days)
    ends = {
        key: both for key, y in found.items() if (both := ends_of(y)) and both[1] > 0 and lives(y)
    }
    best = sorted(ends, key=lambda key: (-ends[key][1], key))[:_LINES]
    return [
        Line(model_name(key) or clean(key), days, found[key], PALETTE[i], _note(ends[key], days))
        for i, key in enumerate(best)
    ]


def _note(ends: tuple[float, float], days: Sequence[int]) -> str:
    """The models on the last day, and their growth since the first."""
    growth = grown(ends[1] / ends[0] - 1) if len(days) > 1 and ends[0] > 0 else ""
    return f"{human(ends[1])} {growth}".strip()
