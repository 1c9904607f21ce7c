"""Days of many repositories as rows of a month: a day by itself, and days joined to those before.

`hub_id` orders the rows. Of a day by itself nothing has changed yet; two runs of days are joined by
what changed from the last day of the older to the first of the newer.
"""

import datetime
from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from hf_assets.hub.repository_days.schemas import EARLIER_IDS, Counter, Kind

NO_DAYS = 0
BITS = ("stored", "trusted", "listed")


def month_rows(day: datetime.date, rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """A day as rows of its month, without `stored` and `trusted`, which say the same in each row.

    Args:
        day: the day.
        rows: `hub_id`, ascending and each once, `id` and the counters.
        kind: of repository.
    """
    columns = [
        pl.lit(day.replace(day=1)).alias("month"),
        pl.lit(None, EARLIER_IDS).alias("earlier_ids"),
        *(pl.lit(NO_DAYS, pl.Int32).alias(name) for name in BITS[:2]),
        pl.lit(1 << (day.day - 1), pl.Int32).alias("listed"),
    ]
    for counter in kind.counters:
        there = pl.col(counter.name).is_not_null()
        columns += [
            pl.when(~there).then(pl.lit(NO_DAYS, pl.Int32)).alias(counter.known),
            pl.lit(NO_DAYS, pl.Int32).alias(counter.changed),
            pl.lit([], pl.List(counter.dtype)).alias(counter.changes),
        ]
    return rows.with_columns(columns).select(kind.table.schema.names())


def joined(older: pl.DataFrame, newer: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Rows of earlier days and of later days of a month as rows of all of these days.

    Args:
        older: rows of a month, `hub_id` ascending.
        newer: likewise; each day of them comes after those of `older`.
        kind: of repository.
    """
    older, newer = _aligned(older, newer, kind)
    columns = {name: older[name] for name in ("month", "hub_id", "stored", "trusted")}
    columns["listed"] = older["listed"] | newer["listed"]
    columns["id"], columns["earlier_ids"] = _names(older, newer)
    for counter in kind.counters:
        columns |= _joined(older, newer, counter)
    return pl.DataFrame(columns).select(kind.table.schema.names())


def _aligned(
    older: pl.DataFrame, newer: pl.DataFrame, kind: Kind
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both with a row for each repository of either, in the same order."""
    if older["hub_id"].equals(newer["hub_id"]):
        return older, newer
    keys = (
        older.select("hub_id")
        .with_row_index("at")
        .join(
            newer.select("hub_id").with_row_index("there"), on="hub_id", how="full", coalesce=True
        )
    )
    keys = keys.sort("hub_id")
    return _spread(older, keys, "at", kind), _spread(newer, keys, "there", kind)


def _spread(rows: pl.DataFrame, keys: pl.DataFrame, at: str, kind: Kind) -> pl.DataFrame:
    """Those rows in the order of the keys; a row of no day where a repository is not among them."""
    empty: dict[str, object] = {counter.changes: [] for counter in kind.counters}
    empty |= {counter.changed: NO_DAYS for counter in kind.counters}
    empty |= {"month": rows["month"].first(), **dict.fromkeys(BITS, NO_DAYS)}
    row = pl.DataFrame([empty], schema_overrides=rows.schema)
    row = row.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in rows.schema.items() if name not in empty
    ).select(rows.columns)
    found = pl.concat([rows, row]).select(pl.all().gather(keys[at].fill_null(rows.height)))
    return found.with_columns(keys["hub_id"])


def _names(older: pl.DataFrame, newer: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """The last name of each row, and its earlier ones."""
    both = pl.DataFrame(
        {
            "before": older["id"],
            "id": newer["id"],
            "since": newer["listed"],
            "older": older["earlier_ids"],
            "newer": newer["earlier_ids"],
        }
    )
    last = both["id"].fill_null(both["before"])
    first = pl.coalesce(pl.col("newer").list.first().struct.field("id"), "id")
    moved = (first != pl.col("before")) | pl.col("newer").is_not_null()
    rows = both.with_row_index("row").filter(moved)
    earlier = both["older"]
    if not rows.height:
        return last, earlier
    lists: list[list[dict[str, object]]] = []
    for row in rows.iter_rows(named=True):
        known, names = row["older"] or [], row["newer"] or []
        if row["before"] is not None and (names[0]["id"] if names else row["id"]) != row["before"]:
            # The lowest bit: the first day of the newer ones that lists it.
            until = (row["since"] & -row["since"]).bit_length()
            known = [*known, {"until": until, "id": row["before"]}]
        lists.append([*known, *names])
    found = pl.Series(lists, dtype=EARLIER_IDS)
    return last, _put(earlier, rows["row"], found)


def _put(column: pl.Series, rows: pl.Series, values: pl.Series) -> pl.Series:
    """A column with those values in those rows."""
    at = np.arange(len(column))
    at[rows.to_numpy()] = len(column) + np.arange(len(rows))
    return pl.concat([column, values.alias(column.name)]).gather(pl.Series(at))


def _joined(older: pl.DataFrame, newer: pl.DataFrame, counter: Counter) -> dict[str, pl.Series]:
    """The columns of a counter."""
    known = [one[counter.known].fill_null(one["listed"]) for one in (older, newer)]
    before, after = (one.to_numpy() != NO_DAYS for one in known)
    first, later = older[counter.name], newer[counter.name]
    old, new = Changes.of(older[counter.changes]), Changes.of(newer[counter.changes])
    last = old.last(first, counter)
    value = later.fill_null(0).to_numpy()
    changed = before & after & ((last != value) if counter.steps else _differs(last, value))
    step = zigzag(value - last) if counter.steps else value
    # The lowest bit: the first day of the newer ones that knows it.
    since = known[1].to_numpy()
    bits = np.where(changed, since & -since, 0).astype(np.int32)
    every = known[0] | known[1]
    listed = older["listed"] | newer["listed"]
    return {
        counter.name: first.zip_with(pl.Series(before), later),
        counter.known: every.zip_with(every != listed, pl.Series([None], dtype=pl.Int32)),
        counter.changed: older[counter.changed] | newer[counter.changed] | pl.Series(bits),
        counter.changes: old.then(changed, step[changed], new).series(counter),
    }


def _differs(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether the bits of floats differ: -0.0 is not 0.0, NaN is itself."""
    return one.view(np.int64) != other.view(np.int64)


class Changes:
    """Lists of numbers, a list a row: the numbers one after the other, and how many a row has."""

    def __init__(self, values: np.ndarray, lengths: np.ndarray) -> None:
        self.values, self.lengths = values, lengths
        self.ends = np.cumsum(lengths)
        self.begins = self.ends - lengths

    @classmethod
    def of(cls, lists: pl.Series) -> "Changes":
        """The lists of a column."""
        values = lists.explode(empty_as_null=False, keep_nulls=False)
        return cls(values.to_numpy(), lists.list.len().to_numpy().astype(np.int64))

    def sums(self, counts: np.ndarray | None = None) -> np.ndarray:
        """The sum of the steps of each row; of the first few alone where `counts` says how many."""
        every = np.append(0, np.cumsum(unzigzag(self.values)))
        ends = self.ends if counts is None else self.begins + counts
        return every[ends] - every[self.begins]

    def last(self, first: pl.Series, counter: Counter) -> np.ndarray:
        """The last value of each row, whose first is `first`."""
        return self.level(first, counter, self.lengths)

    def level(self, first: pl.Series, counter: Counter, counts: np.ndarray) -> np.ndarray:
        """The value of each row after so many changes."""
        begin = first.fill_null(0).to_numpy()
        if counter.steps:
            return begin + self.sums(counts)
        every = np.append(self.values, 0.0)
        return np.where(counts > 0, every[np.maximum(self.begins + counts - 1, 0)], begin)

    def then(self, changed: np.ndarray, between: np.ndarray, newer: "Changes") -> "Changes":
        """These, a number between in the rows that `changed` names, and those of `newer`."""
        lengths = self.lengths + changed + newer.lengths
        ends = np.cumsum(lengths)
        begins = ends - lengths
        values = np.empty(int(ends[-1]) if len(ends) else 0, self.values.dtype)
        values[_places(self, begins)] = self.values
        values[(begins + self.lengths)[changed]] = between
        if len(newer.values):
            values[_places(newer, ends - newer.lengths)] = newer.values
        return Changes(values, lengths)

    def series(self, counter: Counter) -> pl.Series:
        """As a column of lists."""
        offsets = pa.array(np.append(0, self.ends), pa.int64())
        lists = pl.from_arrow(pa.LargeListArray.from_arrays(offsets, pa.array(self.values)))
        assert isinstance(lists, pl.Series)
        return lists.alias(counter.changes)


def _places(changes: Changes, begins: np.ndarray) -> np.ndarray:
    """Where each number goes, if the numbers of a row begin there."""
    return np.arange(len(changes.values)) + np.repeat(begins - changes.begins, changes.lengths)


def zigzag(steps: np.ndarray) -> np.ndarray:
    """Steps as numbers from 0 on: 0, -1, 1, -2, …, so that small steps have small numbers."""
    return (steps << 1) ^ (steps >> 63)


def unzigzag(numbers: np.ndarray) -> np.ndarray:
    """Steps from these numbers."""
    return (numbers >> 1) ^ -(numbers & 1)


def all_joined(parts: Sequence[pl.DataFrame], kind: Kind) -> pl.DataFrame:
    """Rows of several runs of days, oldest first, as rows of all of them."""
    found = parts[0]
    for part in parts[1:]:
        found = joined(found, part, kind)
    return found
