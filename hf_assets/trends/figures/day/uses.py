"""Figures of what uses what on a day: training data, datasets, papers."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from hf_assets.charts.figure import figure
from hf_assets.charts.marks import BLUE, MARGIN, PALE, WIDTH, Bar, Sheet, bars, body, is_narrow
from hf_assets.charts.numbers import human, percent, plural
from hf_assets.charts.wording import fit
from hf_assets.trends.figures.day.snapshot import (
    DOWNLOADS,
    MODELS,
    TOP,
    Entry,
    Snapshot,
    caption_of,
    entries_of,
    models_counted,
    number_of,
    rows_of,
    shortened,
    some,
)

# The paper that the Hub's template for cards links, as models say nothing by it.
TEMPLATE_PAPER = "1910.09700"
_HEAD, _FOOT = 44, 66  # px above and below the bars of a panel


@figure
def training_data(s: Snapshot) -> Figure:
    """Share of the models of each category that name the datasets they were trained on."""
    title = "Who names the training data"
    caption = caption_of(s, models_counted(s), f"the {TOP} categories with the most models")
    sizes = {e.key: e.value for e in entries_of(s, "category", "rows")}
    found = [
        entry
        for entry in entries_of(s, "training_data_category", "share_rows")
        if entry.key is not None and 0 <= entry.value <= 1 and sizes.get(entry.key, 0) > 0
    ]
    largest = sorted(found, key=lambda e: (-sizes[e.key], e.key or ""))[:TOP]
    every = entries_of(s, "training_data", "rows")
    if not every or not largest:
        return Sheet(title, "", caption).message("no models that name datasets in this capture")
    row = every[0].row
    share, downloads = number_of(row.get("share_rows")), number_of(row.get("share_downloads"))
    lead = plural(every[0].value, "model")
    if share is not None and s.models > 0:
        lead = MODELS.of(every[0].value, s.models)
    lead += f" {'names' if every[0].value == 1 else 'name'} a dataset"
    if downloads is not None:
        lead += f"; they have {percent(downloads, 1)} of the downloads"
    shown = sorted(largest, key=lambda e: (-e.value, e.key or ""))
    bar_rows = [
        Bar(e.name, 100 * e.value, percent(e.value, 1), some(sizes[e.key], "model"),
            BLUE if share is not None and e.value > share else PALE)
        for e in shown
    ]  # fmt: skip
    key = ((BLUE, "more than all models together"), (PALE, "less"))
    sheet = Sheet(title, lead, caption, body(len(bar_rows)), key)
    bars(sheet, bar_rows, "share of the category's models that name a dataset",
         number=lambda v: f"{human(v)}%", share=True)  # fmt: skip
    return sheet.figure


class _Panel(NamedTuple):
    """A ranking: its heading, what is counted along the axis, and the entries with their notes."""

    heading: str
    axis: str
    entries: Sequence[Entry]
    note: tuple[str, str]


@figure
def used_datasets(s: Snapshot) -> Figure:
    """The datasets that most models name as training data, and those that most Spaces use."""
    title = "The datasets that most models and Spaces use"
    panels = [
        _Panel("by models trained on them", "models", _top(s, "used_dataset", "rows"),
               ("downloads", "download")),
        _Panel("by Spaces that use them", "Spaces", _top(s, "used_dataset", "value"),
               ("rows", "model")),
    ]  # fmt: skip
    about = "as models' tags and Spaces' cards and code name them, listed or not"
    return _ranked(s, title, "dataset", panels, about)


@figure
def used_papers(s: Snapshot) -> Figure:
    """The papers that most models link, and those whose models have the most downloads."""
    title = "The papers behind models"
    panels = [
        _Panel("by models that link them", "models", _top(s, "used_paper", "rows"),
               ("downloads", "download")),
        _Panel("by downloads of those models", DOWNLOADS.many, _top(s, "used_paper", "downloads"),
               ("rows", "model")),
    ]  # fmt: skip
    shown = {entry.key for panel in panels for entry in panel.entries}
    about = "a paper: its arXiv id, which the Hub finds in cards"
    if TEMPLATE_PAPER in shown:
        about += f"; {TEMPLATE_PAPER}, on emissions, stands in the Hub's template for cards"
    return _ranked(s, title, "paper", panels, about)


def _top(s: Snapshot, dimension: str, measure: str) -> list[Entry]:
    entries = entries_of(s, dimension, measure)
    return [e for e in entries if e.key is not None and e.value > 0][:TOP]


def _ranked(s: Snapshot, title: str, noun: str, panels: Sequence[_Panel], about: str) -> Figure:
    """Rankings side by side, below each other for phones."""
    caption = caption_of(s, models_counted(s), about)
    panels = [panel for panel in panels if panel.entries]
    if not panels:
        missing = "uses of datasets" if noun == "dataset" else "links to papers"
        return Sheet(title, "", caption).message(f"no {missing} in this capture")
    first = panels[0].entries[0]
    edges = [number_of(row.get("rows")) for row in rows_of(s, "edges")
             if row.get("key") == f"model-{noun}"]  # fmt: skip
    lead = f"{shortened(first.name)} leads, with {plural(first.value, panels[0].axis[:-1])}"
    if edges and edges[0]:
        lead += f"; models name {noun}s {human(edges[0])} times in all"
    abreast = 1 if is_narrow() else 2
    groups = [panels[i : i + abreast] for i in range(0, len(panels), abreast)]
    deep = [max(len(panel.entries) for panel in group) for group in groups]
    sheet = Sheet(title, lead, caption, sum(body(n) + _HEAD + _FOOT for n in deep) - 58)
    top: float = sheet.top
    for group, rows in zip(groups, deep, strict=True):
        bottom = top + body(rows) + _HEAD + _FOOT
        for i, panel in enumerate(group):
            left = WIDTH / 2 + 10 if i else MARGIN
            alone = len(group) == 1
            right = sheet.width - MARGIN if i or alone else WIDTH / 2 - 10
            heading = panel.heading[0].upper() + panel.heading[1:]
            sheet.text(left, top + 14, fit(heading, 11.5, right - left, True), 11.5, bold=True)
            column, what = panel.note
            bar_rows = [
                Bar(e.name, e.value, human(e.value), some(e.row.get(column), what),
                    BLUE if at < 3 else PALE)
                for at, e in enumerate(panel.entries)
            ]  # fmt: skip
            bars(sheet, bar_rows, panel.axis, left=left, right=right, top=top + _HEAD - 18,
                 bottom=bottom, slots=rows, names=0.34 if alone else 0.42)  # fmt: skip
        top = bottom
    return sheet.figure
