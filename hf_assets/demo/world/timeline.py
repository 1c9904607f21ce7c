"""When the repositories of a generated Hub are born, renamed and deleted, their `_id`s, and shares
that drift with the day of birth."""

import datetime as dt
import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from hf_assets.demo.world.draws import Draws, Floats, Index, Words, cumulative, in_chunks

EPOCH = dt.date(1970, 1, 1)
DAY_SECONDS = 86_400
# 2022-03-02T23:29:04Z, the Hub's own oldest createdAt: older repositories share it.
FLOOR = 1_646_263_744
WEEK = 0.25  # fewer births about a weekend's midnight, as a share; more in the middle of a week
GROWTH = 0.0015  # births a day, as a share of those there are
DELETIONS = 0.0002  # deletions a day, as a share
RENAMES = 0.0001  # renames a day, as a share
NEVER = 65_535  # days since the epoch

_MONTH = 30 * DAY_SECONDS
# Months after the Hub's records begin: in the middle one the shares are as given (2025-08).
_MONTHS, _MIDDLE = 120, 42

# The floor's real machine (as in gpt2's _id, 621ffdc036468d709f17434d) and 59 more.
_FLOOR_MACHINE = "36468d709f"


def _machines() -> tuple[str, ...]:
    index = np.arange(59)
    made = {f"{int(x) & 0xFFFFFFFFFF:010x}" for x in Draws(0, "machines").bits("", index)}
    return tuple(sorted(made | {_FLOOR_MACHINE}))


MACHINES = _machines()


def moment(day: dt.date) -> int:
    """Unix seconds of the day's first instant, UTC: what a snapshot of that day shows."""
    return (day - EPOCH).days * DAY_SECONDS


def _weekly(seconds: Floats | int) -> Floats:
    """Seconds by which the week shifts a birth; day 3 of the epoch was a Sunday."""
    turn = 2 * np.pi / (7 * DAY_SECONDS)
    return WEEK / turn * np.sin(turn * (seconds - 3 * DAY_SECONDS))


@dataclass(frozen=True)
class _Births:
    created: NDArray[np.uint32]  # Unix seconds, never falling
    gone: NDArray[np.uint16]  # day since the epoch on which it is deleted
    renamed: NDArray[np.uint16]  # day since the epoch on which it gets its second name


