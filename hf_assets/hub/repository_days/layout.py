"""Days of many repositories as rows of a month, `hub_id` ascending: a later day joined to them."""

import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from hf_assets.hub.repository_days.schemas import EARLIER_TRAITS, Counter, Kind
from hf_assets.hub.repository_days.traits import with_values

NO_DAYS = 0
BITS = ("stored", "trusted", "listed")
# Share of a range of identities; each costs a look at the next so many.
_MOST_MISSING, _STEP = 0.05, 1 << 9


def joined(older: pl.DataFrame, day: datetime.date, rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Rows of a month with a later day; `stored` and `trusted`, which say the same in each, stay.

    Args:
        older: rows of the month, `hub_id` ascending; `empty` where it has no day yet.
        day: later than each of theirs.
        rows: of that day: `hub_id`, ascending and each once, `id`, the counters, and the traits as
            stored.
        kind: of repository.
    """
    older, rows, there = _aligned(older, rows, kind)
    bit = 1 << (day.day - 1)
    columns = {name: older[name] for name in kind.table.columns}
    columns["listed"] = older["listed"] | _bits(there, bit)
    columns |= with_values(older, rows, there, day, ["id"], "earlier_ids")
    columns |= with_values(older, rows, there, day, kind.traits_stored, EARLIER_TRAITS)
    for counter in kind.counters:
        columns |= _joined(older, rows[counter.name], there, bit, columns["listed"], counter)
    return pl.DataFrame(columns)


def empty(kind: Kind) -> pl.DataFrame:
    """A month without days."""
    return pl.DataFrame(schema=kind.table.schema)


def _aligned(
    older: pl.DataFrame, rows: pl.DataFrame, kind: Kind
) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """Both with a row for each repository of either, in the same order.

    Returns:
        the rows of the month; of the day; and whether the day has each: others have any values.
    """
    places = _among_latest(older, rows["hub_id"])
    if places is None:
        keys = (
            older.select("hub_id")
            .with_row_index("at")
            .join(
                rows.select("hub_id").with_row_index("there"),
                on="hub_id",
                how="full",
                coalesce=True,
                maintain_order="left_right",
            )
        )
        if keys.height > older.height:
            keys = keys.sort("hub_id")
            older = _spread(older, keys, kind)
        places = keys["there"].cast(pl.Int64).fill_null(-1).to_numpy()
    there = places >= 0
    if not there.any():
        return older, rows.clear(older.height), there
    return older, rows if there.all() else rows[np.maximum(places, 0)], there


def _among_latest(older: pl.DataFrame, ids: pl.Series) -> np.ndarray | None:
    """`_places`, first looked for among the rows that the latest day of the month lists.

    Those listed no more become many by the end of a month, and are on no later day but for few.
    """
    listed = older["listed"].to_numpy()
    latest = int(np.bitwise_or.reduce(listed)).bit_length() - 1
    there = (listed >> max(latest, 0)) & 1 == 1
    if there.all() or not there.any():
        return _places(older["hub_id"], ids)
    among = _places(older["hub_id"].filter(pl.Series(there)), ids)
    if among is None:
        return _places(older["hub_id"], ids)
    places = np.full(older.height, -1)
    places[there] = among
    return places


def _places(keys: pl.Series, ids: pl.Series) -> np.ndarray | None:
    """For each key its row in `ids`, -1 where it is missing; both ascending.

    None where `ids` has others, or many are missing: a join is as fast then.
    """
    ours, theirs = keys.hash().to_numpy(), ids.hash().to_numpy()
    places = np.full(len(ours), -1)
    at = row = 0
    spare = len(ours) - len(theirs)
    if spare > len(ours) * _MOST_MISSING:
        return None
    while row < len(theirs) and spare >= 0:
        size = min(len(ours) - at, len(theirs) - row, _STEP)
        same = ours[at : at + size] == theirs[row : row + size]
        run = size if same.all() else int(same.argmin())
        places[at : at + run] = np.arange(row, row + run)
        at, row = at + run, row + run
        if run < size or at == len(ours):
            at, spare = at + 1, spare - 1
    if row < len(theirs):
        return None
    matched = keys if row == len(keys) else keys.filter(pl.Series(places >= 0))
    # Hashes of two texts may be equal.
    return places if matched.equals(ids, null_equal=False) else None


def _spread(rows: pl.DataFrame, keys: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Rows of a month in the order of the keys; of those that are not among them, of no day."""
    nothing: dict[str, object] = {one.changes: [] for one in kind.counters}
    nothing |= dict.fromkeys([*BITS, *(one.changed for one in kind.counters)], NO_DAYS)
    row = pl.DataFrame(
        [pl.Series(name, [nothing.get(name)], dtype) for name, dtype in rows.schema.items()]
    )
    spread = pl.concat([rows, row]).select(pl.all().gather(keys["at"].fill_null(rows.height)))
    return spread.with_columns(keys["hub_id"])


def _joined(
    older: pl.DataFrame,
    now: pl.Series,
    listing: np.ndarray,
    bit: int,
    listed: pl.Series,
    counter: Counter,
) -> dict[str, pl.Series]:
    """The columns of a counter with its values of a later day, which lists some of the rows."""
    first, known = older[counter.name], older[counter.known]
    always = known.null_count() == len(known)
    known = filled(known, older["listed"])
    before, there = known.to_numpy() != NO_DAYS, listing
    if missing := now.null_count():
        there = there & now.is_not_null().to_numpy()
    changes = Changes.of(older[counter.changes])
    last = changes.last(first, counter)
    value = filled(now, 0).to_numpy()
    changed = before & there & (last != value if counter.steps else _differs(last, value))
    columns = {name: older[name] for name in counter.stored}
    if not (stays := before | ~there).all():
        columns[counter.name] = first.zip_with(pl.Series(stays), now)
    if missing or not always:
        every = known | _bits(there, bit)
        none = pl.Series([None], dtype=pl.Int32)
        columns[counter.known] = every.zip_with(every != listed, none)
    if changed.any():
        columns[counter.changed] = older[counter.changed] | _bits(changed, bit)
        now_and_last = value[changed], last[changed]
        more = zigzag(now_and_last[0] - now_and_last[1]) if counter.steps else now_and_last[0]
        columns[counter.changes] = changes.then(changed, more).series(counter)
    return columns


def filled(values: pl.Series, other: pl.Series | int) -> pl.Series:
    """The values, and the others where they are null; of a few rows polars takes ms to see none."""
    nulls = values.null_count()
    if isinstance(other, pl.Series) and nulls == len(values):
        return other
    return values.fill_null(other) if nulls else values


def _bits(rows: np.ndarray, bit: int) -> pl.Series:
    """That bit in those rows."""
    return pl.Series(rows * np.int32(bit))


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
        array = lists.to_arrow()
        ends = np.frombuffer(array.buffers()[1], np.int64)[array.offset :][: len(array) + 1]
        numbers = pl.from_arrow(array.values)
        assert isinstance(numbers, pl.Series)
        # A slice of a column has the numbers of all of it.
        return cls(numbers.to_numpy()[ends[0] : ends[-1]], np.diff(ends))

    def sums(self, counts: np.ndarray | None = None) -> np.ndarray:
        """The sum of the steps of each row; of the first few alone where `counts` says how many."""
        every = np.zeros(len(self.values) + 1, np.int64)
        np.cumsum(unzigzag(self.values), out=every[1:])
        ends = self.ends if counts is None else self.begins + counts
        return every[ends] - every[self.begins]

    def last(self, first: pl.Series, counter: Counter) -> np.ndarray:
        """The last value of each row, whose first is `first`."""
        return self.level(first, counter, self.lengths)

    def level(self, first: pl.Series, counter: Counter, counts: np.ndarray) -> np.ndarray:
        """The value of each row after so many changes."""
        begin = filled(first, 0).to_numpy()
        if counter.steps:
            return begin + self.sums(counts)
        every = np.append(self.values, 0.0)
        return np.where(counts > 0, every[np.maximum(self.begins + counts - 1, 0)], begin)

    def then(self, changed: np.ndarray, more: np.ndarray) -> "Changes":
        """These, and one number more in each row that changed."""
        lengths = self.lengths + changed
        values = np.empty(len(self.values) + len(more), self.values.dtype)
        added = (np.cumsum(lengths) - 1)[changed]
        old = np.ones(len(values), bool)
        old[added] = False
        values[old] = self.values
        values[added] = more
        return Changes(values, lengths)

    def series(self, counter: Counter) -> pl.Series:
        """As a column of lists."""
        offsets = pl.Series(np.append(0, self.ends)).to_arrow()
        numbers = pl.Series(self.values, dtype=counter.dtype).to_arrow()
        lists = pl.from_arrow(pa.LargeListArray.from_arrays(offsets, numbers))
        assert isinstance(lists, pl.Series)
        return lists.alias(counter.changes)


def zigzag(steps: np.ndarray) -> np.ndarray:
    """Steps as numbers from 0 on: 0, -1, 1, -2, …, so that small steps have small numbers."""
    return (steps << 1) ^ (steps >> 63)


def unzigzag(numbers: np.ndarray) -> np.ndarray:
    """Steps from these numbers, whose first bit is no sign: a step of 2**62 has it set."""
    signs = numbers & 1
    np.negative(signs, out=signs)
    steps = (numbers.view(np.uint64) >> np.uint64(1)).view(np.int64)
    return np.bitwise_xor(steps, signs, out=steps)
