"""Rows of a month as rows of days, and as the values of one day."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from hf_assets.hub.repository_days.layout import Changes, unzigzag
from hf_assets.hub.repository_days.schemas import DAYS, Counter, Kind

# A bit of each day of a month.
BITS = np.left_shift(1, np.arange(DAYS, dtype=np.int64))
# Rows that are expanded at a time: a matrix of days takes 8 MB.
BLOCK = 1 << 15


def day_schema(kind: Kind) -> pl.Schema:
    """The columns of a row a day."""
    counters = {counter.name: counter.dtype for counter in kind.counters}
    names = {"hub_id": pl.String, "id": pl.String, "day": pl.Date, "trusted": pl.Boolean}
    return pl.Schema(names | counters)


def expanded(rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """A row a repository and day that lists it, in the order of the rows and then of days."""
    parts = [_expanded(part, kind) for part in rows.iter_slices(BLOCK) if part.height]
    return pl.concat(parts) if parts else pl.DataFrame(schema=day_schema(kind))


def _expanded(rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    row, bit = np.nonzero(_matrix(rows["listed"]))
    of_row = pl.Series(row.astype(np.uint32))
    days = rows["first_day"].to_physical().to_numpy()[row] + bit
    trusted = (rows["trusted"].to_numpy()[row] >> bit) & 1
    columns = {
        "hub_id": rows["hub_id"].gather(of_row),
        "id": _ids(rows, row, bit),
        "day": pl.Series(days.astype(np.int32)).cast(pl.Date),
        "trusted": pl.Series(trusted).cast(pl.Boolean),
    }
    for counter in kind.counters:
        values, known = counter_days(rows, counter)
        columns[counter.name] = _with_nulls(values[row, bit], known[row, bit], counter)
    return pl.DataFrame(columns).select(day_schema(kind).names())


def _matrix(masks: pl.Series) -> np.ndarray:
    """Whether each day's bit is set, a row a mask (bool, rows x 31)."""
    return (masks.to_numpy().astype(np.int64)[:, None] & BITS) != 0


def counter_days(rows: pl.DataFrame, counter: Counter) -> tuple[np.ndarray, np.ndarray]:
    """The values of a counter on each day (rows x 31), and whether it is known there."""
    known = _matrix(rows[counter.known].fill_null(rows["listed"]))
    changed = _matrix(rows[counter.changed])
    first = rows[counter.name].fill_null(0).to_numpy()
    changes = Changes.of(rows[counter.changes])
    if counter.steps:
        values = np.zeros(known.shape, np.int64)
        values[changed] = unzigzag(changes.values)
        values[:, 0] += first
        return np.cumsum(values, axis=1, out=values), known
    at = np.cumsum(changed, axis=1)
    every = np.append(changes.values, 0.0)
    places = np.where(at > 0, changes.begins[:, None] + at - 1, 0)
    return np.where(at > 0, every[places], first[:, None]), known


def _with_nulls(values: np.ndarray, known: np.ndarray, counter: Counter) -> pl.Series:
    column = pl.Series(counter.name, values, dtype=counter.dtype)
    if known.all():
        return column
    return column.zip_with(pl.Series(known), pl.Series([None], dtype=counter.dtype))


def _ids(rows: pl.DataFrame, row: np.ndarray, bit: np.ndarray) -> pl.Series:
    """The names of these rows on these days."""
    names, moved = rows["id"], rows["earlier_ids"].is_not_null()
    if not moved.any():
        return names.gather(pl.Series(row))
    at, more = row.copy(), []
    moving = rows.with_row_index("row").filter(moved).select("row", "earlier_ids")
    earlier = dict(moving.iter_rows())
    for where in np.flatnonzero(moved.to_numpy()[row]).tolist():
        before = (one["id"] for one in earlier[row[where]] if bit[where] + 1 < one["until"])
        if (name := next(before, None)) is not None:
            at[where] = len(names) + len(more)
            more.append(name)
    return pl.concat([names, pl.Series(more, dtype=pl.String)]).gather(pl.Series(at))


def of_day(rows: pl.DataFrame, bit: int, counters: Sequence[Counter]) -> pl.DataFrame:
    """`hub_id`, `id` where the rows have it, and counters of one day, of the rows that it lists.

    Args:
        rows: of a month.
        bit: 0 is the first of the month.
        counters: those wanted.
    """
    rows = rows.filter((pl.col("listed") & (1 << bit)) != 0)
    until = (2 << bit) - 1
    columns = {"hub_id": rows["hub_id"]}
    if "id" in rows.columns:
        every = np.arange(rows.height)
        columns["id"] = _ids(rows, every, np.full(rows.height, bit))
    for counter in counters:
        counts = (rows[counter.changed] & until).bitwise_count_ones().to_numpy().astype(np.int64)
        values = Changes.of(rows[counter.changes]).level(rows[counter.name], counter, counts)
        known = (rows[counter.known].fill_null(rows["listed"]).to_numpy() & (1 << bit)) != 0
        columns[counter.name] = _with_nulls(values, known, counter)
    return pl.DataFrame(columns)
