"""The data of one day's figures, with the helpers that read its rows and word its findings."""

import dataclasses
import datetime
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import polars as pl

from hf_assets.charts.marks import BLUE, OTHER, PALE, Bar
from hf_assets.charts.numbers import exact, human, in_words, percent, plural
from hf_assets.charts.wording import clean, fit
from hf_assets.storage.lake import StoredTable

TOP = 20


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A day: its date, its source, the rows of its listings, and two small tables.

    `metrics` is the tidy `daily_metrics` table (dimension, key, rank, rows, downloads, …, value),
    `usage` the `model_usage` table (id, spaces, authors, likes, category, known, chosen_tags).
    """

    day: datetime.date
    source: str
    models: int
    spaces: int
    metrics: pl.DataFrame
    usage: pl.DataFrame


def snapshot_of(metrics: StoredTable, usage: StoredTable) -> Snapshot:
    """A day as the lake has it: `daily_metrics` and `model_usage`."""
    return Snapshot(
        day=datetime.date.fromisoformat(metrics.day),
        source=_source(metrics),
        models=metrics.notes["models"],
        spaces=metrics.notes["Spaces"] or 0,
        metrics=metrics.frame.collect(),
        usage=usage.frame.collect(),
    )


def _source(stored: StoredTable) -> str:
    """The source of the day's models."""
    facts = stored.provenance.get("raw_models", {})
    endpoint = str(facts.get("endpoint", ""))
    host = endpoint.split("://")[-1]
    hub = "an embedded Hub" if host.startswith("127.0.0.1:") else host or "an unknown Hub"
    if facts.get("source") == "hub-stats":
        return f"{facts['dataset']} on {hub}"
    return "a folder of recorded days" if facts.get("source") == "folder" else hub


# --- rows of the tables --------------------------------------------------------------------------


class Entry(NamedTuple):
    """A key with its number; `row` is its row of `metrics`."""

    key: str | None
    value: float
    row: dict[str, Any]

    @property
    def folded(self) -> bool:
        """Whether this is the row of all rare keys, which has no rank."""
        return self.key == "(other)" and self.row.get("rank") is None

    @property
    def name(self) -> str:
        """The key made inert; "none given" where there is none."""
        return "none given" if self.key is None else clean(self.key)


def number_of(value: object) -> float | None:
    """A finite number, or None for anything else."""
    finite = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if finite else None


def rows_of(s: Snapshot, dimension: str) -> list[dict[str, Any]]:
    """The rows of that dimension; none where the table or the dimension is absent."""
    if "dimension" not in s.metrics.columns:
        return []
    return s.metrics.filter(pl.col("dimension") == dimension).to_dicts()


def entries_of(s: Snapshot, dimension: str, measure: str) -> list[Entry]:
    """Keys of a dimension that have a number, largest first; ties by key, null last.

    The row of all rare keys comes last.
    """
    found = [
        Entry(row.get("key"), number, row)
        for row in rows_of(s, dimension)
        if (number := number_of(row.get(measure))) is not None
    ]
    return sorted(found, key=lambda e: (e.folded, -e.value, e.key is None, e.key or ""))


def numbered(entries: Sequence[Entry], pattern: str) -> dict[int, float]:
    """Values by key, of the keys that are whole numbers matching the pattern."""
    found: dict[int, float] = {}
    for entry in entries:
        if entry.key is not None and re.fullmatch(pattern, entry.key):
            found[int(entry.key)] = found.get(int(entry.key), 0) + max(entry.value, 0)
    return found


def total(entries: Sequence[Entry]) -> float:
    """The sum of the positive values."""
    return sum(max(entry.value, 0) for entry in entries)


def caption_of(s: Snapshot, *about: str) -> list[str]:
    """Day, source, and further words."""
    return [s.day.isoformat(), fit(clean(s.source), 8.5, 300), *filter(None, about)]


def models_counted(s: Snapshot) -> str:
    """Such as "30 000 models"."""
    return plural(s.models, "model", number=exact)


def some(value: object, one: str, many: str = "") -> str:
    """A count with its noun, or nothing where there is no number."""
    number = number_of(value)
    return "" if number is None else plural(number, one, many, human)


def shortened(name: str) -> str:
    """A name short enough for a subtitle."""
    return fit(name, 11.5, 260)


class Unit(NamedTuple):
    """The noun for one and for many, and the words for none."""

    one: str
    many: str
    none: str

    def of(self, part: float, whole: float) -> str:
        """Such as "421M of 737M downloads (57%)"."""
        return f"{in_words(part)} of {plural(whole, self.one, self.many)} ({percent(part, whole)})"


DOWNLOADS = Unit("download", "downloads", "downloads")
MODELS = Unit("model", "models", "models")
SPACES = Unit("Space", "Spaces", "Spaces")
USES = Unit("use", "uses", "uses")


def finding(entries: Sequence[Entry], whole: float, unit: Unit, noun: str, nouns: str) -> str:
    """The finding of a ranking: who holds how much of `whole`."""
    first, among = entries[0], plural(len(entries), noun, nouns)
    if whole <= 0 or first.value <= 0:
        return f"No {unit.none} in {'any of the ' if len(entries) > 1 else ''}{among}"
    if len(entries) == 1:
        return f"{shortened(first.name)}, the only {noun}, has {unit.of(first.value, whole)}"
    if len(entries) > 3:
        return f"The first three of {among} take {unit.of(total(entries[:3]), whole)}"
    tied = sum(entry.value == first.value for entry in entries)
    if tied > 1:
        return f"{tied} {nouns} tie at the top with {unit.of(first.value, whole)} each"
    return f"{shortened(first.name)} leads {among} with {unit.of(first.value, whole)}"


def ranked(
    entries: Sequence[Entry],
    label: Callable[[float], str],
    note: Callable[[dict[str, Any]], str],
    nouns: str,
) -> list[Bar]:
    """The top 20, the first three dark, and a grey bar for several others."""
    shown = entries if len(entries) == TOP + 1 else entries[:TOP]
    bar_rows = [
        Bar(e.name, e.value, label(e.value), note(e.row), BLUE if i < 3 else PALE)
        for i, e in enumerate(shown)
    ]
    if rest := entries[len(shown) :]:
        rows = [number_of(e.row.get("rows")) for e in rest]
        both = {"rows": None if None in rows else sum(r or 0 for r in rows)}
        bar_rows.append(
            Bar(f"{len(rest)} other {nouns}", total(rest), label(total(rest)), note(both), OTHER)
        )
    return bar_rows
