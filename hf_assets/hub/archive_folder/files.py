"""A recorded file: its days, and the rows of a day as pages."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage, named_failures
from hf_assets.hub.archive_folder.json_files import JsonDays
from hf_assets.hub.archive_folder.line_files import LineDays
from hf_assets.hub.archive_folder.parquet_files import ParquetDays
from hf_assets.hub.client.wire import Kind

SUFFIXES = (".json", ".jsonl", ".csv", ".parquet")
_ALIASES = {".ndjson": ".jsonl"}


class RecordedFile(Protocol):
    """A file of one day or of many days."""

    days: set[str]
    # For the user; empty without a remark.
    remark: str
    # The kinds in the content; empty: the kind in the name counts.
    kinds: frozenset[str]
    # When the rows were fetched, if the file says so.
    fetched: datetime | None

    def pages(self, kind: Kind, day: str, archived: ArchivedDay) -> Iterator[ArchivedPage]:
        """The rows of a day; fills `archived.seen`, `unread` and `facts`. ArchiveError."""
        ...


def format_of(path: Path) -> str | None:
    """The suffix of the file's format; None for another format."""
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    suffix = _ALIASES.get(suffix, suffix)
    packed = name.endswith(".gz") and suffix == ".parquet"
    return suffix if suffix in SUFFIXES and not packed else None


def open_recorded(path: Path, name: str, day: str | None) -> RecordedFile:
    """Open a file, and read its days.

    Args:
        path: of the file.
        name: for messages.
        day: in the file's name; None for a file with a column of days.

    Raises:
        ArchiveError: the file is broken; the message names the line or row.
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
            # Several documents: JSON lines under this name, as `datasets` writes them.
        return LineDays(path, name, day, is_csv=kind == ".csv")
