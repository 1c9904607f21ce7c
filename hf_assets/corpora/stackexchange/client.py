"""One request to the Stack Exchange API: retries, throttles, errors, the key.

`questions.py` chooses the requests and reads the items of an answer.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import msgspec

from hf_assets.corpora.stackexchange.pacing import Pace, pace_for
from hf_assets.corpora.stackexchange.sites import Site
from hf_assets.errors import InputError, clean
from hf_assets.transport import Answer as Received
from hf_assets.transport import TooLarge, TooSlow, fetch, retry_after

ENDPOINT = "https://api.stackexchange.com"
_PATH = "/2.3/questions"
# Tries of one request; the pauses between them are 1, 2 and 4 minutes (`pace`).
TRIES = 4
# The API's own numbers (api.stackexchange.com/docs/error-handling) for what a retry may mend.
_THROTTLED, _TRANSIENT = 502, (500, 503)
# A page of 100 questions has under 1 MB.
MOST_BYTES = 64 << 20
# No date is further away than that.
_FAR = 10 * 365 * 86_400.0
_KEY = re.compile(r"(\bkey=)[^&\s\"'>]+")


class StackExchangeError(InputError):
    """The API could not be read; `permanent`: the same call would fail again, at least today."""


class _WithoutKey(logging.Filter):
    """httpx2 logs each address: without the key that is in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _KEY.sub(r"\1***", record.getMessage()), ()
        return True


logging.getLogger("httpx2").addFilter(_WithoutKey())


class _Envelope(msgspec.Struct):
    items: list[msgspec.Raw] | None = None
    has_more: bool = False
    backoff: float | None = None
    quota_max: int | None = None
    quota_remaining: int | None = None
    error_id: int | None = None
    error_name: str = ""
    error_message: str = ""


@dataclass(frozen=True)
class Answer:
    """One answer: its items as JSON, and what it took to get it."""

    items: list[bytes]
    has_more: bool
    quota_max: int | None
    quota_remaining: int | None
    requests: int


