"""How models of a generated Hub are wanted over time: launches, peaks, plateaus, slow waves.

A model's downloads since birth are a curve that only rises, in closed form: any day costs the same,
and what 30 days have is the difference of two of its points. A curve is the plateau that a model
comes to, and a bump after its launch; its time runs slower or faster by the week, by chance, and in
slow waves of the model's own, so that models rise and fall against each other.
"""

import datetime as dt
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world.draws import Draws, Floats, Index, in_chunks
from hf_assets.demo.world.timeline import DAY_SECONDS, moment

WINDOW = 30  # days that `downloads` counts
MOST = 2.2e8  # downloads in 30 days
# Models that all speak of when they come: one in a hundred, and no more than so many.
HITS, MOST_HITS = 0.01, 400
# Days between two looks at a counter: each divides the window, so that it counts whole looks.
_PERIODS = np.array([1, 1, 2, 3, 5])
_WEEK, _JITTER = 0.12, 0.8  # the pace of time is 1 ± so much over a week; a day comes so much late


def popularity(draws: Draws, index: Index) -> Floats:
    """How much each is wanted, as a standard normal: it never changes."""
    return draws.normal("wanted", index)


class Demand:
    """The curves of all models.

    Args:
        draws: the random streams.
        size: how many models the Hub has, about.
        created: Unix seconds of birth.
    """

    def __init__(
        self, draws: Draws, size: int, created: Callable[[Index], NDArray[np.int64]]
    ) -> None:
        self._draws, self._created = draws, created
        self._hit_share = min(HITS, MOST_HITS / max(size, 1))
        self._hits, self._searched = np.empty(0, dtype=np.int64), 0

    def hits(self, count: int) -> NDArray[np.int64]:
        """Indices of the hits among the first `count` models, or some more, oldest first."""
        if self._searched < count:
            count += count // 50
            found = in_chunks(self.is_hit, np.arange(count, dtype=np.uint32))
            self._hits, self._searched = np.flatnonzero(found), count
        return self._hits

    def is_hit(self, index: Index) -> NDArray[np.bool_]:
        """Whether all speak of it when it comes; what others build on was there before."""
        drawn = self._draws.uniform("hit", index) < self._hit_share
        return drawn & (popularity(self._draws, index) < 2.5)

    def since_birth(self, index: Index, day: dt.date, before: int = 0) -> NDArray[np.int64]:
        """Downloads from birth to that day, or to so many days before it; they never fall."""
        d = self._draws
        number = moment(day) // DAY_SECONDS
        period = _PERIODS[d.integers("period", index, len(_PERIODS))]
        period = np.where(self._monthly(index) > 20_000, 1, period)
        number = number - (number + d.integers("phase", index, 30)) % period - before
        elapsed = self._time(index, number + _JITTER * d.uniform("late", index, number))
        elapsed -= self._time(index, self._created(index) / DAY_SECONDS + _JITTER)
        return np.floor(self._curve(index, np.maximum(elapsed, 0.0))).astype(np.int64)

    def last_days(self, index: Index, day: dt.date) -> NDArray[np.int64]:
        """Downloads in the 30 days before that day, just as the counter since birth has them."""
        return self.since_birth(index, day) - self.since_birth(index, day, WINDOW)

    def fame(self, index: Index, age: Floats) -> Floats:
        """Of hits what is new about them, 1 at the peak of their launch; 0 of all others."""
        x = np.maximum(age, 0.0) / self._launch(index)
        return np.where(self.is_hit(index), x * np.exp(1 - x), 0.0)

    def peak(self, index: Index) -> Floats:
        """Downloads in 30 days at the peak of a hit."""
        return np.exp(11.2 + 1.2 * self._draws.normal("hit size", index))

    def _monthly(self, index: Index) -> Floats:
        """Downloads in 30 days on the plateau, or at the peak of a hit."""
        wanted = popularity(self._draws, index)
        steady = np.exp(2.1 + 3.3 * wanted)
        return np.minimum(np.where(self.is_hit(index), self.peak(index), steady), MOST)

    def _launch(self, index: Index) -> Floats:
        """Days from birth to the peak of the bump."""
        return np.exp(1.6 + 1.6 * self._draws.uniform("launch", index))

    def _curve(self, index: Index, elapsed: Floats) -> Floats:
        """Downloads after so many days of the model's own time."""
        d, span, hit = self._draws, self._launch(index), self.is_hit(index)
        x = elapsed / span
        left = np.exp(-x)
        bump = np.where(hit, 1.0, d.uniform("bump", index))
        plateau = np.where(hit, 0.04 + 0.36 * d.uniform("stays", index), 1.0)
        # Nobody comes back to a quarter of them once they are no longer new.
        silent = (d.uniform("silent", index) < 0.34) & (popularity(d, index) < 2.5) & ~hit
        bump, plateau = np.where(silent, 0.2 * bump, bump), np.where(silent, 0.0, plateau)
        risen = plateau * (elapsed - span * (1 - left))
        risen += bump * np.e * span * (1 - (1 + x) * left)
        return self._monthly(index) / WINDOW * risen

    def _time(self, index: Index, days: Floats) -> Floats:
        """The model's own time on these days since the epoch: it never goes back."""
        d = self._draws
        # Fewest on Sunday's first instant; day 0 was a Thursday.
        days = days - _WEEK * 7 / (2 * np.pi) * np.sin(2 * np.pi * (days - 3) / 7)
        length = np.exp(4.2 + 1.8 * d.uniform("wave length", index))  # 67 to 400 days
        height = 0.6 * d.uniform("wave height", index) ** 0.7
        angle = 2 * np.pi * (days / length + d.uniform("wave", index))
        return days - height * length / (2 * np.pi) * np.cos(angle)
