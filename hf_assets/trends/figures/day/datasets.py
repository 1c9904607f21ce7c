"""The figures of a day of the Hub's datasets: their tasks, sizes, languages, and the first 20."""

from matplotlib.figure import Figure

from hf_assets.charts.columns import columns
from hf_assets.charts.figure import figure
from hf_assets.charts.marks import BLUE, NONE, PALE, Bar, Sheet, bars, body
from hf_assets.charts.numbers import exact, human, percent, plural
from hf_assets.trends.figures.day.snapshot import (
    DOWNLOADS,
    TOP,
    Snapshot,
    Unit,
    caption_of,
    entries_of,
    number_of,
    ranked,
    rows_of,
    shortened,
    some,
    total,
)
from hf_assets.trends.metrics.datasets import SIZES, TOTAL

DATASETS = Unit("dataset", "datasets", "datasets")
_NOTHING = "no datasets in this capture"


def _all(s: Snapshot, measure: str) -> float:
    """All datasets, or their downloads; a dataset of several tasks once."""
    return next((n for row in rows_of(s, TOTAL) if (n := number_of(row.get(measure)))), 0.0)


def _counted(s: Snapshot) -> str:
    return plural(_all(s, "rows"), "dataset", number=exact)


def _by_key(
    s: Snapshot, dimension: str, measure: str, title: str, noun: str, nouns: str, axis: str
) -> Figure:
    """The first 20 keys of a dimension in which a dataset may have several."""
    unit = DOWNLOADS if measure == "downloads" else DATASETS
    every = entries_of(s, dimension, measure)
    entries = [e for e in every if e.key is not None and not e.folded]
    rare = [e for e in every if e.folded]
    hidden = len(entries) - TOP
    more = plural(hidden, f"other {noun}", f"other {nouns}")
    caption = caption_of(
        s,
        _counted(s),
        f"one with several {nouns} is in each",
        f"{more}{' and rare ones' if rare else ''} left out" if hidden > 0 else "",
    )  # fmt: skip
    whole = _all(s, measure)
    if not entries or whole <= 0:
        return Sheet(title, "", caption).message(_NOTHING)
    without = next((e for e in entries_of(s, dimension, "rows") if e.key is None), None)
    lead = f"{shortened(entries[0].name)} leads {plural(len(entries), noun, nouns)} with "
    lead += unit.of(entries[0].value, whole)
    if without and _all(s, "rows") > 0:
        lead += f"; {percent(without.value, _all(s, 'rows'))} give no {noun}"
    shown = entries[:TOP]
    bar_rows = ranked(shown, human, lambda row: _note(row, measure), nouns)
    sheet = Sheet(title, lead, caption, body(len(bar_rows)))
    bars(sheet, bar_rows, axis)
    return sheet.figure


def _note(row: dict[str, object], measure: str) -> str:
    if measure == "downloads":
        return some(row.get("rows"), "dataset")
    return some(row.get("downloads"), "download")


@figure
def datasets_by_task(s: Snapshot) -> Figure:
    """Downloads of the last 30 days, summed over the datasets of each task."""
    title, axis = "Downloads of datasets by task", "downloads in the last 30 days"
    return _by_key(s, "dataset_task", "downloads", title, "task", "tasks", axis)


@figure
def datasets_by_language(s: Snapshot) -> Figure:
    """How many datasets are in each language."""
    title = "Datasets by language"
    return _by_key(s, "dataset_language", "rows", title, "language", "languages", "datasets")


@figure
def datasets_by_size(s: Snapshot) -> Figure:
    """Datasets by number of rows, in the Hub's size categories."""
    title = "Datasets by size"
    found = {e.key: e.value for e in entries_of(s, "dataset_size", "rows")}
    known = {size: found[size] for size in SIZES if found.get(size, 0) > 0}
    whole, without = sum(max(n, 0) for n in found.values()), max(found.get(None, 0), 0)
    odd = whole - without - sum(known.values())
    caption = caption_of(
        s,
        _counted(s),
        f"{plural(odd, 'dataset')} with another size left out" if odd > 0 else "",
    )
    if not known:
        missing = "datasets by size" if _all(s, "rows") else "datasets"
        return Sheet(title, "", caption).message(f"no {missing} in this capture")
    most = max(known, key=lambda size: known[size])
    bar_rows = []
    if without:
        share = percent(without, whole)
        bar_rows.append(Bar("none given", without, human(without), share, NONE, apart=True))
    bar_rows += [
        Bar(size_name(size), n, human(n), percent(n, whole), BLUE if size == most else PALE)
        for size, n in known.items()
    ]
    lead = f"{DATASETS.of(known[most], whole)} have {_words(most)} rows"
    sheet = Sheet(title, lead, caption)
    columns(sheet, bar_rows, "datasets", "rows of a dataset")
    return sheet.figure


def size_name(size: str) -> str:
    """A size category in short: its ends with a dash between them, or its one end."""
    parts = size.replace(">", "<").split("<")
    if len(parts) == 3:
        return f"{parts[0]}\N{EN DASH}{parts[2]}"
    return f"< {parts[1]}" if size.startswith("n<") else f"> {parts[1]}"


def _words(size: str) -> str:
    parts = size.replace(">", "<").split("<")
    if len(parts) == 3:
        return f"{parts[0]} to {parts[2]}"
    return f"under {parts[1]}" if size.startswith("n<") else f"over {parts[1]}"


@figure
def top_datasets(s: Snapshot) -> Figure:
    """The 20 datasets with the most downloads of the last 30 days."""
    title = "The most downloaded datasets"
    entries = [e for e in entries_of(s, "dataset", "downloads") if e.key is not None][:TOP]
    others = _all(s, "rows") - len(entries)
    left = f"the other {plural(others, 'dataset', number=exact)} left out" if others > 0 else ""
    caption = caption_of(s, _counted(s), left if entries else "")
    if not entries:
        missing = "downloads of datasets" if rows_of(s, "dataset") else "datasets"
        return Sheet(title, "", caption).message(f"no {missing} in this capture")
    bar_rows = ranked(entries, human, lambda row: some(row.get("likes"), "like"), "datasets")
    whole, held = _all(s, "downloads"), total(entries)
    taken = DOWNLOADS.of(held, whole) if whole >= held > 0 else plural(held, "download")
    subtitle = (
        f"These {len(entries)} take {taken}" if len(entries) > 1 else f"The only one has {taken}"
    )
    sheet = Sheet(title, subtitle, caption, body(len(bar_rows)))
    bars(sheet, bar_rows, "downloads in the last 30 days", names=0.42)
    return sheet.figure
