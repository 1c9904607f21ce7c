"""A folder of recorded days: anyone's old scrapes, in the Hub's field names.

A file of one day has the day in its name, `YYYY-MM-DD`; a file of many has a column `day` (or
`date`). JSON (an array of rows, or an object with them under `models` or `spaces`), JSON lines, CSV
and Parquet; the first three gzipped too. What lies in a folder or file with "spaces" in its name is
Spaces, all else models. Other files, and JSON without rows and without a day, are passed over.
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from hf_assets.hub.archive import ArchivedDay, ArchiveError
from hf_assets.hub.recorded_files import (
    DAY_COLUMNS,
    SUFFIXES,
    RecordedFile,
    format_of,
    open_recorded,
)
from hf_assets.hub.rows import Kind

_DAY = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d(?!\d)")
# The data of a file that does not say when it was fetched is dated to the middle of its day.
NOON = "T12:00:00+00:00"
# Files passed over that a remark names at most.
NAMED_FILES = 10


@dataclass
class RecordedDays:
    """The days that the files of a folder record. What the folder holds is looked at once.

    Args:
        folder: looked through with its subfolders.
    """

    folder: Path
    _opened: dict[Path, RecordedFile] = field(default_factory=dict, init=False)
    _hashes: dict[Path, str] = field(default_factory=dict, init=False)
    _passed_over: list[str] = field(default_factory=list, init=False)
    _remarked: bool = field(default=False, init=False)

    # Small files: most of the time goes into making each day durable.
    workers = 8

    @property
    def name(self) -> str:
        """The folder, by its name alone: who reads a table need not know where it lay."""
        return f"the folder {self.folder.name}"

    def days(self) -> set[str]:
        """Every day that a file is of. ArchiveError where a file of many days is broken."""
        return {day for _, day in self._index}

    def find(self, kind: Kind, day: str) -> ArchivedDay | None:
        """That day as its file has it. ArchiveError where two files have it, or it is broken."""
        files = self._index.get((kind, day), [])
        if kind == "spaces" and not files:
            # An object may hold both kinds; its name need not say so.
            files = [
                path
                for path in self._index.get(("models", day), [])
                if format_of(path) == ".json" and "spaces" in self._open(path).kinds
            ]
        if len(files) > 1:
            first, second = (self._relative(path) for path in files[:2])
            raise ArchiveError(f"{first} and {second} both hold the {kind} of {day}: remove one.")
        if not files:
            return None
        recorded = self._open(files[0])
        if recorded.kinds and kind not in recorded.kinds:
            return None
        facts = {
            "source": "folder",
            "file": self._relative(files[0]),
            "file_sha256": self._sha256(files[0]),
            "time_known": recorded.fetched is not None,
        }
        time = recorded.fetched or datetime.fromisoformat(day + NOON)
        found = ArchivedDay(self._relative(files[0]), time.astimezone(UTC), facts)
        found.path, found.many = files[0], len(recorded.days) > 1
        found.read = lambda: recorded.pages(kind, day, found)
        return found

    def remarks(self, first: str) -> list[str]:
        """Files passed over, and days before the first; nothing where no day was asked for."""
        if self._remarked or "_index" not in self.__dict__:
            return []
        self._remarked = True
        said = []
        if self._passed_over:
            named = ", ".join(self._passed_over[:NAMED_FILES])
            more = len(self._passed_over) - NAMED_FILES
            and_more = f" and {more} more" if more > 0 else ""
            said.append(f"{self.name}: {named}{and_more} passed over: no recorded days.")
        if before := sorted(day for day in self.days() if day < first):
            said.append(
                f"{len(before):,} days of {self.name} lie before {first}, the first partition: set "
                f"HF_ASSETS_FIRST_DAY={before[0]} to make them."
            )
        return said

    @cached_property
    def _index(self) -> dict[tuple[Kind, str], list[Path]]:
        """The files of each kind and day."""
        index: dict[tuple[Kind, str], list[Path]] = {}
        for path in sorted(self.folder.rglob("*")):
            relative = path.relative_to(self.folder)
            if any(part.startswith(".") for part in relative.parts) or not path.is_file():
                continue
            if format_of(path) is None:
                continue
            kind: Kind = "spaces" if "spaces" in relative.as_posix().lower() else "models"
            named = _day_of(relative)
            days = {named} if named else self._open(path).days
            if not days:
                self._passed_over.append(self._relative(path))
            for day in days:
                index.setdefault((kind, day), []).append(path)
        if not index:
            raise ArchiveError(
                f"{self.folder} holds no recorded day: a file ({', '.join(SUFFIXES)}, .gz too) has "
                f"its day in its name (YYYY-MM-DD), or a column {' or '.join(DAY_COLUMNS)}."
            )
        return index

    def _open(self, path: Path) -> RecordedFile:
        """The file, read no more often than need be: one of a single day is not kept."""
        if path in self._opened:
            return self._opened[path]
        relative = path.relative_to(self.folder)
        recorded = open_recorded(path, relative.as_posix(), _day_of(relative))
        if not _day_of(relative):
            self._opened[path] = recorded
        return recorded

    def _sha256(self, path: Path) -> str:
        if path not in self._hashes:
            with path.open("rb") as content:
                self._hashes[path] = hashlib.file_digest(content, "sha256").hexdigest()
        return self._hashes[path]

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _day_of(relative: Path) -> str | None:
    """The day in a file's name, else in the nearest folder's."""
    for part in reversed(relative.parts):
        days = {found for found in _DAY.findall(part) if _is_day(found)}
        if len(days) > 1:
            raise ArchiveError(f"{relative.as_posix()} names more than one day: rename it.")
        if days:
            return days.pop()
    return None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
