"""Days of many repositories as rows of a month, and back: bits of days, first values, changes."""

import datetime
from collections.abc import Sequence

import numpy as np
import polars as pl

from hf_assets.hub.repository_days.schemas import DAYS, EARLIER_IDS, Counter, Kind

# A bit of each day of a month.
BITS = np.left_shift(1, np.arange(DAYS, dtype=np.int64))
# Rows that are expanded at a time: a matrix of days takes 8 MB.
BLOCK = 1 << 15


def matrix(masks: pl.Series) -> np.ndarray:
    """Whether each day's bit is set, a row a mask (bool, rows x 31)."""
    return (masks.to_numpy().astype(np.int64)[:, None] & BITS) != 0


def counter_days(rows: pl.DataFrame, counter: Counter) -> tuple[np.ndarray, np.ndarray]:
    """The values of a counter on each day (rows x 31), and whether it is known there."""
    known = matrix(rows[counter.known].fill_null(rows["listed"]))
    changed = matrix(rows[counter.changed])
    first = rows[counter.name].fill_null(0).to_numpy()
    changes = rows[counter.changes].explode(empty_as_null=False, keep_nulls=False).to_numpy()
    if counter.steps:
        values = np.zeros(known.shape, np.int64)
        values[changed] = changes
        values[:, 0] += first
        return np.cumsum(values, axis=1, out=values), known
    at = np.cumsum(changed, axis=1)
    ends = np.cumsum(at[:, -1])
    begins = ends - at[:, -1]
    every = np.append(changes, 0.0)
    return np.where(at, every[np.where(at, begins[:, None] + at - 1, 0)], first[:, None]), known


