"""A capture under way: what it asks, the pages so far, and how it resumes or ends."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

import polars as pl

from hf_assets.errors import clean
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.attempt_files import STAMP, InFolder, OnStore
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.chain import Chain
from hf_assets.hub.capture_store.manifest import (
    CaptureManifest,
    ChainStart,
    CorruptCapture,
    JournalHeader,
    PageRecord,
)
from hf_assets.hub.client.addresses import without_fields
from hf_assets.hub.client.listing import ListingError, ListingQuery, Page, resized
from hf_assets.hub.client.rows import row_ids
from hf_assets.hub.client.seen_ids import SeenIds
from hf_assets.object_store.commit import Seen
from hf_assets.object_store.path import LakePath, StorePath


@dataclass
class Attempt:
    """A capture under way: its folder, its query, the pages so far.

    Args:
        starts: where its chains begin; empty for one chain.
        one_chain: why it is one chain, where an attempt of several was given up.
        replaces: on a store, the version of the day's capture that it is to replace.
    """

    path: LakePath
    query: ListingQuery
    endpoint: str
    started: datetime
    starts: tuple[ChainStart, ...] = ()
    one_chain: str | None = None
    replaces: Seen = None
    stored: InFolder | OnStore = field(init=False)
    chains: list[Chain] = field(init=False)
    lines: list[PageRecord] = field(default_factory=list)
    seen: SeenIds = field(default_factory=SeenIds)
    refused: tuple[str, ...] = ()
    rows: int = 0
    without_id: int = 0
    # Rows that two chains read where they meet.
    shared_rows: int = 0

    def __post_init__(self) -> None:
        path = self.path
        self.stored = (
            OnStore(path, self.replaces) if isinstance(path, StorePath) else InFolder(path)
        )
        # The one chain of an archived day has no address.
        self.chains = [Chain(start) for start in self.starts or (ChainStart(""),)]

    @classmethod
    def begin(
        cls,
        folder: LakePath,
        query: ListingQuery,
        endpoint: str,
        now: datetime,
        starts: tuple[ChainStart, ...] = (),
        one_chain: str | None = None,
        replaces: Seen = None,
    ) -> "Attempt":
        """A new attempt; its query is stored before it is sent."""
        name = now.strftime(STAMP)
        if isinstance(folder, StorePath):  # two machines may begin at the same time
            name = f"{name}-{secrets.token_hex(4)}"
        attempt = cls(folder / name, query, endpoint, now, starts, one_chain, replaces)
        attempt.stored.begin(attempt.header)
        return attempt

    @classmethod
    def resume(
        cls,
        path: LakePath,
        header: JournalHeader,
        lines: list[PageRecord],
        replaces: Seen = None,
    ) -> "Attempt":
        """The attempt in that folder up to its last intact page; later pages are fetched again.

        Raises:
            CorruptCapture: on a store, where pages are never changed, one is damaged.
        """
        attempt = cls.reopened(path, header, replaces)
        try:
            for line, body in attempt.stored.pages(lines):
                attempt.count(line, row_ids(body))
        except (CorruptCapture, ValueError) as error:
            if isinstance(path, StorePath):
                raise CorruptCapture(f"{path} has a damaged page ({error})") from error
        return attempt

    @classmethod
    def reopened(cls, path: LakePath, header: JournalHeader, replaces: Seen = None) -> "Attempt":
        """The attempt in that folder, its pages not counted yet."""
        started = datetime.fromisoformat(header.started)
        return cls(
            *(path, header.query, header.endpoint, started),
            *(header.chains, header.one_chain, replaces),
        )

    @property
    def header(self) -> JournalHeader:
        """The journal's first line."""
        started = self.started.isoformat()
        return JournalHeader(self.query, self.endpoint, started, self.starts, self.one_chain)

    @property
    def total(self) -> int | None:
        """The Hub's own count of the listing, as a page gave it last."""
        return next((line.total for line in reversed(self.lines) if line.total), None)

    def tidy(self) -> None:
        """Rewrite the journal without a torn last line: the next line would be glued to it."""
        self.stored.tidy(self.header, self.lines)

    @property
    def chained(self) -> int:
        """How many chains have pages."""
        return sum(bool(chain.pages) for chain in self.chains)

    def next_url(self, chain: Chain) -> str | None:
        """The address of a chain's next page; None at its end, or at `max_rows`."""
        url = chain.next_url
        if chain.over or url is None:
            return None
        if not chain.pages:
            url = url or self.query.url(self.endpoint)
            return without_fields(url, self.refused) if self.refused else url
        if self.query.max_rows is None:
            return url
        wanted = self.query.max_rows - self.rows
        return resized(url, wanted) if wanted > 0 else None

    def keep(self, page: Page, chain: Chain | None = None) -> None:
        """Store a page and its line in the journal; of the first chain by default.

        Chains do this one after the other: pages are numbered as they come.
        """
        number, chain = len(self.lines), chain or self.chains[0]
        if chain.links_back(page.url, page.next_url):
            raise ListingError(
                f"page {number} links back to a page already fetched ({clean(page.next_url)}): the "
                "listing would never end.",
                permanent=True,
            )
        line = PageRecord(
            page=number,
            url=page.url,
            next=page.next_url,
            rows=page.rows,
            bytes=len(page.body),
            sha256=hashlib.sha256(page.body).hexdigest(),
            total=page.total,
            refused=page.refused,
            chain=self.chains.index(chain),
            form=page.form,
            decoded=page.decoded,
        )
        self.stored.keep(line, page.body, self.rows)
        self.count(line, page.ids)

    def count(self, line: PageRecord, ids: Sequence[Any] | pl.Series) -> None:
        """Add a stored page to the sums, and to its chain."""
        self.lines.append(line)
        self.rows += line.rows
        listed = isinstance(ids, pl.Series)
        self.without_id += ids.null_count() if listed else sum(one is None for one in ids)
        # Two chains may be refused the same.
        self.refused = tuple(dict.fromkeys(self.refused + line.refused))
        chain, later = self.chains[line.chain], self.chains[line.chain + 1 :]
        chain.count(line, ids, self.seen.add(ids))
        # A chain that has passed the next one whole has met the one after it.
        shared = [chain.shared_rows(other, line.next, ids) for other in later if other.pages]
        chain.met = any(met for _, met in shared)
        self.shared_rows += sum(rows for rows, _ in shared)

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
            "form": next((line.form for line in lines if line.form != files.JSON), None),
            "complete": True,
            "chains": self.chained if self.chained > 1 else None,
            "shared_rows": self.shared_rows if self.chained > 1 else None,
            "one_chain": self.one_chain,
        }
        return Capture(self.path.parent, CaptureManifest.of(manifest | more))

    def finish(self, capture: Capture) -> Capture:
        """Make this attempt, of which that is the candidate, the day's capture; remove others.

        Raises:
            CommitConflict: on a store, another run has made the day's capture meanwhile.
        """
        manifest = self.stored.finish(self.header, self.lines, capture.manifest)
        return replace(capture, manifest=manifest)

    def give_up(self) -> None:
        """Remove it with its pages."""
        self.stored.give_up()

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
                files.remove(other)


@cache
def _client() -> str:
    """Library and version that fetch the pages; read from disk once for a thousand days."""
    return f"huggingface_hub {version('huggingface_hub')}"
