"""A capture under way: what it asked, the pages so far, and how it goes on or ends."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hf_assets.errors import clean
from hf_assets.hub.capture_store.capture import (
    JOURNAL,
    MARKER,
    REJECTED,
    ZSTD,
    Capture,
    CorruptCapture,
    open_capture,
    page_name,
    read_journal,
    read_page,
)
from hf_assets.hub.client.listing import ListingError, ListingQuery, Page, resized
from hf_assets.hub.client.rows import row_ids
from hf_assets.hub.client.seen_ids import SeenIds
from hf_assets.storage.durable import append_line, storing, write_bytes

# So long the pages of a rejected attempt are kept.
REJECTED_KEPT = timedelta(days=7)
STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass
class Attempt:
    """A capture under way: its folder, what it asked, the pages so far."""

    path: Path
    ask: ListingQuery
    endpoint: str
    started: datetime
    lines: list[dict[str, Any]] = field(default_factory=list)
    seen: SeenIds = field(default_factory=SeenIds)
    urls: set[str] = field(default_factory=set)
    refused: tuple[str, ...] = ()
    rows: int = 0
    without_id: int = 0
    pages_without_new: int = 0  # the last so many pages brought no id that was not there

    @classmethod
    def begin(cls, folder: Path, ask: ListingQuery, endpoint: str, now: datetime) -> "Attempt":
        """A new attempt, its question on disk before it is asked."""
        path = folder / now.strftime(STAMP)
        with storing(path):
            path.mkdir(parents=True)
        attempt = cls(path, ask, endpoint, now)
        append_line(path / JOURNAL, json.dumps(attempt.header).encode())
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
        write_bytes(self.path / JOURNAL, content)

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
                f"page {number} links back to a page already fetched ({clean(page.next_url)}): the "
                "listing would never end.",
                permanent=True,
            )
        path = self.path / page_name(number)
        with storing(path), path.open("wb") as stored:
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
        append_line(self.path / JOURNAL, json.dumps(line).encode())
        self.count(line, page.ids)

    def count(self, line: dict[str, Any], ids: list[Any]) -> None:
        """Take a kept page into the sums."""
        self.lines.append(line)
        self.urls.add(line["url"])
        self.rows += line["rows"]
        self.without_id += sum(one is None for one in ids)
        self.pages_without_new = 0 if self.seen.add(ids) else self.pages_without_new + 1
        self.refused += tuple(line["refused"])

    def candidate(self, now: datetime, **more: Any) -> Capture:
        """What this attempt is as a capture, before it is the day's.

        Args:
            now: when the rows were true.
            more: facts that say more than the listing does, or say it otherwise.
        """
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
            "distinct": self.seen.distinct,
            "without_id": self.without_id,
            "total": next((line["total"] for line in lines if line["total"] is not None), None),
            "bytes": sum(line["bytes"] for line in lines),
            "sha256": hashlib.sha256(
                "".join(line["sha256"] for line in lines).encode()
            ).hexdigest(),
            "client": _client(),
            "attempt": self.path.name,
            "complete": True,
            **more,
        }
        return Capture(self.path.parent, json.loads(json.dumps(facts)))

    def finish(self, capture: Capture) -> Capture:
        """Make this attempt, whose candidate that is, the day's capture and remove the others."""
        write_bytes(capture.folder / MARKER, json.dumps(capture.facts, indent=2).encode())
        for other in _attempts(capture.folder):
            if other != self.path:
                shutil.rmtree(other)
        return capture

    def reject(self, reason: str, now: datetime, distinct: int | None = None) -> None:
        """Never go on with this attempt. Its pages stay to be looked at; those of an older go.

        Args:
            reason: for `rejected.json`.
            now: when.
            distinct: the rows of the listing, where it came to its end.
        """
        said = {"reason": reason, "rejected": now.isoformat(), "distinct": distinct}
        write_bytes(self.path / REJECTED, json.dumps(said, indent=2).encode())
        for other in _attempts(self.path.parent):
            if other != self.path and (other / REJECTED).exists():
                shutil.rmtree(other)


def rejected_rows(folder: Path) -> int | None:
    """The rows of that day's rejected attempt; None where there is none that came to its end."""
    said = [json.loads(path.read_bytes()) for path in sorted(folder.glob(f"*/{REJECTED}"))]
    return said[-1].get("distinct") if said else None


def sweep_rejected(days: Path, now: datetime) -> None:
    """Remove rejected attempts, of any day in that folder, that nobody will look at any more."""
    for path in days.glob(f"day=*/*/{REJECTED}"):
        said = json.loads(path.read_bytes())
        if now - datetime.fromisoformat(said["rejected"]) > REJECTED_KEPT:
            shutil.rmtree(path.parent, ignore_errors=True)


def _attempts(folder: Path) -> list[Path]:
    """The attempts of that day, oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{JOURNAL}"))


def unfinished_since(folder: Path, ask: ListingQuery, endpoint: str) -> datetime | None:
    """When the attempt that `last_attempt` gives was begun, without reading its pages."""
    found = _unfinished(folder, ask, endpoint)
    return datetime.fromisoformat(found[1]["started"]) if found else None


def last_attempt(folder: Path, ask: ListingQuery, endpoint: str) -> Attempt | None:
    """The newest unfinished attempt that asked the same of the same Hub, or None."""
    found = _unfinished(folder, ask, endpoint)
    return _resume(found[0], ask, endpoint, *found[1:]) if found else None


def _unfinished(
    folder: Path, ask: ListingQuery, endpoint: str
) -> tuple[Path, dict[str, Any], list[dict[str, Any]]] | None:
    """Its folder, its journal's header and lines. What is older than the capture is left over."""
    done = open_capture(folder)
    for path in reversed(_attempts(folder)):
        if done and path.name <= done.facts["attempt"]:
            return None
        if (path / REJECTED).exists():
            continue
        header, lines = read_journal(path)
        if header and header["endpoint"] == endpoint and header["ask"] == _plain(ask):
            return path, header, lines
    return None


def _resume(
    path: Path,
    ask: ListingQuery,
    endpoint: str,
    header: dict[str, Any],
    lines: list[dict[str, Any]],
) -> Attempt:
    """The attempt up to its last whole page; what lies after that is fetched again."""
    attempt = Attempt(path, ask, endpoint, datetime.fromisoformat(header["started"]))
    for line in lines:
        try:
            attempt.count(line, row_ids(read_page(path, line)))
        except (CorruptCapture, ValueError):
            break
    return attempt


@cache
def _client() -> str:
    """Who fetched; read from disk, so once for a thousand days."""
    return f"huggingface_hub {version('huggingface_hub')}"


def _plain(ask: ListingQuery) -> dict[str, Any]:
    """An ask as JSON gives it back."""
    return json.loads(json.dumps(asdict(ask)))
