"""Paces requests to the Stack Exchange API by its rules, for all clients of a process.

They are on api.stackexchange.com/docs/throttle: no more than 30 requests a second from one address,
none before the seconds of a `backoff` have passed, and none twice within a minute.
"""

import threading
import time
from collections.abc import Callable
from functools import cache

# Seconds between two requests: a third of the 30 a second that end in a ban.
GAP = 0.1
# Seconds before the same question may be asked again.
REPEAT = 60.0


class Pace:
    """Waits where the API asks for it; shared by all clients of one endpoint.

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
        self._free_at = float("-inf")
        self._asked: dict[str, float] = {}

    @property
    def left(self) -> float:
        """Seconds before anything may be asked."""
        return max(self._free_at - self._clock(), 0.0)

    def wait(self, question: str, tries: int, log: Callable[[str], None]) -> None:
        """Return when this question may be asked.

        Args:
            question: names the request; equal ones keep their distance.
            tries: how often it has failed; each doubles that distance.
            log: gets a line for a wait of a second or more.
        """
        with self._lock:
            now = self._clock()
            repeat = self._asked.get(question, float("-inf")) + REPEAT * 2 ** max(tries - 1, 0)
            pause = max(self._free_at, repeat) - now
            if pause > 0:
                if pause >= 1:
                    log(f"{pause:.0f} s pause before the Stack Exchange API is asked again")
                self._sleep(pause)
            now = self._clock()
            self._asked = {one: at for one, at in self._asked.items() if now - at < REPEAT}
            self._asked[question] = now
            self._free_at = now + GAP

    def back_off(self, seconds: float) -> None:
        """Ask nothing for so long: the API wants it."""
        with self._lock:
            self._free_at = max(self._free_at, self._clock() + seconds)

    def throttled(self, question: str, seconds: float) -> None:
        """The same, and the question that was refused may be asked again right after."""
        self.back_off(seconds)
        with self._lock:
            self._asked.pop(question, None)


@cache
def pace_for(_endpoint: str) -> Pace:
    """The one pace of this process for that endpoint."""
    return Pace()
