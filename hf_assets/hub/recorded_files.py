"""One recorded file: which days it is of, and the rows of a day as pages."""

import csv
import gzip
import json
import re
import sys
import tempfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import IO, Any, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.archive import PAGE_ROWS, ArchivedDay, ArchivedPage, ArchiveError
from hf_assets.hub.arrow_rows import ArrowRows
from hf_assets.hub.recorded_values import from_cells, served
from hf_assets.hub.rows import WIRE_SCHEMA, Kind, loose_rows

SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")
DAY_COLUMNS = ("day", "date")
_ALIASES = {".ndjson": ".jsonl"}
_ISO_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ].*)?")
# A cell of a CSV may be as long as this many characters; Python's own bound is 128 k.
LONGEST_CELL = 16 << 20


class RecordedFile(Protocol):
    """A file of one day or of many."""

    days: set[str]
    # The kinds it says that it holds; none: what its name says.
    kinds: frozenset[str]
    # When the rows were fetched, where the file says so.
    fetched: datetime | None

    def pages(self, kind: Kind, day: str, found: ArchivedDay) -> Iterator[ArchivedPage]:
        """The rows of a day; fills `found.seen` and `found.unread`. ArchiveError."""
        ...


def format_of(path: Path) -> str | None:
    """The suffix that tells how to read it, or None."""
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    suffix = _ALIASES.get(suffix, suffix)
    packed = name.endswith(".gz") and suffix == ".parquet"
    return suffix if suffix in SUFFIXES and not packed else None


def open_recorded(path: Path, name: str, day: str | None) -> RecordedFile:
    """The file, with what must be known before its rows are asked for.

    Args:
        path: the file.
        name: how messages call it.
        day: the day in its name; None for a file with a column of days.

    Raises:
        ArchiveError: it is broken; the message names the place.
    """
    with _named_failures(name):
        kind = format_of(path)
        if kind == ".parquet":
            return _ParquetDays(path, name, day)
        if kind == ".json":
            return _JsonDay(path, name, day)
        return _LineDays(path, name, day)


@contextmanager
def _named_failures(name: str) -> Generator[None]:
    """What a broken file raises, as one error that names it."""
    try:
        yield
    except (OSError, EOFError, zlib.error, pa.ArrowException, csv.Error, ValueError) as error:
        raise ArchiveError(f"{name} cannot be read: {error}. Mend or remove it.") from error


def _unpacked(path: Path) -> Any:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


def _pages(rows: Iterable[Any], found: ArchivedDay) -> Iterator[ArchivedPage]:
    """Rows as pages of some thousands; what is no object is left to the parser to name."""
    waiting: list[Any] = []
    for row in rows:
        if isinstance(row, dict):
            found.seen |= row.keys()
        waiting.append(row)
        if len(waiting) == PAGE_ROWS:
            yield _page(waiting)
            waiting = []
    if waiting:
        yield _page(waiting)


def _page(rows: list[Any]) -> ArchivedPage:
    return ArchivedPage(
        json.dumps(rows).encode(),
        [row.get("_id") if isinstance(row, dict) else None for row in rows],
    )


class _JsonDay:
    """A JSON array of one day, or an object with such arrays under `models` and `spaces`."""

    def __init__(self, path: Path, name: str, day: str | None) -> None:
        self.path, self.name = path, name
        with _unpacked(path) as packed:
            body = packed.read()
        try:
            found = json.loads(body)
        except RecursionError:
            raise ValueError("nested too deep") from None
        self._rows: dict[str, list[Any]]
        self._by_day: dict[str, list[Any]] = {}
        said: Any = None
        if isinstance(found, dict):
            self._rows = {
                kind: found[kind] for kind in WIRE_SCHEMA if isinstance(found.get(kind), list)
            }
            said = found.get("fetched_at")
            day = day or _day(found.get("date")) or _day(found.get("day"))
            if day and not self._rows:
                raise ValueError("an object without a list under `models` or `spaces`")
        elif isinstance(found, list):
            self._rows = {"": found} if day else {}
            self._by_day = {} if day else _by_day(found)
        else:
            raise ValueError(f"a {type(found).__name__} where a list of rows belongs")
        self.fetched = _aware(said)
        self.kinds = frozenset(self._rows) - {""}
        self.days = {day} if day else set(self._by_day)

    def pages(self, kind: Kind, day: str, found: ArchivedDay) -> Iterator[ArchivedPage]:
        rows = self._rows.get(kind, self._rows.get("", self._by_day.get(day, [])))
        read = (served(kind, row) if isinstance(row, dict) else row for row in rows)
        return _pages(read, found)


def _by_day(rows: list[Any]) -> dict[str, list[Any]]:
    """Rows by their column of days; none where the first has no such column."""
    first = rows[0] if rows and isinstance(rows[0], dict) else {}
    column = next((name for name in DAY_COLUMNS if name in first), None)
    days: dict[str, list[Any]] = {}
    for number, row in enumerate(rows if column else []):
        day = _day(row.get(column)) if isinstance(row, dict) else None
        if day is None:
            raise ValueError(f"row {number}: no day in {column}")
        days.setdefault(day, []).append(row)
    return days


def _aware(said: Any) -> datetime | None:
    """A time with its zone; one without is no time that can be placed."""
    try:
        at = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None


def _day(said: Any) -> str | None:
    """The day that a value begins with."""
    found = _ISO_DAY.fullmatch(str(said).strip()) if said is not None else None
    try:
        return date.fromisoformat(found[1]).isoformat() if found else None
    except ValueError:
        return None


