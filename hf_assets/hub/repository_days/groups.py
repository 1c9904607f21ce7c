"""One repository's row of a month, of the row group that may hold it."""

from collections.abc import Iterator, Sequence

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hf_assets.storage.opened import LakeFile


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

    The identities of one row group are read, its other columns only if the repository is there. In
    half the time that a filter takes, which reads all of them of each group that may have it.

    Args:
        file: of the month, `hub_id` ascending.
        hub_id: of the repository.
        columns: those wanted beside `hub_id`; one that the month lacks is left out.
    """
    with file.arrow() as opened:
        for number, (first, last, _) in enumerate(bounds(opened)):
            if not first <= hub_id <= last:
                continue
            keys = opened.read_row_group(number, ["hub_id"], use_threads=False)["hub_id"]
            if (at := pc.index(keys, hub_id).as_py()) >= 0:
                # A copy: polars would take over the group, of which a slice is a part.
                there = {*opened.schema_arrow.names} - {"hub_id"}
                others = [name for name in columns if name in there]
                rows = opened.read_row_group(number, others, use_threads=False).take([at])
                return _frame(rows.add_column(0, "hub_id", [[hub_id]]))
    return pl.DataFrame(schema={"hub_id": pl.String})


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame
