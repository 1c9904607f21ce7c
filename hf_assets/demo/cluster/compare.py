"""Two lakes, table by table: the same rows, whoever wrote them and wherever they lie.

A table's day is a digest of its rows, sorted, without the columns that give times of writing. So
lakes in a folder and on a store, of one machine and of a cluster, are compared by their content.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import polars as pl

from hf_assets.hub.capture_store.files import JSON
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.storage.lake import Lake, MissingArtefact, MissingDay
from hf_assets.storage.stored import StoredTable

# Columns that give times of writing.
_TIMES = frozenset({"asked", "fetched"})
# Columns that divide by the hours between two captures, or count them. The newest day is captured
# when the run comes to it: on that day, and in a row about all days, they depend on the time of the
# run.
_BY_THE_HOUR = frozenset(
    {
        *("hours", "datasets_hours", "days_spanned", "datasets_days_spanned"),
        *("created_per_day", "datasets_created_per_day"),
        *("daily_downloads", "growth_7", "growth_28", "acceleration", "peak_share"),
    }
)
# Of the leaderboard: speed, and the sizes of files that hold times.
MEASURED = frozenset({"ms_p50", "ms_p95", "texts_per_second", "size_bytes", "training_seconds"})
# The table whose last day is the newest day.
NEWEST = "models"
_CORPORA, _CLASSIFIERS = "corpora", "classifiers"


@dataclass(frozen=True)
class Content:
    """The rows of a table on a day, or of all of it.

    Args:
        rows: how many.
        digest: of the sorted rows.
    """

    rows: int
    digest: str


@dataclass(frozen=True)
class Comparison:
    """A table of two lakes.

    Args:
        table: its name.
        rows: how many the first lake has, over all days.
        other_rows: how many the second lake has.
        different: the days that differ, or that one of them lacks; "" for a table without days.
    """

    table: str
    rows: int
    other_rows: int
    different: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether each day has the same rows in both."""
        return not self.different


def compare(first: Lake, second: Lake) -> Iterator[Comparison]:
    """Each table of either lake, in the order of names."""
    names = sorted({*tables(first), *tables(second)})
    for name in names:
        ours, theirs = contents(first, name), contents(second, name)
        yield Comparison(
            name,
            sum(content.rows for content in ours.values()),
            sum(content.rows for content in theirs.values()),
            sorted(
                unit for unit in ours.keys() | theirs.keys() if ours.get(unit) != theirs.get(unit)
            ),
        )


def tables(lake: Lake) -> list[str]:
    """The names of what `contents` reads: captures, tables, corpora, leaderboards."""
    names = list[str]()
    for name in _below(lake.root):
        if name == _CORPORA:
            names += [f"{name}/{corpus}" for corpus in _below(lake.root / name)]
        elif name == _CLASSIFIERS:
            boards = [f"{name}/{corpus}/leaderboard" for corpus in _below(lake.root / name)]
            names += [board for board in boards if (lake.root / board).is_dir()]
        elif name in RAW:
            names.append(name)
        else:
            nested = [f"{name}/{part}" for part in _below(lake.root / name) if "=" not in part]
            names += [each for each in (name, *nested) if lake.days(each) or _single(lake, each)]
    return names


def contents(lake: Lake, name: str) -> dict[str, Content]:
    """The content of a table by day; a table without days has one, by the name ""."""
    if name in RAW:
        return _captures(lake, name)
    if name.startswith((f"{_CORPORA}/", f"{_CLASSIFIERS}/")):
        return _artefact(lake, name)
    newest = max(lake.days(NEWEST), default="")
    days = {day: _content(lake.read(name, day), newest) for day in lake.days(name)}
    single = _single(lake, name)
    return days | ({"": _content(single, newest)} if single else {})


def content_of(frame: pl.DataFrame, without: Iterable[str] = ()) -> Content:
    """The content of a frame: its rows as JSON, sorted.

    Args:
        frame: the rows.
        without: columns that do not count.
    """
    columns = [name for name in sorted(frame.columns) if name not in {*without}]
    schema = [(column, f"{frame.schema[column]}") for column in columns]
    rows = (msgspec.json.encode(row) for row in frame.select(columns).iter_rows())
    return _digest(rows, header=msgspec.json.encode(schema))


def _digest(rows: Iterable[bytes], header: bytes = b"") -> Content:
    digest, count = hashlib.sha256(header), 0
    for row in sorted(rows):
        digest.update(b"\n" + row)
        count += 1
    return Content(count, digest.hexdigest())


def _content(stored: StoredTable, newest: str) -> Content:
    """The rows, and those of the side tables."""
    frame = stored.frame.collect()
    timed = sorted(_BY_THE_HOUR & {*frame.columns})
    if "day" not in frame.columns:  # whether they are known still counts
        frame = frame.with_columns(pl.col(timed).is_null())
    elif timed:
        later = pl.col("day").cast(pl.String) >= newest
        frame = frame.with_columns(pl.when(~later).then(pl.col(each)).alias(each) for each in timed)
    content = content_of(frame, _TIMES)
    asides = {side: content_of(rows).digest for side, rows in stored.asides.items()}
    if not asides:
        return content
    both = _digest([msgspec.json.encode(asides, order="sorted")], content.digest.encode())
    return Content(content.rows, both.digest)


def _captures(lake: Lake, asset: str) -> dict[str, Content]:
    """Each capture as its rows, each once: chains may serve a row twice, in any order."""
    captures = CaptureStore(lake, asset).captures()
    return {
        day: _digest(
            {
                msgspec.json.encode(row, order="sorted")
                for number in capture.page_numbers()
                for row in _rows(capture.form, capture.page(number))
            }
        )
        for day, capture in captures.items()
    }


def _rows(form: str, body: bytes) -> list[Any]:
    """The rows of a page; the ranges of an archive's file count as one."""
    return msgspec.json.decode(body) if form == JSON else [body]


def _artefact(lake: Lake, name: str) -> dict[str, Content]:
    """The tables of a folder that is replaced as one."""
    try:
        folder = lake.artefact(*name.split("/"))
    except MissingArtefact:
        return {}
    without = MEASURED if name.startswith(_CLASSIFIERS) else frozenset[str]()
    return {
        path.name: content_of(pl.read_parquet(path), without)
        for path in sorted(folder.glob("*.parquet"))
    }


def _single(lake: Lake, name: str) -> StoredTable | None:
    try:
        return lake.read(name, None)
    except MissingDay:
        return None


def _below(folder: Any) -> list[str]:
    """The names right below a folder or a prefix; those of files have a dot."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if "." not in path.name)
