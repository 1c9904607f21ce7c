"""The embedded Stack Exchange API: `/2.3/questions` as strict, and as moody, as the real one.

Bodies are gzip whether asked for or not; errors are JSON under HTTP 400; quota, `backoff`, the ban
above 30 requests a second and the wall behind page 25 are kept count of.

Known to differ: `sort` is by creation or activity alone (which are one here), other filters than
`default` and `withbody` are refused, and one method is all there is.
"""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hf_assets.demo.labels.question_sources import Item, QuestionSource
from hf_assets.demo.service.switches import At, Switches
from hf_assets.demo.service.wire import HubResponse, compressed

QUOTA, QUOTA_WITH_KEY = 300, 10_000
LAST_PAGE = 25
# More requests than this within a second are answered with a ban of so many seconds.
BURST, BAN = 30, 30.0
_DAY = 86_400
# What no question looks like: null, no id, no tags, tags that are no list, half a letter.
ODD_ITEMS = (
    "null",
    '{"creation_date": 1763510400, "title": "t", "tags": ["a"]}',
    '{"question_id": 1, "creation_date": 1763510400, "title": "t"}',
    '{"question_id": 1, "creation_date": 1763510400, "title": "t", "tags": "a"}',
    '{"question_id": 1, "creation_date": 1763510400, "title": "\\ud800", "tags": ["a"]}',
)
_NUMBER = re.compile(r"[0-9]{1,12}")
_KEY = re.compile(r"[A-Za-z0-9()*]{8,32}")
_HEADERS = {
    "Cache-Control": "private",
    "Content-Type": "application/json; charset=utf-8",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Credentials": "false",
    "X-Content-Type-Options": "nosniff",
}
_HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Oops</body></html>"


@dataclass
class QuestionFaults(Switches):
    """What goes wrong with the embedded API; `page` of a rule is the page asked for."""

    # throttle_violation under `throttle_status`: more requests in `value` seconds (2 by default).
    throttle: list[At] = field(default_factory=list)
    # No byte for `value` seconds, an hour by default.
    stall: list[At] = field(default_factory=list)
    # A gzip stream that ends at the share `value` of it, half by default.
    cut_gzip: list[At] = field(default_factory=list)
    # JSON that stops in the middle.
    broken_json: list[At] = field(default_factory=list)
    # Status 200 and an error page.
    html: list[At] = field(default_factory=list)
    # A healthy answer that asks for `value` seconds of rest, 10 by default.
    backoff: list[At] = field(default_factory=list)
    # No items, and `has_more`.
    empty_page: list[At] = field(default_factory=list)
    # Questions of the day before among the day's.
    wrong_day: list[At] = field(default_factory=list)
    throttle_status: int = 400
    # Requests a day, instead of 300 or 10 000; 0 is none at all.
    quota: int = -1
    # Whether an equal request within a minute is throttled.
    no_repeats: bool = False
    # `odd_items` before the page's own, as they are.
    odd: list[At] = field(default_factory=list)
    odd_items: tuple[str, ...] = ODD_ITEMS


class Asked(NamedTuple):
    """One request that was answered: at which second of the API's clock, and how."""

    at: float
    query: Mapping[str, str]
    status: int


