"""A capture: one listing fetched whole, page by page, so that a run that dies goes on.

On disk, under the folder of one day of `raw_models` or `raw_spaces`:

    capture.json                 there only when a capture is complete; names its attempt
    20261120T030000.000000Z/     one attempt
        journal.jsonl            first what was asked, then a line a page
        000000.json.zst          the pages, as served

A page is on disk, and its line in the journal, before the next page is asked for. `capture.json` is
replaced in one step: a reader sees the old capture or the new one, and half a day never.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from filelock import AcquireReturnProxy, FileLock, Timeout

from hf_assets.hub.listing import Ask, HubClient, ListingError, Page, resized
from hf_assets.hub.rows import row_ids
from hf_assets.lake import append_line, write_bytes

# A listing that took longer than this describes no one day: it is started anew.
RESUMABLE = timedelta(hours=24)
ZSTD = pa.Codec("zstd", compression_level=3)
MARKER = "capture.json"
_JOURNAL = "journal.jsonl"
_STAMP = "%Y%m%dT%H%M%S.%fZ"


class NoCapture(LookupError):
    """A day has no capture and can no longer be captured; the message says what can be done."""


class CorruptCapture(RuntimeError):
    """A stored page is not what was fetched."""


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


@dataclass(frozen=True)
class Capture:
    """A complete capture on disk: `facts` is what capture.json says."""

    folder: Path
    facts: dict[str, Any]

    @property
    def rows(self) -> int:
        """Rows as served, doubles included."""
        return self.facts["rows"]

    @property
    def limited(self) -> bool:
        """True where less than the whole Hub was asked for."""
        ask = self.facts["ask"]
        return bool(ask["filter"]) or ask["max_rows"] is not None

    @property
    def provenance(self) -> dict[str, Any]:
        """Where a table made of this capture comes from."""
        kept = ("endpoint", "started", "finished", "pages", "rows", "sha256", "client")
        return {name: self.facts[name] for name in kept} | {"limited": self.limited}

    def covers(self, ask: Ask) -> bool:
        """True where this capture answers `ask`: whole, or limited in just the same way."""
        if not self.limited:
            return True
        asked = self.facts["ask"]
        same = (tuple(asked["filter"]), asked["max_rows"]) == (ask.filter, ask.max_rows)
        # The first rows of one order are not those of another.
        return same and (ask.max_rows is None or asked["sort"] == ask.sort)

    def page_numbers(self) -> range:
        """The numbers of the pages, first fetched first."""
        return range(self.facts["pages"])

    def page(self, number: int) -> bytes:
        """The body of one page. CorruptCapture where it is not what was fetched."""
        return _read_page(self._attempt, self._lines[number])

    @property
    def _attempt(self) -> Path:
        return self.folder / self.facts["attempt"]

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        journal = self._attempt / _JOURNAL
        lines = _read_journal(self._attempt)[1] if journal.exists() else []
        if len(lines) < self.facts["pages"]:
            raise CorruptCapture(
                f"{journal} has lost lines: restore it, or capture the day anew with `refetch` "
                "while it is still today."
            )
        return lines


def open_capture(folder: Path) -> Capture | None:
    """The complete capture of that day, or None."""
    marker = folder / MARKER
    if not marker.exists():
        return None
    return Capture(folder, json.loads(marker.read_bytes()))


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

    def _possible(self, folder: Path, day: str, ask: Ask) -> bool:
        """Today, or a capture begun on that day and still young enough to be finished."""
        if day == self.clock().strftime("%Y-%m-%d"):
            return True
        attempt = _last_attempt(folder, ask, self.client.endpoint)
        return attempt is not None and self.clock() - attempt.started < RESUMABLE

    def _regret(self, day: str, ask: Ask, kept: Capture | None) -> str:
        if day > self.clock().strftime("%Y-%m-%d"):
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
        attempt = _last_attempt(folder, ask, self.client.endpoint)
        if attempt and self.clock() - attempt.started >= RESUMABLE:
            self.tell(f"the capture begun {attempt.started:%Y-%m-%d %H:%M} UTC is too old to go on")
            attempt = None
        if attempt:
            self.tell(f"going on after page {len(attempt.lines) - 1}, {attempt.rows:,} rows")
            attempt.tidy()
        else:
            attempt = _Attempt.begin(folder, ask, self.client.endpoint, self.clock())
        expected = self._expected(folder, ask)
        began, rows_before, last_report = time.monotonic(), attempt.rows, time.monotonic()
        while (url := attempt.next_url) is not None:
            page = self.client.page(url, len(attempt.lines))
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


@dataclass
class _Attempt:
    """A capture under way: its folder, what it asked, the pages so far."""

    path: Path
    ask: Ask
    endpoint: str
    started: datetime
    lines: list[dict[str, Any]] = field(default_factory=list)
    hashes: list[np.ndarray] = field(default_factory=list)
    urls: set[str] = field(default_factory=set)
    refused: tuple[str, ...] = ()
    rows: int = 0

    @classmethod
    def begin(cls, folder: Path, ask: Ask, endpoint: str, now: datetime) -> "_Attempt":
        path = folder / now.strftime(_STAMP)
        path.mkdir(parents=True)
        attempt = cls(path, ask, endpoint, now)
        append_line(path / _JOURNAL, json.dumps(attempt.header).encode())
        return attempt

    @property
    def header(self) -> dict[str, Any]:
        """The journal's first line."""
        return {
            "ask": asdict(self.ask),
            "endpoint": self.endpoint,
            "started": self.started.isoformat(),
        }

    def tidy(self) -> None:
        """Write the journal anew, without a torn last line: the next one would be glued to it."""
        lines = [self.header, *self.lines]
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        write_bytes(self.path / _JOURNAL, content)

    @property
    def next_url(self) -> str | None:
        """The next page's address; None when the listing is at its end, or at `max_rows`."""
        if not self.lines:
            return self.ask.url(self.endpoint)
        url = self.lines[-1]["next"]
        if url is None or self.ask.max_rows is None:
            return url
        wanted = self.ask.max_rows - self.rows
        return resized(url, wanted) if wanted > 0 else None

    def keep(self, page: Page) -> None:
        """Put a page on disk, then its line in the journal."""
        number = len(self.lines)
        if page.next_url in self.urls or page.next_url == page.url:
            raise ListingError(
                f"page {number} links back to a page already fetched ({page.next_url}): the "
                "listing would never end.",
                permanent=True,
            )
        with (self.path / _page_name(number)).open("wb") as stored:
            stored.write(ZSTD.compress(page.body, asbytes=True))
            stored.flush()
            os.fdatasync(stored.fileno())
        line = {
            "page": number,
            "url": page.url,
            "next": page.next_url,
            "rows": page.rows,
            "bytes": len(page.body),
            "sha256": hashlib.sha256(page.body).hexdigest(),
            "total": page.total,
            "refused": page.refused,
        }
        append_line(self.path / _JOURNAL, json.dumps(line).encode())
        self.count(line, page.ids)

    def count(self, line: dict[str, Any], ids: list[Any]) -> None:
        """Take a kept page into the sums."""
        self.lines.append(line)
        self.urls.add(line["url"])
        self.rows += line["rows"]
        self.hashes.append(_hashes(ids))
        self.refused += tuple(line["refused"])

    def finish(self, now: datetime) -> Capture:
        """Make this attempt the day's capture and remove the others."""
        lines = self.lines
        facts = {
            "ask": asdict(self.ask),
            "endpoint": self.endpoint,
            "fields": [name for name in self.ask.fields if name not in self.refused],
            "refused": self.refused,
            "started": self.started.isoformat(),
            "finished": now.isoformat(),
            "pages": len(lines),
            "rows": self.rows,
            "distinct": _distinct(self.hashes),
            "total": next((line["total"] for line in lines if line["total"] is not None), None),
            "bytes": sum(line["bytes"] for line in lines),
            "sha256": hashlib.sha256(
                "".join(line["sha256"] for line in lines).encode()
            ).hexdigest(),
            "client": f"huggingface_hub {version('huggingface_hub')}",
            "attempt": self.path.name,
            "complete": True,
        }
        folder = self.path.parent
        content = json.dumps(facts, indent=2).encode()
        write_bytes(folder / MARKER, content)
        for other in _attempts(folder):
            if other != self.path:
                shutil.rmtree(other)
        return Capture(folder, json.loads(content))


