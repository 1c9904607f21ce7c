"""Captures of past days, read from an archive."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hf_assets.hub.archive.base import KINDS, Archive, ArchivedDay
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import ListingQuery, Page
from hf_assets.hub.client.wire import WORDS, Kind
from hf_assets.hub.reconciliation.counts import counted
from hf_assets.progress import Log, TimedLog


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

    The caller holds the day's lock. Leftovers of a killed run go when the day is read again. A day
    of minutes logs its rows now and then.

    Raises:
        ArchiveError: the day cannot be read; nothing of it stays.
        CommitConflict: on a store, another run has made the day's capture; likewise.
    """
    query = ListingQuery.everything(kind)
    attempt = store.begin(day, query, found.source, clock(), replaces=store.version(day))
    names, progress = 0, TimedLog(log, None)
    try:
        for number, page in enumerate(found.read()):
            address = f"{found.source}#{number}"
            attempt.keep(Page(address, None, page.body, page.ids, None, form=page.form))
            names += page.names
            progress.total = found.expected_rows
            progress.at(attempt.rows, f"{WORDS[kind]} of {day}, rows read")
        if not attempt.lines:
            attempt.keep(Page(found.source, None, b"[]", [], None))
        return attempt.finish(attempt.candidate(found.time, **_facts(kind, found, names, clock())))
    except BaseException:
        attempt.give_up()
        raise


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
