"""Figures of adoption: downloads by age, and the time to reach a number of them."""

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import ages_along, span_up
from hf_assets.charts.figure import figure
from hf_assets.charts.lines import Line, draw_line, lines_panel, plot_box
from hf_assets.charts.marks import NONE, OTHER, Sheet
from hf_assets.charts.numbers import exact, human, percent, plural
from hf_assets.charts.panels import PALETTE
from hf_assets.trends.figures.day.snapshot import number_of, shortened
from hf_assets.trends.figures.history.history import (
    History,
    Rows,
    drawn_from,
    model_name,
    period_of,
)
from hf_assets.trends.series.schemas import (
    ADOPTION_HISTORY,
    MILESTONES,
    MODEL_HISTORY,
)

_YOUNG = 7  # days after its creation by which a model was first seen from its release on
_NAMED, _THIN = 8, 80  # adoption curves with a name and without
_AT_RISK = 5  # model-days below which a survival curve ends: its band would be all of it


@figure
def adoption_curves(h: History) -> Figure:
    """Downloads by age, of the models seen from their release on."""
    title = "How fast new models are adopted"
    known = h.frames[MODEL_HISTORY.name].filter(
        pl.col("created").is_not_null(), pl.col("downloads").is_not_null()
    )
    seen = known.group_by("hub_id").agg(
        pl.col("created").last(), first_day=pl.col("day").min(), days=pl.len()
    )
    young = seen.filter(
        (pl.col("first_day") - pl.col("created")).dt.total_days().is_between(-1, _YOUNG)
        & (pl.col("days") >= 2)
    ).collect()
    frame = h.rows(MODEL_HISTORY, pl.col("hub_id").is_in(young["hub_id"].to_list()),
                   pl.col("created").is_not_null())  # fmt: skip
    since = "downloads_all_time"
    column = since if frame[since].count() else "downloads"
    frame = frame.filter(pl.col(column) > 0, pl.col(column).is_finite())
    period = period_of(h, frame["day"])
    if not period:
        return Sheet(title, "", []).message("no model was seen from its release on yet")
    curves = [_curve(group, column) for _, group in frame.group_by("hub_id", maintain_order=True)]
    curves.sort(key=lambda line: (-(line.y[-1] or 0), line.name))
    named = [Line(c.name, c.x, c.y, PALETTE[i], human(c.y[-1] or 0))
             for i, c in enumerate(curves[:_NAMED])]  # fmt: skip
    others = curves[_NAMED : _NAMED + _THIN]
    left_out = len(curves) - len(named) - len(others)
    caption = [
        *period.words,
        drawn_from(MODEL_HISTORY, frame.height),
        f"models of the first 1000 that were there within {_YOUNG} days of their creation",
        *([f"{plural(left_out, 'more model')} left out"] if left_out else []),
    ]
    first = named[0]
    lead = f"{shortened(first.name)} has {first.note} downloads after "
    lead += f"{plural(first.x[-1], 'day')}, the most of {plural(len(curves), 'new model')}"
    key = [(NONE, f"{plural(len(others), 'other model')}")] if others else []
    sheet = Sheet(title, lead, caption, 480, key)
    shown = [*named, *others]
    up = span_up([v for line in shown for v in line.y if v], log=True)
    along = ages_along(max(line.x[-1] for line in shown), "days since creation")
    words = "since creation" if column == since else "in the last 30 days"
    axes = lines_panel(sheet, plot_box(sheet), along, up, named,
                       f"downloads {words} (log scale)", step=period.step)  # fmt: skip
    for line in others:
        draw_line(axes, Line("", line.x, line.y, OTHER), period.step, width=1.0)
    return sheet.figure


def _curve(group: pl.DataFrame, column: str) -> Line:
    """A model's downloads by its age."""
    ages = [max((day - created).days, 0) for day, created in group.select("day", "created").rows()]
    values = [number_of(value) for value in group[column]]
    return Line(model_name(group["id"][-1]), ages, values, OTHER)


@figure
def time_to_downloads(h: History) -> Figure:
    """Share of models that reach 1 k, 10 k, 100 k, 1 M downloads by age, with 95 % intervals."""
    title = "How long until a model is widely downloaded"
    frame = h.rows(
        ADOPTION_HISTORY,
        pl.col("share").is_finite(),
        pl.col("age") >= 0,
        pl.col("at_risk") >= _AT_RISK,
    ).sort("milestone", "age")
    found: dict[int, Rows] = {}
    for row in frame.to_dicts():
        found.setdefault(row["milestone"], []).append(row)
    lines, words = [], []
    for i, number in enumerate(n for n in MILESTONES if n in found):
        rows = found[number]
        age, share = rows[-1]["age"], rows[-1]["share"]
        half = next((row["age"] for row in rows if row["share"] >= 0.5), None)
        end = f"{percent(share, 1)} by day {age}"
        note = end if half is None else f"half by day {half}"
        lines.append(_survival(human(number), rows, PALETTE[(0, 5, 3, 2)[i]], note))
        if share > 0 or not words:
            words.append((percent(share, 1), human(number), plural(age, "day")))
    if not lines:
        return Sheet(title, "", []).message("no model was followed from one day to the next yet")
    period = period_of(h, h.days.filter(~pl.col("gap").fill_null(False))["day"])
    reached = round(sum(row["reached"] or 0 for rows in found.values() for row in rows))
    caption = [
        *(period.words if period else []),
        drawn_from(ADOPTION_HISTORY, frame.height),
        f"{plural(reached, 'milestone', number=exact)} seen reached; models still on their way "
        "count as long as they were watched (Kaplan-Meier, Turnbull; 95 % intervals)",
    ]
    lead = "{} of models reach {} downloads within {}".format(*words[0])
    lead += "; {} reach {} within {}".format(*words[-1]) if len(words) > 1 else ""
    sheet = Sheet(title, lead, caption, 480)
    along = ages_along(max(line.x[-1] for line in lines), "days since creation")
    tops = [v for line in lines for v in (*line.high, *line.y) if v is not None]
    up = span_up(tops, lambda v: f"{human(100 * v)}%", most=1)
    lines_panel(sheet, plot_box(sheet), along, up, lines,
                "share of models with so many downloads", steps=True)  # fmt: skip
    return sheet.figure


def _survival(name: str, rows: Rows, color: str, note: str) -> Line:
    """A survival curve with its band, from nobody at age 0."""
    ages = [row["age"] for row in rows]
    columns = [
        [row["share"] if row[column] is None else row[column] for row in rows]
        for column in ("share", "low", "high")
    ]
    if ages[0] > 0:
        ages, columns = [0, *ages], [[0.0, *column] for column in columns]
    share, low, high = columns
    return Line(name, ages, share, color, note, low, high)
