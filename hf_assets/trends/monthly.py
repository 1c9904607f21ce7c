"""Series kept a month a file: a new day makes its own month anew, and no other.

A month notes in its footer what it was made of (`trends.needs`), and stands for as long as that is
as it was. What comes out is what making all of it would give, to the bit.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hf_assets.lake import Lake, Made, MissingDay, Stored
from hf_assets.parquet import Table
from hf_assets.trends.history import Past
from hf_assets.trends.needs import Need, marks_of

# Months made at a time: their rows wait in memory until the last is made.
AT_ONCE = 13

_MADE_OF = "made of"


@dataclass(frozen=True)
class Series:
    """A series that is kept by month.

    Args:
        table: with a column `day`.
        make: its rows, of all days of a past.
        needs: what each month of it depends on.
    """

    table: Table
    make: Callable[[Past], Made]
    needs: Callable[[Past], Mapping[str, Need]]


def levels(table: Table, make: Callable[[Past], Made]) -> Series:
    """A series of levels and rates, from `daily_metrics`."""
    return Series(table, make, lambda past: past.needs_of_levels)


def counts(table: Table, make: Callable[[Past], Made]) -> Series:
    """A series of counts between two days, from `daily_changes`."""
    return Series(table, make, lambda past: past.needs_of_changes)


def brought_up(series: Series, past: Past) -> Stored:
    """The series, its months as they should be; its notes tell of all its days.

    Raises:
        MissingDay: `day_quality` lacks a day.
    """
    lake, table, needs = past.lake, series.table, series.needs(past)
    made_of = marks_of(table, needs)
    wanted = [month for month in needs if _made_of(lake, table, month) != made_of[month]]
    for begin in range(0, len(wanted), AT_ONCE):
        months = wanted[begin : begin + AT_ONCE]
        part = past.part((day for month in months for day in needs[month].days), months)
        for month, frames in _by_month(series.make(part).frames, months).items():
            lake.write(table, month, Made(frames, notes={_MADE_OF: made_of[month]}))
    if not needs:
        lake.write(table, None, Made([]))
    lake.leave_months(table.name, needs)
    return replace(lake.read(table.name, None), notes=past.notes)


def _made_of(lake: Lake, table: Table, month: str) -> str | None:
    try:
        return lake.notes(table.name, month).get(_MADE_OF)
    except MissingDay:
        return None


def _by_month(
    frames: Iterable[pl.DataFrame], months: Iterable[str]
) -> dict[str, list[pl.DataFrame]]:
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
