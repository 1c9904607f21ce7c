"""Days of a small table kept together by month, so that a year is read in a dozen files.

Opening a file of 100 KB costs more than reading it. Every month but the last is kept as one file
beside the days, `<table>/by_month/YYYY-MM.parquet`, with the columns that the series use and a note
of the size and time of each day's file: a day that is new, made again or gone has its month made
again. It is a copy; whoever deletes it loses nothing.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from hf_assets.durable import replacing
from hf_assets.lake import Lake
from hf_assets.parquet import Table

_NOTE = "hf_assets_days"


def by_month(
    lake: Lake, table: Table, days: Sequence[str], columns: Sequence[str]
) -> Iterator[pl.LazyFrame]:
    """Those columns of those days, a month at a time, unread: by dimension, then by day.

    A column that an old file lacks is null. Months but the last are read from their own file,
    which is made where it is not as the days are.

    Args:
        lake: the lake.
        table: a table of dimensions, a day a file.
        days: of the table, oldest first.
        columns: `dimension` among them.
    """
    last = days[-1][:7] if days else ""
    for month, of_month in itertools.groupby(days, key=lambda day: day[:7]):
        paths = [lake.folder(table.name, day) / "data.parquet" for day in of_month]
        fresh = pl.scan_parquet(
            paths,
            schema=table.schema,
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
        ).select(columns)
        fresh = fresh.sort("dimension", maintain_order=True)
        kept = lake.folder(f"{table.name}/by_month", None) / f"{month}.parquet"
        yield fresh if month == last else _kept(kept, fresh, _note(paths, columns))


def _kept(path: Path, fresh: pl.LazyFrame, note: str) -> pl.LazyFrame:
    if not path.exists() or pl.read_parquet_metadata(path).get(_NOTE) != note:
        frame = fresh.collect()
        # Noted before the days were read: one that was replaced meanwhile is read again next time.
        with replacing(path) as new:
            frame.write_parquet(new, metadata={_NOTE: note}, compression_level=1)
    return pl.scan_parquet(path, hive_partitioning=False)


def _note(paths: Sequence[Path], columns: Sequence[str]) -> str:
    """What the file of a month depends on: each day's file, its bytes and time."""
    about = [(path.parent.name, path.stat()) for path in paths]
    days = [[day, file.st_size, file.st_mtime_ns] for day, file in about]
    return json.dumps({"columns": list(columns), "days": days})
