"""One recorded file: which days it is of, and the rows of a day as pages."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage, named_failures
from hf_assets.hub.archive_folder.json_files import JsonDays
from hf_assets.hub.archive_folder.line_files import LineDays
from hf_assets.hub.archive_folder.parquet_files import ParquetDays
from hf_assets.hub.client.rows import Kind

SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")
_ALIASES = {".ndjson": ".jsonl"}


class RecordedFile(Protocol):
    """A file of one day or of many."""

    days: set[str]
    # What is to be said of it, or nothing.
    remark: str
    # The kinds it says that it holds; none: what its name says.
    kinds: frozenset[str]
    # When the rows were fetched, where the file says so.
    fetched: datetime | None

    def pages(self, kind: Kind, day: str, found: ArchivedDay) -> Iterator[ArchivedPage]:
        """The rows of a day; fills `found.seen`, `found.unread` and facts. ArchiveError."""
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
    with named_failures(name):
        kind = format_of(path)
        if kind == ".parquet":
            return ParquetDays(path, name, day)
        if kind == ".json":
            try:
                return JsonDays(path, name, day)
            except json.JSONDecodeError as error:
                if error.msg != "Extra data":
                    raise
            # One document after another: JSON lines under this name, as `datasets` writes them.
        return LineDays(path, name, day, is_csv=kind == ".csv")
