"""How far a capture under way is, for a process that only looks on."""

import json
import time
from dataclasses import dataclass
from typing import Any

from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.on_store import later, start_of
from hf_assets.hub.capture_store.page_frames import line_of
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.object_store.path import StorePath

# Seconds between two looks at a store: each takes four requests.
LOOK_EVERY = 2.0


@dataclass
class WatchedAttempt:
    """An attempt whose journal is read on at each look.

    Attributes:
        path: its folder.
        rows: stored so far.
        total: the Hub's own count, as a page gave it last.
    """

    path: Any
    rows: int = 0
    total: int | None = None
    _offset: int = 0
    _newest: str = ""

    def look(self) -> None:
        """Read the lines that are new since the last look; a torn last line waits."""
        if isinstance(self.path, StorePath):
            self._look_at_store(self.path)
            return
        journal = self.path / files.JOURNAL
        try:
            if journal.stat().st_size < self._offset:  # rewritten by a run that resumes it
                self.rows, self.total, self._offset = 0, None, 0
            lines, self._offset = files.new_pages(self.path, self._offset)
        except FileNotFoundError:
            return
        for line in lines:
            self.rows += line.rows
            self.total = line.total or self.total

    def _look_at_store(self, path: StorePath) -> None:
        """The newest page says how many rows lie before it; one copied from a folder, nothing."""
        pages = [one for one in later(path, self._newest) if files.is_page(one)]
        if not pages:
            return
        try:
            if (said := line_of(start_of(pages[-1]))) is None:
                _, lines = files.read_journal(path)
                rows, totals = sum(line.rows for line in lines), [line.total for line in lines]
            else:
                line = json.loads(said)
                rows, totals = line.get("rows_before", 0) + line.get("rows", 0), [line.get("total")]
        except FileNotFoundError:  # removed meanwhile
            return
        self._newest, self.rows = pages[-1].name, rows
        self.total = next(filter(None, reversed(totals)), self.total)


class WatchedCapture:
    """The capture of a day, looked at again and again.

    Args:
        store: of the listing.
        day: the partition key.
    """

    def __init__(self, store: CaptureStore, day: str) -> None:
        self._store, self._day = store, day
        last = store.newest(lambda _: True)
        self._last_rows = last.rows if last and last.whole_hub else None
        self._attempt: WatchedAttempt | None = None
        self._looked: tuple[float, tuple[int, int | None]] | None = None

    def look(self) -> tuple[int, int | None]:
        """Rows stored, and how many there will be: by the Hub's count, else as on the last day.

        On a store, what the last look saw, if that was just now.
        """
        folder = self._store.folder(self._day)
        if not isinstance(folder, StorePath):
            return self._look()
        if self._looked is None or time.monotonic() - self._looked[0] >= LOOK_EVERY:
            self._looked = time.monotonic(), self._look()
        return self._looked[1]

    def _look(self) -> tuple[int, int | None]:
        newest = (files.attempts(self._store.folder(self._day)) or [None])[-1]
        if newest is None:
            return 0, self._last_rows
        if self._attempt is None or self._attempt.path != newest:
            self._attempt = WatchedAttempt(newest)
        self._attempt.look()
        rows = self._attempt.rows
        if (capture := self._store.complete(self._day)) and capture.manifest.attempt == newest.name:
            return rows, rows
        return rows, self._attempt.total or self._last_rows
