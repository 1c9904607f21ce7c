#!/usr/bin/env bash
# A Parquet file is replaced in one step (os.replace, as every careful writer does) between polars' looking at its
# footer and its reading of the rows. The answer is then of neither version, with no error and no warning: polars opens
# the file by its name a second time, and applies the old footer's row groups and statistics to the new bytes.
#
# polars 2.1.0, Python 3.11, Linux. Seen, for a question that has the answer 100 in the old file and in the new:
#   scan_parquet(path), schema known before the replacement    0 rows
#   scan_parquet(open(path, "rb")), likewise                   100 rows: of the old file, which it holds open
# The two files hold the same numbers in the opposite order, so that they are of the same layout. What works is to open
# the file once and to hand polars the open file: it reads it as fast, and the file may be closed after scan_parquet.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import os
from collections.abc import Iterable

import polars as pl


def put(numbers: Iterable[int]) -> None:
    frame = pl.DataFrame({"n": list(numbers)})
    frame.write_parquet("new.parquet", row_group_size=100, compression="uncompressed")
    os.replace("new.parquet", "data.parquet")


def count(rows: pl.LazyFrame) -> int:
    return rows.filter(pl.col("n") >= 900).select(pl.len()).collect().item()


put(range(1000))
old = count(pl.scan_parquet("data.parquet"))
by_name = pl.scan_parquet("data.parquet")
with open("data.parquet", "rb") as file:
    opened = pl.scan_parquet(file)
by_name.collect_schema(), opened.collect_schema()
put(range(999, -1, -1))

seen = {
    "old": old,
    "new": count(pl.scan_parquet("data.parquet")),
    "by name, replaced after the schema": count(by_name),
    "opened before": count(opened),
}
for name, rows in seen.items():
    print(f"{name}: {rows}")
assert list(seen.values()) == [100, 100, 0, 100], "it has changed"
PYTHON
