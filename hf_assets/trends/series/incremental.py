"""Series stored as a file a month: a new day rebuilds its own month only.

The footer of a month holds the fingerprint of its inputs (`fingerprints.py`); the month stays as
long as that is the same. The result equals a full rebuild, to the last digit.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from hf_assets.storage.lake import StoredTable, TableWrite
from hf_assets.storage.parquet import Table
from hf_assets.trends.series.fingerprints import MonthInputs, fingerprints_of, merged
from hf_assets.trends.series.past import Past

# Months built at a time: their days, and their rows until the last is built, are in memory.
AT_ONCE = 13

# The key of the fingerprint in a month's footer.
_FINGERPRINT = "made of"


@dataclass(frozen=True)
class Series:
    """A series stored by month.

    Args:
        table: with a column `day`.
        make: builds its rows from all days of a past.
        inputs: what each month depends on.
        notes: which days the series covers.
    """

    table: Table
    make: Callable[[Past], TableWrite]
    inputs: Callable[[Past], Mapping[str, MonthInputs]]
    notes: Callable[[Past], Mapping[str, Any]]


def levels(table: Table, make: Callable[[Past], TableWrite]) -> Series:
    """A series of levels and rates, from `daily_metrics`."""
    return Series(table, make, lambda past: past.level_inputs, lambda past: past.notes)


def levels_of_datasets(table: Table, make: Callable[[Past], TableWrite]) -> Series:
    """A series of levels and rates of datasets: of the days that have any, as trusted as those."""
    return Series(
        table,
        lambda past: make(past.datasets),
        lambda past: past.datasets.level_inputs,
        lambda past: past.datasets.notes,
    )


def levels_of_both(table: Table, make: Callable[[Past], TableWrite]) -> Series:
    """A series of levels and rates that has rows of models and rows of datasets."""
    return Series(
        table,
        make,
        lambda past: merged(past.level_inputs, past.datasets.level_inputs),
        lambda past: past.notes,
    )


def categories(table: Table, make: Callable[[Past], TableWrite]) -> Series:
    """A series of levels and rates that has predicted categories beside them."""
    return Series(table, make, lambda past: past.category_inputs, lambda past: past.notes)


def counts(table: Table, make: Callable[[Past], TableWrite]) -> Series:
    """A series of counts between two days, from `daily_changes`."""
    return Series(
        table,
        make,
        lambda past: past.change_inputs,
        lambda past: {"days": len(past.changes_files)},
    )


def refresh(past: Past, *series: Series, full_refresh: bool = False) -> list[StoredTable]:
    """Bring each series up to date; days that several of them need are read once.

    Waits for another process that refreshes the same series. A table keeps its old content until
    all of its months are there.

    Args:
        past: every stored day.
        series: the series to refresh.
        full_refresh: rebuild every month, whatever its fingerprint.

    Raises:
        MissingDay: `day_quality` lacks a day, or was never materialised.
        BusyError: another process has been refreshing one of them for too long.
    """
    with ExitStack() as locks:
        # In one order, so that two processes never wait for each other.
        for name in sorted({one.table.name for one in series}):
            locks.enter_context(past.lake.refreshing(name))
        return _refresh(past.current(), *series, full_refresh=full_refresh)


def _refresh(past: Past, *series: Series, full_refresh: bool) -> list[StoredTable]:
    refreshes = [_Refresh(past, one, full_refresh=full_refresh) for one in series]
    wanted = sorted({month for one in refreshes for month in one.stale})
    for begin in range(0, len(wanted), AT_ONCE):
        months = wanted[begin : begin + AT_ONCE]
        days = {day for one in refreshes for day in one.days(months)}
        for one in refreshes:
            one.make(past.part(days, months), months)
    return [one.finished(past) for one in refreshes]


class _Refresh:
    """A series while it is refreshed: the months to rebuild, and the seconds spent."""

    def __init__(self, past: Past, series: Series, *, full_refresh: bool) -> None:
        self.lake, self.series, self.seconds = past.lake, series, 0.0
        self.inputs = series.inputs(past)
        self.fingerprints = fingerprints_of(series.table, self.inputs)
        # A month whose file cannot be read has no notes: it is rebuilt, too.
        stored = self.lake.month_notes(series.table.name)
        current = {
            month
            for month, notes in stored.items()
            if notes.get(_FINGERPRINT) == self.fingerprints.get(month)
        }
        self.stale = [month for month in self.inputs if full_refresh or month not in current]

    def days(self, months: Iterable[str]) -> set[str]:
        """The days that the stale ones of these months depend on."""
        return {day for month in months if month in self.stale for day in self.inputs[month].days}

    def make(self, part: Past, months: Iterable[str]) -> None:
        """Build and store the stale ones of these months."""
        started = time.perf_counter()
        if mine := [month for month in months if month in self.stale]:
            for month, frames in _cut(self.series.make(part).frames, mine).items():
                table = TableWrite(frames, notes={_FINGERPRINT: self.fingerprints[month]})
                self.lake.write(self.series.table, month, table)
        self.seconds += time.perf_counter() - started

    def finished(self, past: Past) -> StoredTable:
        """Publish the table; without any month it is a single file without rows."""
        table, months = self.series.table, list(self.inputs)
        if not months:
            self.lake.write(table, None, TableWrite([]))
        rebuilt = {"months": len(months), "months made": len(self.stale)}
        notes = {**self.series.notes(past), **rebuilt}
        return self.lake.join_months(table.name, months, notes, self.seconds)


def _cut(frames: Iterable[pl.DataFrame], months: Sequence[str]) -> dict[str, list[pl.DataFrame]]:
    """The rows of each of these months, in their order."""
    parts: dict[str, list[pl.DataFrame]] = {month: [] for month in months}
    for frame in frames:
        days = frame["day"].to_physical().to_numpy().astype("datetime64[D]")
        of_month = days.astype("datetime64[M]")
        for month, rows in parts.items():
            mine = of_month == np.datetime64(month)
            if mine.all():
                rows.append(frame)
            elif mine.any():
                rows.append(frame.filter(pl.Series(mine)))
    return parts
