"""The files of a day's capture, under `raw_models/day=…` or `raw_spaces/day=…`.

    capture.json                 there only when a capture is complete; names its attempt
    .lock                        held by the run that captures the day
    20261120T030000.000000Z/     one attempt
        journal.jsonl            first the query, then a line a page
        rejected.json            why the listing ended and no capture was made of it
        000000.json.zst          the pages, as served
        000000.ranges.zst        or, of a Parquet file of an archive: its column ranges, as served

A page is on disk, and its line in the journal, before the next page is fetched. `capture.json` is
replaced in one step: a reader sees the old capture or the new one, never half a day.

On a store the same objects lie under the same names, but for a random number at the end of an
attempt's. There a page carries its line (`page_frames`), and the journal gets its lines at the end.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
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
from hf_assets.hub.capture_store.page_frames import FAST, ZSTD
from hf_assets.object_store.commit import Seen, commit
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.path import LakePath, StorePath, delete, remove_tree
from hf_assets.storage.durable import append_line, storing, write_bytes
from hf_assets.storage.postgres_locks import require_locks

MARKER = "capture.json"
LOCK = ".lock"
JOURNAL = "journal.jsonl"
REJECTED = "rejected.json"
# The names of pages by their form.
JSON, RANGES = "json", "ranges"
_PAGES = {JSON: ".json.zst", RANGES: ".ranges.zst"}
# Keys of the journal that are written only where they say something.
_OPTIONAL = frozenset({"chain", "chains", "one_chain", "decoded"})
# The key of the header's query where there is one chain, and where there are several: a version
# that knows one chain only would take the end of any for that of the listing: it resumes none.
_ONE, _SEVERAL = "ask", "ask_in_chains"
T = TypeVar("T")
CURE = "restore it, or capture the day again with `refetch` while it is today or an archive has it."


def read_manifest(day_folder: LakePath) -> CaptureManifest | None:
    """The record in `capture.json`; None where the day has no complete capture.

    Raises:
        CorruptCapture: the file holds something else.
    """
    path = day_folder / MARKER
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return parse_manifest(content, path)


def parse_manifest(content: bytes, path: LakePath) -> CaptureManifest:
    """The record in the content of a `capture.json`. CorruptCapture where it is something else."""
    try:
        return CaptureManifest.of(json.loads(content))
    except (ValueError, AttributeError, msgspec.ValidationError) as error:
        raise CorruptCapture(f"{path} is no record of a capture ({error}): {CURE}") from error


def manifest_json(manifest: CaptureManifest) -> bytes:
    """The content of `capture.json`."""
    return json.dumps(manifest.plain(), indent=2).encode()


def write_manifest(day_folder: LakePath, manifest: CaptureManifest, replaces: Seen = None) -> None:
    """Replace `capture.json` in one step: from now on this is the day's capture.

    Args:
        day_folder: of the day.
        manifest: the record.
        replaces: on a store, the version that it may replace; None: none.

    Raises:
        CommitConflict: on a store, another version is there.
    """
    path = day_folder / MARKER
    if isinstance(path, StorePath):
        commit(path, manifest_json(manifest), replaces)
    else:
        write_bytes(path, manifest_json(manifest))


def attempts(day_folder: LakePath) -> list[Any]:
    """The folders of the day's attempts, oldest first."""
    if isinstance(day_folder, StorePath):
        # Their journals are stored first: to ask for each would be a request an attempt.
        return day_folder.children()[0]
    return sorted(path.parent for path in day_folder.glob(f"*/{JOURNAL}"))


def remove(attempt: LakePath) -> None:
    """Remove an attempt with all its pages."""
    if isinstance(attempt, StorePath):
        remove_tree(attempt)
    else:
        shutil.rmtree(attempt)


def read_journal(attempt: LakePath) -> tuple[JournalHeader | None, list[PageRecord]]:
    """The header and the page lines; without a torn last line and what follows it.

    Raises:
        FileNotFoundError: the attempt has no journal.
    """
    first, *others = (attempt / JOURNAL).read_bytes().split(b"\n")
    header, lines = decoded(first, JournalHeader), []
    for line in others if header else ():
        if (record := decoded(line, PageRecord)) is None:
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
    found = (decoded(line, PageRecord) for line in complete.split(b"\n"))
    return [line for line in found if line], offset + len(complete) + len(end)


def decoded(line: bytes, kind: type[T]) -> T | None:
    """A line of the journal as a record; None where it is torn."""
    try:
        content = json.loads(line)
        if isinstance(content, dict) and _SEVERAL in content:
            content = {_ONE: content.pop(_SEVERAL)} | content
        return msgspec.convert(content, kind)
    except ValueError:  # msgspec's errors are such, too
        return None


