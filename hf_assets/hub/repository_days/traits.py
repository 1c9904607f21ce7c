"""Traits and names of a month: the last value in a column, earlier ones in a list with their days.

A trait is a property of a repository that seldom changes, such as its category. An entry of the
list has the day of the month from which the next values held (`until`), and all values before it.
"""

import datetime
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from hf_assets.hub.repository_days.schemas import CREATED, CREATED_AFTER, Kind

# Days of a month, and room for `until`.
_DAYS = 1 << 6


def with_traits_stored(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of a table with `created_at` as a month stores it."""
    if CREATED not in rows.columns:
        return rows
    after = rows[CREATED].cast(pl.Int64) - _begins(rows["hub_id"])
    return rows.with_columns(after.alias(CREATED_AFTER)).drop(CREATED)


def traits_given(values: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """The traits as a day's table has them.

    Args:
        values: `hub_id`, and traits as a month stores them.
        kind: of repository.
    """
    if CREATED_AFTER not in values.columns:
        return values
    created = values[CREATED_AFTER] + _begins(values["hub_id"])
    dtype = kind.source.schema[CREATED]
    return values.with_columns(created.cast(dtype).alias(CREATED)).drop(CREATED_AFTER)


def _begins(hub_ids: pl.Series) -> pl.Series:
    """The time that an identity of the Hub begins with, ms; 0 where it has none."""
    seconds = hub_ids.str.head(8).str.to_integer(base=16, strict=False, dtype=pl.Int64)
    return seconds.fill_null(0) * 1000


def with_values(
    older: pl.DataFrame,
    now: pl.DataFrame,
    there: np.ndarray,
    day: datetime.date,
    columns: Sequence[str],
    earlier: str,
) -> dict[str, pl.Series]:
    """The last values and the earlier ones of rows of a month, with those of a later day.

    Args:
        older: rows of the month.
        now: the same repositories on the day; any values where it does not list them.
        there: whether the day lists each.
        day: later than each of theirs.
        columns: those that are kept so.
        earlier: the column of their earlier values.
    """
    before = older["listed"].to_numpy() != 0
    differ = np.zeros(older.height, bool)
    for name in columns:
        differ |= older[name].ne_missing(now[name]).to_numpy()
    moved = np.flatnonzero(differ & there & before)
    lists = older[earlier]
    if len(moved):
        at = pl.Series(moved)
        entries = pl.DataFrame([older[name].gather(at) for name in (earlier, *columns)])
        struct = pl.struct(pl.lit(day.day, pl.Int32).alias("until"), *columns)
        none = pl.lit([], dtype=lists.dtype)
        longer = entries.select(pl.concat_list(pl.col(earlier).fill_null(none), struct))
        lists = _put(lists, moved, longer.to_series())
    # Most stay as they are.
    taken = there if len(moved) else there & ~before
    if not taken.any():
        return {**{name: older[name] for name in columns}, earlier: lists}
    every, listed = bool(taken.all()), pl.Series(taken)
    values = {n: now[n] if every else now[n].zip_with(listed, older[n]) for n in columns}
    return {**values, earlier: lists}


def _put(column: pl.Series, rows: np.ndarray, values: pl.Series) -> pl.Series:
    """A column with those values in those rows."""
    at = np.arange(len(column))
    at[rows] = len(column) + np.arange(len(rows))
    both = pl.concat([column, values.alias(column.name).cast(column.dtype)])
    return both.gather(pl.Series(at))


class Past:
    """Values of rows of a month on any of its days.

    Args:
        rows: of a month.
        earlier: the column of earlier values.
    """

    def __init__(self, rows: pl.DataFrame, earlier: str) -> None:
        self._rows = rows
        moved = rows[earlier].is_not_null()
        self._entries: pl.DataFrame | None = None
        if moved.any():
            found = rows.select(earlier).with_row_index("row").filter(moved).explode(earlier)
            self._entries = found.unnest(earlier)
            self._keys = _keys(found["row"].to_numpy(), self._entries["until"].to_numpy())

    def on(self, row: np.ndarray, bit: np.ndarray, names: Sequence[str]) -> Mapping[str, pl.Series]:
        """Those columns, of these rows on these days.

        Args:
            row: numbers of rows.
            bit: of a day for each; 0 is the first of the month.
            names: of the columns.
        """
        if self._entries is None:
            at = pl.Series(row)
            return {name: self._rows[name].gather(at) for name in names}
        # The first entry of that row that ends after the day.
        entry = np.searchsorted(self._keys, _keys(row, bit + 1), side="right")
        entry = np.minimum(entry, len(self._keys) - 1)
        ends = self._keys[entry]
        fits = (ends // _DAYS == row) & (ends % _DAYS > bit + 1)
        at = pl.Series(np.where(fits, self._rows.height + entry, row))
        return {
            name: pl.concat([self._rows[name], self._entries[name]]).gather(at) for name in names
        }


def _keys(row: np.ndarray, day: np.ndarray) -> np.ndarray:
    return row.astype(np.int64) * _DAYS + day
