"""A chain of pages: a listing, or the part of it from one place to where the next chain began.

A listing sorted by `createdAt` never moves, and a cursor holds no session: a chain may begin at a
cursor of an earlier capture. It ends where it meets the first page of the next chain.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import polars as pl

from hf_assets.hub.capture_store.manifest import ChainStart, PageRecord

# Rows of the next chain's first page that a page must end with to have met it: a Hub may list a row
# a second time, far from its place.
CERTAIN = 3
# Rows at the beginning of that page, a share and a number, that may be gone since it was read.
GONE, MOST_GONE = 0.1, 2


@dataclass
class Chain:
    """The pages so far of one chain.

    Args:
        start: the address of its first page, and the rows that lie before it, about.
    """

    start: ChainStart
    pages: int = 0
    rows: int = 0
    # Ids of its first page, with their places.
    first_ids: Mapping[str, int] = field(default_factory=dict)
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

    def count(self, line: PageRecord, ids: Collection[Any] | pl.Series, new: int) -> None:
        """Add a stored page.

        Args:
            line: its record.
            ids: the `_id` of each row.
            new: how many of them no page before had, of any chain.
        """
        # An archived day has one chain, which meets no other.
        if not self.pages and not isinstance(ids, pl.Series):
            # An empty id is that of many rows.
            named = dict.fromkeys(str(one) for one in ids if one)
            self.first_ids = {one: place for place, one in enumerate(named)}
        self.pages += 1
        self.rows += line.rows
        self.urls.add(line.url)
        self.next_url = line.next
        self.pages_without_new = 0 if new else self.pages_without_new + 1

    def shared_rows(
        self, other: "Chain", next_url: str | None, ids: Collection[Any]
    ) -> tuple[int, bool]:
        """Rows of a page that another chain has read as well, and whether the page has met it.

        It has where it links to the start of that chain, or where its last rows are the first ones
        of that chain: a row that the Hub lists twice, in two places, is no seam.
        """
        named = [str(one) for one in ids if one]
        places = [at for at, one in enumerate(named) if one in other.first_ids]
        shared = len(places)
        linked = next_url is not None and cursor_of(next_url) == cursor_of(other.start.url)
        if not shared:
            return 0, linked
        rank = other.first_ids[named[places[0]]]
        begins = places[0] == 0 or rank <= max(MOST_GONE, GONE * len(other.first_ids))
        # So many there would be, had none gone in the meantime.
        all_shared = min(len(named) - places[0], len(other.first_ids) - rank)
        if not linked and not (begins and shared >= all_shared / 2):
            return 0, False
        return shared, linked or shared >= min(CERTAIN, len(other.first_ids))


def cursor_of(url: str) -> str | None:
    """The cursor of an address; None of a listing's first page."""
    return httpx2.URL(url).params.get("cursor")


def at_cursor(url: str, cursor: str) -> str:
    """The address of that listing from a cursor on."""
    return str(httpx2.URL(url).copy_set_param("cursor", cursor))