def encoded(line: JournalHeader | PageRecord, **more: object) -> bytes:
    """A record as a line, and further keys. A file name that is no UTF-8 is kept, which msgspec's
    JSON refuses.
    """
    content = msgspec.to_builtins(line)
    # Older versions read the lines that they know.
    kept = {key: value for key, value in content.items() if value or key not in _OPTIONAL}
    if kept.get("form") == JSON:
        del kept["form"]
    if "chains" in kept:
        kept = {_SEVERAL: kept.pop(_ONE)} | kept
    return json.dumps(kept | more).encode()


def journal_of(header: JournalHeader, lines: list[PageRecord]) -> bytes:
    """The content of a journal."""
    return b"".join(encoded(line) + b"\n" for line in (header, *lines))


def append_journal(attempt: Path, line: JournalHeader | PageRecord) -> None:
    """Append a line, durably."""
    append_line(attempt / JOURNAL, encoded(line))


def rewrite_journal(attempt: Path, header: JournalHeader, lines: list[PageRecord]) -> None:
    """Replace the journal, so that no torn last line stays for the next one to be glued to."""
    write_bytes(attempt / JOURNAL, journal_of(header, lines))


def page_path(attempt: LakePath, number: int, form: str = JSON) -> Any:
    """The file of a page. CorruptCapture where a later version has written it."""
    if form not in _PAGES:
        raise CorruptCapture(
            f"{attempt} has pages of a form that this version does not know ({form!r}): update "
            "hf_assets."
        )
    return attempt / f"{number:06d}{_PAGES[form]}"


def page_paths(attempt: LakePath) -> list[Any]:
    """The files of all stored pages, in order."""
    return sorted(path for suffix in _PAGES.values() for path in attempt.glob(f"*{suffix}"))


def is_page(path: LakePath) -> bool:
    """Whether that is the file of a page, by its name."""
    return path.name.endswith((*_PAGES.values(),))


def page_sizes(attempt: LakePath) -> dict[str, int]:
    """The names of all stored pages, with their bytes as stored."""
    if isinstance(attempt, StorePath):
        facts = attempt.children()[1]
        return {path.name: one.size for path, one in facts.items() if is_page(path)}
    return {path.name: path.stat().st_size for path in page_paths(attempt)}


def remove_pages(attempt: LakePath, names: list[str]) -> None:
    """Remove those pages."""
    if isinstance(attempt, StorePath):
        delete([attempt / name for name in names])
        return
    for name in names:
        (attempt / name).unlink()


def write_page(attempt: Path, number: int, body: bytes, form: str = JSON) -> None:
    """Store a page's body, compressed and durably."""
    require_locks()
    path = page_path(attempt, number, form)
    with storing(path), path.open("wb") as stored:
        stored.write(codec_of(form).compress(body, asbytes=True))
        stored.flush()
        os.fdatasync(stored.fileno())


def read_page(
    attempt: LakePath, line: PageRecord, read: Callable[[Any], bytes] | None = None
) -> bytes:
    """The body that a line of the journal names.

    Args:
        attempt: its folder.
        line: of the page.
        read: gives the content of a file; by default it is read now.

    Raises:
        CorruptCapture: it is another, or missing.
        StoreError: a store does not give it.
    """
    path = page_path(attempt, line.page, line.form)
    try:
        content = read(path) if read else path.read_bytes()
    except StoreError:
        raise
    except OSError as error:
        raise CorruptCapture(f"{path} cannot be read ({error}): {CURE}") from error
    return unpacked(path, content, line)


def codec_of(form: str) -> pa.Codec:
    """What compresses a page: the columns of a Parquet file are compressed already."""
    return FAST if form == RANGES else ZSTD


def unpacked(path: LakePath, content: bytes, line: PageRecord) -> bytes:
    """The body in the content of a page. CorruptCapture where it is not what was fetched."""
    try:
        body = ZSTD.decompress(content, line.bytes, asbytes=True)
    except (OSError, pa.ArrowException) as error:
        raise CorruptCapture(f"{path} cannot be read ({error}): {CURE}") from error
    if hashlib.sha256(body).hexdigest() != line.sha256:
        raise CorruptCapture(f"{path} is not what was fetched (sha256 differs): {CURE}")
    return body


def is_rejected(attempt: LakePath) -> bool:
    """Whether the attempt was rejected: it is never resumed."""
    return (attempt / REJECTED).is_file()


def write_rejection(attempt: LakePath, rejection: Mapping[str, Any]) -> None:
    """Mark an attempt as rejected, with the reason."""
    write_bytes(attempt / REJECTED, json.dumps(rejection, indent=2).encode())


def rejection_of(attempt: LakePath) -> dict[str, Any] | None:
    """The `rejected.json` of an attempt; None where it was not rejected."""
    try:
        return json.loads((attempt / REJECTED).read_bytes())
    except FileNotFoundError:
        return None


def rejections(folder: LakePath, pattern: str = "*") -> dict[Any, dict[str, Any]]:
    """The `rejected.json` of each rejected attempt under that folder, oldest first."""
    paths = sorted(folder.glob(f"{pattern}/{REJECTED}"))
    return {path.parent: json.loads(path.read_bytes()) for path in paths}
