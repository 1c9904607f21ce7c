"""The files of a day's capture, under `raw_models/day=…` or `raw_spaces/day=…`.

    capture.json                 there only when a capture is complete; names its attempt
    .lock                        held by the run that captures the day
    20261120T030000.000000Z/     one attempt
        journal.jsonl            first the query, then a line a page
        rejected.json            why the listing ended and no capture was made of it
        000000.json.zst          the pages, as served

A page is on disk, and its line in the journal, before the next page is fetched. `capture.json` is
replaced in one step: a reader sees the old capture or the new one, never half a day.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa

from hf_assets.hub.capture_store.manifest import (
    CaptureManifest,
    CorruptCapture,
    JournalHeader,
    PageRecord,
)
from hf_assets.storage.durable import append_line, storing, write_bytes
from hf_assets.storage.postgres_locks import require_locks

MARKER = "capture.json"
LOCK = ".lock"
JOURNAL = "journal.jsonl"
REJECTED = "rejected.json"
ZSTD = pa.Codec("zstd", compression_level=3)
# Keys of the journal that only a listing of several chains has.
_OF_CHAINS = frozenset({"chain", "chains", "one_chain"})
# The key of the header's query where there is one chain, and where there are several: a version
# that knows one chain only would take the end of any for that of the listing: it resumes none.
_ONE, _SEVERAL = "ask", "ask_in_chains"
T = TypeVar("T")
CURE = "restore it, or capture the day again with `refetch` while it is today or an archive has it."


def read_manifest(day_folder: Path) -> CaptureManifest | None:
    """The record in `capture.json`; None where the day has no complete capture.

    Raises:
        CorruptCapture: the file holds something else.
    """
    path = day_folder / MARKER
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return CaptureManifest.of(json.loads(content))
    except (ValueError, AttributeError, msgspec.ValidationError) as error:
        raise CorruptCapture(f"{path} is no record of a capture ({error}): {CURE}") from error


def write_manifest(day_folder: Path, manifest: CaptureManifest) -> None:
    """Replace `capture.json` in one step: from now on this is the day's capture."""
    write_bytes(day_folder / MARKER, json.dumps(manifest.plain(), indent=2).encode())


def attempts(day_folder: Path) -> list[Path]:
    """The folders of the day's attempts, oldest first."""
    return sorted(path.parent for path in day_folder.glob(f"*/{JOURNAL}"))


def read_journal(attempt: Path) -> tuple[JournalHeader | None, list[PageRecord]]:
    """The header and the page lines; without a torn last line and what follows it.

    Raises:
        FileNotFoundError: the attempt has no journal.
    """
    first, *others = (attempt / JOURNAL).read_bytes().split(b"\n")
    header, lines = _decoded(first, JournalHeader), []
    for line in others if header else ():
        if (record := _decoded(line, PageRecord)) is None:
            break
        lines.append(record)
    return header, lines


def new_pages(attempt: Path, offset: int) -> tuple[list[PageRecord], int]:
    """The page lines after a byte of the journal, and the byte up to which it was read.

    Raises:
        FileNotFoundError: the attempt has no journal.
    """
    with (attempt / JOURNAL).open("rb") as journal:
        journal.seek(offset)
        complete, end, _torn = journal.read().rpartition(b"\n")
    found = (_decoded(line, PageRecord) for line in complete.split(b"\n"))
    return [line for line in found if line], offset + len(complete) + len(end)


def _decoded(line: bytes, kind: type[T]) -> T | None:
    """A line as a record; None where it is torn."""
    try:
        content = json.loads(line)
        if isinstance(content, dict) and _SEVERAL in content:
            content = {_ONE: content.pop(_SEVERAL)} | content
        return msgspec.convert(content, kind)
    except ValueError:  # msgspec's errors are such, too
        return None


def _encoded(line: JournalHeader | PageRecord) -> bytes:
    """A record as a line. A file name that is no UTF-8 is kept, which msgspec's JSON refuses."""
    content = msgspec.to_builtins(line)
    # A listing of one chain has the lines that it has always had.
    kept = {key: value for key, value in content.items() if value or key not in _OF_CHAINS}
    if "chains" in kept:
        kept = {_SEVERAL: kept.pop(_ONE)} | kept
    return json.dumps(kept).encode()


def append_journal(attempt: Path, line: JournalHeader | PageRecord) -> None:
    """Append a line, durably."""
    append_line(attempt / JOURNAL, _encoded(line))


def rewrite_journal(attempt: Path, header: JournalHeader, lines: list[PageRecord]) -> None:
    """Replace the journal, so that no torn last line stays for the next one to be glued to."""
    content = b"".join(_encoded(line) + b"\n" for line in (header, *lines))
    write_bytes(attempt / JOURNAL, content)


def page_path(attempt: Path, number: int) -> Path:
    """The file of a page."""
    return attempt / f"{number:06d}.json.zst"


def page_paths(attempt: Path) -> list[Path]:
    """The files of all stored pages, in order."""
    return sorted(attempt.glob("*.json.zst"))


def write_page(attempt: Path, number: int, body: bytes) -> None:
    """Store a page's body, compressed and durably."""
    require_locks()
    path = page_path(attempt, number)
    with storing(path), path.open("wb") as stored:
        stored.write(ZSTD.compress(body, asbytes=True))
        stored.flush()
        os.fdatasync(stored.fileno())


def read_page(attempt: Path, line: PageRecord) -> bytes:
    """The body that a line of the journal names. CorruptCapture where it is another, or missing."""
    path = page_path(attempt, line.page)
    try:
        body = ZSTD.decompress(path.read_bytes(), line.bytes, asbytes=True)
    except (OSError, pa.ArrowException) as error:
        raise CorruptCapture(f"{path} cannot be read ({error}): {CURE}") from error
    if hashlib.sha256(body).hexdigest() != line.sha256:
        raise CorruptCapture(f"{path} is not what was fetched (sha256 differs): {CURE}")
    return body


def is_rejected(attempt: Path) -> bool:
    """Whether the attempt was rejected: it is never resumed."""
    return (attempt / REJECTED).exists()


def write_rejection(attempt: Path, rejection: Mapping[str, Any]) -> None:
    """Mark an attempt as rejected, with the reason."""
    write_bytes(attempt / REJECTED, json.dumps(rejection, indent=2).encode())


def rejections(folder: Path, pattern: str = "*") -> dict[Path, dict[str, Any]]:
    """The `rejected.json` of each rejected attempt under that folder, oldest first."""
    paths = sorted(folder.glob(f"{pattern}/{REJECTED}"))
    return {path.parent: json.loads(path.read_bytes()) for path in paths}
