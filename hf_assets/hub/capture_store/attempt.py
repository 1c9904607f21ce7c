"""A capture under way: what it asks, the pages so far, and how it resumes or ends."""

import hashlib
import shutil
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hf_assets.errors import clean
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.manifest import (
    CaptureManifest,
    CorruptCapture,
    JournalHeader,
    PageRecord,
)
from hf_assets.hub.client.listing import ListingError, ListingQuery, Page, resized
from hf_assets.hub.client.rows import row_ids
from hf_assets.hub.client.seen_ids import SeenIds
from hf_assets.storage.durable import storing

STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass
class Attempt:
    """A capture under way: its folder, its query, the pages so far."""

    path: Path
    query: ListingQuery
    endpoint: str
    started: datetime
    lines: list[PageRecord] = field(default_factory=list)
    seen: SeenIds = field(default_factory=SeenIds)
    urls: set[str] = field(default_factory=set)
    refused: tuple[str, ...] = ()
    rows: int = 0
    without_id: int = 0
    pages_without_new: int = 0  # pages in a row, up to the last, without a new id

    @classmethod
    def begin(cls, folder: Path, query: ListingQuery, endpoint: str, now: datetime) -> "Attempt":
        """A new attempt; its query is on disk before it is sent."""
        path = folder / now.strftime(STAMP)
        with storing(path):
            path.mkdir(parents=True)
        attempt = cls(path, query, endpoint, now)
        files.append_journal(path, attempt.header)
        return attempt

    @classmethod
    def resume(cls, path: Path, header: JournalHeader, lines: list[PageRecord]) -> "Attempt":
        """The attempt in that folder up to its last intact page; later pages are fetched again."""
        started = datetime.fromisoformat(header.started)
        attempt = cls(path, header.query, header.endpoint, started)
        for line in lines:
            try:
                attempt.count(line, row_ids(files.read_page(path, line)))
            except (CorruptCapture, ValueError):
                break
        return attempt

    @property
    def header(self) -> JournalHeader:
        """The journal's first line."""
        return JournalHeader(self.query, self.endpoint, self.started.isoformat())

    @property
    def total(self) -> int | None:
        """The Hub's own count of the listing, as a page gave it last."""
        return next((line.total for line in reversed(self.lines) if line.total), None)

    def tidy(self) -> None:
        """Rewrite the journal without a torn last line: the next line would be glued to it."""
        files.rewrite_journal(self.path, self.header, self.lines)

    @property
    def next_url(self) -> str | None:
        """The next page's address; None at the end of the listing, or at `max_rows`."""
        if not self.lines:
            return self.query.url(self.endpoint)
        url = self.lines[-1].next
        if url is None or self.query.max_rows is None:
            return url
        wanted = self.query.max_rows - self.rows
        return resized(url, wanted) if wanted > 0 else None

    def keep(self, page: Page) -> None:
        """Put a page on disk, then its line in the journal."""
        number = len(self.lines)
        if page.next_url in self.urls or page.next_url == page.url:
            raise ListingError(
                f"page {number} links back to a page already fetched ({clean(page.next_url)}): the "
                "listing would never end.",
                permanent=True,
            )
        files.write_page(self.path, number, page.body)
        line = PageRecord(
            page=number,
            url=page.url,
            next=page.next_url,
            rows=page.rows,
            bytes=len(page.body),
            sha256=hashlib.sha256(page.body).hexdigest(),
            total=page.total,
            refused=page.refused,
        )
        files.append_journal(self.path, line)
        self.count(line, page.ids)

    def count(self, line: PageRecord, ids: list[Any]) -> None:
        """Add a stored page to the sums."""
        self.lines.append(line)
        self.urls.add(line.url)
        self.rows += line.rows
        self.without_id += sum(one is None for one in ids)
        self.pages_without_new = 0 if self.seen.add(ids) else self.pages_without_new + 1
        self.refused += line.refused

    def candidate(self, now: datetime, **more: Any) -> Capture:
        """This attempt as a capture, before it becomes the day's.

        Args:
            now: when the rows were true.
            more: further keys of the manifest; they replace those of the listing.
        """
        lines = self.lines
        manifest = {
            "ask": asdict(self.query),
            "endpoint": self.endpoint,
            "fields": [name for name in self.query.fields if name not in self.refused],
            "refused": self.refused,
            "started": self.started.isoformat(),
            "finished": now.isoformat(),
            "pages": len(lines),
            "rows": self.rows,
            "distinct": self.seen.distinct,
            "without_id": self.without_id,
            "total": next((line.total for line in lines if line.total is not None), None),
            "bytes": sum(line.bytes for line in lines),
            "sha256": hashlib.sha256("".join(line.sha256 for line in lines).encode()).hexdigest(),
            "client": _client(),
            "attempt": self.path.name,
            "complete": True,
        }
        return Capture(self.path.parent, CaptureManifest.of(manifest | more))

    def finish(self, capture: Capture) -> Capture:
        """Make this attempt, of which that is the candidate, the day's capture; remove others."""
        files.write_manifest(capture.folder, capture.manifest)
        for other in files.attempts(capture.folder):
            if other != self.path:
                shutil.rmtree(other)
        return capture

    def reject(self, reason: str, now: datetime, distinct: int | None = None) -> None:
        """Mark this attempt: it is never resumed. Its pages stay; those of an older one go.

        Args:
            reason: for `rejected.json`.
            now: when.
            distinct: different rows of the listing, where it came to its end.
        """
        rejection = {"reason": reason, "rejected": now.isoformat(), "distinct": distinct}
        files.write_rejection(self.path, rejection)
        for other in files.attempts(self.path.parent):
            if other != self.path and files.is_rejected(other):
                shutil.rmtree(other)


@cache
def _client() -> str:
    """Library and version that fetch the pages; read from disk once for a thousand days."""
    return f"huggingface_hub {version('huggingface_hub')}"
