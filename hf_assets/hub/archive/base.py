"""The interface of an archive: past days that others recorded.

`capture.from_archive` makes a capture of an archived day: pages in the Hub's field names, for the
same strict parser. `hub_stats` and `archive_folder` implement the interface.
"""

import gzip
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from hf_assets.errors import HfAssetsError, InputError
from hf_assets.hub.client.listing import FIELDS
from hf_assets.hub.client.wire import Kind

KINDS: tuple[Kind, ...] = ("models", "spaces", "datasets")
# Rows a page: a row group of an archive's file becomes pages of this size.
PAGE_ROWS = 4000
# The prefix of an `_id` made from the name, for archives without ids; the Hub's own have no colon.
NAMED = "name:"


class ArchiveError(InputError):
    """An archive cannot be read; the message names the file or revision and what can be done."""


@contextmanager
def named_failures(name: str) -> Generator[None]:
    """Any exception from reading a file as a permanent error that names the file.

    A parser may raise anything for a broken file, and no retry mends the file.
    """
    try:
        yield
    except HfAssetsError:
        raise
    except Exception as error:
        # Some of polars' and Arrow's messages are pages long.
        why = (str(error) or type(error).__name__)[:500]
        raise ArchiveError(f"{name} cannot be read: {why}. Mend or remove it.") from error


def unpacked(path: Path) -> Any:
    """Open a file for bytes, gzipped or not."""
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


@dataclass(frozen=True)
class ArchivedPage:
    """Rows of an archive, and the `_id` of each.

    The body is a JSON list in the Hub's field names, or the ranges of a Parquet file that hold the
    rows (`column_ranges`).
    """

    body: bytes
    ids: list[Any] | pl.Series
    form: str = "json"

    @property
    def names(self) -> int:
        """Rows whose `_id` is made from their name."""
        if isinstance(self.ids, pl.Series):
            return int(self.ids.str.starts_with(NAMED).sum())
        return sum(isinstance(one, str) and one.startswith(NAMED) for one in self.ids)


@dataclass
class ArchivedDay:
    """A day of a kind of repository in an archive.

    Args:
        source: the file and its revision in words, for messages and the journal.
        time: of the data, UTC.
        facts: provenance for the capture's manifest: `source`, `file`, …
        read: yields the pages, oldest first; the attributes below are complete after the last.
        read_on: the same, given the bodies that a run stored before it was killed: those pages come
            first, as stored, and only the others are fetched. Where the first of them is not of
            this file, another page comes in its place. None: such a day is read from its beginning.
        seen: the wire fields that the rows have.
        unread: columns that are a field, or look like one, and were not read; with the reason.
        path: the file on this machine, for reconciliation; None for a remote file.
        many: the file has a column of days.
        expected_rows: how many it has, where the file says so before it is read.
    """

    source: str
    time: datetime
    facts: dict[str, Any]
    read: Callable[[], Iterator[ArchivedPage]] = lambda: iter(())
    read_on: Callable[[Iterator[bytes]], Iterator[ArchivedPage]] | None = None
    seen: set[str] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    many: bool = False
    expected_rows: int | None = None

    def fields(self, kind: Kind) -> list[str]:
        """The fields of a live listing that the rows have."""
        return [name for name in FIELDS[kind] if name in self.seen]

    def absent(self, kind: Kind) -> list[str]:
        """The fields of a live listing that the rows lack."""
        return [name for name in FIELDS[kind] if name not in self.seen]


class Archive(Protocol):
    """Recorded days."""

    @property
    def name(self) -> str:
        """The archive in words, for messages."""
        ...

    @property
    def workers(self) -> int:
        """How many days may be read in parallel."""
        ...

    def days(self) -> set[str]:
        """The days that the archive may have. ArchiveError."""
        ...

    def find(self, kind: Kind, day: str) -> ArchivedDay | None:
        """That day as recorded, or None; never a neighbouring day. ArchiveError."""
        ...

    def remarks(self, first: str) -> list[str]:
        """Notes for the user about the files read so far, each returned once.

        Args:
            first: the first partition.
        """
        ...
