"""The counters of every repository on every day, some thousands of repositories at a time.

The months of `model_days` lie in the order of `hub_id`: they are read side by side, each row group
once, so that memory holds the rows of a part alone however many there are.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from hf_assets.hub.repository_days.expanding import counter_days
from hf_assets.hub.repository_days.facts import days_of
from hf_assets.hub.repository_days.groups import bounds
from hf_assets.hub.repository_days.schemas import (
    CREATED,
    CREATED_AFTER,
    DAYS,
    MODEL_DAYS,
    OF_MODELS,
    Counter,
)
from hf_assets.hub.repository_days.traits import traits_given
from hf_assets.storage.lake import Lake, iso
from hf_assets.storage.opened import LakeFile
from hf_assets.trends.series.calendar import EPOCH, NO_DAY, Calendar

# Numbers in a matrix of a counter: 16 MB.
CELLS = 1 << 21
_TEXTS = ("id", "category", CREATED_AFTER)


@dataclass(frozen=True)
class Matrices:
    """Some repositories, in the order of `hub_id`.

    Attributes:
        names: hub_id; id, category and created, the last of each.
        levels: for each counter a matrix (repositories x days of the calendar, float64),
            interpolated on untrusted days; NaN where unknown.
        beside: the rows of another file in the same range of `hub_id`.
    """

    names: pl.DataFrame
    levels: dict[str, np.ndarray]
    beside: pl.DataFrame


def matrices(
    lake: Lake,
    calendar: Calendar,
    counters: Sequence[str],
    cells: int = CELLS,
    beside: LakeFile | None = None,
) -> Iterator[Matrices]:
    """Every model of some days, or of another file, in the order of `hub_id`.

    Args:
        lake: the lake.
        calendar: of days of `model_days`; other months are not read. Names and texts of a month
            without a day that is shown count least.
        counters: the counters that are wanted.
        cells: numbers in a matrix, about.
        beside: another file in the order of `hub_id`.

    Raises:
        MissingDay: the series was never materialised.
    """
    wanted = [one for one in OF_MODELS.counters if one.name in counters]
    months = _months(lake, calendar, wanted)
    other = _Rows(beside) if beside else None
    # A month is spread over its 31 days for each counter, however few the calendar has.
    for end in _ends(months, max(cells // max(len(calendar), 2 * DAYS), 1)):
        parts = [(month, rows) for month in months if (rows := month.until(end)).height]
        more = other.until(end) if other else pl.DataFrame()
        if parts or more.height:
            yield _matrices(parts, calendar, wanted, more)


class _Rows:
    """A file in the order of `hub_id`, read group by group."""

    def __init__(self, file: LakeFile, columns: Sequence[str] | None = None) -> None:
        self._file: pq.ParquetFile = file.arrow()
        self._columns = columns and [*columns]
        self.groups = [(first, rows) for first, _, rows in bounds(self._file)]
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


class _Month(_Rows):
    """A month's file, and those of its days that are wanted."""

    def __init__(self, file: LakeFile, days: Sequence[date], counters: Sequence[Counter]) -> None:
        columns = itertools.chain.from_iterable(one.stored for one in counters)
        super().__init__(file, ["hub_id", *_TEXTS, "listed", *columns])
        self.days = days


def _months(lake: Lake, calendar: Calendar, counters: Sequence[Counter]) -> list[_Month]:
    """The months that have one of those days."""
    stored, wanted = lake.read(MODEL_DAYS.name, None), set(calendar.dates())
    found = []
    for file in stored.month_files if stored.months else []:
        days = [day for day in map(iso, days_of(file.footer()["notes"])) if day in wanted]
        if days:
            found.append(_Month(file, days, counters))
    return found


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
    parts: Sequence[tuple[_Month, pl.DataFrame]],
    calendar: Calendar,
    counters: Sequence[Counter],
    beside: pl.DataFrame,
) -> Matrices:
    names = _names(parts, calendar)
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
    return Matrices(names, levels, beside)


def _names(parts: Sequence[tuple[_Month, pl.DataFrame]], calendar: Calendar) -> pl.DataFrame:
    """hub_id, id, category and created: those of the last month count."""
    dates = calendar.dates()
    shown = dates if calendar.shown is None else itertools.compress(dates, calendar.shown)
    last = max(shown, default=None)
    ordered = sorted(parts, key=lambda part: last is None or part[0].days[0] <= last)
    none = pl.DataFrame(schema=MODEL_DAYS.schema).select("hub_id", *_TEXTS)
    # A month of an earlier version lacks texts.
    texts = (rows.select(pl.col(f"^({'|'.join(none.columns)})$")) for _, rows in ordered)
    named = pl.concat([none, *texts], how="diagonal")
    names = named.unique("hub_id", keep="last", maintain_order=True).sort("hub_id")
    created = pl.col(CREATED).cast(pl.Date).alias("created")
    return traits_given(names, OF_MODELS).with_columns(created).drop(CREATED)


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
