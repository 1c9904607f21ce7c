"""Reads the rows of Meta Kaggle's CSV files strictly.

The csv module reads them: it knows the line of every row, and distinguishes a row of too few fields
from one whose last fields are empty, which the faster readers do not.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path

from hf_assets.corpora.kaggle.client import KaggleError
from hf_assets.progress import TimedLog

HANDLE = "kaggle/meta-kaggle"
# Characters of one field: a description has some thousands; an unclosed quote has no end.
LONGEST_FIELD = 4 << 20
# Odd rows of one file that are counted and left out; with more it is the file that is odd.
MOST_INVALID_ROWS = 1000
LOGGED_ROWS = 5
# Lines between two looks at the clock.
LINES_A_LOOK = 1000


class MetaTable:
    """The valid rows of a CSV file; invalid ones are counted, the first logged with their line.

    Args:
        path: the file, UTF-8 with or without a byte order mark.
        columns: must be there; `more` may be, and are empty where they are not.
    """

    def __init__(
        self,
        path: Path,
        columns: Iterable[str],
        more: Iterable[str],
        notes: Counter[str],
        log: Callable[[str], None],
    ) -> None:
        self.name, self.notes = path.name, notes
        self._path, self._columns, self._more, self._tell = path, (*columns,), (*more,), log
        self._line = self._invalid_rows = 0
        self._not_utf8 = self._broken = False

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The values of the columns, for each row that has as many fields as the header."""
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))
        with self._path.open("rb") as file:
            reader = csv.reader(self._decoded(file), strict=True)
            width, places = self._header(reader)
            pick = itemgetter(*places)
            while True:
                self._line, problem = 0, ""
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    row, problem = [], f"broken quoting ({error})"
                if self._not_utf8:
                    self._not_utf8, problem = False, "not UTF-8"
                if len(row) == width:
                    self._broken = False
                if len(row) == width and not problem:
                    row.append("")  # what a column that is not there holds
                    yield pick(row)
                elif self._broken:
                    self._piece()
                elif problem:
                    self._broken = not row
                    self.odd(problem)
                elif row:
                    self.odd(f"{len(row)} fields, not {width}", "another count of fields")

    def odd(self, what: str, reason: str | None = None) -> None:
        """Count the present row as left out; give up where there are too many."""
        self.notes[f"dropped: {self.name}: {reason or what}"] += 1
        self._invalid_rows += 1
        if self._invalid_rows <= LOGGED_ROWS:
            self._tell(f"{self.name}, line {self._line}: left out: {what}")
        if self._invalid_rows > MOST_INVALID_ROWS:
            raise self._failure(f"{MOST_INVALID_ROWS} invalid rows, this one for: {what}")

    def _strange(self, what: str) -> None:
        """Count something about the present row that does not cost it its place."""
        self.notes[f"{self.name}: {what}"] += 1
        if self.notes[f"{self.name}: {what}"] <= LOGGED_ROWS:
            self._tell(f"{self.name}, line {self._line}: {what}")

    def _decoded(self, lines: Iterable[bytes]) -> Iterator[str]:
        progress, read = TimedLog(self._tell, self._path.stat().st_size, self.name), 0
        for number, line in enumerate(lines, start=1):
            read += len(line)
            if number % LINES_A_LOOK == 0:
                progress.at(read, f"{number:,} lines read")
            if not self._line:  # a row begins here
                if self._broken and not line.lstrip(b'"')[:1].isdigit():
                    # Inside a text a quote would open a field that swallows whole rows.
                    self._piece()
                    continue
                self._line = number
            try:
                yield line.decode("utf-8" if number > 1 else "utf-8-sig")
            except UnicodeDecodeError:
                self._not_utf8 = True
                yield line.decode(errors="replace")

    def _piece(self) -> None:
        self.notes[f"{self.name}: pieces after broken quoting"] += 1

    def _header(self, reader: Iterator[list[str]]) -> tuple[int, list[int]]:
        """How many fields there are, and which of them the columns are."""
        try:
            header = next(reader, [])
        except csv.Error as error:
            raise self._failure(f"no header ({error})") from error
        missing = [name for name in self._columns if name not in header]
        wanted = (*self._columns, *self._more)
        missing += [name for name in wanted if header.count(name) > 1]
        if missing:
            raise self._failure(
                f"the header must have {', '.join(missing)} once, it is {', '.join(header)[:300]!r}"
            )
        return len(header), [header.index(n) if n in header else len(header) for n in wanted]

    def _failure(self, what: str) -> KaggleError:
        return KaggleError(
            f"{self._path}, line {max(self._line, 1)}: {what}. Download it again from "
            f"https://www.kaggle.com/datasets/{HANDLE}.",
            permanent=True,
        )

    def moment(self, text: str) -> datetime | None:
        """A date as Meta Kaggle writes it (month first), or ISO; in UTC where it names no zone."""
        for form in ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y"):
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        try:
            found = datetime.fromisoformat(text)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self._strange("dates that are not understood, left empty")
            return None
