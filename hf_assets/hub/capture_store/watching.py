"""How far a capture under way is, for a process that only looks on."""

from dataclasses import dataclass
from pathlib import Path

from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.store import CaptureStore


@dataclass
class WatchedAttempt:
    """An attempt whose journal is read on at each look.

    Attributes:
        path: its folder.
        rows: stored so far.
        total: the Hub's own count, as a page gave it last.
    """

    path: Path
    rows: int = 0
    total: int | None = None
    _offset: int = 0

    def look(self) -> None:
        """Read the lines that are new since the last look; a torn last line waits."""
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


class WatchedCapture:
    """The capture of a day, looked at again and again.

    Args:
        store: of the listing.
        day: the partition key.
    """

    def __init__(self, store: CaptureStore, day: str) -> None:
        self._store, self._day = store, day
        last = store.complete(stored[-1]) if (stored := store.days()) else None
        self._last_rows = last.rows if last and last.whole_hub else None
        self._attempt: WatchedAttempt | None = None

    def look(self) -> tuple[int, int | None]:
        """Rows stored, and how many there will be: by the Hub's count, else as on the last day."""
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
