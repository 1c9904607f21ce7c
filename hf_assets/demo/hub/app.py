"""The embedded Hub: a Starlette application that answers as huggingface.co does to listings.

Known to differ from the live Hub: an unknown repository is a 404 with `X-Error-Code: RepoNotFound`
for everyone, where the live Hub tells an anonymous caller 401 (over plain HTTP huggingface_hub
cannot read that as "no such repository"); a repository asked for by its former name is answered
at once, not by a redirect.
"""

import re
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.demo.hub import cursors, trees
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.hub.prerendered import PrerenderedHub
from hf_assets.demo.hub.queries import BadQuery, ListingQuery, read_fields, read_listing
from hf_assets.demo.hub.refusals import RATE_LIMITED, TOKEN, bad_credentials, refused
from hf_assets.demo.hub.router import models_of
from hf_assets.demo.hub.under_way import UnderWay
from hf_assets.demo.hub_stats.app import HubStats, no_such_dataset
from hf_assets.demo.repositories.app import RepositoryService
from hf_assets.demo.service.switches import At
from hf_assets.demo.service.wire import (
    Delivery,
    HubResponse,
    Quota,
    RateLimiter,
    error_response,
    json_response,
)
from hf_assets.demo.world.source import SORTS, HubSource, Keyset, Kind, Listing

_REMEMBERED = 200_000  # requests kept in app.state.requests
_DELIVERIES: tuple[Delivery, ...] = ("stall", "stall_body", "trickle", "cut", "cut_chunked")
_RESOLVED = re.compile(r"^/(datasets|spaces)/[^/]+/[^/]+/resolve/")
_REVISION = re.compile(r"/revision/[^/]+$")


class Served(NamedTuple):
    """One request that was answered; a stalled one is here as soon as it is taken."""

    method: str
    path: str
    query: str
    status: int


@dataclass(frozen=True)
class _Page:
    number: int
    total: int
    body: bytes  # JSON, not compressed; empty where `gzipped` is given
    gzipped: bytes | None
    next_cursor: str | None


