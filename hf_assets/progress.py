"""How far a long step is, in log lines: "12 of 30, about 4 min left".

The rate is that of the recent part: a step may begin with quick items, or slow down. No time is
given in the first seconds, nor at the end.
"""

import math
import time
from collections import deque
from collections.abc import Callable

# Seconds before the first estimate, and before the first line of a `TimedLog`.
FIRST = 5.0
# Seconds between two lines of a `TimedLog`.
EVERY = 15.0
# Seconds that the recent part covers; where items take longer, so many of them.
RECENT, RECENT_ITEMS = 60.0, 5
# Of more items than this `ItemLog` writes a line now and then only, so many seconds apart: a line
# in Dagster's log costs some 7 ms, a third of what a small table of a day costs.
MOST_LINES, THINNED = 200, 1.0

Log = Callable[[str], None]
Clock = Callable[[], float]


class Pace:
    """The recent rate of a step, and the time to its end.

    Args:
        done: what was done before it began.
        clock: seconds; never goes back.
    """

    def __init__(self, done: float = 0, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._samples = deque([(clock(), float(done))])

    def note(self, done: float) -> None:
        """Record how much is done now."""
        now, samples = self._clock(), self._samples
        # A sample a second: a step may report thousands of times in one.
        if len(samples) > 1 and samples[-1][0] - samples[-2][0] < 1:
            samples.pop()
        samples.append((now, done))
        while len(samples) > RECENT_ITEMS + 1 and samples[1][0] <= now - RECENT:
            samples.popleft()

    def skip(self, count: float) -> None:
        """Count what took no time, such as stored days, as done before the step began."""
        self._samples = deque((at, done + count) for at, done in self._samples)

    def rate(self, done: float) -> float:
        """What is done a second, in the recent part."""
        began, before = self._samples[0]
        return max(0.0, done - before) / max(self._clock() - began, 1e-9)

    def seconds_left(self, done: float, total: float) -> float | None:
        """Seconds to the end; None at the end, and while it is too early to say."""
        if done >= total or self._clock() - self._samples[0][0] < FIRST:
            return None
        rate = self.rate(done)
        return (total - done) / rate if rate else None


def time_left(seconds: float | None) -> str:
    """The time in words, rounded up: "about 4 min left"; "" for None and for nothing left."""
    if seconds is None or seconds <= 0:
        return ""
    if seconds <= 10:
        return "a few seconds left"
    if seconds <= 90:
        return f"about {10 * math.ceil(seconds / 10)} s left"
    minutes = math.ceil(seconds / 60)
    if minutes <= 90:
        return f"about {minutes} min left"
    hours, minutes = divmod(10 * math.ceil(minutes / 10), 60)
    return f"about {hours:,} h {minutes} min left" if minutes else f"about {hours:,} h left"


def share(done: float, total: float) -> str:
    """A part in percent, rounded down: 100 % is the end alone."""
    return f"{math.floor(100 * min(done / total, 1))} %"


class ItemLog:
    """A line for each of a known number of items: `TEXT · 12 of 30, about 4 min left`.

    Of more than `MOST_LINES` items a line is written at most every `THINNED` seconds, and one for
    the last item. Call for each item either `begin` or `add`.

    Args:
        log: takes lines of the run log.
        total: how many items there are; of a single one only the text is logged.
        clock: seconds; never goes back.
    """

    def __init__(self, log: Log, total: int, clock: Clock = time.monotonic) -> None:
        self._log, self._total, self._clock = log, total, clock
        self._pace, self._done, self._logged = Pace(clock=clock), 0, -math.inf

    def begin(self, text: str) -> None:
        """The next item begins, and those before it are done.

        Args:
            text: what it is.
        """
        self._pace.note(self._done)
        self._line(text, self._done + 1)
        self._done += 1

    def add(self, text: str, *, quick: bool = False) -> None:
        """One more item is done.

        Args:
            text: what it is.
            quick: it took no time, as it was done before; it does not count for the rate.
        """
        self._done += 1
        if quick:
            self._pace.skip(1)
        else:
            self._pace.note(self._done)
        self._line(text, self._done)

    def _line(self, text: str, number: int) -> None:
        now, last = self._clock(), number == self._total
        if self._total > MOST_LINES and not last and now - self._logged < THINNED:
            return
        self._logged = now
        if self._total > 1:
            text += f" · {number:,} of {self._total:,}"
        left = time_left(self._pace.seconds_left(self._done, self._total))
        self._log(f"{text}, {left}" if left else text)


class TimedLog:
    """A line now and then: `TEXT · 45 % of FILE, about 3 min left`. A short step logs none.

    Args:
        log: takes lines of the run log.
        total: what there is to do; None where nobody knows.
        of: what `total` is the size of, such as a file; without, lines have numbers.
        clock: seconds; never goes back.
    """

    def __init__(
        self, log: Log, total: float | None, of: str = "", clock: Clock = time.monotonic
    ) -> None:
        self.total = total
        self._log, self._of, self._clock = log, of, clock
        self._pace, self._due = Pace(clock=clock), clock() + FIRST

    def at(self, done: float, text: str) -> None:
        """So much of `total` is done; logs it where a line is due.

        Args:
            done: in the unit of `total`.
            text: what is done.
        """
        now = self._clock()
        self._pace.note(done)
        if now < self._due:
            return
        self._due = now + EVERY
        if self.total:
            of = f"{share(done, self.total)} of {self._of}"
            text += f" · {of if self._of else f'{done:,.0f} of {self.total:,.0f}'}"
            if left := time_left(self._pace.seconds_left(done, self.total)):
                text += f", {left}"
        self._log(text)
