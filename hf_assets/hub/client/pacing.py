"""The pace of all requests to the Hub that this process makes.

The Hub counts requests per token (per address without a token) in fixed windows, and every answer
says how many are left. To wait for the next window *before* the quota is spent costs nothing; a 429
costs a retry. A reserve stays for other programs with the same token.
"""

import threading
import time
from collections.abc import Callable, Mapping
from functools import cache

from huggingface_hub.utils import RateLimitInfo, parse_ratelimit_headers

# The share of a window's requests that is left to the user's other programs.
RESERVE = 0.01
# Seconds: the length of the Hub's windows, and the longest pause, whatever a header says.
LONGEST_PAUSE = 300.0


class Pacer:
    """Waits when a window's quota is spent; every request under the same token shares it.

    Args:
        clock: seconds, monotonic.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._limit: RateLimitInfo | None = None
        self._resets_at = 0.0
        self.waited = 0.0

    @property
    def left(self) -> int | None:
        """Requests left in this window; None before the first answer."""
        return self._limit.remaining if self._limit else None

    def wait(self, log: Callable[[str], None] = lambda _: None) -> None:
        """Return when the next request may start; logs a wait."""
        with self._lock:
            if self._limit is None or self._limit.remaining > self._reserve(self._limit):
                return
            # A second more than the header, which has whole seconds.
            pause = self._resets_at - self._clock() + 1
            if pause > 0:
                log(f"{self._limit.remaining} requests left in this window: {pause:.0f} s pause")
                self._sleep(pause)
                self.waited += pause
            self._limit = None

    def update(self, headers: Mapping[str, str]) -> None:
        """Update the quota from an answer's headers."""
        limit = rate_limit(headers)
        if limit is not None:
            with self._lock:
                self._limit = limit
                self._resets_at = self._clock() + min(limit.reset_in_seconds, LONGEST_PAUSE)

    @staticmethod
    def _reserve(limit: RateLimitInfo) -> int:
        return int(min(limit.limit or 0, 10**9) * RESERVE)


def rate_limit(headers: Mapping[str, str]) -> RateLimitInfo | None:
    """The quota in an answer's headers; None for missing or invalid headers."""
    try:
        return parse_ratelimit_headers(headers)
    except ValueError:  # more digits than a number has
        return None


@cache
def pacer_for(_endpoint: str) -> Pacer:
    """This process's pacer of an endpoint."""
    return Pacer()
