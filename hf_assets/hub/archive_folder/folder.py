"""A folder of recorded days: anyone's old scrapes, in the Hub's field names or its client's.

A file of one day has the day in its name (`recorded_dates`: `2025-05-22`, `20250522`, …); a file of
many has a column `day` (or `date`, where that looks like one). JSON (an array of rows, or an object
with them under `models` or `spaces`), JSON lines, CSV and Parquet; the first three gzipped too.
What lies in a folder or file with "spaces" in its name is Spaces, all else models. Other files, and
JSON without rows and without a day, are passed over. A file that cannot be read takes no other with
it: it is the answer where a day is asked for that no other file has.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePath

from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage, ArchiveError, named_failures
from hf_assets.hub.archive_folder.dates import DAY_COLUMNS, NamedDays
from hf_assets.hub.archive_folder.files import SUFFIXES, RecordedFile, format_of, open_recorded
from hf_assets.hub.client.rows import Kind

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
    # Files whose days are not known, for they cannot be read.
    _broken: list[tuple[Kind, str]] = field(default_factory=list, init=False)
    _remarked: bool = field(default=False, init=False)

    # Small files: most of the time goes into making each day durable.
    workers = 8

    @property
    def name(self) -> str:
        """The folder, by its name alone: who reads a table need not know where it lay."""
        return f"the folder {self.folder.name}"

    def days(self) -> set[str]:
        """Every day that a file is of. ArchiveError where no file can be read."""
        return {day for _, day in self._index}

    def find(self, kind: Kind, day: str) -> ArchivedDay | None:
        """That day as its file has it.

        Raises:
            ArchiveError: two files have it, its file is broken, or none has it and one that might
                is broken.
        """
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
        found = ArchivedDay(self._relative(files[0]), time.astimezone(UTC), facts)
        found.path, found.many = files[0], len(recorded.days) > 1

        def read() -> Iterator[ArchivedPage]:
            with named_failures(found.source):
                yield from recorded.pages(kind, day, found)

        found.read = read
        return found

    def remarks(self, first: str) -> list[str]:
        """Files passed over or broken, columns taken for a day, and days before the first.

        Nothing where no day was asked for.
        """
        if self._remarked or "_index" not in self.__dict__:
            return []
        self._remarked = True
        said = []
        if self._passed_over:
            named = ", ".join(self._passed_over[:NAMED_FILES])
            more = len(self._passed_over) - NAMED_FILES
            and_more = f" and {more} more" if more > 0 else ""
            said.append(f"{self.name}: {named}{and_more} passed over: no recorded days.")
        said += [f"{self.name}: {why}" for _, why in self._broken[:NAMED_FILES]]
        said += [one.remark for one in self._opened.values() if one.remark][:NAMED_FILES]
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
        passed_over: list[str] = []
        broken: list[tuple[Kind, str]] = []
        for path in self._files:
            relative = self._relative(path)
            kind: Kind = "spaces" if "spaces" in relative.lower() else "models"
            try:
                named = self._names.of(PurePath(relative))
                days = {named} if named else self._open(path).days
            except ArchiveError as error:
                broken.append((kind, str(error)))
                continue
            if not days:
                passed_over.append(relative)
            for day in days:
                index.setdefault((kind, day), []).append(path)
        self._passed_over, self._broken = passed_over, broken
        if not index:
            raise ArchiveError(self._no_days())
        return index

    def _no_days(self) -> str:
        said = [why for _, why in self._broken]
        said += [one.remark for one in self._opened.values() if one.remark]
        return " ".join(
            [
                f"{self.folder} holds no recorded day: a file ({', '.join(SUFFIXES)}, .gz too) has "
                f"its day in its name (YYYY-MM-DD), or a column {' or '.join(DAY_COLUMNS)}.",
                *said[:NAMED_FILES],
            ]
        )

    @cached_property
    def _files(self) -> list[Path]:
        """Every file that may hold days, in order."""
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
        return NamedDays([PurePath(self._relative(path)) for path in self._files])

    def _open(self, path: Path) -> RecordedFile:
        """The file, read no more often than need be: one of a single day is not kept."""
        if path in self._opened:
            return self._opened[path]
        relative = self._relative(path)
        named = self._names.of(PurePath(relative))
        recorded = open_recorded(path, relative, named)
        if not named:
            self._opened[path] = recorded
        return recorded

    def _sha256(self, path: Path) -> str:
        if path not in self._hashes:
            with named_failures(self._relative(path)), path.open("rb") as content:
                self._hashes[path] = hashlib.file_digest(content, "sha256").hexdigest()
        return self._hashes[path]

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()
