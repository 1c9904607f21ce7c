"""The tables of days, of which a series is made."""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.repository_days.schemas import NAMED, Kind
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets.storage.months import Mark, marks
from hf_assets.storage.stored import ROWS_IN


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


def rows_of_table(lake: Lake, kind: Kind, day: str) -> tuple[pl.DataFrame, int]:
    """A day's rows in the order of `hub_id`, and how many repeat an identity and are left out.

    Returns:
        hub_id, id, traits and counters; the number.

    Raises:
        MissingDay: there is no such day.
    """
    rows = _read(lake.read(kind.source.name, day), list(kind.kept))
    repeated = rows["hub_id"] == rows["hub_id"].shift()
    if count := len(repeated.arg_true()):
        rows = rows.filter(~repeated.fill_null(value=False))
    return rows, count


def _read(stored: StoredTable, columns: list[str]) -> pl.DataFrame:
    """Columns of a day in the order of `hub_id`; of each column one copy is in memory at a time.

    Of such texts pyarrow reads twice as many a second as polars.
    """
    schema = stored.frame.collect_schema()
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
        found = [keys]
        others = _columns(file, columns[1:], schema)
        while others:
            column = others.pop(0)
            found.append(column if order is None else column.gather(order))
    return pl.DataFrame(found)


def _columns(file: pq.ParquetFile, names: list[str], schema: pl.Schema) -> list[pl.Series]:
    """Columns of a file, read a row group at a time: the file as Arrow is as large again."""
    parts = [pl.DataFrame(schema={name: schema[name] for name in names})]
    for group in range(file.num_row_groups):
        read = pl.from_arrow(file.read_row_group(group, names, use_threads=False))
        assert isinstance(read, pl.DataFrame)
        parts.append(read)
    pa.default_memory_pool().release_unused()
    return [*pl.concat(parts, rechunk=False)]
