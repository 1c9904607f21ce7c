"""Pages of the Hub's listings `/api/models` and `/api/spaces`, one at a time.

huggingface_hub's session (token, endpoint, rate headers) without its objects: one odd row ends
`list_models`, and its cursor is lost with it. Here a page is bytes with a cursor; how an answer is
asked for is `backoff`'s, what the rows say is for later (`rows`), what is kept is for `capture`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import OfflineModeIsEnabled

from hf_assets.errors import clean
from hf_assets.hub.client.addresses import next_address, refused_fields, without_fields
from hf_assets.hub.client.pacing import Pacer, pacer_for
from hf_assets.hub.client.retries import MOST_BYTES, TRIES, HubRefusal, Patience
from hf_assets.hub.client.rows import Kind, row_ids
from hf_assets.transport import Answer, BrokenBody, TooLarge, whole_number

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
}

# The Hub's own cap on `limit`, and the size to fall back to: a page of 500 is what huggingface.js
# asks for with `expand`.
PAGE_SIZE = 1000
SMALL_PAGE_SIZE = 500
# Within which a page is whole, where the link is slow.
PAGE_SECONDS = 300.0


class ListingError(RuntimeError):
    """A listing could not go on; the message names the page, the cause and what can be done.

    `permanent` says that the same call would fail again.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class ListingQuery:
    """What is asked of a listing.

    Args:
        kind: "models" or "spaces".
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
        """The whole listing with every field the tables need."""
        return cls(kind=kind, fields=FIELDS[kind])

    @property
    def limited(self) -> bool:
        """True where less than the whole Hub is asked for."""
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
    """One answer: its address, the next one's (None at the end), the body as served.

    `ids` has the `_id` of each row (None where a row has none); `total` is X-Total-Count.
    `refused` are the `expand` values that the Hub would not take.
    """

    url: str
    next_url: str | None
    body: bytes
    ids: list[Any]
    total: int | None
    refused: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows in this page, odd ones too."""
        return len(self.ids)