def expanded(rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """A row a repository and day that lists it, in the order of the rows and then of days."""
    parts = [_expanded(part, kind) for part in rows.iter_slices(BLOCK) if part.height]
    return pl.concat(parts) if parts else pl.DataFrame(schema=day_schema(kind))


def day_schema(kind: Kind) -> pl.Schema:
    """The columns of a row a day."""
    counters = {counter.name: counter.dtype for counter in kind.counters}
    names = {"hub_id": pl.String, "id": pl.String, "day": pl.Date, "trusted": pl.Boolean}
    return pl.Schema(names | counters)


def _expanded(rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    row, bit = np.nonzero(matrix(rows["listed"]))
    days = rows["month"].to_physical().to_numpy()[row] + bit
    found = pl.DataFrame({"row": row.astype(np.uint32), "bit": bit.astype(np.int32)})
    found = found.with_columns(
        hub_id=rows["hub_id"].gather(found["row"]),
        id=_ids(rows, found),
        day=pl.Series(days, dtype=pl.Int32).cast(pl.Date),
        trusted=pl.Series((rows["trusted"].to_numpy()[row] >> bit) & 1).cast(pl.Boolean),
    )
    columns = []
    for counter in kind.counters:
        values, known = counter_days(rows, counter)
        column = pl.Series(counter.name, values[row, bit], dtype=counter.dtype)
        known_there = known[row, bit]
        if not known_there.all():
            column = column.zip_with(pl.Series(known_there), pl.Series([None], dtype=counter.dtype))
        columns.append(column.alias(counter.name))
    return found.hstack(columns).select(day_schema(kind).names())


def _ids(rows: pl.DataFrame, found: pl.DataFrame) -> pl.Series:
    """The name of each row on its day."""
    names = rows["id"].gather(found["row"])
    if rows["earlier_ids"].null_count() == rows.height:
        return names
    names = names.to_list()
    earlier = rows["earlier_ids"].to_list()
    for at, (row, bit) in enumerate(found.select("row", "bit").iter_rows()):
        for one in earlier[row] or ():
            if bit + 1 < one["until"]:
                names[at] = one["id"]
                break
    return pl.Series("id", names, dtype=pl.String)


def encoded(
    days: Sequence[tuple[datetime.date, pl.DataFrame]], kind: Kind, trusted: Sequence[bool]
) -> pl.DataFrame:
    """Days of one month as its rows, in the order of `hub_id`.

    Args:
        days: oldest first, each with its rows, sorted by `hub_id`: `hub_id`, `id`, the counters.
        kind: of repository.
        trusted: whether each of them is.
    """
    keys = pl.concat([rows.select("hub_id") for _, rows in days]).unique().sort("hub_id")
    size = keys.height
    listed, values, known = np.zeros((size, DAYS), bool), {}, {}
    for counter in kind.counters:
        values[counter.name] = np.zeros((size, DAYS), np.float64 if not counter.steps else np.int64)
        known[counter.name] = np.zeros((size, DAYS), bool)
    names: list[tuple[int, np.ndarray, pl.Series]] = []
    for day, rows in days:
        at = keys["hub_id"].search_sorted(rows["hub_id"]).to_numpy()
        bit = day.day - 1
        listed[at, bit] = True
        names.append((bit, at, rows["id"]))
        for counter in kind.counters:
            column = rows[counter.name]
            values[counter.name][at, bit] = column.fill_null(0).to_numpy()
            known[counter.name][at, bit] = column.is_not_null().to_numpy()
    month = days[0][0].replace(day=1)
    current, earlier = _named(names, size)
    stored = sum(1 << (day.day - 1) for day, _ in days)
    good = sum(1 << (day.day - 1) for (day, _), fits in zip(days, trusted, strict=True) if fits)
    columns: dict[str, pl.Series] = {
        "month": pl.repeat(month, size, dtype=pl.Date, eager=True),
        "hub_id": keys["hub_id"],
        "id": current,
        "earlier_ids": earlier,
        "stored": pl.repeat(stored, size, dtype=pl.Int32, eager=True),
        "trusted": pl.repeat(good, size, dtype=pl.Int32, eager=True),
        "listed": _masks(listed),
    }
    for counter in kind.counters:
        columns |= _counter(counter, values[counter.name], known[counter.name], listed)
    return pl.DataFrame(columns).select(kind.table.schema.names())


def _named(
    names: Sequence[tuple[int, np.ndarray, pl.Series]], size: int
) -> tuple[pl.Series, pl.Series]:
    """The last name of each row, and its earlier ones."""
    current: list[str | None] = [None] * size
    earlier: dict[int, list[dict[str, object]]] = {}
    for bit, at, ids in names:
        for row, name in zip(at.tolist(), ids.to_list(), strict=True):
            before = current[row]
            if before is not None and before != name:
                earlier.setdefault(row, []).append({"until": bit + 1, "id": before})
            current[row] = name
    column = pl.Series([earlier.get(row) for row in range(size)], dtype=EARLIER_IDS)
    return pl.Series(current, dtype=pl.String), column


def _masks(bits: np.ndarray) -> pl.Series:
    return pl.Series((bits @ BITS).astype(np.int32))


def _counter(
    counter: Counter, values: np.ndarray, known: np.ndarray, listed: np.ndarray
) -> dict[str, pl.Series]:
    """The columns of a counter from its values on each day."""
    days = np.where(known, np.arange(1, DAYS + 1), 0)
    last = np.maximum.accumulate(days, axis=1)
    before = np.zeros_like(last)
    before[:, 1:] = last[:, :-1]
    rows = np.arange(len(values))[:, None]
    previous = values[rows, np.maximum(before - 1, 0)]
    changed = known & (before > 0) & (values != previous)
    step = (values - previous if counter.steps else values)[changed]
    first = values[np.arange(len(values)), np.argmax(known, axis=1)]
    ever = known.any(axis=1)
    everywhere = (known == listed).all(axis=1)
    lengths = changed.sum(axis=1)
    masks = _masks(known)
    return {
        counter.name: pl.Series(first, dtype=counter.dtype).zip_with(
            pl.Series(ever), pl.Series([None], dtype=counter.dtype)
        ),
        counter.known: pl.Series([None], dtype=pl.Int32)
        .new_from_index(0, len(values))
        .zip_with(pl.Series(everywhere), masks),
        counter.changed: _masks(changed),
        counter.changes: lists(step, lengths, counter.dtype),
    }


def lists(values: np.ndarray, lengths: np.ndarray, dtype: type[pl.DataType]) -> pl.Series:
    """Values one after the other as lists of those lengths."""
    import pyarrow as pa

    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    array = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))
    series = pl.from_arrow(array)
    assert isinstance(series, pl.Series)
    return series.cast(pl.List(dtype))
