"""A folder of recorded days: any old scrapes, in the field names of the Hub or its client.

A file of one day has the day in its name (`dates`: `2025-05-22`, `20250522`, …); a file of many has
a column `day` (or `date`, if that is the day of capture). JSON (an array of rows, or an object with
rows under `models`, `spaces` or `datasets`), JSON lines, CSV and Parquet; the first three gzipped,
too. The name of the file or folder says which kind it holds (`kind_in`). A file with `space-files`
in its name is a recording of Spaces' files (`hub.space_code.recorded`). Other files, and JSON
without rows and day, are skipped. A broken file does not affect the others: its error is the answer
only for a day that no other file has.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePath

from hf_assets.hub.archive.base import (
    KINDS,
    ArchivedDay,
    ArchivedPage,
    ArchiveError,
    named_failures,
)
from hf_assets.hub.archive_folder.dates import DAY_COLUMNS, NamedDays
from hf_assets.hub.archive_folder.files import SUFFIXES, RecordedFile, format_of, open_recorded
from hf_assets.hub.client.wire import Kind

# The time of data without a time of its own: the middle of the day.
NOON = "T12:00:00+00:00"
# Skipped files that a remark names, at most.
NAMED_FILES = 10
# The kinds in each file of JSON that was looked into, by path, time of writing and size.
_kinds: dict[tuple[Path, int, int], frozenset[str]] = {}
# The name of a recording of Spaces' files.
_SPACE_FILES = re.compile(r"space[-_ ]?files[^/]*\.(csv|csv\.gz|parquet)$", re.IGNORECASE)


def kind_in(path: str) -> Kind:
    """The kind that a file's path names; models, if it names none.

    "spaces" anywhere means Spaces. "datasets" counts in the file's name, else in the nearest
    folder's that names a kind: a folder of data sets may hold files of models.

    Args:
        path: relative to the folder.
    """
    lower = path.lower()
    if "spaces" in lower:
        return "spaces"
    for part in reversed(PurePath(lower).parts):
        if "models" in part:
            return "models"
        if "datasets" in part:
            return "datasets"
    return "models"


@dataclass
class RecordedDays:
    """The days in the files of a folder, which is listed once.

    Args:
        folder: with its subfolders.
    """

    folder: Path
    _opened: dict[Path, RecordedFile] = field(default_factory=dict, init=False)
    _hashes: dict[Path, str] = field(default_factory=dict, init=False)
    _skipped: list[str] = field(default_factory=list, init=False)
    # Files with unknown days, as they cannot be read.
    _broken: list[tuple[Kind, str]] = field(default_factory=list, init=False)
    _remarked: bool = field(default=False, init=False)

    # Small files: most of the time is spent on making each day durable.
    workers = 8

    @property
    def name(self) -> str:
        """The folder's name without its path, which is no business of a table's reader."""
        return f"the folder {self.folder.name}"

    def days(self) -> set[str]:
        """The days of all listings. ArchiveError if no file can be read."""
        return {day for _, day in self._index}

    def space_files(self, day: str) -> tuple[Path, str] | None:
        """The recording of Spaces' files of that day: its path, and its name for messages.

        Raises:
            ArchiveError: two files have the day.
        """
        found = [
            path for path in self._recordings
            if self._names.of(PurePath(self._relative(path))) == day
        ]  # fmt: skip
        if len(found) > 1:
            first, second = (self._relative(path) for path in found[:2])
            raise ArchiveError(f"{first} and {second} both hold the files of {day}: remove one.")
        return (found[0], self._relative(found[0])) if found else None

    def require_days(self) -> None:
        """Raise ArchiveError if no file has a day; opens files only where no name has one."""
        with named_failures(self.name):
            next(self.folder.iterdir(), None)  # a search takes a folder without access for empty
        every = (*self._files, *self._recordings)
        if not any(self._names.of(PurePath(self._relative(path))) for path in every):
            self.days()

    def find(self, kind: Kind, day: str) -> ArchivedDay | None:
        """That day from its file.

        Raises:
            ArchiveError: two files have the day, its file is broken, or no file has the day and a
                broken file might have it.
        """
        files = self._index.get((kind, day), [])
        if not files:
            # An object may hold several kinds whatever its name.
            files = [
                path
                for other in KINDS
                for path in self._index.get((other, day), [])
                if format_of(path) == ".json" and kind in self._kinds_in(path)
            ]
        if len(files) > 1:
            first, second = (self._relative(path) for path in files[:2])
            raise ArchiveError(f"{first} and {second} both hold the {kind} of {day}: remove one.")
        if not files:
            if broken := [why for of, why in self._broken if of == kind]:
                raise ArchiveError(f"No file has the {kind} of {day} that can be read. {broken[0]}")
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
        archived = ArchivedDay(self._relative(files[0]), time.astimezone(UTC), facts)
        archived.path, archived.many = files[0], len(recorded.days) > 1

        def read() -> Iterator[ArchivedPage]:
            with named_failures(archived.source):
                yield from recorded.pages(kind, day, archived)

        archived.read = read
        return archived

    def remarks(self, first: str) -> list[str]:
        """Skipped and broken files, columns taken for a day, and days before the first partition.

        Empty before the first day was requested.
        """
        if self._remarked or "_index" not in self.__dict__:
            return []
        self._remarked = True
        remarks = []
        if self._skipped:
            named = ", ".join(self._skipped[:NAMED_FILES])
            more = len(self._skipped) - NAMED_FILES
            and_more = f" and {more} more" if more > 0 else ""
            remarks.append(f"{self.name}: {named}{and_more} passed over: no recorded days.")
        remarks += [f"{self.name}: {why}" for _, why in self._broken[:NAMED_FILES]]
        remarks += [file.remark for file in self._opened.values() if file.remark][:NAMED_FILES]
        if before := sorted(day for day in self.days() if day < first):
            remarks.append(
                f"{len(before):,} days of {self.name} lie before {first}, the first partition: set "
                f"HF_ASSETS_FIRST_DAY={before[0]} to make them."
            )
        return remarks

    @cached_property
    def _index(self) -> dict[tuple[Kind, str], list[Path]]:
        """The files of each kind and day."""
        index: dict[tuple[Kind, str], list[Path]] = {}
        skipped: list[str] = []
        broken: list[tuple[Kind, str]] = []
        for path in self._files:
            relative = self._relative(path)
            kind = kind_in(relative)
            try:
                named = self._names.of(PurePath(relative))
                days = {named} if named else self._open(path).days
            except ArchiveError as error:
                broken.append((kind, str(error)))
                continue
            if not days:
                skipped.append(relative)
            for day in days:
                index.setdefault((kind, day), []).append(path)
        self._skipped, self._broken = skipped, broken
        if not index and not self._recordings:
            raise ArchiveError(self._no_days())
        return index

    def _no_days(self) -> str:
        reasons = [why for _, why in self._broken]
        reasons += [file.remark for file in self._opened.values() if file.remark]
        return " ".join(
            [
                f"{self.folder} holds no recorded day: a file ({', '.join(SUFFIXES)}, .gz too) has "
                f"its day in its name (YYYY-MM-DD), or a column {' or '.join(DAY_COLUMNS)}.",
                *reasons[:NAMED_FILES],
            ]
        )

    @cached_property
    def _files(self) -> list[Path]:
        """Every file of a known format that may hold a listing, in order."""
        return [path for path in self._readable if path not in self._recordings]

    @cached_property
    def _recordings(self) -> list[Path]:
        """Every recording of Spaces' files, in order."""
        return [path for path in self._readable if _SPACE_FILES.search(self._relative(path))]

    @cached_property
    def _readable(self) -> list[Path]:
        """Every file of a known format, in order."""
        with named_failures(self.name):
            return [
                path
                for path in sorted(self.folder.rglob("*"))
                if not any(part.startswith(".") for part in path.relative_to(self.folder).parts)
                and format_of(path) is not None
                and path.is_file()
            ]

    @cached_property
    def _names(self) -> NamedDays:
        return NamedDays([PurePath(self._relative(path)) for path in self._readable])

    def _open(self, path: Path) -> RecordedFile:
        """Open a file; a file of many days is opened once."""
        if path in self._opened:
            return self._opened[path]
        relative = self._relative(path)
        named = self._names.of(PurePath(relative))
        recorded = open_recorded(path, relative, named)
        if not named:
            self._opened[path] = recorded
        return recorded

    def _kinds_in(self, path: Path) -> frozenset[str]:
        """The kinds in a file, which is read once in this process, whoever asks how often.

        A schedule looks for the datasets of each captured day every night.
        """
        with named_failures(self._relative(path)):
            found = path.stat()
        mark = path, found.st_mtime_ns, found.st_size
        if mark not in _kinds:
            _kinds[mark] = self._open(path).kinds
        return _kinds[mark]

    def _sha256(self, path: Path) -> str:
        if path not in self._hashes:
            with named_failures(self._relative(path)), path.open("rb") as content:
                self._hashes[path] = hashlib.file_digest(content, "sha256").hexdigest()
        return self._hashes[path]

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()