def _attempts(folder: Path) -> list[Path]:
    """The attempts of that day, oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{_JOURNAL}"))


def _last_attempt(folder: Path, ask: Ask, endpoint: str) -> _Attempt | None:
    """The newest unfinished attempt that asked the same of the same Hub, or None."""
    done = open_capture(folder)
    for path in reversed(_attempts(folder)):
        if done and path.name == done.facts["attempt"]:
            continue
        header, lines = _read_journal(path)
        same = header and header["endpoint"] == endpoint and header["ask"] == _plain(ask)
        if same:
            return _resume(path, ask, endpoint, header, lines)
    return None


def _resume(
    path: Path, ask: Ask, endpoint: str, header: dict[str, Any], lines: list[dict[str, Any]]
) -> _Attempt:
    """The attempt up to its last whole page; what lies after that is fetched again."""
    attempt = _Attempt(path, ask, endpoint, datetime.fromisoformat(header["started"]))
    for line in lines:
        try:
            body = _read_page(path, line)
        except CorruptCapture:
            break
        attempt.count(line, row_ids(body))
    return attempt


def _read_journal(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The header and the page lines; a torn last line is left out."""
    lines = []
    for line in (path / _JOURNAL).read_bytes().split(b"\n"):
        try:
            lines.append(json.loads(line))
        except ValueError:  # no JSON, or not even text
            break
    return (lines[0], lines[1:]) if lines else ({}, [])


def _read_page(attempt: Path, line: dict[str, Any]) -> bytes:
    path = attempt / _page_name(line["page"])
    try:
        body = ZSTD.decompress(path.read_bytes(), line["bytes"], asbytes=True)
    except (OSError, pa.ArrowException) as error:
        raise CorruptCapture(f"{path} cannot be read: {error}") from error
    if hashlib.sha256(body).hexdigest() != line["sha256"]:
        raise CorruptCapture(
            f"{path} is not what was fetched (sha256 differs): restore it, or capture the day anew "
            "with `refetch` while it is still today."
        )
    return body


def _page_name(number: int) -> str:
    return f"{number:06d}.json.zst"


def _hashes(ids: list[Any]) -> np.ndarray:
    """One 64-bit number an id, to count distinct ones in 8 bytes each (20 MB for 2.5 M)."""
    return np.fromiter((hash(str(one)) for one in ids), np.int64, len(ids))


def _distinct(hashes: list[np.ndarray]) -> int:
    """How many different numbers; sorted in place, as a set of them would not fit."""
    if not hashes:
        return 0
    every = np.concatenate(hashes)
    every.sort()
    return int(np.count_nonzero(every[1:] != every[:-1])) + bool(every.size)


def _plain(ask: Ask) -> dict[str, Any]:
    """An ask as JSON gives it back."""
    return json.loads(json.dumps(asdict(ask)))


def pages(capture: Capture, *, newest_first: bool = True) -> Iterator[tuple[int, bytes]]:
    """Number and body of each page; the last fetched first, unless told otherwise."""
    numbers = capture.page_numbers()
    for number in reversed(numbers) if newest_first else numbers:
        yield number, capture.page(number)
