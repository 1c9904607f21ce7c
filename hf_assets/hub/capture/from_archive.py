"""Captures of past days, read from an archive."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from hf_assets.errors import HfAssetsError
from hf_assets.hub.archive.base import KINDS, Archive, ArchivedDay, ArchivedPage
from hf_assets.hub.capture_store.attempt import Attempt
from hf_assets.hub.capture_store.attempt_files import TakenOver
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.files import JSON
from hf_assets.hub.capture_store.manifest import CorruptCapture, PageRecord
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import ListingQuery, Page
from hf_assets.hub.client.wire import WORDS, Kind
from hf_assets.hub.reconciliation.counts import counted
from hf_assets.object_store.errors import CommitConflict
from hf_assets.progress import Log, TimedLog

# A page, and its line in the journal where an earlier run has stored it.
ReadPage = tuple[PageRecord | None, ArchivedPage]


def find_day(archive: Archive, kind: Kind, day: str) -> ArchivedDay | None:
    """That day of the archive; without rows, and saying so, where it has only other kinds.

    Raises:
        ArchiveError: the archive cannot be asked, or its day cannot be read.
    """
    found = archive.find(kind, day)
    if found:
        return found
    for other in KINDS:
        if other != kind and (listed := archive.find(other, day)):
            reason = f"{archive.name} has the {WORDS[other]} of {day} and no {WORDS[kind]}."
            facts = listed.facts | {"absent_kind": _sentence(reason)}
            return ArchivedDay(listed.source, listed.time, facts)
    return None


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def from_archive(
    store: CaptureStore,
    day: str,
    kind: Kind,
    found: ArchivedDay,
    clock: Callable[[], datetime],
    log: Log = lambda _: None,
) -> Capture:
    """Make an archived day the day's capture; it replaces an older one when all of it is read.

    The caller holds the day's lock. A remote file is one commit's for good: a run that was killed,
    or ended by what passes, has stored pages that the next one goes on from. A day of minutes logs
    its rows now and then.

    Raises:
        ArchiveError: the day cannot be read; nothing of it stays, unless another try may mend it.
        CommitConflict: on a store, another run has made the day's capture; likewise.
    """
    query = ListingQuery.everything(kind)
    unfinished = store.unfinished(day, query, found.source) if found.read_on else None
    if unfinished and found.read_on:
        try:
            attempt = Attempt.reopened(unfinished.path, unfinished.header, store.version(day))
            pages = _stored_first(attempt, unfinished.lines, found.read_on, log)
            return _read(attempt, pages, kind, found, clock, log)
        except CorruptCapture as error:
            log(f"a new attempt begins: {error}")
    attempt = store.begin(day, query, found.source, clock(), replaces=store.version(day))
    return _read(attempt, ((None, page) for page in found.read()), kind, found, clock, log)


def _read(
    attempt: Attempt,
    pages: Iterable[ReadPage],
    kind: Kind,
    found: ArchivedDay,
    clock: Callable[[], datetime],
    log: Log,
) -> Capture:
    """The capture of an attempt, of all its pages. Raises what they do."""
    names, progress = 0, TimedLog(log, None)
    try:
        for number, (stored, page) in enumerate(pages):
            if stored:
                attempt.count(stored, page.ids)
            else:
                address = f"{found.source}#{number}"
                attempt.keep(Page(address, None, page.body, page.ids, None, form=page.form))
            names += page.names
            progress.total = found.expected_rows
            progress.at(attempt.rows, f"{WORDS[kind]} of {found.time:%Y-%m-%d}, rows read")
        if not attempt.lines:
            attempt.keep(Page(found.source, None, b"[]", [], None))
        return attempt.finish(attempt.candidate(found.time, **_facts(kind, found, names, clock())))
    except BaseException as error:
        if not _stays(found, error):
            attempt.give_up()
        raise


def _stored_first(
    attempt: Attempt,
    lines: list[PageRecord],
    read_on: Callable[[Iterator[bytes]], Iterator[ArchivedPage]],
    log: Log,
) -> Iterator[ReadPage]:
    """The pages of a day of which an attempt has some.

    Raises:
        CorruptCapture: a stored page is damaged, of another state of the file, or JSON.
    """
    waiting: list[tuple[PageRecord, bytes]] = []

    def bodies() -> Iterator[bytes]:
        for line, body in attempt.stored.pages(lines):
            if line.form == JSON:
                raise CorruptCapture(f"{attempt.path} has pages of an earlier version")
            waiting.append((line, body))
            yield body

    is_tidy = False
    for page in read_on(bodies()):
        if waiting:
            line, body = waiting.pop()
            if page.body != body:
                raise CorruptCapture(f"{attempt.path} has pages of another state of the file")
            yield line, page
            continue
        if not is_tidy:
            log(f"going on after {len(attempt.lines)} stored pages, {attempt.rows:,} rows")
            attempt.tidy()
            is_tidy = True
        yield None, page
    if not is_tidy:
        attempt.tidy()


def _stays(found: ArchivedDay, error: BaseException) -> bool:
    """Whether the pages so far stay: for another try, or as another run may work on them."""
    if isinstance(error, TakenOver | CorruptCapture):
        return True
    passes = isinstance(error, HfAssetsError) and not error.permanent
    lost = isinstance(error, CommitConflict)
    return found.read_on is not None and not lost and (passes or not isinstance(error, Exception))


def _facts(kind: Kind, found: ArchivedDay, names: int, now: datetime) -> dict[str, Any]:
    """What the manifest says besides counts."""
    counts = _counts(kind, found)
    return {
        "endpoint": "",
        **found.facts,
        "started": found.time.isoformat(),
        "fields": found.fields(kind),
        "absent": found.absent(kind),
        "unread": _passed_over(kind, found, counts) | found.unread,
        "identity": "name" if names else "hub",
        "recovered": now.isoformat(),
        **({"counted": counts} if counts else {}),
    }


def _counts(kind: Kind, found: ArchivedDay) -> dict[str, Any] | None:
    """Counts of the file itself, to compare the table with; None where there is no file."""
    if found.path is None or "absent_kind" in found.facts:
        return None
    return counted(found.path, kind, f"{found.time:%Y-%m-%d}", many=found.many)


def _passed_over(kind: Kind, found: ArchivedDay, counts: dict[str, Any] | None) -> dict[str, str]:
    """Columns that look like a field of the Hub that no row has, with the reason."""
    columns = counts.get("columns", {}) if counts else {}
    return {
        name: f"looks like `{field}` and was not read"
        for field in found.absent(kind)
        for name in columns.get(field, [])
        if name not in found.unread
    }
