"""The counters of every repository on every day, some thousands of repositories at a time.

The months of `model_days` lie in the order of `hub_id`: they are read side by side, each row group
once, so that memory holds the rows of a part alone however many there are.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from hf_assets.hub.repository_days.expanding import counter_days
from hf_assets.hub.repository_days.facts import days_of
from hf_assets.hub.repository_days.schemas import DAYS, KINDS, Counter
from hf_assets.storage.lake import Lake, iso
from hf_assets.storage.opened import LakeFile
from hf_assets.trends.series.calendar import EPOCH, NO_DAY, Calendar

# Numbers in a matrix of a counter: 16 MB.
CELLS = 1 << 21


@dataclass(frozen=True)
class Matrices:
    """Some repositories, in the order of `hub_id`.

    Attributes:
        names: hub_id and id, the last of each.
        levels: for each counter a matrix (repositories x days of the calendar, float64),
            interpolated on untrusted days; NaN where unknown.
    """

    names: pl.DataFrame
    levels: dict[str, np.ndarray]


def matrices(
    lake: Lake, table: str, calendar: Calendar, counters: Sequence[str], cells: int = CELLS
) -> Iterator[Matrices]:
    """Every repository of a series, in the order of `hub_id`.

    Args:
        lake: the lake.
        table: `model_days`, `dataset_days` or `space_days`.
        calendar: of the days of the series.
        counters: the counters that are wanted.
        cells: numbers in a matrix, about.

    Raises:
        MissingDay: the series was never materialised.
    """
    wanted = [one for one in KINDS[table].counters if one.name in counters]
    stored = lake.read(table, None)
    files = stored.month_files if stored.months else []
    months = [_Month(file, wanted) for file in files]
    # A month is spread over its 31 days for each counter, however few the calendar has.
    for end in _ends(months, max(cells // max(len(calendar), 2 * DAYS), 1)):
        parts = [(month, rows) for month in months if (rows := month.until(end)).height]
        if parts:
            yield _matrices(parts, calendar, wanted)


def identities(lake: Lake, table: str) -> Iterator[pl.Series]:
    """The `hub_id` of every repository of a series, in order, some thousands at a time."""
    stored = lake.read(table, None)
    files = stored.month_files if stored.months else []
    months = [_Month(file, []) for file in files]
    for end in _ends(months, CELLS // DAYS):
        names = pl.concat([month.until(end)["hub_id"] for month in months])
        if len(names):
            yield names.unique().sort()


class _Month:
    """A month's file, read group by group."""

    def __init__(self, file: LakeFile, counters: Sequence[Counter]) -> None:
        self._file: pq.ParquetFile = file.arrow()
        columns = itertools.chain.from_iterable(one.stored for one in counters)
        self._columns = ["hub_id", *(["id", "listed", *columns] if counters else [])]
        self.days = [iso(day) for day in days_of(file.footer()["notes"])]
        about = self._file.metadata
        column = about.schema.names.index("hub_id")
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        self.groups = [(group.column(column).statistics.min, group.num_rows) for group in groups]
        self._next, self._left = 0, [self._read([])]

    def until(self, end: str | None) -> pl.DataFrame:
        """The rows from where the last call ended, before `end`; None: all others."""
        first = self._next
        while self._next < len(self.groups) and (end is None or self.groups[self._next][0] < end):
            self._next += 1
        rows = pl.concat([*self._left, self._read(range(first, self._next))])
        size = rows.height if end is None else rows["hub_id"].search_sorted(end)
        self._left = [rows[size:]]
        return rows[:size]

    def _read(self, groups: Sequence[int]) -> pl.DataFrame:
        table = self._file.read_row_groups(list(groups), self._columns, use_threads=False)
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        return frame


def _ends(months: Sequence[_Month], most: int) -> Iterator[str | None]:
    """Where parts of about so many repositories end; None for the last."""
    groups = sorted(itertools.chain.from_iterable(month.groups for month in months))
    rows = 0
    for (low, size), (following, _) in itertools.pairwise(groups):
        rows += size
        if rows >= most * len(months) and following > low:
            yield following
            rows = 0
    yield None


def _matrices(
    parts: Sequence[tuple[_Month, pl.DataFrame]], calendar: Calendar, counters: Sequence[Counter]
) -> Matrices:
    # The last name counts: that of the last month.
    named = pl.concat([rows.select("hub_id", "id") for _, rows in parts])
    names = named.unique("hub_id", keep="last", maintain_order=True).sort("hub_id")
    shape = names.height, len(calendar)
    levels = {one.name: np.full(shape, np.nan) for one in counters}
    index = names.select("hub_id").with_row_index("row")
    for month, rows in parts:
        bits = [day.day - 1 for day in month.days]
        days = calendar.indices(np.array([(day - EPOCH).days for day in month.days], np.int32))
        at = rows.select("hub_id").join(index, on="hub_id", how="left", maintain_order="left")
        row = at["row"].to_numpy()
        for counter in counters:
            values, known = counter_days(rows, counter)
            found = np.where(known, values, np.nan)[:, bits]
            levels[counter.name][np.ix_(row, days)] = found
    for one in levels.values():
        _interpolate(one, calendar)
    return Matrices(names, levels)


def _interpolate(level: np.ndarray, calendar: Calendar) -> None:
    """Replace the values of untrusted days by those on the line between their neighbours."""
    before, after = calendar.neighbours
    for day in np.flatnonzero(~calendar.trusted):
        first, second = before[day], after[day]
        if first == NO_DAY or second == NO_DAY:
            level[:, day] = np.nan
            continue
        weight = calendar.times[day] - calendar.times[first]
        weight /= calendar.times[second] - calendar.times[first]
        level[:, day] = level[:, first] * (1 - weight) + level[:, second] * weight
