"""Writes the first half of a day, says so, and waits to be killed: `… ROOT`."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

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
    return list(lake.root.rglob("*.tmp"))


def halves() -> Iterator[pl.DataFrame]:
    yield numbers(1_000_000, 5000)
    print("half", flush=True)
    time.sleep(600)


if __name__ == "__main__":
    Lake(Path(sys.argv[1])).write(NUMBERS, DAY, TableWrite(halves()))
