"""Pages of the Hub's listings `/api/models` and `/api/spaces`, one at a time.

huggingface_hub's transport (token, endpoint, retries, rate headers) without its objects: one odd
row ends `list_models`, and its cursor is lost with it. Here a page is bytes with a cursor; what
the rows say is for later (`rows`), what is kept is for `capture`.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff

from hf_assets.hub.pacing import Pacer, pacer_for
from hf_assets.hub.rows import Kind, row_ids

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
# Tries of one page for what http_backoff does not retry: time-outs, broken bodies.
TRIES = 5


class ListingError(RuntimeError):
    """A listing could not go on; the message names the page, the cause and what can be done.

    `permanent` says that the same call would fail again.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class Ask:
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
    def everything(cls, kind: Kind) -> "Ask":
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
        tell: takes lines for the run log.
    """

    endpoint: str = field(default_factory=lambda: constants.ENDPOINT)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    retry_wait: float = 1.0
    tell: Callable[[str], None] = lambda _: None
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

        A 429 waits as told and 5xx are retried by http_backoff; a page that times out twice is
        asked for with half as many rows; a body that is cut off or no JSON is asked for again; an
        `expand` value that the Hub refuses is left out.

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
            self.pacer.wait(self.tell)
            try:
                response = self._get(url)
                ids = row_ids(response.content)
            except BadRequestError as error:
                url, dropped = self._without_refused(url, number, error)
                refused += dropped
                continue
            except (httpx2.TimeoutException, _GatewayTimeout) as error:
                timeouts += 1
                problems.append(f"timed out ({type(error).__name__})")
                if timeouts == 2:
                    url = resized(url, SMALL_PAGE_SIZE)
                    self.tell(f"page {number} timed out twice: asking for {SMALL_PAGE_SIZE} rows")
                continue
            except httpx2.DecodingError as error:
                problems.append(f"cut-off body ({error})")
                continue
            except (ValueError, RecursionError) as error:
                problems.append(f"no JSON list of rows ({error})")
                continue
            except (HfHubHTTPError, httpx2.HTTPError, OfflineModeIsEnabled) as error:
                raise self._failure(number, url, [*problems, _cause(error)], error) from error
            self.pacer.heard(response.headers)
            return Page(
                url=url,
                next_url=self._next_url(response, url, number),
                body=response.content,
                ids=ids,
                total=_total(response),
                refused=refused,
            )
        raise self._failure(number, url, problems, None)

    def _get(self, url: str) -> httpx2.Response:
        response = http_backoff(
            "GET",
            url,
            params=None,  # an empty dict would wipe the query, cursor and all
            headers=build_hf_headers(library_name="hf_assets"),
            timeout=httpx2.Timeout(self.read_timeout, connect=self.connect_timeout),
            max_retries=TRIES,
            base_wait_time=self.retry_wait,
            max_wait_time=8 * self.retry_wait,
            # Time-outs and 504 come back here: they may want a smaller page, not patience.
            retry_on_exceptions=(httpx2.NetworkError, httpx2.RemoteProtocolError),
            retry_on_status_codes=(408, 429, 500, 502, 503),
        )
        if response.status_code == 504:
            raise _GatewayTimeout
        hf_raise_for_status(response)
        return response

    def _without_refused(
        self, url: str, number: int, error: BadRequestError
    ) -> tuple[str, tuple[str, ...]]:
        """The address without the `expand` values that a 400 names, and those values."""
        asked = httpx2.URL(url).params.get_list("expand")
        refused = refused_fields(error.response.text, asked)
        if not refused:
            raise self._failure(number, url, [_cause(error)], error) from error
        self.tell(f"the Hub refuses expand={', '.join(refused)}: going on without")
        return without_fields(url, refused), refused

    def _next_url(self, response: httpx2.Response, url: str, number: int) -> str | None:
        link = response.links.get("next", {}).get("url")
        if not link:
            return None
        there, here = httpx2.URL(link), httpx2.URL(self.endpoint)
        if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
            # A mirror that passes the Hub's own links on; the token must not follow them.
            self.tell(f"page {number} links to {there.host or link!r}: staying at {here.host}")
            return str(httpx2.URL(url).copy_with(query=there.query))
        return str(here.copy_with(raw_path=there.raw_path))

    def _failure(
        self, number: int, url: str, problems: list[str], error: BaseException | None
    ) -> ListingError:
        causes = "; ".join(dict.fromkeys(problems))
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
        advice = {
            400: "the Hub refuses this question: check `sort` and `filter` in the config",
            401: "the token is refused: set a valid HF_TOKEN, or none",
            403: "the token may not do this: set another HF_TOKEN, or none",
            404: f"{self.endpoint} has no such listing: check HF_ENDPOINT",
        }.get(status or 0, "the pages so far are kept: run again to go on from here")
        if isinstance(error, OfflineModeIsEnabled):
            advice = "unset HF_HUB_OFFLINE to fetch"
        path = httpx2.URL(url).path
        return ListingError(
            f"page {number} of {path} at {self.endpoint} failed: {causes}. {advice}.",
            permanent=status in {400, 401, 403, 404} or isinstance(error, OfflineModeIsEnabled),
        )


class _GatewayTimeout(Exception):
    """The Hub gave up on a page (504)."""


def refused_fields(message: str, asked: list[str]) -> tuple[str, ...]:
    """Which of the asked `expand` values a 400 names.

    The Hub answers with the list of what it would take, or with the place of what it would not;
    either is read, in that order.
    """
    about = re.findall(r"→ at (\w+)", message)
    if about and "expand" not in about:
        return ()  # the list is of what another parameter may be
    allowed = re.search(r"expected one of (.+)", message.replace('\\"', '"'), re.DOTALL)
    if allowed:
        taken = set(re.findall(r'"([^"]+)"', allowed.group(1)))
        return tuple(name for name in asked if name not in taken) if taken else ()
    if "expand" not in message and re.search(r"\b(cursor|sort|limit|filter)\b", message):
        return ()  # a field may be named for other reasons
    places = {int(at) for at in re.findall(r"expand[\[.](\d+)", message)}
    named = set(re.findall(r"[\w-]+", message))
    return tuple(name for at, name in enumerate(asked) if at in places or name in named)


def without_fields(url: str, names: tuple[str, ...]) -> str:
    """The same address with some `expand` values left out."""
    address = httpx2.URL(url)
    kept = [
        (key, value)
        for key, value in address.params.multi_items()
        if not (key == "expand" and value in names)
    ]
    return str(address.copy_with(params=kept))


def page_size(url: str) -> int:
    """How many rows an address asks for."""
    return int(httpx2.URL(url).params.get("limit", PAGE_SIZE))


def resized(url: str, rows: int) -> str:
    """The same address with a page of that many rows at most."""
    return str(httpx2.URL(url).copy_set_param("limit", min(page_size(url), rows)))


def _cause(error: BaseException) -> str:
    if isinstance(error, HfHubHTTPError):
        said = error.server_message or error.response.text[:200]
        return f"HTTP {error.response.status_code} {said}".strip()
    return f"{type(error).__name__}: {error}"


def _total(response: httpx2.Response) -> int | None:
    said = response.headers.get("X-Total-Count", "")
    return int(said) if said.isdigit() else None