class _LineDays:
    """CSV or JSON lines: of one day, or of many with a column of days.

    A file of many is read once; its lines lie in a temporary file, by day, until the process ends.
    """

    kinds, fetched = frozenset(), None

    def __init__(self, path: Path, name: str, day: str | None) -> None:
        self.path, self.name = path, name
        self._csv = format_of(path) == ".csv"
        self._day = day
        self._spool: IO[bytes] | None = None
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._lock = Lock()
        self._columns: list[str] = []
        if day is None:
            self._sort_by_day()
        self.days = {day} if day else set(self._places)

    def pages(self, kind: Kind, day: str, found: ArchivedDay) -> Iterator[ArchivedPage]:
        with _named_failures(self.name):
            raw = (row for _, row in self._lines()) if self._day else self._spooled(day)
            read = from_cells if self._csv else served
            yield from _pages((read(kind, row) for row in raw), found)
        # A column with no value in any row is there all the same.
        found.seen |= set(self._columns) & set(WIRE_SCHEMA[kind])

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row with the number of its line."""
        with _unpacked(self.path) as packed:
            if not self._csv:
                for number, line in enumerate(packed, 1):
                    if line.strip():
                        yield number, _object(number, line)
                return
            yield from self._cells(packed)

    def _cells(self, packed: IO[bytes]) -> Iterator[tuple[int, dict[str, str]]]:
        csv.field_size_limit(LONGEST_CELL)
        texts = (_decoded(number, line) for number, line in enumerate(packed, 1))
        reader = csv.reader(texts, strict=True)
        header = [name.strip() for name in next(reader, [])]
        doubled = sorted({name for name in header if header.count(name) > 1})
        if not header or doubled:
            raise ValueError(f"line 1: no header with each column once {doubled or ''}")
        self._columns = header
        if self._day and not {"id", "modelId"} & set(header):
            raise ValueError("line 1: no column `id`")
        try:
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise ValueError(f"{len(cells)} cells where the header has {len(header)}")
                yield reader.line_num, dict(zip(header, cells, strict=True))
        except (csv.Error, ValueError) as error:
            raise ValueError(f"line {reader.line_num}: {error}") from error

    def _sort_by_day(self) -> None:
        column: str | None = None
        spool = self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        at = 0
        for number, row in self._lines():
            column = column or next((name for name in DAY_COLUMNS if name in row), None)
            if column is None:
                return  # no recorded days: some other file
            day = _day(row.get(column))
            if day is None:
                raise ValueError(f"line {number}: no day in {column}: {row.get(column)!r}"[:300])
            line = json.dumps(row).encode() + b"\n"
            spool.write(line)
            places = self._places.setdefault(sys.intern(day), [])
            if places and sum(places[-1]) == at:
                places[-1] = places[-1][0], places[-1][1] + len(line)
            else:
                places.append((at, len(line)))
            at += len(line)

    def _spooled(self, day: str) -> Iterator[dict[str, Any]]:
        assert self._spool is not None
        for at, length in self._places[day]:
            with self._lock:
                self._spool.seek(at)
                content = self._spool.read(length)
            for line in content.splitlines():
                yield json.loads(line)


def _decoded(number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start} of the line") from error


def _object(number: int, line: bytes) -> dict[str, Any]:
    try:
        (row,) = loose_rows(b"[" + line + b"]")
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {number}: a {type(row).__name__} where an object belongs")
    return row


class _ParquetDays:
    """Parquet: of one day, or of many with a column of days."""

    kinds, fetched = frozenset(), None

    def __init__(self, path: Path, name: str, day: str | None) -> None:
        self.path, self.name = path, name
        self._day, self._column = day, None
        self.days = {day} if day else set()
        if day is None:
            self._read_days()

    def _read_days(self) -> None:
        """Which days are in which row group."""
        self._groups: dict[str, list[int]] = {}
        with pq.ParquetFile(self.path) as file:
            names = file.schema_arrow.names
            self._column = next((name for name in DAY_COLUMNS if name in names), None)
            if self._column is None:
                return
            for group in range(file.num_row_groups):
                days = set()
                for value in self._values(file.read_row_group(group, columns=[self._column])):
                    day = _day(value)
                    if day is None:
                        raise ValueError(f"row group {group}: no day in {self._column}: {value!r}")
                    days.add(day)  # many times of a day are one day
                for day in days:
                    self._groups.setdefault(day, []).append(group)
        self.days = set(self._groups)

    def _values(self, table: pa.Table) -> list[Any]:
        return pl.Series("", table.column(0)).cast(pl.String).unique().to_list()

    def pages(self, kind: Kind, day: str, found: ArchivedDay) -> Iterator[ArchivedPage]:
        with _named_failures(self.name), pq.ParquetFile(self.path) as file:
            rows = ArrowRows(file, kind)
            found.seen |= rows.seen
            found.unread |= rows.unread
            if self._day:
                yield from rows.pages()
                return
            for group in self._groups[day]:
                columns = [*rows.columns, self._column]
                for batch in file.iter_batches(PAGE_ROWS, row_groups=[group], columns=columns):
                    days = pl.Series("", batch.column(self._column)).cast(pl.String)
                    wanted = days.str.strip_chars().str.starts_with(day).to_arrow()
                    kept = batch.filter(wanted).drop_columns([self._column])
                    if kept.num_rows:
                        yield rows.page(kept)
