"""The tables of days, of which a series is made."""

from dataclasses import dataclass

import polars as pl

from hf_assets.hub.repository_days.schemas import NAMED, ROWS_IN, Kind
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets.storage.months import Mark, marks


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
    """Columns of a day in the order of `hub_id`.

    Of such texts pyarrow reads twice as many a second as polars.
    """
    parts = [pl.DataFrame(schema=stored.frame.select(columns).collect_schema())]
    with stored.file.arrow() as file:
        # A row group at a time: the whole as Arrow beside the whole as a frame is twice the memory.
        for group in range(file.num_row_groups):
            read = pl.from_arrow(file.read_row_group(group, columns, use_threads=False))
            assert isinstance(read, pl.DataFrame)
            parts.append(read)
    rows = pl.concat(parts, rechunk=False)
    if rows["hub_id"].has_nulls():
        rows = rows.with_columns(hub_id=pl.coalesce("hub_id", NAMED + pl.col("id")))
    by_name = {column.name: column for column in rows}
    del parts, rows
    return _sorted(by_name)


def _sorted(columns: dict[str, pl.Series]) -> pl.DataFrame:
    """Rows in the order of `hub_id`; a column at a time, so that no two copies are in memory."""
    if not columns["hub_id"].is_sorted():
        order = (
            columns["hub_id"]
            .to_frame()
            .select(pl.arg_sort_by("hub_id", maintain_order=True))
            .to_series()
        )
        for name in [*columns]:
            columns[name] = columns.pop(name).gather(order)
    return pl.DataFrame(columns)
