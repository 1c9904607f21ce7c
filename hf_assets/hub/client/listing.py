"""Pages of the Hub's listings `/api/models`, `/api/spaces` and `/api/datasets`.

huggingface_hub's `list_models` ends at an invalid row and loses its cursor with it. Here a page is
bytes with a cursor; `rows` parses the bytes, and a capture stores them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import polars as pl

from hf_assets.errors import HfAssetsError
from hf_assets.hub.client.addresses import next_address, refused_fields, without_fields
from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets.hub.client.rows import decoded_ids
from hf_assets.hub.client.wire import Kind
from hf_assets.transport import Answer, whole_number

FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "models": (
        *("author", "createdAt", "lastModified", "downloads", "downloadsAllTime", "likes"),
        *("trendingScore", "pipeline_tag", "library_name", "tags", "gated", "private"),
        *("safetensors", "gguf", "baseModels", "usedStorage"),
    ),
    "spaces": (
        *("author", "createdAt", "lastModified", "likes", "trendingScore", "sdk", "runtime"),
        *("tags", "private", "models", "datasets", "usedStorage", "region"),
    ),
    "datasets": (
        *("author", "createdAt", "lastModified", "downloads", "downloadsAllTime", "likes"),
        *("trendingScore", "tags", "gated", "private", "disabled", "usedStorage", "mainSize"),
    ),
}

# The Hub's own cap on `limit`, and the size to fall back to, which huggingface.js asks for with
# `expand`.
PAGE_SIZE = 1000
SMALL_PAGE_SIZE = 500
_NO_ROWS = "no JSON list of rows"


class ListingError(HfAssetsError):
    """A listing could not go on; the message names the page, the cause and what can be done."""


@dataclass(frozen=True)
class ListingQuery:
    """The query of a listing.

    Args:
        kind: "models", "spaces" or "datasets".
        fields: values of `expand`.
        sort: the Hub's wire name; `createdAt` alone never moves under a running listing.
        filter: tags that every row must carry.
        max_rows: stop after that many rows; None for all.
    """

    kind: Kind
    fields: tuple[str, ...] = ()
    sort: str = "createdAt"
    filter: tuple[str, ...] = ()
    max_rows: int | None = None

    @classmethod
    def everything(cls, kind: Kind) -> "ListingQuery":
        """The complete listing with every field that the tables need."""
        return cls(kind=kind, fields=FIELDS[kind])

    @property
    def limited(self) -> bool:
        """Whether the query leaves out a part of the Hub."""
        return bool(self.filter) or self.max_rows is not None

    def url(self, endpoint: str) -> str:
        """The first page's address."""
        size = min(PAGE_SIZE, self.max_rows or PAGE_SIZE)
        params: list[tuple[str, str | int]] = [("sort", self.sort), ("limit", size)]
        params += [("filter", tag) for tag in self.filter]
        params += [("expand", name) for name in self.fields]
        return str(httpx2.URL(f"{endpoint}/api/{self.kind}", params=params))


@dataclass(frozen=True)
class Page:
    """A page as served.

    Args:
        url: of the page, as requested last.
        next_url: None at the end of the listing.
        body: bytes as served.
        ids: the `_id` of each row, None for a row without.
        total: X-Total-Count.
        refused: the `expand` values that the Hub refused.
        form: of the body: "json", or "ranges" of an archive's Parquet file.
        decoded: the strict decoder that takes every row as it is, if it does.
    """

    url: str
    next_url: str | None
    body: bytes
    ids: Sequence[Any] | pl.Series
    total: int | None
    refused: tuple[str, ...] = ()
    form: str = "json"
    decoded: str | None = None

    @property
    def rows(self) -> int:
        """Rows in this page, invalid rows too."""
        return len(self.ids)


@dataclass
class HubClient(HubConnection):
    """Fetches pages of the listings of one Hub.

    Raises:
        ListingError: the endpoint holds a user or password.
    """

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except HubError as error:
            raise ListingError(str(error), permanent=error.permanent) from None

    def page(self, url: str, number: int) -> Page:
        """Fetch the page at that address, by the connection's retry rule.

        Asks for half as many rows after two time-outs, and leaves out an `expand` value that the
        Hub refuses. A next link that cannot be read is an invalid page.

        Args:
            url: the first address of a listing or a `next_url`.
            number: the page's number, for messages.

        Raises:
            ListingError: retries did not help.
        """
        refused: tuple[str, ...] = ()

        def smaller(timeouts: int) -> str:
            nonlocal url
            if timeouts == 2 and page_size(url) > SMALL_PAGE_SIZE:
                url = resized(url, SMALL_PAGE_SIZE)
                self.log(f"page {number} timed out twice: asking for {SMALL_PAGE_SIZE} rows")
            return url

        def read(answer: Answer) -> Page:
            return self._page(answer, url, number, refused)

        while True:
            try:
                return self.get(url, read, broken=_NO_ROWS, after_timeout=smaller)
            except HubError as error:
                dropped = self._refused(url, error)
                if not dropped:
                    raise self._failure(number, url, error) from None
                url, refused = without_fields(url, dropped), refused + dropped

    def _page(self, answer: Answer, url: str, number: int, refused: tuple[str, ...]) -> Page:
        """An answer as a page. ValueError for any other body."""
        try:
            ids, decoded = decoded_ids(httpx2.URL(url).path.rpartition("/")[2], answer.body)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{_NO_ROWS} ({error})") from error
        next_url, foreign = next_address(answer.headers, url)
        if foreign:
            # A mirror that passes the Hub's own links on; the token must not follow them.
            self.log(f"page {number} links to {foreign}: staying at {httpx2.URL(url).host}")
        total = whole_number(answer.headers.get("X-Total-Count", ""))
        return Page(url, next_url, answer.body, ids, total, refused, decoded=decoded)

    def _refused(self, url: str, error: HubError) -> tuple[str, ...]:
        """The `expand` values that a 400 names."""
        if error.status != 400:
            return ()
        refused = refused_fields(error.body, httpx2.URL(url).params.get_list("expand"))
        if refused:
            self.log(f"the Hub refuses expand={', '.join(refused)}: going on without")
        return refused

    def _failure(self, number: int, url: str, error: HubError) -> ListingError:
        again = "the pages so far are kept: run again to go on from here"
        advice = error.advice_or(
            "the Hub refuses this address for good" if error.permanent else again,
            {
                400: "the Hub refuses this question: check `sort` and `filter` in the config",
                404: f"{self.endpoint} has no such listing: check HF_ENDPOINT",
            },
        )
        return ListingError(
            f"page {number} of {httpx2.URL(url).path} at {self.endpoint} failed: {error.causes}. "
            f"{advice}.",
            permanent=error.permanent,
        )


def page_size(url: str) -> int:
    """How many rows an address asks for; the Hub's own maximum without a limit."""
    return whole_number(httpx2.URL(url).params.get("limit", "")) or PAGE_SIZE


def resized(url: str, rows: int) -> str:
    """The same address with at most that many rows a page."""
    return str(httpx2.URL(url).copy_set_param("limit", min(page_size(url), rows)))
