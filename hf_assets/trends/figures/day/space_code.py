"""Figures of how much code the Spaces take that use the chosen models."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from hf_assets.charts.distributions import ROW, Distribution, distributions
from hf_assets.charts.figure import figure
from hf_assets.charts.marks import BLUE, NONE, PALE, Bar, Sheet, bars, body
from hf_assets.charts.numbers import exact, human, percent, plural
from hf_assets.charts.wording import clean, fit
from hf_assets.storage.lake import StoredTable

# Rows of a figure: tags, and categories below them.
MOST_TAGS, MOST_CATEGORIES = 4, 6
MOST_LANGUAGES = 16
# What the figures can say of ease of development.
LIMITS = (
    "Published files are what is left of a development: they can say which Spaces end up smaller, "
    "not which were easier, as libraries, hosted models and copied templates hide work"
)
_INTERVAL = "dot: median, thick line: its 95% interval, thin line: quartiles"
# The colours of rows: what the Spaces of a row have in common.
_KEY = ((BLUE, "by tag of the chosen models"), (PALE, "by category of those models"))


@dataclass(frozen=True)
class SpaceCode:
    """A day of `space_code`: its date, the source of the files, and its rows."""

    day: datetime.date
    source: str
    rows: pl.DataFrame


def space_code_of(stored: StoredTable) -> SpaceCode:
    """A day as the lake has it."""
    facts = stored.capture("raw_space_trees")
    host = str(facts.endpoint or "").split("://")[-1]
    source = "an embedded Hub" if host.startswith("127.0.0.1:") else host or "an unknown Hub"
    if facts.source == "folder":
        source = "a folder of recorded days"
    wanted = ["tags", "categories", "n_files", "bytes", "bytes_code", "languages", "packages"]
    rows = stored.frame.select(*wanted, "reason", "packages_reason").collect()
    return SpaceCode(datetime.date.fromisoformat(stored.day), source, rows)


@figure
def code_files(s: SpaceCode) -> Figure:
    """Number of files of the Spaces that use the chosen models, by tag and by category."""
    return _drawn(s, "n_files", "How many files a Space has", "files", human, "file", "reason")


@figure
def code_bytes(s: SpaceCode) -> Figure:
    """Bytes of code of those Spaces, by tag and by category; of all files in a recording."""
    code = s.rows["bytes_code"].null_count() < s.rows.height
    column, what = ("bytes_code", "code") if code else ("bytes", "files")
    return _drawn(
        s, column, f"How many bytes of {what} a Space has", f"bytes of {what}", sized, "", "reason"
    )


@figure
def code_packages(s: SpaceCode) -> Figure:
    """Packages that requirements.txt of those Spaces names, by tag and by category."""
    title = "How many packages a Space asks for"
    about = "packages in requirements.txt"
    return _drawn(s, "packages", title, about, human, "package", "packages_reason")


@figure
def code_languages(s: SpaceCode) -> Figure:
    """Languages by the number of those Spaces that have a file of code in them."""
    title = "What the Spaces of the chosen models are written in"
    known = s.rows.filter(pl.col("languages").is_not_null())
    found = (
        known.with_row_index("space")
        .select("space", "languages")
        .explode("languages")
        .drop_nulls()
        .unnest("languages")
        .group_by("kind")
        .agg(spaces=pl.len(), bytes=pl.col("bytes").sum())
        .sort("spaces", "bytes", "kind", descending=[True, True, False])
    )
    caption = [
        *_caption(s, known.height), "bytes: of all their code; notebooks count with their outputs",
    ]  # fmt: skip
    if found.is_empty():
        return Sheet(title, "", caption).message("no code of Spaces on this day")
    all_bytes = int(found["bytes"].sum())
    shown = found.head(MOST_LANGUAGES)
    rows = [
        Bar(
            clean(kind), spaces, human(spaces),
            f"{percent(spaces, known.height)} of them, {sized(size)}", BLUE if at < 3 else PALE,
        )
        for at, (kind, spaces, size) in enumerate(shown.iter_rows())
    ]  # fmt: skip
    if rest := found.height - shown.height:
        caption.append(f"{plural(rest, 'more language')} left out")
    without = known.height - int(known["languages"].list.len().gt(0).sum())
    if without:
        rows.append(Bar("no code", without, human(without), percent(without, known.height), NONE))
    kind, spaces, size = shown.row(0)
    lead = (
        f"{clean(kind)} is in {percent(spaces, known.height)} of {plural(known.height, 'Space')}, "
        f"with {percent(size, all_bytes)} of the bytes"
    )
    sheet = Sheet(title, lead, caption, body(len(rows)))
    bars(sheet, rows, "Spaces")
    return sheet.figure


def sized(value: float) -> str:
    """Bytes for people: 512 B, 2.67 kB, 135 MB."""
    text = human(value)
    if text[-1:] == "B":
        return f"{text[:-1]} GB"
    return f"{text[:-1]} {text[-1]}B" if text[-1:] in ("k", "M", "T") else f"{text} B"


def _caption(s: SpaceCode, known: int) -> list[str]:
    unknown = s.rows.height - known
    counted = plural(known, "Space", number=exact)
    parts = [s.day.isoformat(), fit(clean(s.source), 8.5, 300), counted]
    return [*parts, f"{exact(unknown)} more are unknown"] if unknown else parts


def _drawn(
    s: SpaceCode,
    column: str,
    title: str,
    axis: str,
    number: Callable[[float], str],
    noun: str,
    reason: str,
) -> Figure:
    known = s.rows.filter(pl.col(column).is_not_null())
    caption = [*_caption(s, known.height), _INTERVAL, *_why(s, column, reason), LIMITS]
    if known.is_empty():
        return Sheet(title, "", caption).message(f"no {axis} of Spaces on this day")
    rows = _rows(known, column)
    key = _KEY if len(rows) > 1 else ()
    sheet = Sheet(title, _finding(rows, number, noun), caption, ROW * (len(rows) + 0.6), key)
    distributions(sheet, rows, axis, number)
    return sheet.figure


def _why(s: SpaceCode, column: str, reason: str) -> list[str]:
    """The most frequent reasons of unknown values."""
    unknown = s.rows.filter(pl.col(column).is_null())
    counted = unknown[reason].fill_null("no reason").value_counts(sort=True).head(3)
    said = ", ".join(f"{exact(count)} {clean(name)}" for name, count in counted.iter_rows())
    return [f"unknown: {said}"] if said else []


def _rows(known: pl.DataFrame, column: str) -> list[Distribution]:
    """All Spaces, then those of each tag and of each category, most Spaces first."""
    rows = [_row("all Spaces", known[column], NONE)]
    for by, most, color in (("tags", MOST_TAGS, BLUE), ("categories", MOST_CATEGORIES, PALE)):
        each = known.select(column, by).explode(by).drop_nulls()
        sizes = each.group_by(by).len().sort("len", by, descending=[True, False])
        for name in sizes[by].head(most):
            rows.append(_row(clean(name), each.filter(pl.col(by) == name)[column], color))
    return rows


def _row(name: str, values: pl.Series, color: str) -> Distribution:
    zeros = int((values == 0).sum())
    note = plural(len(values), "Space") + (f", {exact(zeros)} with 0" if zeros else "")
    return Distribution(name, note, np.asarray(values, dtype=np.float64), color)


def _finding(rows: Sequence[Distribution], number: Callable[[float], str], noun: str) -> str:
    """The medians of the first two tags, or of all Spaces."""
    compared = [row for row in rows if row.color == BLUE][:2] or list(rows[:1])
    said = []
    for row in compared:
        value = plural(row.median, noun) if noun else number(row.median)
        interval = row.interval
        sure = f" ({number(interval[0])} to {number(interval[1])})" if interval else ""
        said.append(f"{fit(row.name, 11.5, 200)} {value}{sure}")
    return f"Median: {', '.join(said)}"
