"""Requests to a Hub: authorised, paced, retried by one rule, and bounded.

Every request of this package to a Hub goes through `HubConnection`. It uses sessions as
huggingface_hub makes them (token, proxies, offline mode) without its `http_backoff`, which waits
for as long as a header says and reads a body of any size.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers

from hf_assets.errors import CleanRecords, HfAssetsError, clean
from hf_assets.hub.client.pacing import LONGEST_PAUSE, Pacer, pacer_for, rate_limit
from hf_assets.hub.client.sessions import SESSIONS
from hf_assets.transport import Answer, BrokenBody, TooLarge, fetch, retry_after

# Retries of a busy Hub or a broken connection; tries of an unusable answer.
RETRIES = 5
# A page of a thousand rows has 1 to 3 MB.
MAX_BYTES = 128 << 20
# Within which a complete answer arrives over a slow link: a page, and a row group of a file, which
# has hundreds of MB.
ANSWER_SECONDS, RANGE_SECONDS = 300.0, 900.0
_BUSY = (408, 429, 500, 502, 503)
_GATEWAY_TIMEOUT = 504
_PARTIAL_CONTENT = 206
# The same request would be refused again.
_REFUSED = (400, 401, 403, 404, 410, 416, 451)
_ADVICE = {
    401: "the token is refused: set a valid HF_TOKEN, or none",
    403: "the token may not do this: set another HF_TOKEN, or none",
}

T = TypeVar("T")

for _name in ("huggingface_hub.utils._http", "httpx2"):
    logging.getLogger(_name).addFilter(CleanRecords())


class HubError(HfAssetsError):
    """A Hub gave no usable answer, or must not be asked.

    Args:
        causes: clean text, without a full stop.
        advice: what a person can do; None where only time helps.
        permanent: a retry would fail in the same way.
        status: of the HTTP error that ended the request, if one did.
        body: of that error, as served.
    """

    def __init__(
        self,
        causes: str,
        advice: str | None,
        *,
        permanent: bool,
        status: int | None = None,
        body: str = "",
    ) -> None:
        self.causes, self.advice, self.status, self.body = causes, advice, status, body
        super().__init__(f"{causes}: {self.advice_or()}.", permanent=permanent)

    def advice_or(
        self, default: str = "run again later", by_status: Mapping[int, str] | None = None
    ) -> str:
        """The advice for a person.

        Args:
            default: where neither the caller nor the connection has any.
            by_status: of the caller, which knows more about its own addresses.
        """
        return (by_status or {}).get(self.status or 0) or self.advice or default


class _Refusal(Exception):
    """An HTTP error; the text is clean."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status} {clean(answer.error_text)}".strip())
        self.status = answer.status
        self.body = answer.body.decode(errors="replace")


