"""Captures a day's listing once, resumes after a crash, and never writes under another day's key.

Today is captured live. A day that is over is what was captured then, else what an archive has.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NoReturn

import msgspec

from hf_assets.hub.archive.base import Archive, ArchivedDay
from hf_assets.hub.capture.acceptance import answered_twice, no_such_rows, objection
from hf_assets.hub.capture.chains import (
    PAGES_WITHOUT_NEW,
    ChainReader,
    ChainsError,
    chain_starts,
    last_whole,
    require_complete,
)
from hf_assets.hub.capture.from_archive import find_day, from_archive
from hf_assets.hub.capture.how_far import Progress
from hf_assets.hub.capture_store.attempt import Attempt
from hf_assets.hub.capture_store.attempt_files import RESUMABLE
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.chain import Chain
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.capture_store.store import CaptureStore, Unfinished
from hf_assets.hub.client.listing import HubClient, ListingError, ListingQuery
from hf_assets.memory import keep_for_next
from hf_assets.object_store.commit import Seen
from hf_assets.object_store.errors import CommitConflict
from hf_assets.progress import Pace
from hf_assets.storage.locks import BusyError


class NoCapture(LookupError):
    """A day has no capture and can no longer be captured; the message says what to do.

    `brief` gives the reason alone.
    """

    def __init__(self, message: str, brief: str = "") -> None:
        super().__init__(message)
        self.brief = brief or message


@dataclass
class Capturer:
    """Captures listings, one day and kind at a time.

    Args:
        client: fetches pages.
        clock: the time now, UTC.
        log: takes lines for the run log.
        report: called with the progress now and then.
        report_every: seconds between reports.
        lock_wait: seconds to wait for another run that captures the same day.
        archive: asked for days that nobody captured, or None.
        chains: places from which a listing is read at once, at most.
        stopped: whether to end before the next page.
    """

    client: HubClient
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    log: Callable[[str], None] = lambda _: None
    report: Callable[[Progress], None] = lambda _: None
    report_every: float = 15.0
    lock_wait: float = 7200.0
    archive: Archive | None = None
    chains: int = 1
    stopped: Callable[[], bool] = lambda: False

    def get_or_capture(
        self, store: CaptureStore, day: str, query: ListingQuery, *, refetch: bool = False
    ) -> Capture:
        """The complete capture of that day; where there is none, today's is captured now.

        A past day that was never captured is what the archive has of it.

        Args:
            store: of the listing.
            day: the partition key.
            query: what to ask for; an archive returns all rows of a day.
            refetch: replace a complete capture by a new one: today's, or an archived one.

        Raises:
            NoCapture: the day is over, was never captured, and no archive has it.
            ListingError: the Hub could not be listed; the pages so far are kept.
            ArchiveError: the archive has the day, and it cannot be read.
        """
        kept = store.complete(day)
        if kept and kept.covers(query) and not refetch and not self._worthless(store, day, kept):
            return kept
        if not self._can_capture(store, day, query):
            if kept and not refetch:
                return kept
            return self._past(store, day, query, kept)
        with self._lock(store, day):
            other = store.complete(day)
            if other and other.covers(query) and other != kept:
                return other  # another run has just captured the day
            if not self._can_capture(store, day, query):  # the day ended while this run waited
                raise NoCapture(self._why_not(day, query, other))
            return self._or_the_winners(
                *(store, day, query, other), lambda: self._capture(store, day, query)
            )

    def _past(
        self, store: CaptureStore, day: str, query: ListingQuery, kept: Capture | None
    ) -> Capture:
        """What the archive has of a day that is over; a live capture is never replaced."""
        found, trouble = None, ""
        if day < self._today() and not (kept and kept.source == "captured"):
            found, trouble = self._archived(day, query)
        if found is None:
            raise NoCapture(self._why_not(day, query, kept, trouble), f"Never captured. {trouble}")
        with self._lock(store, day):
            other = store.complete(day)
            if other and other != kept:
                return other  # another run has just read the day from the archive
            return self._or_the_winners(
                *(store, day, query, other),
                lambda: from_archive(store, day, query.kind, found, self.clock, self.log),
            )

    def _or_the_winners(
        self,
        store: CaptureStore,
        day: str,
        query: ListingQuery,
        before: Capture | None,
        work: Callable[[], Capture],
    ) -> Capture:
        """What `work` stores; where another run was faster, its capture, as after a lock's wait.

        Raises:
            CommitConflict: the other run has stored none yet, or one of something else.
        """
        try:
            return work()
        except CommitConflict:
            other = store.complete(day)
            if other is None or other == before or not other.covers(query):
                raise
            self.log(f"another run captured {day} first: this one takes that capture")
            return other

    def _archived(self, day: str, query: ListingQuery) -> tuple[ArchivedDay | None, str]:
        """That day of the archive, or None with the reason."""
        if self.archive is None:
            return None, "No archive is set (HF_ASSETS_ARCHIVE)."
        found = find_day(self.archive, query.kind, day)
        return found, "" if found else f"Nor has {self.archive.name} that day."

    def _worthless(self, store: CaptureStore, day: str, kept: Capture) -> bool:
        """A capture of today that a blocking check stops: the Hub can still be asked again.

        Not an answer that it gave twice.
        """
        if day != self._today() or kept.source != "captured" or kept.answered_twice:
            return False
        reason = objection(store, day, kept)
        if reason:
            self.log(f"the capture of {day} is asked for again: {reason}")
        return reason is not None

    def _today(self) -> str:
        return self.clock().strftime("%Y-%m-%d")

    def _can_capture(self, store: CaptureStore, day: str, query: ListingQuery) -> bool:
        """Today, or a capture begun on that day and still young enough to be finished."""
        if day == self._today():
            return True
        unfinished = store.unfinished(day, query, self.client.endpoint)
        return unfinished is not None and self.clock() - unfinished.started < RESUMABLE

    def _why_not(
        self, day: str, query: ListingQuery, kept: Capture | None, trouble: str = ""
    ) -> str:
        if day > self._today():
            return f"{day} has not begun (days are UTC): choose today or an earlier day."
        if kept and kept.source == "captured":
            return (
                f"{day} is over: its {query.kind} were captured and cannot be fetched again. Run "
                "without `refetch` to use that capture."
            )
        return (
            f"{day} is over and its {query.kind} were never captured: the Hub shows only what is "
            f"now, and today's rows are not written under another day. {trouble} Choose a day that "
            "was captured (green in the partitions bar), launch the job `past_days` to make what "
            "there is of a range, or turn the schedule `daily_capture` on so that later days are "
            "not lost."
        )

    @contextmanager
    def _lock(self, store: CaptureStore, day: str) -> Generator[None]:
        """Hold the day. ListingError where another run holds it for too long."""
        try:
            with store.lock(day, self.lock_wait, self.log):
                yield
        except BusyError as error:
            raise ListingError(f"{error}.", permanent=False) from None

    def _capture(self, store: CaptureStore, day: str, query: ListingQuery) -> Capture:
        replaces = store.version(day)
        store.sweep(self.clock())
        attempt = self._attempt(store, day, query, replaces)
        last = None if query.limited else last_whole(store, self.client.endpoint)
        try:
            self._read(attempt, last)
            require_complete(attempt, last)
        except ChainsError as error:
            self.log(f"{error}: reading the listing again, in one chain")
            # What an earlier run was answered counts on: this answer may be its second.
            attempt.reject(f"{error}.", self.clock(), store.rejected_rows(day))
            if day != self._today():  # a listing begun now is of another day
                raise NoCapture(self._why_not(day, query, None, f"{error}.")) from error
            endpoint = self.client.endpoint
            attempt = store.begin(
                *(day, query, endpoint, self.clock()), one_chain=f"{error}", replaces=replaces
            )
            self._read(attempt, last)
        capture = attempt.candidate(self.clock())
        if no_such_rows(store, capture):
            why = f"The Hub has no {query.kind}, by its own count."
            capture = attempt.candidate(self.clock(), absent_kind=why)
        if reason := objection(store, day, capture):
            what = "The Hub's answers are no capture of the day"
            if not answered_twice(store, day, capture):
                self._reject(attempt, reason, what, capture.distinct)
            self.log(f"the Hub gave this answer for the second time, and is believed: {reason}")
            manifest = msgspec.structs.replace(capture.manifest, objection=reason)
            capture = replace(capture, manifest=manifest)
        # Where it is not the first, sweeping removes it: yet another run may go on with its pages.
        return attempt.finish(capture)

    def _read(self, attempt: Attempt, last: Capture | None) -> None:
        """Fetch the pages that the attempt lacks, and report progress."""
        keep_for_next()
        pace, last_report, reported = Pace(attempt.rows), time.monotonic(), 0

        def report() -> None:
            nonlocal last_report, reported
            pages, now = len(attempt.lines), time.monotonic()
            pace.note(attempt.rows)
            begun = [chain for chain in attempt.chains if chain.pages]
            over = all(attempt.next_url(chain) is None for chain in begun)
            if pages > reported and (now - last_report >= self.report_every or over):
                self.report(
                    Progress(
                        pages=pages,
                        rows=attempt.rows,
                        rows_per_second=pace.rate(attempt.rows),
                        requests_left=self.client.pacer.left,
                        expected_rows=attempt.query.max_rows
                        or attempt.total
                        or (last.rows if last else None),
                    )
                )
                last_report, reported = now, pages

        ChainReader(
            self.client,
            attempt,
            before_page=lambda: self._check(attempt),
            after_page=lambda chain: self._check_for_an_end(attempt, chain),
            report=report,
            log=self.log,
        ).read()
        self._check_age(attempt)

    def _attempt(
        self, store: CaptureStore, day: str, query: ListingQuery, replaces: Seen
    ) -> Attempt:
        """The attempt to resume, else a new one."""
        unfinished = store.unfinished(day, query, self.client.endpoint)
        if unfinished and self.clock() - unfinished.started >= RESUMABLE:
            began = f"{unfinished.started:%Y-%m-%d %H:%M}"
            self.log(f"the capture begun {began} UTC is too old to go on")
            unfinished = None
        if unfinished and (attempt := self._resumed(unfinished, replaces)):
            return attempt
        endpoint = self.client.endpoint
        starts = chain_starts(store, query, endpoint, self.chains)
        if starts:
            self.log(f"reading the listing in {len(starts)} chains, begun at its last cursors")
        return store.begin(*(day, query, endpoint, self.clock()), starts=starts, replaces=replaces)

    def _resumed(self, unfinished: Unfinished, replaces: Seen) -> Attempt | None:
        """The attempt up to its last page; None where that is damaged for good."""
        try:
            attempt = unfinished.resume(replaces)
        except CorruptCapture as error:
            self.log(f"a new attempt begins: {error}")
            return None
        self.log(f"going on after page {len(attempt.lines) - 1}, {attempt.rows:,} rows")
        attempt.tidy()
        return attempt

    def _check(self, attempt: Attempt) -> None:
        """Before a page: whether to go on."""
        if self.stopped():
            raise ListingError(
                f"stopped after {attempt.rows:,} rows: the pages so far are kept. Run again to go "
                "on from here.",
                permanent=False,
            )
        self._check_age(attempt)

    def _check_age(self, attempt: Attempt) -> None:
        if self.clock() - attempt.started >= RESUMABLE:
            hours = RESUMABLE.total_seconds() / 3600
            raise ListingError(
                f"the listing begun {attempt.started:%Y-%m-%d %H:%M} UTC is not at its end after "
                f"{hours:.0f} hours and {attempt.rows:,} rows: it describes no one day. Run again "
                "to begin again.",
                permanent=True,
            )

    def _check_for_an_end(self, attempt: Attempt, chain: Chain) -> None:
        if chain.pages_without_new < PAGES_WITHOUT_NEW:
            return
        reason = (
            f"the last {chain.pages_without_new} pages brought no new id, after "
            f"{attempt.seen.distinct:,}, and each links to another."
        )
        if attempt.chained > 1:
            raise ChainsError(f"a chain did not end where the next begins: {reason[:-1]}")
        self._reject(attempt, reason, "The listing has no end")

    def _reject(
        self, attempt: Attempt, reason: str, what: str, distinct: int | None = None
    ) -> NoReturn:
        attempt.reject(reason, self.clock(), distinct)
        raise ListingError(
            f"{what}: {reason[0].lower()}{reason[1:]} The pages are kept in {attempt.path}, and "
            "the next run asks the Hub again, from the beginning.",
            permanent=False,
        )