def create_app(
    source: HubSource,
    faults: Faults | None = None,
    *,
    rate_limit: int = 500,
    window: float = 300.0,
    latency: float = 0.0,
    archive: HubStats | None = None,
    repositories: RepositoryService | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The Hub over these rows.

    `app.state.requests` is the list of `Served` requests, newest last; `app.state.faults`,
    `app.state.source` and `app.state.archive` are the objects given, and can be changed while
    serving; `app.state.under_way` counts requests at once.

    Args:
        source: the rows.
        faults: what goes wrong; nothing if None.
        rate_limit: requests a window without a token, and six times as many for files (the Hub's
            "resolvers"); twice and ten times as many with one.
        window: seconds.
        latency: seconds before each answer of the listings.
        archive: the dataset of past days; without one there is no dataset.
        repositories: datasets that can be written to.
        clock: seconds, monotonic, by which windows end.
    """
    hub = _Hub(source, faults or Faults(), rate_limit, window, latency, RateLimiter(clock))
    under_way = UnderWay()
    app = Starlette(
        middleware=[Middleware(under_way.counted)],
        routes=[
            Route("/", hub.answers(hub.front)),
            Route("/api/models", hub.answers(hub.listing_of("models"))),
            Route("/api/spaces", hub.answers(hub.listing_of("spaces"))),
            *trees.routes(hub.answers, source, latency),
            Route("/api/models/{repo:path}", hub.answers(hub.info_of("models"))),
            Route("/api/spaces/{repo:path}", hub.answers(hub.info_of("spaces"))),
            *(
                Route(path, hub.answers(answer), methods=methods)
                for one in (archive, repositories)
                for path, methods, answer in (one.routes if one else ())
            ),
            # After the archive's own routes, which are a dataset's, too.
            Route("/api/datasets", hub.answers(hub.listing_of("datasets"))),
            Route("/api/datasets/{repo:path}", hub.answers(hub.info_of("datasets"))),
            Route("/datasets/{rest:path}", hub.answers(no_such_dataset)),
            Route("/v1/models", hub.answers(models_of(source))),
            # huggingface_hub asks /api/agent-harnesses once a day and lives with a 404.
            Route("/{rest:path}", hub.answers(hub.missing)),
        ],
    )
    app.state.requests = hub.requests
    app.state.faults = hub.faults
    app.state.source = source
    app.state.archive = archive
    app.state.under_way = under_way
    return app


_Handler = Callable[[Request, dict[str, str]], Awaitable[HubResponse]]


class _Hub:
    def __init__(
        self,
        source: HubSource,
        faults: Faults,
        rate_limit: int,
        window: float,
        latency: float,
        limiter: RateLimiter,
    ) -> None:
        self.source, self.faults = source, faults
        self.requests: list[Served] = []
        self._rate_limit, self._window, self._latency = rate_limit, window, latency
        self._limiter = limiter

    def answers(self, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler behind the authorisation and the rate limit, which hold for every path."""

        async def answer(request: Request) -> Response:
            quota = self._count(request)
            headers = quota.headers()
            if not quota.allowed and (
                quota.bucket != "api" or request.url.path.startswith("/api/")
            ):
                response = error_response(429, RATE_LIMITED, headers)
            elif complaint := bad_credentials(request):
                response = error_response(401, complaint, headers)
            else:
                response = await handler(request, headers)
            if len(self.requests) >= _REMEMBERED:
                del self.requests[: _REMEMBERED // 2]
            self.requests.append(
                Served(request.method, request.url.path, request.url.query, response.status_code)
            )
            return response

        return answer

    def _count(self, request: Request) -> Quota:
        limit, window = self.faults.rate_limit or (self._rate_limit, self._window)
        token = request.headers.get("authorization", "")
        known = TOKEN.fullmatch(token) is not None
        caller = token if known else (request.client.host if request.client else "")
        if _RESOLVED.search(request.url.path):
            limit *= 10 if known else 6
            return self._limiter.count(caller, limit, window, "resolvers")
        return self._limiter.count(caller, limit * 2 if known else limit, window)

    async def front(self, _request: Request, headers: dict[str, str]) -> HubResponse:
        """A page for a person who looks."""
        body = (
            f"<!DOCTYPE html><title>Embedded Hub</title><p>{self.source.total('models')} models, "
            f"{self.source.total('spaces')} Spaces, {self.source.total('datasets')} datasets: "
            + ", ".join(f"<a href='/api/{kind}?limit=10'>/api/{kind}</a>" for kind in SORTS)
        )
        return HubResponse(
            body.encode(), headers={**headers, "Content-Type": "text/html; charset=utf-8"}
        )

    async def missing(self, _request: Request, headers: dict[str, str]) -> HubResponse:
        """404."""
        return error_response(404, "Sorry, we can't find the page you are looking for.", headers)

    def info_of(self, kind: Kind) -> _Handler:
        """One repository."""

        async def info(request: Request, headers: dict[str, str]) -> HubResponse:
            repo = _REVISION.sub("", request.path_params["repo"])
            try:
                fields = read_fields(kind, request.query_params)
            except BadQuery as error:
                return error_response(400, str(error), headers)
            row = await run_in_threadpool(self.source.row, kind, repo, fields)
            if row is None:
                headers = {**headers, "X-Error-Code": "RepoNotFound"}
                return error_response(404, "Repository not found", headers)
            return json_response(request, row, headers, delay=self._latency)

        return info

    def listing_of(self, kind: Kind) -> _Handler:
        """A page of a listing."""

        async def listing(request: Request, headers: dict[str, str]) -> HubResponse:
            try:
                query = read_listing(kind, request.query_params, self.faults.refused_expand)
                return await run_in_threadpool(self._listed, request, query, headers)
            except BadQuery as error:
                return error_response(400, str(error), headers)

        return listing

    def _listed(
        self, request: Request, query: ListingQuery, headers: dict[str, str]
    ) -> HubResponse:
        faults, kind, delay = self.faults, query.kind, self._latency + self.faults.latency
        if isinstance(self.source, PrerenderedHub) and not faults.change_rows:
            ready = self.source.ready(query)
            if ready is not None:
                page = _Page(ready.number, ready.total, b"", ready.gzipped, ready.next_cursor)
                refusal = refused(faults, request, kind, page.number, headers, delay)
                return refusal or self._delivered(request, query, page, headers, delay)
        listing = self.source.listing(kind, query.sort, query.where)
        try:
            position = listing.locate(query.after)
        except (ValueError, OverflowError, TypeError) as error:
            raise BadQuery("Invalid cursor") from error
        moved = self.faults.old_cursors.get(query.cursor or "", 0)
        if moved is None:
            raise BadQuery("Invalid cursor")
        position += moved
        # A few rows come and go between two pages: the nearest whole page is meant.
        number = (position + query.limit // 2) // query.limit + 1
        if faults.slow_above_limit is not None and query.limit > faults.slow_above_limit:
            faults.count("slow_above_limit")
            return error_response(
                504, "Gateway Timeout", headers, delay=faults.slow_seconds + delay
            )
        if refusal := refused(faults, request, kind, number, headers, delay):
            return refusal
        if faults.take("empty_page", number, kind):
            before = listing.page(position - 1, 1, frozenset(("_id",)))[1] if position else None
            cursor = cursors.encode(query.sort, before or _before_all(query.sort), variant=True)
            page = _Page(number, listing.total, b"[]", None, cursor)
        elif faults.take("numbers", number, kind):
            page = _Page(number, listing.total, b"[1, 2, 3]", None, None)
        else:
            page = self._page(listing, query, position, number)
        return self._delivered(request, query, page, headers, delay)

    def _page(self, listing: Listing, query: ListingQuery, position: int, number: int) -> _Page:
        limit, fields = query.limit, query.fields
        repeated: list[bytes] = []
        rule = self.faults.take("duplicates", number - 1, query.kind) if number > 1 else None
        if rule is not None:
            share = 0.01 if rule.value is None else rule.value
            count = min(max(round(share * limit), 1), position, limit - 1)
            repeated = listing.page(position - count, count, fields)[0]
        rows, last = listing.page(position, limit - len(repeated), fields)
        more = position + len(rows) < listing.total
        rows = repeated + rows
        if rule := self.faults.take("ends_early", number, query.kind):
            rows = rows[: round(len(rows) * (1 / 3 if rule.value is None else rule.value))]
            more = False
        odd = self.faults.odd_rows.get(query.kind)
        if odd and self.faults.odd_page in (None, number):
            self.faults.count("odd_rows")
            step = max(len(rows) // (len(odd) + 1), 1)
            for nth, raw in enumerate(odd):
                rows.insert(min((nth + 1) * step + nth, len(rows)), raw)
        body = b"[" + b",".join(rows) + b"]"
        cursor = cursors.encode(query.sort, last) if more and last is not None else None
        return _Page(number, listing.total, body, None, cursor)

    def _delivered(
        self,
        request: Request,
        query: ListingQuery,
        page: _Page,
        headers: dict[str, str],
        delay: float,
    ) -> HubResponse:
        faults, kind, number = self.faults, query.kind, page.number
        # What the Hub gives it takes.
        faults.old_cursors.pop(page.next_cursor or "", None)
        if page.next_cursor is not None and not faults.take("no_link", number, kind):
            link = faults.odd_link or self._link(request, query, page)
            headers = {**headers, "Link": link}
        if not faults.no_total:
            headers = {**headers, "X-Total-Count": faults.odd_total or str(page.total)}
        body, gzipped = page.body, page.gzipped
        broken = faults.take("broken_json", number, kind)
        garbled = faults.take("garbled_json", number, kind)
        bloat = faults.take("bloat", number, kind)
        if gzipped is not None and (broken or garbled or bloat):
            body, gzipped = zlib.decompress(gzipped, 31), None
        if bloat:
            body += b" " * int(900_000_000 if bloat.value is None else bloat.value)
        if broken or garbled:
            half = len(body) // 2
            body = body[:half] if broken else body[:half] + b'\x00}"]\xff' + body[half + 5 :]
        delivery: Delivery = "whole"
        rule: At | None = None
        for name in _DELIVERIES:
            if rule := faults.take(name, number, kind):
                delivery = name
                break
        value = rule.value if rule else None
        cut = faults.take("cut_gzip", number, kind)
        return json_response(
            request, body, headers, gzipped=gzipped, delay=delay, delivery=delivery, value=value,
            gzip_share=None if cut is None else (0.5 if cut.value is None else cut.value),
            members=2 if faults.take("two_members", number, kind) else 1,
        )  # fmt: skip

    def _link(self, request: Request, query: ListingQuery, page: _Page) -> str:
        cursor = page.next_cursor
        if self.faults.take("cursor_loop", page.number, query.kind):
            cursor = query.cursor
        left_out = {"cursor", "again"}
        params = [(k, v) for k, v in request.query_params.multi_items() if k not in left_out]
        if self.faults.take("stale", page.number, query.kind):
            cursor = query.cursor
            params.append(("again", str(self.faults.fired["stale"])))
        if cursor is not None:
            params.append(("cursor", cursor))
        base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
        if self.faults.take("foreign_link", page.number, query.kind):
            base = self.faults.foreign_host
        return f'<{base}{request.url.path}?{urlencode(params)}>; rel="next"'


def _before_all(sort: str) -> Keyset:
    highest = "9999-12-31T23:59:59.000Z" if sort in ("createdAt", "lastModified") else 10**15
    return Keyset(highest, "0" * 24)
