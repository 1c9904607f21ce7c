"""The figure of predicted categories beside the served ones; predicted shares are hatched."""

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import span_up
from hf_assets.charts.figure import figure
from hf_assets.charts.lines import Line, areas_panel, line_ends, plot_box
from hf_assets.charts.marks import NONE, OTHER, Sheet, is_narrow
from hf_assets.charts.numbers import human, percent
from hf_assets.charts.panels import PALETTE, below, names_room
from hf_assets.charts.wording import clean
from hf_assets.trends.figures.history.history import (
    History,
    drawn_from,
    ends_of,
    ordinals,
    period_of,
    series,
)
from hf_assets.trends.series.schemas import CATEGORY_HISTORY, PREDICTION_HISTORY

_SHOWN = 4  # categories with a colour of their own
_DEEP = 330  # px of a panel
Values = list[float | None]


@figure
def predicted_categories(h: History) -> Figure:
    """Share of models and downloads by category, served and predicted, and what stays unknown."""
    title = "Categories that the Hub does not give"
    frame = h.rows(CATEGORY_HISTORY)
    there = frame.filter(pl.col("predicted_share_rows").is_not_null())
    frame = frame.join(there.select("day").unique(), on="day", how="semi")
    days, period = ordinals(frame), period_of(h, frame["day"])
    order = _largest(frame, days)
    panels = {
        words: layers
        for words, column in (("share of models", "share_rows"),
                              ("share of downloads", "share_downloads"))
        if (layers := _layers(frame, column, days, order))
    }  # fmt: skip
    if not period or not panels:
        return Sheet(title, "", []).message("no category is predicted yet")
    caption = [
        *period.words,
        drawn_from(CATEGORY_HISTORY, frame.height),
        "hatched: predicted for models without a category, never part of a served share",
        *_confirmed(h),
    ]
    words, layers = next(iter(panels.items()))
    sheet = Sheet(title, _finding(layers, words), caption, _DEEP * len(panels) - 20,
                  period.legend())  # fmt: skip
    box = plot_box(sheet)
    most = (0.48 if is_narrow() else 0.4) * (box.right - box.left)
    room = max(names_room(line_ends(part), most) for part in panels.values())
    for at, (name, part) in zip(below(box, len(panels)), panels.items(), strict=True):
        up = span_up([0, 1], lambda value: f"{human(100 * value)}%", most=1)
        areas_panel(sheet, at, period.along, up, part, name, room=room)
    return sheet.figure


def _largest(frame: pl.DataFrame, days: Sequence[int]) -> list[str]:
    """Categories by their share of models on the last day, served or predicted, largest first."""
    served = series(frame, "key", "share_rows", days)
    predicted = series(frame, "key", "predicted_share_rows", days)
    last = {key: _last(y) + _last(predicted.get(key)) for key, y in served.items() if key}
    return sorted(last, key=lambda key: (-last[key], key))


def _layers(
    frame: pl.DataFrame, column: str, days: Sequence[int], order: Sequence[str]
) -> list[Line]:
    """Served and predicted shares of the largest categories, of all others, and the unknown."""
    served = series(frame, "key", column, days)
    predicted = series(frame, "key", f"predicted_{column}", days)
    nobody: Values = [None] * len(days)
    none = served.pop(None, nobody)
    predicted.pop(None, None)
    if not any(ends_of(values) for values in served.values()):
        return []
    shown, rest = order[:_SHOWN], order[_SHOWN:]
    layers = []
    for i, key in enumerate(shown):
        name, color = clean(key), PALETTE[i]
        layers += _pair(name, days, served.get(key, nobody), predicted.get(key, nobody), color)
    others = [_sum([of.get(key, nobody) for key in rest]) for of in (served, predicted)]
    layers += _pair(f"{len(rest)} others", days, *others, OTHER) if rest else []
    all_predicted = _sum(list(predicted.values()))
    unknown = [
        None if part is None else max(0.0, part - (said or 0))
        for part, said in zip(none, all_predicted, strict=True)
    ]
    return [*layers, Line("unknown", days, unknown, NONE, percent(_last(unknown), 1))]


def _pair(
    name: str, days: Sequence[int], served: Values, predicted: Values, color: str
) -> list[Line]:
    said = percent(_last(predicted), 1)
    return [
        Line(name, days, served, color, percent(_last(served), 1)),
        Line("predicted", days, predicted, color, said, hatched=True),
    ]


def _last(values: Sequence[float | None] | None) -> float:
    ends = ends_of(values or [])
    return ends[1] if ends else 0.0


def _sum(columns: Sequence[Values]) -> Values:
    """The sum of each day; None where no value is known."""
    return [
        sum(known) if (known := [value for value in of_day if value is not None]) else None
        for of_day in zip(*columns, strict=True)
    ]


def _finding(layers: Sequence[Line], words: str) -> str:
    predicted = sum(_last(layer.y) for layer in layers if layer.hatched)
    unknown = _last(layers[-1].y)
    return (
        f"Of the {percent(predicted + unknown, 1)} without a category, by {words}, "
        f"{percent(predicted, 1)} are predicted and {percent(unknown, 1)} stay unknown"
    )


def _confirmed(h: History) -> list[str]:
    """What the Hub has answered since, in words."""
    rows = h.rows(PREDICTION_HISTORY, pl.col("version").is_not_null())
    if not rows.height or rows["precision"][-1] is None:
        return []
    row = rows.row(-1, named=True)
    answered = row["all_right"] + row["all_wrong"]
    return [
        f"{percent(row['precision'], 1)} of {human(answered)} answered by the Hub since were "
        f"right ({percent(row['low'], 1)} to {percent(row['high'], 1)})"
    ]
