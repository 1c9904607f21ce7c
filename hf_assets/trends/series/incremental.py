"""Series kept a month a file: a new day makes its own month anew, and no other.

A month notes in its footer what it was made of (`trends.needs`), and stands for as long as that is
as it was. What comes out is what making all of it would give, to the last digits.
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
from hf_assets.trends.series.fingerprints import Need, marks_of
from hf_assets.trends.series.past import Past

# Months made at a time: their days, and their rows until the last is made, are in memory.
AT_ONCE = 13

_MADE_OF = "made of"


@dataclass(frozen=True)
class Series:
    """A series that is kept by month.

    Args:
        table: with a column `day`.
        make: its rows, of all days of a past.
        needs: what each month of it depends on.
        notes: which days it is of.
    """

    table: Table
    make: Callable[[Past], TableWrite]
    needs: Callable[[Past], Mapping[str, Need]]
    notes: Callable[[Past], Mapping[str, Any]]


def levels(table: Table, make: Callable[[Past], TableWrite]) -> Series:
    """A series of levels and rates, from `daily_metrics`."""
    return Series(table, make, lambda past: past.needs_of_levels, lambda past: past.notes)


def counts(table: Table, make: Callable[[Past], TableWrite]) -> Series:
    """A series of counts between two days, from `daily_changes`."""
    return Series(
        table,
        make,
        lambda past: past.needs_of_changes,
        lambda past: {"days": len(past.changes_files)},
    )


def brought_up(past: Past, *series: Series, anew: bool = False) -> list[StoredTable]:
    """Each series, its months as they should be; days that several need are read once.

    Another process that brings up the same series is waited for. Until all months of a series are
    there, its table is as it was.

    Args:
        past: every stored day.
        series: what is made.
        anew: make all months, also those that stand.

    Raises:
        MissingDay: `day_quality` lacks a day, or was never made.
        BusyError: another process brings one of them up for longer than anybody waits.
    """
    with ExitStack() as locks:
        # In one order, so that two processes never wait for each other.
        for name in sorted({one.table.name for one in series}):
            locks.enter_context(past.lake.refreshing(name))
        return _brought_up(past.current(), *series, anew=anew)


def _brought_up(past: Past, *series: Series, anew: bool) -> list[StoredTable]:
    under_way = [_UnderWay(past, one, anew=anew) for one in series]
    wanted = sorted({month for one in under_way for month in one.wanted})
    for begin in range(0, len(wanted), AT_ONCE):
        months = wanted[begin : begin + AT_ONCE]
        days = {day for one in under_way for day in one.days(months)}
        for one in under_way:
            one.make(past.part(days, months), months)
    return [one.finished(past) for one in under_way]


class _UnderWay:
    """A series while it is brought up: which months it wants, and how long that took."""

    def __init__(self, past: Past, series: Series, *, anew: bool) -> None:
        self.lake, self.series, self.seconds = past.lake, series, 0.0
        self.needs = series.needs(past)
        self.made_of = marks_of(series.table, self.needs)
        # A file that cannot be read is made anew, too.
        there = self.lake.month_notes(series.table.name)
        stands = {
            month
            for month, notes in there.items()
            if notes.get(_MADE_OF) == self.made_of.get(month)
        }
        self.wanted = [month for month in self.needs if anew or month not in stands]

    def days(self, months: Iterable[str]) -> set[str]:
        """The days that those of the months depend on which it wants."""
        return {day for month in months if month in self.wanted for day in self.needs[month].days}

    def make(self, part: Past, months: Iterable[str]) -> None:
        """Make and store those of the months that it wants."""
        began = time.perf_counter()
        if mine := [month for month in months if month in self.wanted]:
            for month, frames in _cut(self.series.make(part).frames, mine).items():
                made = TableWrite(frames, notes={_MADE_OF: self.made_of[month]})
                self.lake.write(self.series.table, month, made)
        self.seconds += time.perf_counter() - began

    def finished(self, past: Past) -> StoredTable:
        """The table whole; without any month it is one file without rows."""
        table, months = self.series.table, list(self.needs)
        if not months:
            self.lake.write(table, None, TableWrite([]))
        made = {"months": len(months), "months made": len(self.wanted)}
        notes = {**self.series.notes(past), **made}
        return self.lake.join_months(table.name, months, notes, self.seconds)


def _cut(frames: Iterable[pl.DataFrame], months: Sequence[str]) -> dict[str, list[pl.DataFrame]]:
    """The rows of each of those months, in their order."""
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