class Timeline:
    """Repositories 0, 1, 2 … in the order of their birth.

    Args:
        draws: the random streams.
        size: repositories that are there on `sized_on`, exactly.
        sized_on: the day on which `size` holds.
        floor_share: share of the repositories that are as old as the Hub's records.
        lasting: indices that are deleted and renamed 20 times less often.
    """

    def __init__(
        self, draws: Draws, size: int, sized_on: dt.date, floor_share: float, lasting: Index
    ) -> None:
        self._draws = draws
        self._size = size
        self._anchor = moment(sized_on)
        self._lasting = np.sort(lasting)
        self._lock = Lock()
        self._spare = np.empty(0, dtype=np.int64)  # kept alive so that `size` is exact
        self._doomed = np.empty(0, dtype=np.int64)  # deleted so that `size` is exact
        self._horizon = (self._anchor - FLOOR) / DAY_SECONDS
        wanted = -math.log(floor_share)
        # Share born up to t days before the anchor: exp(-(GROWTH t + curve t²)).
        self._curve = max((wanted - GROWTH * self._horizon) / self._horizon**2, 1e-12)
        self._births_at_anchor = size
        self._made = self._fit()

    def _fit(self) -> _Births:
        made = self._make(0)
        if self._size == 0:
            return made
        today = self._anchor // DAY_SECONDS
        alive = np.empty(0, dtype=bool)
        for _ in range(8):
            made = self._make(self._births_at_anchor)
            alive = made.gone > today
            off = self._size - int(alive.sum())
            if off == 0:
                return made
            self._births_at_anchor += off
        made = self._make(self._births_at_anchor)
        alive = made.gone > today
        off = self._size - int(alive.sum())
        if off > 0:
            self._spare = np.flatnonzero(~alive)[-off:]
        elif off < 0:
            self._doomed = np.flatnonzero(alive)[off:]
        return self._make(self._births_at_anchor)

    def _make(self, count: int) -> _Births:
        index = np.arange(count, dtype=np.uint32)
        created = in_chunks(self._moments, index)
        # The older half of those at the floor share its first second, the others its next.
        floored = int(np.searchsorted(created, FLOOR, "right"))
        created[floored // 2 : floored] += 1
        days = [
            in_chunks(lambda part, n=name, h=hazard: self._days(n, h, part, created[part]), index)
            for name, hazard in (("gone", DELETIONS), ("renamed", RENAMES))
        ]
        days[0][self._spare[self._spare < count]] = NEVER
        days[0][self._doomed[self._doomed < count]] = self._anchor // DAY_SECONDS
        return _Births(created, days[0], days[1])

    def _moments(self, index: Index) -> NDArray[np.uint32]:
        share = (index + self._draws.uniform("born", index)) / max(self._births_at_anchor, 1)
        past = np.maximum(-np.log(share), 0.0)
        back = (np.sqrt(GROWTH**2 + 4 * self._curve * past) - GROWTH) / (2 * self._curve)
        ahead = np.maximum(np.log(share), 0.0) / GROWTH
        age = np.where(share <= 1, back, -ahead)
        moments = self._anchor - age * DAY_SECONDS
        # What was born by the anchor stays so: the size holds on that day.
        moments += _weekly(moments) - _weekly(self._anchor)
        return np.maximum(np.floor(moments), FLOOR).astype(np.uint32)

    def _days(
        self, name: str, hazard: float, index: Index, created: NDArray[np.uint32]
    ) -> NDArray[np.uint16]:
        life = -np.log(self._draws.uniform(name, index)) / hazard
        if len(index):
            low, high = np.searchsorted(self._lasting, [index[0], index[-1] + 1])
            life[self._lasting[low:high] - int(index[0])] *= 20
        days = created // DAY_SECONDS + 2 + life.astype(np.int64)
        return np.minimum(days, NEVER).astype(np.uint16)

    def _births(self, count: int) -> _Births:
        made = self._made
        if len(made.created) < count:
            with self._lock:
                made = self._made
                if len(made.created) < count:
                    made = self._make(count + count // 50)
                    self._made = made
        return made

    def born(self, day: dt.date) -> int:
        """How many were ever born before that day began."""
        now = moment(day)
        # The week shifts births by less than a day.
        ahead = max(now - self._anchor, 0) / DAY_SECONDS + 1
        capacity = math.ceil(self._births_at_anchor * math.exp(GROWTH * ahead)) + 2
        if self._size == 0 or now <= FLOOR:
            return 0
        return int(np.searchsorted(self._births(capacity).created[:capacity], now))

    def alive(self, day: dt.date) -> NDArray[np.uint32]:
        """Indices of those born before that day and not deleted by then, oldest first."""
        count = self.born(day)
        gone = self._births(count).gone[:count]
        return np.flatnonzero(gone > moment(day) // DAY_SECONDS).astype(np.uint32)

    def is_alive(self, index: int, day: dt.date) -> bool:
        """Whether that one is there on that day."""
        if not 0 <= index < self.born(day):
            return False
        return bool(self._births(index + 1).gone[index] > moment(day) // DAY_SECONDS)

    def are_alive(self, index: Index, day: int) -> NDArray[np.bool_]:
        """Whether each is there on that day, days since the epoch."""
        top = int(index.max()) + 1 if len(index) else 0
        births = self._births(top)
        return (births.gone[index] > day) & (births.created[index] < day * DAY_SECONDS)

    def born_by(self, seconds: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many were ever born before each of these moments, Unix seconds."""
        if not len(seconds):
            return np.zeros(0, dtype=np.int64)
        top = self.born(EPOCH + dt.timedelta(days=int(seconds.max()) // DAY_SECONDS + 1))
        return np.searchsorted(self._births(top).created[:top], seconds)

    def created(self, index: Index) -> NDArray[np.int64]:
        """Unix seconds of birth."""
        top = int(index.max()) + 1 if len(index) else 0
        return self._births(top).created[index].astype(np.int64)

    def is_renamed(self, index: Index, when: Index | int) -> NDArray[np.bool_]:
        """Whether each has its second name; `when` in days since the epoch."""
        top = int(index.max()) + 1 if len(index) else 0
        return self._births(top).renamed[index] <= when

    def id_keys(self, index: Index) -> Words:
        """The `_id`s as integers that sort as the hex text does:
        seconds << 30 | machine << 24 | counter."""
        created = self.created(index)
        machine = self._draws.integers("machine", index, len(MACHINES))
        machine[created <= FLOOR + 1] = MACHINES.index(_FLOOR_MACHINE)
        counter = (index.astype(np.int64) + 0x17434D) & 0xFFFFFF
        return (created.astype(np.uint64) << np.uint64(30)) | ((machine << 24) | counter).astype(
            np.uint64
        )

    def hub_ids(self, index: Index) -> list[str]:
        """The `_id`s: 24 hex digits of seconds, machine and counter."""
        return [
            f"{key >> 30:08x}{MACHINES[(key >> 24) & 63]}{key & 0xFFFFFF:06x}"
            for key in self.id_keys(index).tolist()
        ]


def id_key(hub_id: str) -> int:
    """The integer of an `_id`, as `Timeline.id_keys` has it; for an `_id` from elsewhere, the
    largest one below it. Raises ValueError when it is not 24 hex digits."""
    if len(hub_id) != 24:
        raise ValueError(f"not an _id: {hub_id!r}")
    seconds, machine, counter = int(hub_id[:8], 16), hub_id[8:18].lower(), int(hub_id[18:], 16)
    rank = bisect_left(MACHINES, machine)
    if rank < len(MACHINES) and MACHINES[rank] == machine:
        return seconds << 30 | rank << 24 | counter
    return max((seconds << 30 | rank << 24) - 1, 0)


class Mix:
    """Shares that drift: a table of weights that grow or shrink with the month of birth.

    Args:
        weights: by name.
        yearly: what a weight is multiplied by each year, by name; 1 where left out.
    """

    def __init__(
        self, weights: Mapping[str, float] | Mapping[str | None, float], yearly: Mapping[str, float]
    ) -> None:
        growth = np.log([yearly.get(name or "", 1.0) for name in weights]) / 12
        months = np.arange(_MONTHS)[:, None]
        table = np.array(list(weights.values())) * np.exp(growth * (months - _MIDDLE))
        # One sorted array: month m's cumulative shares lie between m and m + 1.
        self._sums = np.concatenate([m + cumulative(row) for m, row in enumerate(table)])
        self._size = len(weights)

    def codes(
        self, draws: Draws, name: str, index: Index, created: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Position in the table of each, by its draw and its second of birth."""
        month = np.clip((created - FLOOR) // _MONTH, 0, _MONTHS - 1)
        found = np.searchsorted(self._sums, month + draws.uniform(name, index))
        return np.minimum(found - month * self._size, self._size - 1)
