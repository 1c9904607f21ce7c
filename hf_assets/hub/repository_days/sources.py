"""The tables of days, of which a series is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.repository_days.schemas import NAMED, Kind
from hf_assets.storage.lake import Lake
from hf_assets.storage.months import Mark, marks
from hf_assets.storage.stored import ROWS_IN

# Texts that differ from row to row.
_NAMES = ("hub_id", "id")
# Rows that are put together at a time.
_PART = 1 << 16


@dataclass(frozen=True)
class SourceDay:
    """A day as its table is now.

    Attributes:
        mark: of its file.
        trusted: `day_quality` trusts the day.
        gone: there is no table any more; the month alone has the rows.
    """

    mark: Mark
    trusted: bool
    gone: bool = False


def source_days(lake: Lake, kind: Kind) -> dict[str, SourceDay]:
    """The stored days, oldest first. MissingDay where `day_quality` was never materialised."""
    quality = lake.read("day_quality", None).frame
    columns = quality.collect_schema().names()
    trusted = pl.col(kind.trusted) if kind.trusted in columns else pl.lit(None, pl.Boolean)
    rows = quality.select("day", trusted=trusted.fill_null(value=False)).collect()
    trusts = {day.isoformat(): trusted for day, trusted in rows.iter_rows()}
    return {
        day: SourceDay(mark, trusts.get(day, False))
        for day, mark in marks(lake, kind.source.name).items()
    }


def is_only_in_month(lake: Lake, kind: Kind, day: str, source: SourceDay) -> bool:
    """Whether a day's rows lie nowhere but in its month."""
    return source.gone or ROWS_IN in lake.notes(kind.source.name, day)


class DayRows:
    """A day's rows in the order of `hub_id`, put together some at a time: all are as large again.

    Args:
        keys: `hub_id`, in order.
        columns: the others, as the table has them; texts may be categories.
        schema: of the rows.
        order: the place in the columns of each row; None: they are in order.
    """

    def __init__(
        self,
        keys: pl.Series,
        columns: Sequence[pl.Series],
        schema: pl.Schema,
        order: pl.Series | None = None,
    ) -> None:
        self.keys, self._columns, self._schema, self._order = keys, columns, schema, order

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "DayRows":
        """Rows that are in order."""
        return cls(rows["hub_id"], [*rows.drop("hub_id")], rows.schema)

    @property
    def height(self) -> int:
        """How many they are."""
        return len(self.keys)

    def part(self, begin: int, end: int) -> pl.DataFrame:
        """The rows from `begin` to before `end`."""
        if self._order is None:
            rows = pl.DataFrame([one[begin:end] for one in (self.keys, *self._columns)])
        else:
            at = self._order[begin:end]
            others = [one.gather(at) for one in self._columns]
            rows = pl.DataFrame([self.keys[begin:end], *others])
        return rows.cast(dict(self._schema))

    def parts(self) -> Iterator[pl.DataFrame]:
        """All of them, in order; at least one part."""
        for begin in range(0, max(self.height, 1), _PART):
            yield self.part(begin, begin + _PART)


def rows_of_table(lake: Lake, kind: Kind, day: str) -> tuple[DayRows, int]:
    """A day's rows in the order of `hub_id`, and how many repeat an identity and are left out.

    Returns:
        hub_id, id, traits and counters; the number.

    Raises:
        MissingDay: there is no such day.
    """
    stored = lake.read(kind.source.name, day)
    schema = stored.frame.select(kind.kept).collect_schema()
    with stored.file.arrow() as file:
        (keys,) = _columns(file, ["hub_id"], schema)
        if keys.has_nulls():
            (names,) = _columns(file, ["id"], schema)
            keys = keys.to_frame().select(hub_id=pl.coalesce("hub_id", NAMED + names))["hub_id"]
        order = None
        if not keys.is_sorted():
            every = keys.to_frame().select(pl.arg_sort_by("hub_id", maintain_order=True))
            order = every.to_series()
            keys = keys.gather(order)
        repeated = (keys == keys.shift()).fill_null(value=False)
        if count := int(repeated.sum()):
            order = pl.int_range(len(keys), eager=True) if order is None else order
            keys, order = keys.filter(~repeated), order.filter(~repeated)
        return DayRows(keys, _columns(file, kind.kept[1:], schema), schema, order), count


def _columns(file: pq.ParquetFile, names: Sequence[str], schema: pl.Schema) -> list[pl.Series]:
    """Columns of a file, read a row group at a time: the file as Arrow is as large again.

    Of such texts pyarrow reads twice as many a second as polars. Those with few values are
    categories.
    """
    few = {
        name: pl.Categorical() if schema[name] == pl.String and name not in _NAMES else schema[name]
        for name in names
    }
    parts = [pl.DataFrame(schema=few)]
    for group in range(file.num_row_groups):
        read = pl.from_arrow(file.read_row_group(group, [*names], use_threads=False))
        assert isinstance(read, pl.DataFrame)
        parts.append(read.select(names).cast(few))
    pa.default_memory_pool().release_unused()
    return [*pl.concat(parts, rechunk=False)]