@dataclass
class HubConnection:
    """Asks one Hub.

    The retry rule. A busy Hub (408, 429, 500, 502, 503) and a broken connection: after as many
    seconds as the answer says, within bounds, else after `retry_wait`, twice as long each time, up
    to 8 times; at most `retries` times. A time-out (504 too) and a body that is cut off or invalid:
    the same waits, at most `retries` tries. Any other error ends the request.

    Args:
        endpoint: e.g. https://huggingface.co; default: HF_ENDPOINT as huggingface_hub read it.
        connect_timeout, read_timeout: seconds.
        retry_wait: seconds before the first retry.
        retries: 0 asks once.
        total_timeout: seconds for a complete answer, as a byte a minute never times out; default:
            300 (900 for a range of a file), or twice `read_timeout` where that is more.
        max_bytes: of an answer, unpacked.
        log: takes lines for the run log.
        pacer: default: the process's pacer of that endpoint.

    Raises:
        HubError: the endpoint holds a user or password.
    """

    endpoint: str = field(default_factory=lambda: constants.ENDPOINT)
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    retry_wait: float = 1.0
    retries: int = RETRIES
    total_timeout: float | None = None
    max_bytes: int = MAX_BYTES
    log: Callable[[str], None] = lambda _: None
    pacer: Pacer = field(default=None)  # ty: ignore[invalid-assignment]
    # Bytes of all answers; several threads add to it.
    fetched: int = field(default=0, init=False)
    _adding: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self.endpoint = self.endpoint.rstrip("/")
        if httpx2.URL(self.endpoint).userinfo:
            # Messages, journals and figures name the endpoint.
            raise HubError(
                "HF_ENDPOINT holds a user or password",
                "put a token into HF_TOKEN instead",
                permanent=True,
            )
        if self.pacer is None:
            self.pacer = pacer_for(self.endpoint)

    def get(
        self,
        url: str,
        read: Callable[[Answer], T],
        *,
        form: dict | None = None,
        span: tuple[int, int] | None = None,
        broken: str = "a broken body",
        after_timeout: Callable[[int], str] | None = None,
    ) -> T:
        """Ask until there is an answer that `read` takes, by the retry rule.

        Args:
            url: absolute, with its query.
            read: the result of an answer; a ValueError means that the body is invalid.
            form: sent by POST.
            span: the first byte of a file and the one after the last: asks for this range. Ranges
                have a quota of their own on the Hub: the pacer does not count them.
            broken: the name of a body that does not unpack, in messages.
            after_timeout: gets the number of time-outs so far; returns the address to ask next.

        Raises:
            HubError: retries did not help.
        """
        problems: list[str] = []
        timeouts = 0
        while True:
            try:
                answer = self._patient_answer(url, form, span)
                with self._adding:
                    self.fetched += len(answer.body)
                return read(answer)
            except (
                *(_Refusal, httpx2.HTTPError, OfflineModeIsEnabled),
                *(ValueError, RecursionError),
            ) as error:
                problem, retry = _problem(error, broken)
                problems.append(problem)
                if not retry or len(problems) >= self.retries:
                    raise _error(problems, error, retry=retry) from None
                if _timed_out(error):
                    timeouts += 1
                    url = after_timeout(timeouts) if after_timeout else url
            time.sleep(self._wait(len(problems) - 1))

    def _patient_answer(self, url: str, form: dict | None, span: tuple[int, int] | None) -> Answer:
        """The answer of a Hub that was neither busy nor unreachable. _Refusal for an error."""
        for tries in range(self.retries + 1):
            try:
                answer = self._paced_answer(url, form, span)
            except (httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
                if tries == self.retries:
                    raise
                self._pause(tries, None, clean(f"{type(error).__name__}: {error}"))
                continue
            if answer.status < 400:
                return _checked_range(url, answer, span)
            if answer.status not in _BUSY or tries == self.retries:
                raise _Refusal(answer)
            self._pause(tries, _requested_wait(answer), f"HTTP {answer.status}")
        raise AssertionError

    def _paced_answer(self, url: str, form: dict | None, span: tuple[int, int] | None) -> Answer:
        if span is not None:
            return self._answer(url, form, span)
        with self.pacer.request(self.log):
            answer = self._answer(url, form, span)
            # What a refusal says of the window is the wait of its retry.
            if answer.status < 400:
                self.pacer.update(answer.headers)
            return answer

    def _answer(self, url: str, form: dict | None, span: tuple[int, int] | None) -> Answer:
        headers = {**build_hf_headers(library_name="hf_assets"), "Accept-Encoding": "gzip"}
        if span:
            headers |= {"Range": f"bytes={span[0]}-{span[1] - 1}", "Accept-Encoding": "identity"}
        seconds = max(RANGE_SECONDS if span else ANSWER_SECONDS, 2 * self.read_timeout)
        with SESSIONS.session() as session:
            return fetch(
                session,
                "POST" if form else "GET",
                url,
                headers=headers,
                data=form,
                timeout=httpx2.Timeout(self.read_timeout, connect=self.connect_timeout),
                seconds=seconds if self.total_timeout is None else self.total_timeout,
                max_bytes=span[1] - span[0] if span else self.max_bytes,
                only_status=_PARTIAL_CONTENT if span else None,
                abort=session.close,
            )

    def _wait(self, tries: int) -> float:
        """Seconds before the next try, where no header says."""
        return self.retry_wait * 2 ** min(tries, 3)

    def _pause(self, tries: int, requested: float | None, cause: str) -> None:
        pause, more = self._wait(tries), ""
        if requested is not None:
            # A second more than requested: the header has whole seconds.
            pause = min(requested, LONGEST_PAUSE) + 1
            if requested > LONGEST_PAUSE:
                more = f", where {requested:.0f} s are asked for"
        if pause >= 1:
            self.log(f"{cause}: again in {pause:.0f} s{more}")
        time.sleep(pause)


def _checked_range(url: str, answer: Answer, span: tuple[int, int] | None) -> Answer:
    """The answer, if it is the range. ValueError where bytes are missing."""
    if span is None:
        return answer
    if answer.status != _PARTIAL_CONTENT:
        address = httpx2.URL(url)
        raise HubError(
            f"{address.host} answers a range of {address.path} with {answer.status}, not 206: it "
            "would send the whole file",
            "use another endpoint (HF_ENDPOINT)",
            permanent=True,
        )
    if len(answer.body) != span[1] - span[0]:
        raise ValueError(f"{len(answer.body)} bytes instead of {span[1] - span[0]}")
    return answer


def _requested_wait(answer: Answer) -> float | None:
    """Seconds that a busy Hub asks to wait, if it says."""
    limit = rate_limit(answer.headers) if answer.status == 429 else None
    if limit and limit.remaining == 0:
        return float(min(limit.reset_in_seconds, 10**9))
    return retry_after(answer.headers)


def _timed_out(error: Exception) -> bool:
    status = error.status if isinstance(error, _Refusal) else None
    return status == _GATEWAY_TIMEOUT or isinstance(error, httpx2.TimeoutException)


def _problem(error: Exception, broken: str) -> tuple[str, bool]:
    """The problem in words, and whether to ask again."""
    if _timed_out(error):
        name = _GATEWAY_TIMEOUT if isinstance(error, _Refusal) else type(error).__name__
        return f"timed out ({name})", True
    if isinstance(error, _Refusal):
        return str(error), False
    if isinstance(error, TooLarge):
        return f"a body {error}", False
    if isinstance(error, BrokenBody):
        return f"{broken} ({error})", True
    if isinstance(error, httpx2.DecodingError):
        return f"cut-off body ({clean(error)})", True
    if isinstance(error, ValueError | RecursionError):
        return clean(error), True
    return clean(f"{type(error).__name__}: {error}"), False


def _error(problems: list[str], error: Exception, *, retry: bool) -> HubError:
    """The error that ends a request after these problems.

    Args:
        problems: each try's, oldest first.
        error: of the last try.
        retry: it is an error that another try may mend.
    """
    causes = "; ".join(dict.fromkeys(problems))
    if isinstance(error, OfflineModeIsEnabled):
        return HubError(causes, "unset HF_HUB_OFFLINE to fetch", permanent=True)
    if isinstance(error, TooLarge):
        return HubError(causes, "check HF_ENDPOINT, and any proxy before it", permanent=True)
    if retry or not isinstance(error, _Refusal):
        return HubError(causes, None, permanent=False)
    return HubError(
        causes,
        _ADVICE.get(error.status),
        permanent=error.status in _REFUSED,
        status=error.status,
        body=error.body,
    )
