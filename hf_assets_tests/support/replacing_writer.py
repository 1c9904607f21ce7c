"""Replaces a day again and again, its two versions in turn: `… ROOT TIMES`."""

import sys

import polars as pl

from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.parquet import Column, Table
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.slow_writer import NUMBERS, numbers

# The same table after a column was added to it: another layout.
WIDER = Table(
    name="numbers",
    columns={"more": Column(pl.String, "A text."), **NUMBERS.columns},
    required=("n",),
    row_group=500,
)
COUNT = 3000
VERSIONS = ("old", "new", "wide")
FIRST = {"old": 0, "new": 100_000, "wide": 200_000}


def write(lake: Lake, version: str, day: str | None = DAY) -> None:
    """One of `VERSIONS`; the first two differ in their values alone."""
    frame = numbers(FIRST[version], COUNT)
    if version == "wide":
        frame = frame.with_columns(more=pl.lit("x"))
    side = pl.DataFrame({"version": [version]})
    table = WIDER if version == "wide" else NUMBERS
    lake.write(table, day, TableWrite([frame], {"version": version}, aside={"quarantine": side}))


if __name__ == "__main__":
    for number in range(int(sys.argv[2])):
        write(Lake.at(sys.argv[1]), VERSIONS[(number + 1) % 3])