@dataclass
class QuestionClient:
    """Asks one site for questions.

    Args:
        endpoint: e.g. https://api.stackexchange.com.
        site: by name (ai, meta.ai, stackoverflow) or host.
        key: of an app registered at stackapps.com; raises the quota from 300 to 10 000 a day.
        connect_timeout, read_timeout: seconds.
        total_timeout: seconds for one answer as a whole.
        longest_wait: seconds of a `backoff` or a throttle that are waited out; longer ones fail.
        now: the time.
        log: takes lines for the run log.
        pace: default: the one of this process for that endpoint.

    Raises:
        NoSite: no such site.
        StackExchangeError: an endpoint with a password in it.
    """

    endpoint: str = ENDPOINT
    site: str = "datascience"
    key: str | None = field(default=None, repr=False)
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    total_timeout: float = 300.0
    longest_wait: float = 180.0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    log: Callable[[str], None] = lambda _: None
    pace: Pace = field(default=None)  # ty: ignore[invalid-assignment]

    def __post_init__(self) -> None:
        self.endpoint, self.key = self.endpoint.rstrip("/"), self.key or None
        self.site = Site.of(self.site).name
        if httpx2.URL(self.endpoint).userinfo:
            # It would be told in every message and in the provenance.
            raise StackExchangeError("the endpoint holds a user or password.", permanent=True)
        if self.pace is None:
            self.pace = pace_for(self.endpoint)

    def connection(self) -> httpx2.Client:
        """A connection to use for the requests of one walk."""
        timeout = httpx2.Timeout(self.read_timeout, connect=self.connect_timeout)
        return httpx2.Client(timeout=timeout, headers={"User-Agent": "hf_assets"})

    def ask(self, http: httpx2.Client, params: Mapping[str, str | int]) -> Answer:
        """The answer to that question.

        Time-outs, 5xx and answers that are none are asked again after a minute and more; a
        throttle is waited out where it is short.

        Raises:
            StackExchangeError: when that does not help, or the API refuses the question.
        """
        asked = {**params, "site": self.site}
        question = str(httpx2.URL(self.endpoint + _PATH, params=asked))
        problems: list[str] = []
        while len(problems) < TRIES:
            if (left := self.pace.left) > self.longest_wait:
                raise self._too_long(left)
            self.pace.wait(question, len(problems), self.log)
            try:
                found = self._read(self._fetch(http, asked), question)
            except TooSlow as error:
                # The connection is closed: a new walk opens another.
                raise StackExchangeError(
                    f"{self.endpoint} does not end its answer ({error}). Nothing was stored: run "
                    "the day again later.",
                    permanent=False,
                ) from None
            except TooLarge as error:
                raise StackExchangeError(
                    f"{self.endpoint} answers with a body {error}: is it the Stack Exchange API?",
                    permanent=True,
                ) from None
            except httpx2.TimeoutException as error:
                found = f"timed out ({type(error).__name__})"
            except (httpx2.RequestError, ValueError) as error:
                found = f"{type(error).__name__}: {error}"
            if isinstance(found, _Envelope):
                if found.backoff:
                    self.log(f"the Stack Exchange API asks for {found.backoff:g} s of rest")
                    self.pace.back_off(found.backoff)
                return Answer(
                    items=[bytes(item) for item in found.items or ()],
                    has_more=found.has_more,
                    quota_max=found.quota_max,
                    quota_remaining=found.quota_remaining,
                    requests=len(problems) + 1,
                )
            problems.append(self._scrubbed(found))
            self.log(f"the Stack Exchange API, try {len(problems)} of {TRIES}: {problems[-1]}")
        raise StackExchangeError(
            f"{self.endpoint} did not answer after {TRIES} tries: "
            f"{'; '.join(dict.fromkeys(problems))}. Nothing was stored: run the day again later.",
            permanent=False,
        )

    def _fetch(self, http: httpx2.Client, asked: Mapping[str, str | int]) -> Received:
        return fetch(
            http,
            "GET",
            self.endpoint + _PATH,
            params={**asked, "key": self.key} if self.key else asked,
            timeout=http.timeout,
            seconds=self.total_timeout,
            max_bytes=MOST_BYTES,
            abort=http.close,
        )

    def _read(self, response: Received, question: str) -> _Envelope | str:
        """A healthy answer, or what is wrong with one that may be asked for again."""
        status = response.status
        envelope = _envelope(response.body)
        said = envelope or _Envelope()
        if said.error_id == _THROTTLED or said.error_name == "throttle_violation" or status == 429:
            return self._throttled(response, said, question)
        if status >= 500 or said.error_id in _TRANSIENT:
            return f"HTTP {status} {said.error_message}".strip()
        if status != 200 or said.error_id is not None:
            raise self._refused(status, said)
        if envelope is None:
            return f"no JSON but {response.headers.get('content-type', 'something else')}"
        if envelope.items is None:
            return "an answer without items"
        if envelope.has_more and not envelope.items:
            return "an empty page that says there is more"
        return envelope

    def _throttled(self, response: Received, said: _Envelope, question: str) -> str:
        stated = re.search(r"in (\d{1,9}) seconds", said.error_message)
        after = retry_after(response.headers)
        if stated:
            seconds = float(stated[1])
        elif after is not None:
            seconds = after
        else:
            seconds = said.backoff or 60.0
        # A second more than told: these are whole seconds.
        self.pace.throttled(question, seconds + 1)
        if seconds > self.longest_wait:
            raise self._too_long(seconds, said.error_message)
        return f"throttled for {seconds:.0f} s"

    def _too_long(self, seconds: float, message: str = "") -> StackExchangeError:
        until = self.now().astimezone(UTC) + timedelta(seconds=min(seconds, _FAR))
        said = f" (it says: {self._scrubbed(message)})" if message else ""
        return StackExchangeError(
            f"the Stack Exchange API wants no request before {until:%Y-%m-%d %H:%M:%S} UTC{said}: "
            "the day's quota is spent, or this address asks too much. Nothing was stored: run "
            "again after that" + ("." if self.key else ", or set a key (10 000 requests a day)."),
            permanent=True,
        )

    def _refused(self, status: int, said: _Envelope) -> StackExchangeError:
        advice = "this question is refused, and would be again"
        if "key" in said.error_message:
            advice = "check the key, or set none"
        elif "site" in said.error_message:
            advice = "check the site's name: https://api.stackexchange.com/docs/sites has all"
        elif not said.error_name:
            advice = f"is {self.endpoint} the Stack Exchange API?"
        cause = f"{said.error_name} {said.error_message}".strip() or "no reason given"
        return StackExchangeError(
            f"{self.endpoint} answers HTTP {status}, {self._scrubbed(cause)}: {advice}.",
            permanent=True,
        )

    def _scrubbed(self, text: str) -> str:
        """Without the key, whatever repeated it."""
        return clean(text, secrets=[self.key or ""])


def _envelope(body: bytes) -> _Envelope | None:
    """The envelope in a body, or None where it has none."""
    try:
        return msgspec.json.decode(body, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _loose_envelope(body)


def _loose_envelope(body: bytes) -> _Envelope | None:
    """The same by a reader that forgives half a surrogate pair: it costs its item, not the page."""
    try:
        found: Any = json.loads(body.decode(errors="surrogateescape"))
        items = found.get("items") if isinstance(found, dict) else None
        if not isinstance(items, list):
            return None
        rest = msgspec.convert({**found, "items": None}, _Envelope)
        rest.items = [msgspec.Raw(json.dumps(item).encode()) for item in items]
    except (ValueError, RecursionError):
        return None
    return rest