@dataclass
class HubClient:
    """Fetches pages of one Hub.

    Args:
        endpoint: e.g. https://huggingface.co; default: HF_ENDPOINT as huggingface_hub read it.
        connect_timeout, read_timeout: seconds.
        retry_wait: seconds before the first retry, then doubled up to 8 times as long.
        page_timeout: seconds for a page as a whole, as a byte a minute is none; default: 300, or
            twice `read_timeout` where that is more.
        most_bytes: of a page, unpacked.
        log: takes lines for the run log.
    """

    endpoint: str = field(default_factory=lambda: constants.ENDPOINT)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    retry_wait: float = 1.0
    page_timeout: float | None = None
    most_bytes: int = MOST_BYTES
    log: Callable[[str], None] = lambda _: None
    pacer: Pacer = field(default=None)  # ty: ignore[invalid-assignment]

    def __post_init__(self) -> None:
        self.endpoint = self.endpoint.rstrip("/")
        if httpx2.URL(self.endpoint).userinfo:
            # It would be told in every message, journal and figure.
            raise ListingError(
                "HF_ENDPOINT holds a user or password: put a token into HF_TOKEN instead.",
                permanent=True,
            )
        if self.pacer is None:
            self.pacer = pacer_for(self.endpoint)

    def page(self, url: str, number: int) -> Page:
        """The page at that address.

        A 429 waits as told, within bounds, and 5xx are retried by `backoff`; a page that times out
        twice is asked for with half as many rows; a body that is cut off or no JSON, or a next link
        that cannot be read, is asked for again; an `expand` value that the Hub refuses is left out.

        Args:
            url: the first address of a listing or a `next_url`.
            number: the page's number, for messages.

        Raises:
            ListingError: when that does not help.
        """
        problems: list[str] = []
        timeouts, refused = 0, ()
        while len(problems) < TRIES:
            if problems:
                time.sleep(min(self.retry_wait * 2 ** (len(problems) - 1), 8 * self.retry_wait))
            self.pacer.wait(self.log)
            try:
                answer = self._get(url)
                self.pacer.heard(answer.headers)
                return self._page(answer, url, number, refused)
            except HubRefusal as error:
                if error.status == 400 and (dropped := self._refused(url, error)):
                    url, refused = without_fields(url, dropped), refused + dropped
                    continue
                if error.status != 504:
                    raise self._failure(number, url, [*problems, str(error)], error) from None
                problems.append("timed out (504)")
                timeouts += 1
            except httpx2.TimeoutException as error:
                problems.append(f"timed out ({type(error).__name__})")
                timeouts += 1
            except TooLarge as error:
                raise self._failure(number, url, [f"a body {error}"], error) from None
            except httpx2.DecodingError as error:
                problems.append(f"cut-off body ({clean(error)})")
            except BrokenBody as error:
                problems.append(f"no JSON list of rows ({error})")
            except (ValueError, RecursionError) as error:
                problems.append(clean(error))
            except (httpx2.HTTPError, OfflineModeIsEnabled) as error:
                cause = clean(f"{type(error).__name__}: {error}")
                raise self._failure(number, url, [*problems, cause], error) from None
            if timeouts == 2 and page_size(url) > SMALL_PAGE_SIZE:
                url = resized(url, SMALL_PAGE_SIZE)
                self.log(f"page {number} timed out twice: asking for {SMALL_PAGE_SIZE} rows")
        raise self._failure(number, url, problems, None)

    def _get(self, url: str) -> Answer:
        patience = Patience(
            self.connect_timeout,
            self.read_timeout,
            self.page_timeout or max(PAGE_SECONDS, 2 * self.read_timeout),
            self.retry_wait,
            self.most_bytes,
            self.log,
        )
        # Time-outs and 504 come back here: they may want a smaller page, not patience.
        return patience.ask(url, again=(httpx2.NetworkError, httpx2.RemoteProtocolError))

    def _page(self, answer: Answer, url: str, number: int, refused: tuple[str, ...]) -> Page:
        """What an answer is as a page. ValueError where it is none."""
        try:
            ids = row_ids(answer.body)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"no JSON list of rows ({error})") from error
        following, foreign = next_address(answer.headers, url)
        if foreign:
            # A mirror that passes the Hub's own links on; the token must not follow them.
            self.log(f"page {number} links to {foreign}: staying at {httpx2.URL(url).host}")
        total = whole_number(answer.headers.get("X-Total-Count", ""))
        return Page(url, following, answer.body, ids, total, refused)

    def _refused(self, url: str, error: HubRefusal) -> tuple[str, ...]:
        """The `expand` values that a 400 names."""
        refused = refused_fields(error.body, httpx2.URL(url).params.get_list("expand"))
        if refused:
            self.log(f"the Hub refuses expand={', '.join(refused)}: going on without")
        return refused

    def _failure(
        self, number: int, url: str, problems: list[str], error: BaseException | None
    ) -> ListingError:
        causes = "; ".join(dict.fromkeys(problems))
        status = error.status if isinstance(error, HubRefusal) else None
        advice = {
            400: "the Hub refuses this question: check `sort` and `filter` in the config",
            401: "the token is refused: set a valid HF_TOKEN, or none",
            403: "the token may not do this: set another HF_TOKEN, or none",
            404: f"{self.endpoint} has no such listing: check HF_ENDPOINT",
        }.get(status or 0, "the pages so far are kept: run again to go on from here")
        if isinstance(error, OfflineModeIsEnabled):
            advice = "unset HF_HUB_OFFLINE to fetch"
        if isinstance(error, TooLarge):
            advice = "no page of the Hub is so large: check HF_ENDPOINT, and what is before it"
        path = httpx2.URL(url).path
        return ListingError(
            f"page {number} of {path} at {self.endpoint} failed: {causes}. {advice}.",
            permanent=status in {400, 401, 403, 404}
            or isinstance(error, OfflineModeIsEnabled | TooLarge),
        )


def page_size(url: str) -> int:
    """How many rows an address asks for: the Hub's own maximum, where it does not say."""
    return whole_number(httpx2.URL(url).params.get("limit", "")) or PAGE_SIZE


def resized(url: str, rows: int) -> str:
    """The same address with a page of that many rows at most."""
    return str(httpx2.URL(url).copy_set_param("limit", min(page_size(url), rows)))