class _Refusal(Exception):
    def __init__(self, number: int, name: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.number, self.name, self.message, self.status = number, name, message, status


def _throttled(message: str, status: int = 400) -> _Refusal:
    return _Refusal(502, "throttle_violation", message, status)


def create_app(
    source: QuestionSource,
    faults: QuestionFaults | None = None,
    *,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The API over these questions; those that are still to be asked are not shown.

    `app.state.requests` is the list of what was `Asked`, newest last; `app.state.faults` can be
    changed while serving.

    Args:
        source: the questions.
        faults: what goes wrong; nothing if None.
        clock: Unix seconds.
    """
    api = _Api(source, faults or QuestionFaults(), clock)
    app = Starlette(
        routes=[Route("/2.3/questions", api.questions), Route("/{rest:path}", api.no_method)]
    )
    app.state.requests, app.state.faults = api.requests, api.faults
    return app


@dataclass
class _Caller:
    """What the API remembers of a key or an address."""

    day: int
    used: int = 0
    recent: deque[float] = field(default_factory=deque)
    banned_until: float = 0.0
    rest_until: float = 0.0
    questions: dict[str, float] = field(default_factory=dict)


class _Api:
    def __init__(
        self, source: QuestionSource, faults: QuestionFaults, clock: Callable[[], float]
    ) -> None:
        self.source, self.faults, self._clock = source, faults, clock
        self.requests: list[Asked] = []
        self._callers: dict[str, _Caller] = {}

    async def no_method(self, _request: Request) -> Response:
        """Anything but /2.3/questions."""
        return _answer(_error(_Refusal(404, "no_method", "no method found with this name")), 404)

    async def questions(self, request: Request) -> Response:
        """A page of questions, or why there is none."""
        query, now = dict(request.query_params), self._clock()
        page = int(query["page"]) if _NUMBER.fullmatch(query.get("page", "")) else 1
        try:
            caller, quota = self._admit(request, query, page, now)
            response = self._out_of_order(page)
            if response is None:
                response = await run_in_threadpool(self._page, query, caller, quota, now)
        except _Refusal as refusal:
            response = _answer(_error(refusal), refusal.status)
        self.requests.append(Asked(now, query, response.status_code))
        return response

    def _admit(
        self, request: Request, query: dict[str, str], page: int, now: float
    ) -> tuple[_Caller, int]:
        """The caller and its quota, one request counted; or a refusal."""
        key = query.get("key")
        if key is not None and not _KEY.fullmatch(key):
            raise _Refusal(400, "bad_parameter", "`key` doesn't match a known application")
        name = key or (request.client.host if request.client else "")
        today = int(now // _DAY)
        caller = self._callers.setdefault(name, _Caller(today))
        if caller.day != today:
            caller.day, caller.used = today, 0
        quota = QUOTA_WITH_KEY if key else QUOTA
        quota = self.faults.quota if self.faults.quota >= 0 else quota
        if rule := self.faults.take("throttle", page):
            seconds = 2 if rule.value is None else int(rule.value)
            raise _too_many(seconds, self.faults.throttle_status)
        caller.recent.append(now)
        while caller.recent[0] <= now - 1:
            caller.recent.popleft()
        if len(caller.recent) > BURST:
            caller.banned_until = now + BAN
        if now < caller.banned_until:
            raise _too_many(int(caller.banned_until - now) + 1)
        if caller.used >= quota:
            raise _too_many(int((today + 1) * _DAY - now) + 1)
        if now < caller.rest_until:
            raise _throttled("Violation of backoff parameter")
        asked = json.dumps(query, sort_keys=True)
        if self.faults.no_repeats and now - caller.questions.get(asked, float("-inf")) < 60:
            self.faults.count("no_repeats")
            raise _throttled("the same request was made less than a minute ago")
        caller.questions[asked] = now
        caller.used += 1
        return caller, quota

    def _out_of_order(self, page: int) -> Response | None:
        """What the faults put in the place of an answer."""
        faults = self.faults
        if status := faults.take_error(page):
            return _answer(_HTML, status, {"Content-Type": "text/html"})
        if faults.take("html", page):
            return _answer(_HTML, 200, {"Content-Type": "text/html"})
        return None

    def _page(self, query: dict[str, str], caller: _Caller, quota: int, now: float) -> Response:
        faults, page = self.faults, _number(query, "page", 1, 1, 10**6)
        items, more = self._items(query, page, now)
        if faults.take("empty_page", page):
            items, more = [], True
        if faults.take("wrong_day", page):
            items = [{**item, "creation_date": item["creation_date"] - _DAY} for item in items]
        envelope: dict[str, Any] = {
            "items": items,
            "has_more": more,
            "quota_max": quota,
            "quota_remaining": quota - caller.used,
        }
        if rule := faults.take("backoff", page):
            envelope["backoff"] = 10 if rule.value is None else int(rule.value)
            caller.rest_until = now + envelope["backoff"]
        body = json.dumps(envelope, ensure_ascii=False).encode()
        if faults.take("odd", page):
            odd = ",".join([*faults.odd_items, ""]).encode()
            body = body.replace(b'{"items": [', b'{"items": [' + (odd if items else odd[:-1]), 1)
        if faults.take("broken_json", page):
            body = body[: len(body) // 2]
        stall, cut = faults.take("stall", page), faults.take("cut_gzip", page)
        share = None if cut is None else (0.5 if cut.value is None else cut.value)
        return _answer(body, share=share, stall=stall)

    def _items(self, query: dict[str, str], page: int, now: float) -> tuple[list[Item], bool]:
        """The questions of that page as asked for, and whether there are more."""
        site = query.get("site")
        if site is None:
            raise _Refusal(400, "bad_parameter", "site is required")
        if site not in self.source.sites:
            raise _Refusal(400, "bad_parameter", f"No site found for name `{site}`")
        size = _number(query, "pagesize", 30, 0, 100)
        first = _number(query, "fromdate", 0, 0, 2**33)
        last = min(_number(query, "todate", 2**33, 0, 2**33), int(now))
        order = _choice(query, "order", ("desc", "asc"))
        _choice(query, "sort", ("activity", "creation"))
        chosen = _choice(query, "filter", ("default", "withbody"))
        if page > LAST_PAGE and "key" not in query:
            message = f"page above {LAST_PAGE} requires access token or app key"
            raise _Refusal(403, "access_denied", message)
        total = self.source.count(site, first, last) if first <= last else 0
        start, stop = min((page - 1) * size, total), min(page * size, total)
        if order == "asc":
            items = self.source.items(site, first, last, start, stop)
        else:
            items = self.source.items(site, first, last, total - stop, total - start)[::-1]
        if chosen == "default":
            items = [{k: v for k, v in item.items() if k != "body"} for item in items]
        return items, stop < total


def _number(query: dict[str, str], name: str, usual: int, low: int, high: int) -> int:
    text = query.get(name)
    if text is None:
        return usual
    if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
        raise _Refusal(400, "bad_parameter", name)
    return int(text)


def _choice(query: dict[str, str], name: str, known: tuple[str, ...]) -> str:
    """One of the known values, the first where none is given."""
    if query.get(name, known[0]) not in known:
        raise _Refusal(400, "bad_parameter", name)
    return query.get(name, known[0])


def _too_many(seconds: int, status: int = 400) -> _Refusal:
    return _throttled(
        f"too many requests from this IP, more requests available in {seconds} seconds", status
    )


def _error(refusal: _Refusal) -> bytes:
    return json.dumps(
        {
            "error_id": refusal.number,
            "error_message": refusal.message,
            "error_name": refusal.name,
        }
    ).encode()


def _answer(
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    share: float | None = None,
    stall: At | None = None,
) -> HubResponse:
    """A body on the wire, gzip whatever the client asked for."""
    packed = compressed(body)
    if share is not None:
        packed = packed[: int(len(packed) * share)]
    response = HubResponse(
        packed,
        status,
        delivery="whole" if stall is None else "stall",
        delivery_value=None if stall is None else stall.value,
    )
    # Its transport, without the Hub's headers.
    response.init_headers(
        {
            **_HEADERS,
            "Content-Encoding": "gzip",
            "Content-Length": str(len(packed)),
            **(headers or {}),
        }
    )
    return response
