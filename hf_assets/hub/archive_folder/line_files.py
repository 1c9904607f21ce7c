"""CSV and JSON lines of recorded days: a line for each row."""

import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import IO, Any

from hf_assets.hub.archive.base import KINDS, ArchivedDay, ArchivedPage, unpacked
from hf_assets.hub.archive.field_names import columns_of, hint_of_ids, letters
from hf_assets.hub.archive.row_reader import RowReader, pages
from hf_assets.hub.archive_folder.dates import DateColumn, day_column, day_of, id_of, times_of
from hf_assets.hub.client.rows import loose_rows

# Characters of the longest cell of a CSV; Python's own bound is 128 k.
LONGEST_CELL = 16 << 20
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class LineDays:
    """CSV or JSON lines: of one day, or of many days with a column of days.

    A file of many days is read once, into a temporary file that lasts as long as the process.
    """

    kinds, fetched = frozenset(), None

    def __init__(self, path: Path, name: str, day: str | None, *, is_csv: bool) -> None:
        self.path, self.name, self.remark = path, name, ""
        self._csv = is_csv
        self._day = day
        self._spool: IO[bytes] | None = None
        # By day: offset and length of each stretch of the temporary file.
        self._stretches: dict[str, list[tuple[int, int]]] = {}
        self._lock = Lock()
        self._columns: list[str] = []
        self._headers = 0
        if day is None:
            self._sort_by_day()
        self.days = {day} if day else set(self._stretches)

    def pages(self, kind: Any, day: str, archived: ArchivedDay) -> Iterator[ArchivedPage]:
        """The rows of a day."""
        reader = RowReader(kind, cells=self._csv)
        raw = (row for _, row in self._lines()) if self._day else self._spooled(day)
        yield from pages(raw, reader, archived)
        # A file without rows has columns, too.
        reader.report.add_columns(self._columns)
        reader.report.describe(archived)
        if self._headers:
            archived.facts["repeated_header_lines"] = self._headers

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each row with the number of its line."""
        with unpacked(self.path) as packed:
            if self._csv:
                yield from self._cells(packed)
                return
            for number, line in enumerate(packed, 1):
                line = _checked(number, line)
                if line.strip():
                    yield number, _object(number, line)

    def _cells(self, packed: IO[bytes]) -> Iterator[tuple[int, dict[str, str]]]:
        csv.field_size_limit(LONGEST_CELL)
        texts = (_decoded(number, line) for number, line in enumerate(packed, 1))
        reader = csv.reader(texts, strict=True)
        header = [name.strip() for name in next(reader, [])]
        duplicates = sorted({name for name in header if header.count(name) > 1})
        if not header or duplicates:
            raise ValueError(f"line 1: no header with each column once {duplicates or ''}")
        self._columns, self._headers = header, 0
        # The ids of a kind have names of their own (`model_id`): any of them.
        ids = next(filter(None, (columns_of(kind, header).get("id") for kind in KINDS)), None)
        if self._day and not ids:
            raise ValueError(f"line 1: no column `id`{hint_of_ids(header)}")
        try:
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise ValueError(f"{len(cells)} cells where the header has {len(header)}")
                row = dict(zip(header, cells, strict=True))
                if ids and row[ids[0]].strip() == ids[0]:
                    self._headers += _is_header(header, cells)
                    continue
                yield reader.line_num, row
        except (csv.Error, ValueError) as error:
            raise ValueError(f"line {reader.line_num}: {error}") from error

    def _sort_by_day(self) -> None:
        column: str | None = None
        dates: DateColumn | None = None
        spool = self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        at = 0
        for number, row in self._lines():
            if column is None:
                if (column := day_column(row)) is None:
                    return  # another kind of file
                dates = DateColumn(column) if letters(column) == "date" else None
            day = day_of(row.get(column))
            if day is None:
                raise ValueError(f"line {number}: no day in {column}: {row.get(column)!r}"[:300])
            if dates:
                dates.add(day, id_of(row), times_of(row))
            line = json.dumps(row).encode() + b"\n"
            spool.write(line)
            stretches = self._stretches.setdefault(sys.intern(day), [])
            if stretches and sum(stretches[-1]) == at:
                stretches[-1] = stretches[-1][0], stretches[-1][1] + len(line)
            else:
                stretches.append((at, len(line)))
            at += len(line)
        if dates:
            self.remark = dates.remark(self.name)
            if dates.refusal():
                self._stretches.clear()

    def _spooled(self, day: str) -> Iterator[dict[str, Any]]:
        assert self._spool is not None
        for at, length in self._stretches[day]:
            with self._lock:
                self._spool.seek(at)
                content = self._spool.read(length)
            for line in content.splitlines():
                yield json.loads(line)


def _is_header(header: list[str], cells: list[str]) -> bool:
    """Whether a line repeats the header, as `>>` leaves it.

    Raises:
        ValueError: it names other columns than the header, or in another order.
    """
    if [cell.strip().removeprefix("\ufeff") for cell in cells] != header:
        raise ValueError("another header, and not the first one: make these lines their own file")
    return True


def _checked(number: int, line: bytes) -> bytes:
    """A line without a byte-order mark; concatenated files have a mark each."""
    if number == 1 and line.startswith(_UTF16):
        raise ValueError("line 1: UTF-16: save it as UTF-8")
    return line.removeprefix(_BOM)


def _decoded(number: int, line: bytes) -> str:
    try:
        return _checked(number, line).decode()
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
