"""One repository's row of a month, of the row group that may hold it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hf_assets.storage.opened import LakeFile

# Rows that are decoded at a time, until one is found.
_AT_ONCE = 1 << 11


def bounds(file: pq.ParquetFile) -> Iterator[tuple[str, str, int]]:
    """The first and the last `hub_id` of each row group, and its rows."""
    about = file.metadata
    column = about.schema.names.index("hub_id")
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        statistics = group.column(column).statistics
        yield statistics.min, statistics.max, group.num_rows


def row_of(file: LakeFile, hub_id: str, columns: Sequence[str]) -> pl.DataFrame:
    """The row of one repository; without rows where the month does not have it.

    One row group is read, and once, as far as the row: a second reading of other columns costs more
    than they do.

    Args:
        file: of the month, `hub_id` ascending.
        hub_id: of the repository.
        columns: those wanted beside `hub_id`; one that the month lacks is left out.
    """
    with file.arrow() as opened:
        number = _group_of(opened, hub_id)
        if number is not None:
            names = ["hub_id", *(name for name in columns if name != "hub_id")]
            parts = opened.iter_batches(_AT_ONCE, [number], names, use_threads=False)
            for part in parts:
                ids = part["hub_id"]
                if (at := pc.index(ids, hub_id).as_py()) >= 0:
                    return _frame(pa.Table.from_batches([part.slice(at, 1)]))
                if ids[-1].as_py() > hub_id:
                    break
    return pl.DataFrame(schema={"hub_id": pl.String})


def _group_of(file: pq.ParquetFile, hub_id: str) -> int | None:
    """The row group that may have it, by its statistics."""
    about = file.metadata
    column = about.schema.names.index("hub_id")

    def ends_before(number: int) -> bool:
        return about.row_group(number).column(column).statistics.max < hub_id

    number = bisect_left(range(about.num_row_groups), x=True, key=lambda at: not ends_before(at))
    if number == about.num_row_groups:
        return None
    return number if about.row_group(number).column(column).statistics.min <= hub_id else None


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame
