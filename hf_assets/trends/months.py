"""Days of a small table kept together by month, so that a year is read in a dozen files.

Opening a file of 100 KB costs more than reading it. Every month but the last is kept as one file
beside the days, `<table>/by_month/YYYY-MM.parquet`, with the columns that the series use and a note
of the size and time of each day's file: a day that is new, made again or gone has its month made
again. It is a copy; whoever deletes it loses nothing.
"""

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from hf_assets.durable import replacing
from hf_assets.lake import Lake
from hf_assets.parquet import Table

_NOTE = "hf_assets_days"


def by_month(
    lake: Lake, table: Table, days: Sequence[str], columns: Mapping[str, pl.DataType]
) -> list[pl.LazyFrame]:
    """Those columns of those days, unread: in the order of months, and of days in a dimension.

    A column that an old file lacks is null. Months but the last are read from their own file,
    which is made where it is not as the days are.

    Args:
        lake: the lake.
        table: a table of dimensions, a day a file.
        days: of the table, oldest first.
        columns: those wanted, each as what; `dimension` among them.
    """
    months = {
        month: {day: f"{lake.folder(table.name, day)}/data.parquet" for day in of_month}
        for month, of_month in itertools.groupby(days, key=lambda day: day[:7])
    }
    if not months:
        return []
    last = _fresh(months.popitem()[1], table, columns)
    folder = lake.folder(f"{table.name}/by_month", None)
    kept = [folder / f"{month}.parquet" for month in months]
    for path, paths in zip(kept, months.values(), strict=True):
        note = _note(paths, columns)
        if not path.exists() or pl.read_parquet_metadata(path).get(_NOTE) != note:
            _keep(path, _fresh(paths, table, columns), note)
    # One plan: a dozen cost twice as much.
    return [*([pl.scan_parquet(kept, hive_partitioning=False)] if kept else []), last]


def _fresh(
    paths: Mapping[str, str], table: Table, columns: Mapping[str, pl.DataType]
) -> pl.LazyFrame:
    return pl.scan_parquet(
        list(paths.values()),
        schema=table.schema,
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
    ).select(pl.col(name).cast(kind) for name, kind in columns.items())


def _keep(path: Path, fresh: pl.LazyFrame, note: str) -> None:
    frame = fresh.sort("dimension", maintain_order=True).collect()
    # Noted before the days were read: one that was replaced meanwhile is read again next time.
    with replacing(path) as new:
        frame.write_parquet(new, metadata={_NOTE: note}, compression_level=1)


def _note(paths: Mapping[str, str], columns: Mapping[str, pl.DataType]) -> str:
    """What the file of a month depends on: each day's file, its bytes and time."""
    about = [(day, os.stat(path)) for day, path in paths.items()]
    days = [[day, file.st_size, file.st_mtime_ns] for day, file in about]
    kinds = {name: str(kind) for name, kind in columns.items()}
    return json.dumps({"columns": kinds, "days": days})
