"""Writes the first half of a day, says so, and waits to be killed: `… ROOT`."""

import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.object_store.path import LakePath
from hf_assets.object_store.scratch import scratch
from hf_assets.storage.durable import write_bytes
from hf_assets.storage.lake import Lake, TableWrite, iso
from hf_assets.storage.parquet import Column, Table
from hf_assets_tests.conftest import DAY

NUMBERS = Table(
    name="numbers",
    columns={"day": Column(pl.Date, "Day."), "n": Column(pl.Int64, "A number.")},
    required=("n",),
    row_group=1000,
)


def numbers(first: int, count: int) -> pl.DataFrame:
    return pl.DataFrame({"n": range(first, first + count)}).with_columns(day=pl.lit(iso(DAY)))


def temporaries(lake: Lake) -> list[Path]:
    """Files that a writer has not published: in the lake, or in scratch for a store."""
    folder = lake.root if isinstance(lake.root, Path) else scratch()
    return list(folder.rglob("*.tmp"))


def put(path: LakePath, frame: pl.DataFrame, **options: Any) -> None:
    """Write a file of the lake past it, as somebody else does."""
    content = io.BytesIO()
    frame.write_parquet(content, **options)
    write_bytes(path, content.getvalue())


def halves() -> Iterator[pl.DataFrame]:
    yield numbers(1_000_000, 5000)
    print("half", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    Lake.at(sys.argv[1]).write(NUMBERS, DAY, TableWrite(halves()))
