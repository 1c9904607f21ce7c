"""One answer of a Hub, asked for again while that may help, and never waited for without bound.

huggingface_hub's session (token, proxies, offline mode) without its `http_backoff`: that waits for
as long as a header says, and reads a body of any size.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2
from huggingface_hub.utils import build_hf_headers, close_session, get_session

from hf_assets.errors import CleanRecords, clean
from hf_assets.hub.client.pacing import LONGEST_PAUSE, rate_limit
from hf_assets.transport import Answer, fetch, retry_after

# Times that an answer is asked for again.
TRIES = 5
# A page of a thousand rows has 1 to 3 MB.
MOST_BYTES = 128 << 20
_BUSY = (408, 429, 500, 502, 503)

for _name in ("huggingface_hub.utils._http", "httpx2"):
    logging.getLogger(_name).addFilter(CleanRecords())


class HubRefusal(Exception):
    """The Hub answered with an error; the text is clean, `body` is as it came."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status} {clean(answer.said)}".strip())
        self.status = answer.status
        self.body = answer.body.decode(errors="replace")


@dataclass(frozen=True)
class Patience:
    """How long an answer may take, and how large it may be.

    Args:
        connect_timeout, read_timeout: seconds.
        total_timeout: seconds for one answer as a whole.
        retry_wait: seconds before the first retry, then doubled up to 8 times as long.
        most_bytes: of an answer, unpacked.
        log: takes lines for the run log.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    total_timeout: float = 300.0
    retry_wait: float = 1.0
    most_bytes: int = MOST_BYTES
    log: Callable[[str], None] = lambda _: None

    def ask(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: dict | None = None,
        busy: tuple[int, ...] = _BUSY,
        again: tuple[type[Exception], ...] = (),
        only: int | None = None,
    ) -> Answer:
        """The answer, which is no error.

        Args:
            url: whole, with its query.
            headers: besides those of every request to a Hub.
            form: sent by POST where there is one.
            busy: statuses that are asked for again.
            again: errors of the transport that are, too.
            only: the status whose body is read, besides errors; None for any.

        Raises:
            HubRefusal: an error, or one of `busy` that does not end.
            httpx2.TransportError, ValueError: as of `transport.fetch`.
        """
        for tries in range(TRIES + 1):
            try:
                answer = self._once(url, headers or {}, form, only)
            except again as error:
                if isinstance(error, httpx2.ConnectError):
                    close_session()  # a connection that failed in TLS is best made from nothing
                if tries == TRIES:
                    raise
                self._pause(tries, None, clean(f"{type(error).__name__}: {error}"))
                continue
            if answer.status < 400:
                return answer
            if answer.status not in busy or tries == TRIES:
                raise HubRefusal(answer)
            self._pause(tries, _told(answer), f"HTTP {answer.status}")
        raise AssertionError

    def _once(
        self, url: str, headers: Mapping[str, str], form: dict | None, only: int | None
    ) -> Answer:
        ours = {**build_hf_headers(library_name="hf_assets"), "Accept-Encoding": "gzip"}
        return fetch(
            get_session(),
            "POST" if form else "GET",
            url,
            headers={**ours, **headers},
            data=form,
            timeout=httpx2.Timeout(self.read_timeout, connect=self.connect_timeout),
            seconds=self.total_timeout,
            most=self.most_bytes,
            only=only,
            abort=close_session,
        )

    def _pause(self, tries: int, told: float | None, cause: str) -> None:
        pause = self.retry_wait * 2 ** min(tries, 3)
        if told is not None:
            # A second more than told: the header has whole seconds.
            pause = min(told, LONGEST_PAUSE) + 1
        if pause >= 1:
            more = f", where {told:.0f} s are asked for" if told and told > LONGEST_PAUSE else ""
            self.log(f"{cause}: again in {pause:.0f} s{more}")
        time.sleep(pause)


def _told(answer: Answer) -> float | None:
    """Seconds to wait, where the answer says so."""
    limit = rate_limit(answer.headers) if answer.status == 429 else None
    if limit and limit.remaining == 0:
        return float(min(limit.reset_in_seconds, 10**9))
    return retry_after(answer.headers)
