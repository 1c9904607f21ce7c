"""Levels over the days, interpolated on untrusted days, with rates over the days really spanned.

A `Panel` holds the levels of many keys, a row a key and day. Interpolation comes first: on an
untrusted day, a key's level lies on the line between its levels on the trusted days on either side,
so that a stall is neither a zero nor followed by a jump. Where a side is missing (an edge, or a key
that is not among the first thousand there) the level is null: unknown, not zero.

A rate compares two rows of a key that are trusted and cover the same part of the Hub
(`calendar.Calendar.coverage`), over the days really spanned; null where there are no such rows:

- growth: `(level / base) ** (days / spanned) - 1`, the base being the last row `days` to
  `days + SLACK` days before; null on untrusted days, or with a base under a floor.
- daily downloads: the step of all-time downloads since the last row, over the days spanned, at
  least 0, as counters that fall are corrections; an untrusted day has the mean of the step that
  goes over it. Windows of 30 days overlap and are never summed.
- acceleration: the change of the daily step of a level, a day: twice the second divided difference
  over the last three rows, each at most `STEP` days from the next.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from hf_assets.trends.series.calendar import NO_DAY, Calendar

# Days by which a base may be too old: an outage of a week still gives a rate.
SLACK = 7
# Days a key may be out of sight, or the Hub unseen, for a step to be a daily one.
STEP = 7
# A hundred more than ten is 1000 %: a smaller base gives noise.
DOWNLOADS_FLOOR = 1_000.0
SPACES_FLOOR = 10.0
USERS_FLOOR = 10.0
# Rows in a block.
BLOCK = 1 << 15


@dataclass
class Panel:
    """Levels by key and day, in the order of keys and then of days.

    Attributes:
        calendar: the calendar.
        frame: the texts and dates of each row, as of its day; `at` is the day's index in the
            calendar.
        key: a number a key (int64), ascending.
        levels: arrays by name (float64), NaN where unknown.
    """

    calendar: Calendar
    frame: pl.DataFrame
    key: np.ndarray
    levels: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.key)

    @property
    def at(self) -> np.ndarray:
        """The index of each row's day in the calendar."""
        return self.frame["at"].to_numpy()

    @property
    def trusted(self) -> np.ndarray:
        """Whether each row's day is trusted."""
        return self.calendar.trusted[self.at]

    def rates(self, level: str, floor: float) -> dict[str, np.ndarray]:
        """growth_7 and growth_28 of a level."""
        trusted = _TrustedRows(self)
        return {
            f"growth_{days}": trusted.growth(self.levels[level], days, floor) for days in (7, 28)
        }

    def daily(self, since_creation: str) -> np.ndarray:
        """Downloads a day, from the counter since creation of that name."""
        return _TrustedRows(self).daily(self.levels[since_creation])

    def all_rates(self) -> dict[str, np.ndarray]:
        """daily_downloads, growth_7, growth_28 and acceleration, of downloads."""
        trusted = _TrustedRows(self)
        downloads = self.levels["downloads"]
        return {
            "daily_downloads": trusted.daily(self.levels["downloads_all_time"]),
            "growth_7": trusted.growth(downloads, 7, DOWNLOADS_FLOOR),
            "growth_28": trusted.growth(downloads, 28, DOWNLOADS_FLOOR),
            "acceleration": trusted.acceleration(downloads),
        }

    def table(self, **more: np.ndarray) -> pl.DataFrame:
        """The rows with day, source, trusted, the levels and `more`; NaN becomes null.

        Only those of `calendar.shown`.
        """
        rows: np.ndarray | slice = slice(None)
        if self.calendar.shown is not None:
            rows = np.flatnonzero(self.calendar.shown[self.at])
        columns = [
            pl.Series(name, values[rows], nan_to_null=True)
            for name, values in (self.levels | more).items()
        ]
        texts = self.frame[rows].drop("at")
        return self.calendar.frame[self.at[rows]].hstack(texts).hstack(columns)


def panel(rows: pl.DataFrame, calendar: Calendar, key: str, levels: list[str]) -> Panel:
    """The levels of these rows, interpolated on untrusted days.

    Args:
        rows: in the order of days; `at`, the key, the levels and any other column. Of rows with the
            same key and day the first counts.
        calendar: the calendar that `at` refers to.
        key: the column of the keys; null is a key.
        levels: columns of numbers.
    """
    (everything,) = panels(rows, calendar, key, levels, len(rows) + 1)
    return everything


