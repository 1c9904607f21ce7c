"""The captures of a listing: complete ones, one under way, rejected attempts."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.attempt import Attempt
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.manifest import CaptureManifest, JournalHeader, PageRecord
from hf_assets.hub.client.listing import ListingQuery
from hf_assets.storage.durable import Stamp, stamp
from hf_assets.storage.lake import Lake
from hf_assets.storage.locks import exclusive

# The listings of a day, by asset.
RAW = ("raw_models", "raw_spaces", "raw_datasets")
# A day is of use with these: days of earlier versions have no datasets.
ESSENTIAL = ("raw_models", "raw_spaces")
# The pages of a rejected attempt are kept for so long.
REJECTED_KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Unfinished:
    """An attempt that can be resumed, its pages not read yet."""

    path: Path
    header: JournalHeader
    lines: list[PageRecord]

    @property
    def started(self) -> datetime:
        """When it began."""
        return datetime.fromisoformat(self.header.started)

    def resume(self) -> Attempt:
        """The attempt up to its last intact page."""
        return Attempt.resume(self.path, self.header, self.lines)


class CaptureStore:
    """The captures of a listing, a folder a day. Nothing else knows which files they have.

    A manifest is read once, and again only after it was replaced: hold one store for a trip.

    Args:
        lake: the lake.
        asset: one of `RAW`.
    """

    def __init__(self, lake: Lake, asset: str) -> None:
        self.lake = lake
        self.asset = asset
        self._read: dict[str, tuple[Stamp, CaptureManifest]] = {}

    def folder(self, day: str) -> Path:
        """The folder of a day."""
        return self.lake.folder(self.asset, day)

    def days(self) -> list[str]:
        """The days that have a complete capture, oldest first."""
        return self.lake.days(self.asset, files.MARKER)

    def complete(self, day: str) -> Capture | None:
        """The complete capture of that day, or None."""
        folder = self.folder(day)
        now = stamp(folder / files.MARKER)
        before, manifest = self._read.get(day, ((), None))
        if manifest is None or now != before:
            manifest = files.read_manifest(folder) if now else None
            if manifest:
                self._read[day] = now, manifest
        return Capture(folder, manifest) if manifest else None

    def captures(self) -> dict[str, Capture]:
        """Every complete capture by day, oldest first."""
        found = {day: self.complete(day) for day in self.days()}
        return {day: capture for day, capture in found.items() if capture}

    def unfinished(self, day: str, query: ListingQuery, endpoint: str) -> Unfinished | None:
        """The day's newest attempt that asked the same of the same Hub; None after a capture.

        An attempt older than the complete capture is a leftover of it.
        """
        done = self.complete(day)
        for path in reversed(files.attempts(self.folder(day))):
            if done and path.name <= done.manifest.attempt:
                return None
            if files.is_rejected(path):
                continue
            header, lines = files.read_journal(path)
            if header and (header.endpoint, header.query) == (endpoint, query):
                return Unfinished(path, header, lines)
        return None

    def begin(
        self, day: str, query: ListingQuery, endpoint: str, now: datetime, **more: Any
    ) -> Attempt:
        """A new attempt to capture that day; hold the day's `lock`. More: see `Attempt`."""
        return Attempt.begin(self.folder(day), query, endpoint, now, **more)

    def lock(
        self, day: str, wait: float, log: Callable[[str], None] = lambda _: None
    ) -> AbstractContextManager[bool]:
        """Held by the run that captures that day, or drops its pages; see `locks.exclusive`."""
        return exclusive(self.folder(day) / files.LOCK, f"capturing {day}", wait=wait, log=log)

    def rejected_rows(self, day: str) -> int | None:
        """Different rows of the day's rejected attempt; None where none came to its end."""
        rejections = [*files.rejections(self.folder(day)).values()]
        return rejections[-1].get("distinct") if rejections else None

    def sweep(self, now: datetime) -> None:
        """Remove old rejected attempts, of any day: nobody will look at them any more."""
        folder = self.lake.folder(self.asset, None)
        for attempt, rejection in files.rejections(folder, "day=*/*").items():
            if now - datetime.fromisoformat(rejection["rejected"]) > REJECTED_KEPT:
                shutil.rmtree(attempt, ignore_errors=True)

    def page_bytes(self, day: str) -> int:
        """The size of the stored pages of the day's capture; 0 where they were dropped."""
        return sum(page.stat().st_size for page in self._pages(day))

    def drop_pages(self, day: str, dropped_on: str) -> None:
        """Remove the pages of the day's capture; hold the day's `lock`.

        Its manifest and journal stay, and so do the pages of other attempts.

        Args:
            day: of the capture.
            dropped_on: the day on which its pages go.
        """
        pages, capture = self._pages(day), self.complete(day)
        assert capture is not None, f"{self.asset} of {day} has a capture"
        manifest = msgspec.structs.replace(capture.manifest, pages_dropped=dropped_on)
        # Written first: a reader that misses a page finds the reason.
        files.write_manifest(capture.folder, manifest)
        for page in pages:
            page.unlink()

    def _pages(self, day: str) -> list[Path]:
        capture = self.complete(day)
        return files.page_paths(capture.folder / capture.manifest.attempt) if capture else []
