"""A chain of pages: a listing, or the part of it from one place to where the next chain began.

A listing sorted by `createdAt` never moves, and a cursor holds no session: a chain may begin at a
cursor of an earlier capture. It ends where it meets the first page of the next chain.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import httpx2

from hf_assets.hub.capture_store.manifest import ChainStart, PageRecord


@dataclass
class Chain:
    """The pages so far of one chain.

    Args:
        start: the address of its first page, and the rows that lie before it, about.
    """

    start: ChainStart
    pages: int = 0
    rows: int = 0
    first_ids: frozenset[str] = frozenset()
    urls: set[str] = field(default_factory=set)
    next_url: str | None = field(init=False)
    # It met the next chain, which goes on with the listing.
    met: bool = False
    # Pages in a row, up to the last, without a new id.
    pages_without_new: int = 0

    def __post_init__(self) -> None:
        self.next_url = self.start.url

    @property
    def rows_before(self) -> int:
        """Rows of the listing before its next page, about."""
        return self.start.rows_before + self.rows

    @property
    def over(self) -> bool:
        """It has no further page to fetch."""
        return self.met or self.next_url is None

    def links_back(self, url: str, next_url: str | None) -> bool:
        """Whether a page at that address links to a page that this chain has fetched."""
        return next_url is not None and (next_url == url or next_url in self.urls)

    def count(self, line: PageRecord, ids: Collection[Any], new: int) -> None:
        """Add a stored page.

        Args:
            line: its record.
            ids: the `_id` of each row.
            new: how many of them no page before had, of any chain.
        """
        if not self.pages:
            # An empty id is that of many rows.
            self.first_ids = frozenset(str(one) for one in ids if one)
        self.pages += 1
        self.rows += line.rows
        self.urls.add(line.url)
        self.next_url = line.next
        self.pages_without_new = 0 if new else self.pages_without_new + 1

    def shared_rows(self, other: "Chain", next_url: str | None, ids: Collection[Any]) -> int | None:
        """Rows of a page that the first page of another chain has as well.

        None where the page does not reach it. 0 where its link is the start of that chain.
        """
        shared = sum(str(one) in other.first_ids for one in ids if one)
        if shared or (next_url and cursor_of(next_url) == cursor_of(other.start.url)):
            return shared
        return None


def cursor_of(url: str) -> str | None:
    """The cursor of an address; None of a listing's first page."""
    return httpx2.URL(url).params.get("cursor")


def at_cursor(url: str, cursor: str) -> str:
    """The address of that listing from a cursor on."""
    return str(httpx2.URL(url).copy_set_param("cursor", cursor))