def panels(
    rows: pl.DataFrame, calendar: Calendar, key: str, levels: list[str], block: int = BLOCK
) -> Iterator[Panel]:
    """`panel` a few keys at a time: `block` rows and the remaining ones of the last key.

    Work on a block stays in the processor's caches and takes no new memory.
    """
    codes, at = numbers_of(rows[key]), rows["at"].to_numpy()
    values = {name: _floats(rows[name]) for name in levels}
    take, row_index = _interpolate(calendar, codes, at, values)
    order = stable_order(row_index)
    order = order[stable_order(codes[take[order]])]
    take, row_index = take[order], row_index[order]
    codes = codes[take]
    again = (codes[1:] == codes[:-1]) & (row_index[1:] == row_index[:-1])
    if again.any():
        first = np.append(True, ~again)
        order, take, row_index, codes = order[first], take[first], row_index[first], codes[first]
    texts = rows.drop(*levels, "at").rechunk()
    for part in blocks(codes, block):
        yield Panel(
            calendar,
            texts[take[part]].with_columns(at=pl.Series(row_index[part])),
            codes[part],
            {name: one[order[part]] for name, one in values.items()},
        )


def blocks(keys: np.ndarray, block: int = BLOCK) -> Iterator[slice]:
    """Rows a few keys at a time: `block` of them and the remaining ones of the last key.

    Args:
        keys: a number a row, those of a key together.
    """
    begins = np.append(0, np.flatnonzero(np.diff(keys)) + 1)
    _, first = np.unique(begins // block, return_index=True)
    for begin, end in itertools.pairwise([*begins[first], len(keys)]):
        yield slice(begin, end)


def numbers_of(keys: pl.Series) -> np.ndarray:
    """A number a key, in the order of the keys: readers of one then skip the rows of the others."""
    if keys.dtype != pl.Categorical:
        keys = keys.cast(pl.Categorical(pl.Categories.random()))
    numbers = keys.to_physical()
    # The last index is that of null.
    numbers = (numbers.cast(pl.Int64).fill_null(-1) if keys.has_nulls() else numbers).to_numpy()
    example = np.full(numbers.max(initial=0) + 2, -1)
    example[numbers] = np.arange(len(numbers))
    there = np.flatnonzero(example >= 0)
    indices = np.empty(len(example), np.int64)
    names = keys[example[there]].cast(pl.String)
    indices[there[names.arg_sort(nulls_last=True)]] = np.arange(len(there))
    return indices[numbers]


def _floats(numbers: pl.Series) -> np.ndarray:
    """A copy as numbers that may be unknown; chunk by chunk, as copies on the way cost as much."""
    floats = np.empty(len(numbers))
    begin = 0
    for chunk in numbers.get_chunks():
        floats[begin : begin + len(chunk)] = chunk.to_numpy()
        begin += len(chunk)
    return floats


def stable_order(numbers: np.ndarray) -> np.ndarray:
    """The stable order of numbers from 0 on; numpy sorts those of 16 bits in linear time."""
    small = numbers.max(initial=0) < 1 << 16
    return np.argsort(numbers.astype(np.uint16) if small else numbers, kind="stable")


def _interpolate(
    calendar: Calendar, codes: np.ndarray, at: np.ndarray, values: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Replace the values of untrusted days in place, and add the rows that such a day lacks.

    Returns:
        For each row of the result, the row its texts come from, and the index of its day.
    """
    take, indices = [np.arange(len(codes))], [at]
    added: dict[str, list[np.ndarray]] = {name: [one] for name, one in values.items()}
    begins = np.searchsorted(at, np.arange(len(calendar) + 1))
    before, after = calendar.neighbours
    for day in np.flatnonzero(~calendar.trusted):
        own = np.arange(begins[day], begins[day + 1])
        for one in values.values():
            one[own] = np.nan
        last, following = before[day], after[day]
        if last == NO_DAY or following == NO_DAY:
            continue
        first = np.arange(begins[last], begins[last + 1])
        second = np.arange(begins[following], begins[following + 1])
        both, i, j = np.intersect1d(codes[first], codes[second], return_indices=True)
        weight = calendar.times[day] - calendar.times[last]
        weight /= calendar.times[following] - calendar.times[last]
        # Keys that the day has keep their row; the others get a row.
        _, mine, theirs = np.intersect1d(codes[own], both, return_indices=True)
        others = np.setdiff1d(np.arange(len(both)), theirs)
        for name, one in values.items():
            line = one[first[i]] * (1 - weight) + one[second[j]] * weight
            one[own[mine]] = line[theirs]
            added[name].append(line[others])
        take.append(first[i][others])
        indices.append(np.full(len(others), day, np.int32))
    if len(take) > 1:
        for name, parts in added.items():
            values[name] = np.concatenate(parts)
    return np.concatenate(take), np.concatenate(indices)


class _TrustedRows:
    """The trusted rows of a panel, by key and coverage: rates compare them."""

    def __init__(self, panel: Panel) -> None:
        calendar, at = panel.calendar, panel.at
        self.rows = np.flatnonzero(calendar.trusted[at])
        self.size = len(panel)
        kinds, coverage = np.unique(calendar.coverage, return_inverse=True)
        covers = max(len(kinds), 1)
        group = panel.key * covers + coverage[at]
        # Where a folder and the Hub take turns, rows of a key are not in the order of groups.
        if covers > 1:
            self.rows = self.rows[np.argsort(group[self.rows], kind="stable")]
        self.at = at[self.rows]
        self.group = group[self.rows]
        self.day = calendar.days[self.at].astype(np.int64)
        self.time = calendar.times[self.at]
        self.line = _line(self.group, self.day)
        # Indices of the rows whose rates are needed.
        every = calendar.shown is None
        self.shown = np.arange(len(self.at)) if every else np.flatnonzero(calendar.shown[self.at])
        # Of each row and the one before it: days spanned, and whether near.
        same = self.group[1:] == self.group[:-1]
        self.spanned = np.full(len(self.rows), np.nan)
        self.spanned[1:][same] = np.diff(self.time)[same]
        self.near = np.zeros(len(self.rows), bool)
        self.near[1:] = same & (np.diff(self.day) <= STEP)
        self.last_day = calendar.neighbours[0][self.at]
        self.between = np.flatnonzero(~calendar.trusted[at])
        self.between_group = group[self.between]
        self.between_day = calendar.days[at[self.between]].astype(np.int64)

    def _whole(self, values: np.ndarray) -> np.ndarray:
        """Values of the trusted rows as an array of all rows."""
        found = np.full(self.size, np.nan)
        found[self.rows] = values
        return found

    def _base(self, days: int) -> np.ndarray:
        """For each row that is shown the last row at least `days` before it; -1: none.

        It may be of the group before.
        """
        # `days` rows before, where no day is missing; the others take a search.
        base = self.shown - days
        line = self.line[self.shown]
        apart = (base < 0) | (line - self.line[np.maximum(base, 0)] != days)
        base[apart] = np.searchsorted(self.line, line[apart] - days, side="right") - 1
        return base

    def growth(self, level: np.ndarray, days: int, floor: float) -> np.ndarray:
        level = level[self.rows]
        base, shown = self._base(days), self.shown
        then, spanned = level[base], self.time[shown] - self.time[base]
        fits = (base >= 0) & (self.line[base] >= self.line[shown] - days - SLACK) & (then >= floor)
        rate = np.divide(level[shown], then, out=np.full(len(shown), np.nan), where=fits)
        uneven = fits & (np.abs(spanned - days) > 1e-9)
        rate[uneven] **= days / spanned[uneven]
        found = np.full(self.size, np.nan)
        found[self.rows[shown]] = rate - 1
        return found

    def _step(self, values: np.ndarray) -> np.ndarray:
        """The change since the row before, a day."""
        step = np.full(len(values), np.nan)
        step[1:] = np.diff(values) / self.spanned[1:]
        return step

    def daily(self, all_time: np.ndarray) -> np.ndarray:
        # A gap in the days is spanned however long it is, a model's own absence is not.
        near = self.near.copy()
        near[1:] |= self.at[:-1] == self.last_day[1:]
        step = np.where(near, np.maximum(self._step(all_time[self.rows]), 0), np.nan)
        found = self._whole(step)
        following = np.searchsorted(self.line, _line(self.between_group, self.between_day))
        inside = following < len(step)
        rows, following = self.between[inside], following[inside]
        spanned = np.isfinite(all_time[rows]) & (
            self.group[following] == self.between_group[inside]
        )
        found[rows] = np.where(spanned, step[following], np.nan)
        return found

    def acceleration(self, level: np.ndarray) -> np.ndarray:
        step = self._step(level[self.rows])
        found = np.full(len(step), np.nan)
        found[1:] = np.where(
            self.near[1:] & self.near[:-1],
            2 * np.diff(step) / (self.spanned[1:] + self.spanned[:-1]),
            np.nan,
        )
        return self._whole(found)


def _line(group: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Groups and days as one ascending number."""
    return (group << 20) + day
