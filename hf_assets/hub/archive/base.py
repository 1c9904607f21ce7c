"""Past days from where others recorded them: what an archive can be asked.

An archived day becomes a capture like any other (`recovering`): pages in the Hub's field names,
which pass the same strict parser. Not here: any one archive (`hub_stats`, `recorded_days`).
"""

import gzip
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from hf_assets.errors import HfAssetsError, InputError
from hf_assets.hub.client.listing import FIELDS
from hf_assets.hub.client.rows import Kind

KINDS: tuple[Kind, ...] = ("models", "spaces")
WORDS = {"models": "models", "spaces": "Spaces"}
# Rows of a page: a row group of an archive's file is cut into pages of as many.
PAGE_ROWS = 4000
# What stands for `_id` where an archive has none; no `_id` of the Hub has a colon.
NAMED = "name:"


class ArchiveError(InputError):
    """An archive cannot be read; the message names the file or revision and what can be done."""


@contextmanager
def named_failures(name: str) -> Generator[None]:
    """Whatever reading a broken file raises, as one error that names it, and for good.

    A parser given bytes that nobody foresaw raises what nobody foresaw: no retry mends the file.
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
    """The bytes of a file, gzipped or not."""
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


@dataclass(frozen=True)
class ArchivedPage:
    """Some rows in the Hub's field names: the JSON list, and the `_id` of each row."""

    body: bytes
    ids: list[Any]


@dataclass
class ArchivedDay:
    """One kind of one day in an archive.

    Args:
        source: the file and its revision in words, for messages and the journal.
        time: when the data was true, UTC.
        facts: provenance for capture.json: `source`, `file`, …
        read: the pages, oldest first; once they are exhausted, the rest is complete.
        seen: the wire fields that the rows have.
        unread: columns that are there, are or look like a field, and were not read: why.
        path: the file on this machine, which a reconciliation counts by itself; None of others.
        many: that file has a column of days.
    """

    source: str
    time: datetime
    facts: dict[str, Any]
    read: Callable[[], Iterator[ArchivedPage]] = lambda: iter(())
    seen: set[str] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    many: bool = False

    def fields(self, kind: Kind) -> list[str]:
        """Which of the fields that a live listing asks for are in the rows."""
        return [name for name in FIELDS[kind] if name in self.seen]

    def absent(self, kind: Kind) -> list[str]:
        """The others."""
        return [name for name in FIELDS[kind] if name not in self.seen]


class Archive(Protocol):
    """Days that somebody recorded."""

    @property
    def name(self) -> str:
        """The archive in words, for messages."""
        ...

    @property
    def workers(self) -> int:
        """How many days may be read at a time."""
        ...

    def days(self) -> set[str]:
        """The days that it may have something of. ArchiveError where it cannot be asked."""
        ...

    def find(self, kind: Kind, day: str) -> ArchivedDay | None:
        """That day as recorded then, or None; never a neighbour. ArchiveError."""
        ...

    def remarks(self, first: str) -> list[str]:
        """What who uses it should hear, said once, of what was looked at so far.

        Args:
            first: the first day that can be asked for.
        """
        ...
