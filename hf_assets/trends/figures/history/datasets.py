"""Figures of datasets over many days: how many, how much downloaded, which sizes and tasks."""

import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.axes import span_up
from hf_assets.charts.figure import figure
from hf_assets.charts.lines import Line, lines_panel, plot_box
from hf_assets.charts.marks import BLUE, Sheet
from hf_assets.charts.numbers import human, percent, plural
from hf_assets.charts.panels import PALETTE, below
from hf_assets.charts.wording import clean
from hf_assets.trends.figures.day.datasets import size_name
from hf_assets.trends.figures.day.snapshot import shortened
from hf_assets.trends.figures.history.history import (
    History,
    drawn_from,
    ends_of,
    grown,
    ordinals,
    period_of,
    series,
)
from hf_assets.trends.figures.history.shares import BEHIND, in_percent, moved, nothing, over_time
from hf_assets.trends.metrics.datasets import SIZES
from hf_assets.trends.series.schemas import DATASET_GROUP_HISTORY, LIFECYCLE

_TASKS = 7  # tasks with a line


@figure
def datasets_listed(h: History) -> Figure:
    """How many datasets there are and how much they are downloaded, day by day."""
    title = "Datasets of the Hub over time"
    # Each dataset has one size, or none: the sizes add up to all of them.
    frame = h.rows(DATASET_GROUP_HISTORY, pl.col("of") == "size")
    totals = frame.group_by("day").agg(
        pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
        for name in ("rows", "downloads", "daily_downloads")
    )
    born = h.rows(LIFECYCLE, pl.col("datasets_trusted")).select("day", "datasets_created_per_day")
    totals = totals.join(born, on="day", how="left").with_columns(all=pl.lit("")).sort("day")
    days, period = ordinals(totals), period_of(h, frame["day"], of_datasets=True)
    panels = []
    for column, words in (
        ("rows", "datasets listed"),
        ("downloads", "downloads in the last 30 days, all datasets"),
        ("daily_downloads", "downloads a day, from counters since creation"),
        ("datasets_created_per_day", "new datasets a day"),
    ):
        y = series(totals, "all", column, days).get("", [])
        if ends := ends_of(y):
            panels.append((words, Line("", days, y, BLUE, human(ends[1])), ends))
    if not period or not panels:
        return nothing(title, h, "datasets")
    caption = [*period.words, drawn_from(DATASET_GROUP_HISTORY, frame.height),
               "each panel has its own scale"]  # fmt: skip
    first, last = panels[0][2]
    lead = f"{plural(last, 'dataset', number=human)} on the last day"
    if len(days) > 1 and first > 0:
        lead += f", {grown(last / first - 1)} since the first"
    sheet = Sheet(title, lead, caption, 150 * len(panels) - 10, period.legend())
    for box, (words, line, _) in zip(below(plot_box(sheet), len(panels)), panels, strict=True):
        up = span_up([v for v in line.y if v is not None], zero=False)
        lines_panel(sheet, box, period.along, up, [line], words, room=64, step=period.step)
    return sheet.figure


@figure
def dataset_sizes(h: History) -> Figure:
    """Share of downloads and of datasets of each size, by number of rows, day by day."""
    frame = h.rows(DATASET_GROUP_HISTORY, pl.col("of") == "size")
    shown = [size for size in SIZES if size in frame["key"]]
    return over_time(
        h,
        DATASET_GROUP_HISTORY,
        frame,
        "Sizes of datasets over time",
        "sizes",
        keys=_largest(frame, shown),
        names={size: size_name(size) for size in SIZES},
        of="datasets",
        period=period_of(h, frame["day"], of_datasets=True),
    )


def _largest(frame: pl.DataFrame, sizes: list[str]) -> list[str]:
    """The sizes with the most rows, in their order: as many as there are colours."""
    rows = dict(frame.group_by("key").agg(pl.col("rows").max()).iter_rows())
    best = sorted(sizes, key=lambda size: (-(rows[size] or 0), size))[:_TASKS]
    return [size for size in sizes if size in best]


@figure
def dataset_tasks(h: History) -> Figure:
    """Share of downloads and of datasets for the seven largest tasks, day by day."""
    title = "Tasks of datasets over time"
    frame = h.rows(DATASET_GROUP_HISTORY, pl.col("of") == "task", pl.col("key").is_not_null())
    days, period = ordinals(frame), period_of(h, frame["day"], of_datasets=True)
    panels, colors = {}, {}
    for words, column in (("share of downloads", "share_downloads"),
                          ("share of datasets", "share_rows")):  # fmt: skip
        found = series(frame, "key", column, days)
        last = {key: ends[1] for key, y in found.items() if (ends := ends_of(y))}
        best = sorted(last, key=lambda key: (-last[key], key))[:_TASKS]
        if best and last[best[0]] > 0:
            # A task has one colour in both panels.
            free = [color for color in PALETTE if color not in {colors.get(key) for key in best}]
            colors |= dict(zip([key for key in best if key not in colors], free, strict=False))
            panels[words] = [
                Line(clean(key), days, found[key], colors[key], moved(found[key])) for key in best
            ]
    if not period or not panels:
        return nothing(title, h, "tasks of datasets")
    caption = [
        *period.words,
        drawn_from(DATASET_GROUP_HISTORY, frame.height),
        "shares of all datasets, those without a task among them; one with several is in each",
        BEHIND,
    ]
    words, lines = next(iter(panels.items()))
    end = ends_of(lines[0].y) or (0, 0)
    lead = f"{shortened(lines[0].name)} has {percent(end[1], 1)} of the {words.split()[-1]}"
    sheet = Sheet(title, lead, caption, 290 * len(panels) - 10, period.legend())
    boxes = below(plot_box(sheet), len(panels))
    for box, (name, of_panel) in zip(boxes, panels.items(), strict=True):
        up = span_up([v for line in of_panel for v in line.y if v is not None], in_percent)
        lines_panel(sheet, box, period.along, up, of_panel, name, step=period.step)
    return sheet.figure
