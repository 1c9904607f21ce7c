"""From a day that has no capture to one that has: once, resumable, and never for another day."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from hf_assets.hub.attempt import Attempt, last_attempt, unfinished_since
from hf_assets.hub.capture import MARKER, Capture, open_capture
from hf_assets.hub.listing import Ask, HubClient, ListingError, Page, page_size

# A listing that took longer than this describes no one day: it is started anew.
RESUMABLE = timedelta(hours=24)
# The Hub's own count moves while it is listed; a listing this much shorter has lost pages.
SHORT_OF_TOTAL = 0.98


class NoCapture(LookupError):
    """A day has no capture and can no longer be captured; the message says what can be done."""


@dataclass(frozen=True)
class Progress:
    """How far a running capture is. Rates are rows a second since this run began."""

    pages: int
    rows: int
    rows_per_second: float
    requests_left: int | None
    expected_rows: int | None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the present rate, or None where the end is unknown."""
        if self.expected_rows is None or self.rows_per_second <= 0:
            return None
        return max(0, self.expected_rows - self.rows) / self.rows_per_second

    def __str__(self) -> str:
        share = f" of {self.expected_rows:,}" if self.expected_rows else ""
        left = "" if self.requests_left is None else f", {self.requests_left} requests left"
        eta = "" if self.seconds_left is None else f", about {self.seconds_left:.0f} s to go"
        return (
            f"{self.pages} pages, {self.rows:,} rows{share}, "
            f"{self.rows_per_second:,.0f} rows/s{left}{eta}"
        )


@dataclass
class Capturer:
    """Captures listings, one day and kind at a time.

    Args:
        client: fetches pages.
        clock: the time now, UTC.
        tell: takes lines for the run log.
        report: called with the progress now and then.
        report_every: seconds between reports.
        lock_wait: seconds to wait for another run that captures the same day.
    """

    client: HubClient
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    tell: Callable[[str], None] = lambda _: None
    report: Callable[[Progress], None] = lambda _: None
    report_every: float = 15.0
    lock_wait: float = 7200.0

    def obtain(self, folder: Path, day: str, ask: Ask, *, refetch: bool = False) -> Capture:
        """The capture of that day: what is there, or, today, what the Hub says now.

        Args:
            folder: the day's folder; what is made lies under it.
            day: the partition key.
            ask: what to ask for.
            refetch: replace a complete capture by a new one (today only).

        Raises:
            NoCapture: the day is over and was never captured.
            ListingError: the Hub could not be listed; the pages so far are kept.
        """
        kept = open_capture(folder)
        if kept and kept.covers(ask) and not refetch:
            return kept
        if not self._possible(folder, day, ask):
            if kept and not refetch:
                return kept
            raise NoCapture(self._regret(day, ask, kept))
        with self._alone(folder, day):
            others = open_capture(folder)
            if others and others.covers(ask) and others.facts != (kept.facts if kept else None):
                return others  # another run has just captured the day
            if not self._possible(folder, day, ask):  # the day ended while this run waited
                raise NoCapture(self._regret(day, ask, others))
            return self._capture(folder, ask)

    def _today(self) -> str:
        return self.clock().strftime("%Y-%m-%d")

    def _possible(self, folder: Path, day: str, ask: Ask) -> bool:
        """Today, or a capture begun on that day and still young enough to be finished."""
        if day == self._today():
            return True
        started = unfinished_since(folder, ask, self.client.endpoint)
        return started is not None and self.clock() - started < RESUMABLE

    def _regret(self, day: str, ask: Ask, kept: Capture | None) -> str:
        if day > self._today():
            return f"{day} has not begun (days are UTC): choose today or an earlier day."
        if kept:
            return (
                f"{day} is over: its {ask.kind} were captured and cannot be fetched again. Run "
                "without `refetch` to use that capture."
            )
        return (
            f"{day} is over and its {ask.kind} were never captured: the Hub shows only what is "
            "now, and today's rows are not written under another day. Choose a day that was "
            "captured (green in the partitions bar), or turn the schedule `daily_capture` on so "
            "that later days are not lost."
        )

    def _alone(self, folder: Path, day: str) -> AcquireReturnProxy:
        """The lock of that day; it goes with its process, however that dies."""
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            return lock.acquire(timeout=0)
        except Timeout:
            self.tell(f"another run captures {day}: waiting for it")
        try:
            return lock.acquire(timeout=self.lock_wait, poll_interval=0.5)
        except Timeout:
            raise ListingError(
                f"another run has been capturing {day} for over {self.lock_wait:.0f} s: wait for "
                "it or end it, then run again."
            ) from None

    def _capture(self, folder: Path, ask: Ask) -> Capture:
        attempt = last_attempt(folder, ask, self.client.endpoint)
        if attempt and self.clock() - attempt.started >= RESUMABLE:
            self.tell(f"the capture begun {attempt.started:%Y-%m-%d %H:%M} UTC is too old to go on")
            attempt = None
        if attempt:
            self.tell(f"going on after page {len(attempt.lines) - 1}, {attempt.rows:,} rows")
            attempt.tidy()
        else:
            attempt = Attempt.begin(folder, ask, self.client.endpoint, self.clock())
        expected = self._expected(folder, ask)
        began, rows_before, last_report = time.monotonic(), attempt.rows, time.monotonic()
        while (url := attempt.next_url) is not None:
            page = self.client.page(url, len(attempt.lines))
            _look_for_the_rest(page, attempt)
            attempt.keep(page)
            expected = ask.max_rows or page.total or expected
            now = time.monotonic()
            if now - last_report >= self.report_every or attempt.next_url is None:
                rate = (attempt.rows - rows_before) / max(now - began, 1e-9)
                self.report(
                    Progress(
                        pages=len(attempt.lines),
                        rows=attempt.rows,
                        rows_per_second=rate,
                        requests_left=self.client.pacer.left,
                        expected_rows=expected,
                    )
                )
                last_report = now
        return attempt.finish(self.clock())

    @staticmethod
    def _expected(folder: Path, ask: Ask) -> int | None:
        """Rows of the last complete capture of an earlier day, for the time to go."""
        if ask.limited:
            return None
        earlier = [open_capture(at.parent) for at in folder.parent.glob(f"day=*/{MARKER}")]
        whole = [one.facts for one in earlier if one and not one.limited]
        return max(whole, key=lambda facts: facts["started"])["rows"] if whole else None


def _look_for_the_rest(page: Page, attempt: Attempt) -> None:
    """ListingError where a full page says that it is the last, and the Hub counts many more."""
    rows = attempt.rows + page.rows
    full = page.rows >= page_size(page.url)
    if page.next_url is None and full and page.total and rows < SHORT_OF_TOTAL * page.total:
        raise ListingError(
            f"page {len(attempt.lines)} is full and links to no other, after {rows:,} of "
            f"{page.total:,} rows: its Link header is lost. The pages so far are kept: run again "
            "to go on from here."
        )
