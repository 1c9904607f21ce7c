"""A day of a table: to be written into the lake, and as it was when it was read."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.storage.opened import LakeFile, open_files, scan
from hf_assets.storage.records import CaptureProvenance, Record
from hf_assets.storage.side_tables import DATA

# Notes of an emptied day: the series that gives its rows back, the mark of the file that had them,
# and how many are private.
ROWS_IN, ROWS_MARK, PRIVATE_ROWS = "rows_in", "rows_mark", "private_rows"
# While months are rebuilt by other rules, some may have other columns.
_OTHER_COLUMNS: dict[str, Any] = {"missing_columns": "insert", "extra_columns": "ignore"}


@dataclass
class TableWrite:
    """One day of a table to be written into the lake.

    Args:
        frames: the rows, in batches of any size.
        notes: counts by name, complete once `frames` is exhausted; written to the footer.
        provenance: for each raw asset behind the table, the summary of its capture.
        aside: small side tables by name, complete once `frames` is exhausted; those with rows are
            stored beside the data, as `<name>.parquet`.
        record: typed counts, complete once `frames` is exhausted; written as notes.
        rows: of an emptied day: their number; else that of the frames' rows.
        over: the version that this one replaces, and no other; None: whatever is there.
    """

    frames: Iterable[pl.DataFrame]
    notes: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    aside: dict[str, pl.DataFrame] = field(default_factory=dict)
    record: Record | None = None
    rows: int | None = None
    over: "StoredTable | None" = None

    def all_notes(self) -> dict[str, Any]:
        """The notes with those of the record, as the footer has them."""
        return (self.record.to_json() if self.record else {}) | self.notes


@dataclass(frozen=True)
class StagedTable:
    """One day of a table in temporary files: closing `moves` publishes it.

    `shown` has the rows of its preview.
    """

    moves: ExitStack
    shown: pl.DataFrame


class EmptiedError(RuntimeError):
    """The rows of an emptied day were asked of its own file, which has none: a fault of ours."""


@dataclass(frozen=True)
class StoredTable:
    """One day of a table as it was when it was read, whatever is written meanwhile.

    `frame` is lazy, the rest is from the footer. `day` is empty for a table without days. `path` is
    a file, or the folder of a table that is stored by month: `months` are then its files, oldest
    first. `files` holds the data, and the side tables by their names. `rows` of an emptied day is
    the number that its series gives back. `shown` has the rows of the preview of a day that was
    written just now.
    """

    path: Any
    day: str
    rows: int
    notes: dict[str, Any]
    provenance: dict[str, dict[str, Any]]
    seconds: float
    months: tuple[Any, ...] = field(default=(), compare=False)
    files: Mapping[str, LakeFile] = field(default_factory=dict, compare=False, repr=False)
    shown: pl.DataFrame | None = field(default=None, compare=False, repr=False)

    @property
    def emptied(self) -> bool:
        """Whether a series alone has its rows: `old_days.read_day` gives them back."""
        return ROWS_IN in self.notes

    @property
    def frame(self) -> pl.LazyFrame:
        """The rows, unread. EmptiedError where a series has them."""
        if self.emptied:
            raise EmptiedError(
                f"{self.path} has no rows: {self.notes[ROWS_IN]} has them, and `read_day` gives "
                "them back"
            )
        if not self.months:
            return scan([self.files[DATA]])
        return scan(self.month_files, **_OTHER_COLUMNS)

    @property
    def sendable(self) -> pl.LazyFrame:
        """The rows for another process, to which no opened file can be sent.

        Tables of a single file are small: they are read. Files of months keep their names in a
        folder, and stay unread there.
        """
        if self.months and all(isinstance(path, Path) for path in self.months):
            return pl.scan_parquet(list(self.months), hive_partitioning=False, **_OTHER_COLUMNS)
        return self.frame.collect().lazy()

    @property
    def bytes(self) -> int:
        """The size of its files."""
        if self.months:
            return sum(file.size for file in self.month_files)
        return self.files[DATA].size

    @cached_property
    def month_files(self) -> list[LakeFile]:
        """The files of `months`, opened on first use. FileNotFoundError."""
        return open_files(self.months)

    @property
    def file(self) -> LakeFile:
        """Its one file. KeyError for a table that is stored by month."""
        return self.files[DATA]

    @property
    def asides(self) -> dict[str, pl.DataFrame]:
        """The side tables that have rows, by name."""
        names = sorted(self.files.keys() - {DATA})
        return {name: scan([self.files[name]]).collect() for name in names}

    def capture(self, asset: str) -> CaptureProvenance:
        """The summary of the capture behind the table.

        Args:
            asset: the raw asset that holds the capture.
        """
        return CaptureProvenance.read(self.provenance.get(asset, {}))

    def aside(self, name: str) -> pl.DataFrame | None:
        """The side table of that name, or None where it has no rows."""
        return scan([self.files[name]]).collect() if name in self.files else None
