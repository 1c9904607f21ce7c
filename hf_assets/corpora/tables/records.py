"""Rows of a user's file (CSV, TSV, JSON lines, each also .gz, and Parquet) by column name.

An invalid row stops the reading, with file and line. The standard library's reader reads CSV: it is
strict about quotes and knows the line a record begins in, where polars fills short rows with nulls.
"""

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from hf_assets.corpora.registry import Quoting
from hf_assets.corpora.tables.stray_quotes import StrayQuotes
from hf_assets.errors import InputError
from hf_assets.progress import Log, TimedLog
from hf_assets.storage.opened import open_file, scan

# Rows of a frame: some MB of texts.
BATCH = 5_000
# No field of a text is longer than this; the csv module's own limit is 128 kB.
_LONGEST_FIELD = 1 << 30
# Lines between two looks at the clock.
_LINES_A_LOOK = 1000


class TableError(InputError):
    """A table cannot be read as it is; the message names file and line."""


@dataclass(frozen=True)
class Record:
    """One row by column name, and where it begins."""

    place: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """What is expected of a file.

    Args:
        columns: those that it must have.
        labels: those of them that hold labels.
        separator: what stands between labels of one cell.
        quoting: whether `"` encloses fields of CSV; None: it does, unless the file speaks against.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    separator: str | None = None
    quoting: Quoting | None = None


def records(path: Path, layout: Layout, log: Log = lambda _: None) -> Iterator[Record]:
    """The rows in their order.

    Args:
        path: the file.
        layout: what it must have.
        log: takes a line now and then: how much of the file was read.

    Raises:
        TableError: while iterating, where the file is not as it must be; also after the last row,
            where the file as a whole shows that it was not meant as it was read.
    """
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    read = _READERS.get(kind)
    if read is None:
        raise TableError(f"{path} is none of {', '.join(_READERS)}")
    return read(path, layout, TimedLog(log, path.stat().st_size, path.name))


def _lines(path: Path, progress: TimedLog) -> Iterator[str]:
    """Lines with their ends, decoded one by one, so that a wrong byte has a line."""
    packed = path.suffix.lower() == ".gz"
    with path.open("rb") as stored, gzip.open(stored) if packed else stored as file:
        for number, line in enumerate(file, 1):
            if number % _LINES_A_LOOK == 0:
                # Of a packed file, too: how large it is unpacked, nobody knows.
                progress.at(stored.tell(), f"{number:,} lines read")
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise TableError(
                    f"{path}, line {number}: byte {error.start + 1} is no UTF-8; save it as UTF-8"
                ) from error


def _expect(path: Path, wanted: Iterable[str], there: Iterable[str]) -> None:
    there = list(there)
    if lacking := [name for name in wanted if name not in there]:
        columns = ", ".join(repr(name[:80]) for name in there[:50]) or "none"
        raise TableError(
            f"{path} has no column {', '.join(map(repr, lacking))}; there are {columns}"
        )


def _csv(path: Path, layout: Layout, progress: TimedLog, delimiter: str = ",") -> Iterator[Record]:
    csv.field_size_limit(_LONGEST_FIELD)
    unquoted = layout.quoting == "none"
    held: list[str] = []  # the lines of the present record
    reader = csv.reader(
        _holding(_lines(path, progress), held),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if unquoted else csv.QUOTE_MINIMAL,
        strict=True,
    )
    header: list[str] | None = None
    stray: StrayQuotes | None = None
    begins = 1
    try:
        for fields in reader:
            place, begins = f"{path}, line {begins}", reader.line_num + 1
            if header is None:
                header = _header(path, place, layout, fields)
                if layout.quoting is None:
                    stray = StrayQuotes(header, delimiter, layout.labels, layout.separator)
            elif fields:  # an empty line is no row
                yield Record(place, _row(place, header, fields, unquoted))
                if stray:
                    stray.see(place, held, fields)
            held.clear()
    except csv.Error as error:
        raise TableError(
            f"{path}, line {begins}: {error}; is a quote missing?"
            + ("" if unquoted else " Where no field is quoted at all, declare quoting = 'none'")
        ) from error
    if header is None:
        raise TableError(f"{path} is empty")
    if stray and (what := stray.found()):
        raise TableError(what)


def _holding(lines: Iterator[str], held: list[str]) -> Iterator[str]:
    for line in lines:
        held.append(line)
        yield line


def _header(path: Path, place: str, layout: Layout, fields: list[str]) -> list[str]:
    if doubled := [name for name in layout.columns if fields.count(name) > 1]:
        raise TableError(f"{place}: the column {doubled[0]!r} is there twice")
    _expect(path, layout.columns, fields)
    return fields


def _row(place: str, header: list[str], fields: list[str], unquoted: bool) -> dict[str, str]:
    if len(fields) != len(header):
        why = (
            "is there one in a text?" if unquoted else "is a quote or a comma in a text not quoted?"
        )
        raise TableError(f"{place}: {len(fields)} fields where the header has {len(header)}; {why}")
    if fields == header:
        raise TableError(f"{place}: this is the header again; remove the line")
    return dict(zip(header, fields, strict=True))


def _tsv(path: Path, layout: Layout, progress: TimedLog) -> Iterator[Record]:
    return _csv(path, layout, progress, "\t")


def _json_lines(path: Path, layout: Layout, progress: TimedLog) -> Iterator[Record]:
    decoder = msgspec.json.Decoder(dict[str, Any])
    seen: dict[str, None] = {}
    for number, line in enumerate(_lines(path, progress), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            fields = decoder.decode(line)
        except (ValueError, RecursionError) as error:
            raise TableError(f"{place}: {error}; each line must be a JSON object") from error
        seen |= dict.fromkeys(fields)
        yield Record(place, fields)
    _expect(path, layout.columns, seen)


def _parquet(path: Path, layout: Layout, progress: TimedLog) -> Iterator[Record]:
    frame = scan([open_file(path)])
    _expect(path, layout.columns, frame.collect_schema().names())
    wanted = frame.select(layout.columns)
    number, progress.total = 0, frame.select(pl.len()).collect().item()
    for batch in wanted.collect_batches(chunk_size=BATCH, maintain_order=True):
        for fields in batch.iter_rows(named=True):
            number += 1
            yield Record(f"{path}, row {number}", fields)
        progress.at(number, f"{number:,} rows read")


_READERS: dict[str, Callable[[Path, Layout, TimedLog], Iterator[Record]]] = {
    "csv": _csv,
    "tsv": _tsv,
    "jsonl": _json_lines,
    "ndjson": _json_lines,
    "parquet": _parquet,
}
