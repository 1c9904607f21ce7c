"""The pace of all requests to the Hub that this process makes.

The Hub counts requests per token (per address without a token) in fixed windows, and every answer
says how many are left. To wait for the next window *before* the quota is spent costs nothing; a 429
costs a retry. An answer does not count the requests that are still under way: the pacer does. A
reserve stays for other programs with the same token.
"""

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import get_args

from huggingface_hub.utils import RateLimitInfo, parse_ratelimit_headers

from hf_assets.hub.client.wire import Kind
from hf_assets.settings import settings

# Seconds: the length of the Hub's windows, and the longest pause, whatever a header says.
LONGEST_PAUSE = 300.0
# Two answers whose windows end within so many seconds are of one window: headers have whole
# seconds, and answers overtake each other.
SAME_WINDOW = 1.5
# The share of a window's requests that one process may use by default.
SHARE = 0.99


class Pacer:
    """Waits when a window's quota is spent; every request under the same token shares it.

    Args:
        clock: seconds, monotonic.
        sleep: waits that many seconds.
        share: of a window's requests, the most that this process uses, above 0 and at most 1.
        at_once: requests under way, at most; None: as many as ask.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        share: float = SHARE,
        at_once: int | None = None,
    ) -> None:
        self._clock, self._sleep, self._share, self._at_once = clock, sleep, share, at_once
        self._changed = threading.Condition()
        self._limit: RateLimitInfo | None = None
        self._resets_at = 0.0
        self._under_way = 0
        self._pausing = False
        self.waited = 0.0

    @property
    def left(self) -> int | None:
        """Requests left in this window; None before the first answer."""
        return self._limit.remaining if self._limit else None

    @contextmanager
    def request(self, log: Callable[[str], None] = lambda _: None) -> Generator[None]:
        """Begin when the window allows one more request, and count it until the block ends.

        While nothing is known of the window, one request at a time asks.
        """
        with self._changed:
            while not self._free(log):
                continue
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _free(self, log: Callable[[str], None]) -> bool:
        """Whether a request may begin now; waits for a change where not. Call with the lock."""
        full = self._at_once is not None and self._under_way >= self._at_once
        if full or self._pausing or (self._limit is None and self._under_way):
            self._changed.wait()
            return False
        if self._limit is None or self._limit.remaining - self._under_way > self._reserve:
            return True
        # A second more than the header, which has whole seconds.
        pause = self._resets_at - self._clock() + 1
        if pause > 0:
            self._pause(pause, log)
        self._limit = None
        self._changed.notify_all()
        return False

    def _pause(self, seconds: float, log: Callable[[str], None]) -> None:
        """Sleep without the lock: the answers of requests under way go on to be stored."""
        assert self._limit is not None
        log(f"{self._limit.remaining} requests left in this window: {seconds:.0f} s pause")
        self._pausing = True
        self._changed.release()
        try:
            self._sleep(seconds)
        finally:
            self._changed.acquire()
            self._pausing = False
            self._changed.notify_all()
        self.waited += seconds

    def update(self, headers: Mapping[str, str]) -> None:
        """Update the quota from an answer's headers; a late answer of an earlier window is none."""
        limit = rate_limit(headers)
        if limit is None:
            return
        with self._changed:
            resets_at = self._clock() + min(limit.reset_in_seconds, LONGEST_PAUSE)
            later = resets_at - self._resets_at
            if self._limit is not None and later < -SAME_WINDOW:
                return
            if self._limit is not None and abs(later) <= SAME_WINDOW:
                resets_at = max(resets_at, self._resets_at)
                if self._limit.remaining < limit.remaining:
                    limit = self._limit
            self._limit, self._resets_at = limit, resets_at
            self._changed.notify_all()

    @property
    def _reserve(self) -> int:
        """Requests of a window that are left to others."""
        assert self._limit is not None
        return int(min(self._limit.limit or 0, 10**9) * (1 - self._share) + 1e-9)


def rate_limit(headers: Mapping[str, str]) -> RateLimitInfo | None:
    """The quota in an answer's headers; None for missing or invalid headers."""
    try:
        return parse_ratelimit_headers(headers)
    except ValueError:  # more digits than a number has
        return None


@cache
def pacer_for(_endpoint: str) -> Pacer:
    """This process's pacer of an endpoint; each listing may ask for a page."""
    known = settings()
    return Pacer(share=known.hub_share, at_once=max(known.hub_chains, len(get_args(Kind))))
