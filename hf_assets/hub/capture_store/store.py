"""The captures of a listing: complete ones, one under way, rejected attempts."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.attempt import Attempt
from hf_assets.hub.capture_store.attempt_files import left_behind
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.manifest import CaptureManifest, JournalHeader, PageRecord
from hf_assets.hub.client.listing import ListingQuery
from hf_assets.object_store.at_once import side_by_side
from hf_assets.object_store.commit import Seen
from hf_assets.object_store.path import ObjectFacts, StorePath, delete
from hf_assets.object_store.reading import get
from hf_assets.storage.durable import Stamp, stamp
from hf_assets.storage.lake import Lake
from hf_assets.storage.locks import exclusive
from hf_assets.storage.opened import read_each

# The listings of a day, by asset.
RAW = ("raw_models", "raw_spaces", "raw_datasets")
# A day is of use with these: days of earlier versions have no datasets.
ESSENTIAL = ("raw_models", "raw_spaces")
# The pages of a rejected attempt are kept for so long.
REJECTED_KEPT = timedelta(days=7)
# On a store a capture looks for leftovers in the days since then: rejected ones are older than a
# week only in the second.
SWEPT = timedelta(days=14)
# Days after which no run is under way any more that removes a day's pages.
LATELY = timedelta(days=3)
_DAY = "day="


@dataclass(frozen=True)
class Unfinished:
    """An attempt that can be resumed, its pages not read yet."""

    path: Any
    header: JournalHeader
    lines: list[PageRecord]

    @property
    def started(self) -> datetime:
        """When it began."""
        return datetime.fromisoformat(self.header.started)

    def resume(self, replaces: Seen = None) -> Attempt:
        """The attempt up to its last intact page; see `Attempt`. CorruptCapture."""
        return Attempt.resume(self.path, self.header, self.lines, replaces)


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
        self._read: dict[str, tuple[Stamp | Seen, CaptureManifest]] = {}

    def folder(self, day: str) -> Any:
        """The folder of a day."""
        return self.lake.folder(self.asset, day)

    def days(self) -> list[str]:
        """The days that have a complete capture, oldest first."""
        return self.lake.days(self.asset, files.MARKER)

    def _begun(self, asset_folder: StorePath) -> list[str]:
        """The days of which a store has anything, oldest first: in one request."""
        names = [path.name for path in asset_folder.children()[0]]
        return [name.removeprefix(_DAY) for name in names if name.startswith(_DAY)]

    def complete(self, day: str) -> Capture | None:
        """The complete capture of that day, or None.

        On a store that is one request: of a capture that was read before, whether it is the same.
        """
        folder = self.folder(day)
        before, manifest = self._read.get(day, ((), None))
        if isinstance(folder, StorePath):
            now, manifest = self._on_store(folder / files.MARKER, before, manifest)
        else:
            now = stamp(folder / files.MARKER)
            if manifest is None or now != before:
                manifest = files.read_manifest(folder) if now else None
        if manifest is None:
            self._read.pop(day, None)
            return None
        self._read[day] = now, manifest
        return Capture(folder, manifest)

    @staticmethod
    def _on_store(
        marker: StorePath, before: Stamp | Seen, manifest: CaptureManifest | None
    ) -> tuple[Seen, CaptureManifest | None]:
        """The manifest and its tag: those before, if they are still the ones."""
        if manifest is not None and (facts := marker.facts()) and facts.tag == before:
            return facts.tag, manifest
        try:
            facts, content = get(marker)
        except FileNotFoundError:
            return None, None
        return facts.tag, files.parse_manifest(bytes(content), marker)

    def version(self, day: str) -> Seen:
        """The version of the day's capture that `complete` gave last, for `begin`; None: none.

        A capture replaces that version and no other. In a folder the lock sees to that: None.
        """
        tag, _ = self._read.get(day, (None, None))
        return tag if isinstance(tag, str) else None

    def captures(self) -> dict[str, Capture]:
        """Every complete capture by day, oldest first; on a store, a request a day and one more."""
        folder = self.lake.folder(self.asset, None)
        days = self._begun(folder) if isinstance(folder, StorePath) else self.days()
        found = self.complete_each(days)
        return {day: capture for day, capture in found.items() if capture}

    def complete_each(self, days: Iterable[str]) -> dict[str, Capture | None]:
        """`complete` of each of those days, in order; of a store several at a time."""
        every = [*days]
        read = read_each(self.complete, every, self.lake.folder(self.asset, None))
        return dict(zip(every, read, strict=True))

    def newest(self, fits: Callable[[Capture], bool]) -> Capture | None:
        """The capture of the newest day that fits; later days are read, earlier ones are not."""
        folder = self.lake.folder(self.asset, None)
        days = self._begun(folder) if isinstance(folder, StorePath) else self.days()
        captures = (self.complete(day) for day in reversed(days))
        return next((one for one in captures if one and fits(one)), None)

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
            try:
                header, lines = files.read_journal(path)
            except FileNotFoundError:  # on a store, what is left of one that was removed
                continue
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
        """Remove old rejected attempts, of any day: nobody will look at them any more.

        On a store it looks at the days of the last two weeks, and removes as well what runs left
        that were slower than others, or died.
        """
        folder = self.lake.folder(self.asset, None)
        if isinstance(folder, StorePath):
            first = (now - SWEPT).strftime("%Y-%m-%d")
            days = [day for day in self._begun(folder) if day >= first]
            for left in side_by_side(lambda day: self.leftovers(day, now), days):
                delete([*left])
            return
        for attempt, rejection in files.rejections(folder, "day=*/*").items():
            if _is_old(rejection, now):
                shutil.rmtree(attempt, ignore_errors=True)

    def leftovers(self, day: str, now: datetime) -> dict[StorePath, ObjectFacts]:
        """The objects of a day on a store that nobody needs: of a day that has a capture, those of
        attempts on which nobody works; and of rejected ones after a week.
        """
        done, left = self.complete(day), {}
        for attempt in files.attempts(self.folder(day)):
            if done and attempt.name == done.manifest.attempt:
                continue
            there = left_behind(attempt, now)
            rejection = files.rejection_of(attempt) if attempt / files.REJECTED in there else None
            if _is_old(rejection, now) if rejection else done:
                left |= there
        return left

    def days_with_pages(self, today: str) -> list[str]:
        """The days whose capture may have pages, oldest first.

        On a store, where it is a request a day to look for them, they are those whose manifest says
        so, and those that lost them lately: a run that died may have left some.
        """
        if not isinstance(self.lake.folder(self.asset, None), StorePath):
            return self.days()
        lately = (date.fromisoformat(today) - LATELY).isoformat()
        dropped = {day: one.manifest.pages_dropped for day, one in self.captures().items()}
        return [day for day, when in dropped.items() if when is None or when >= lately]

    def page_bytes(self, day: str) -> int:
        """The size of the stored pages of the day's capture; 0 where they were dropped."""
        capture = self.complete(day)
        return sum(files.page_sizes(self._attempt_of(capture)).values()) if capture else 0

    def drop_pages(self, day: str, dropped_on: str) -> None:
        """Remove the pages of the day's capture; hold the day's `lock`.

        Its manifest and journal stay, and so do the pages of other attempts.

        Args:
            day: of the capture.
            dropped_on: the day on which its pages go.

        Raises:
            CommitConflict: on a store, the capture was replaced meanwhile.
        """
        capture = self.complete(day)
        assert capture is not None, f"{self.asset} of {day} has a capture"
        attempt = self._attempt_of(capture)
        pages = [*files.page_sizes(attempt)]
        manifest = msgspec.structs.replace(capture.manifest, pages_dropped=dropped_on)
        # Written first: a reader that misses a page finds the reason.
        files.write_manifest(capture.folder, manifest, self.version(day))
        files.remove_pages(attempt, pages)

    @staticmethod
    def _attempt_of(capture: Capture) -> Any:
        return capture.folder / capture.manifest.attempt


def _is_old(rejection: Mapping[str, Any], now: datetime) -> bool:
    return now - datetime.fromisoformat(rejection["rejected"]) > REJECTED_KEPT
