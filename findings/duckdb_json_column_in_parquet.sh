#!/usr/bin/env bash
# A column that DuckDB found to be of mixed types (`gated` of the Hub: false, "auto" or null) goes to Parquet
# with the JSON logical type, and the readers of that one file disagree about its values.
#
# duckdb 2.0.1, polars 2.1.0, pyarrow 26.0.1, pandas 3.1.1, Python 3.11. Seen:
#   polars from the file      Binary   gated == "auto": 0 rows, no error
#   pandas (pyarrow)          object   gated == "auto": 0 rows, no error; the value is '"auto"', quotes and all
#   DuckDB, cast to VARCHAR   VARCHAR  gated = 'auto': 0 rows, no error
#   polars from the Arrow table  ext[arrow.json]: a cast to String is an error; write_json writes false as "false"
#   DuckDB, ->> '$'           1 row, the right answer
# So a model that must be asked for is not found, and nobody says a word. What works: `->> '$'` in DuckDB, or the
# storage of the extension type and then a JSON parser, value by value.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import json
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq

rows = [{"id": "ada/a", "gated": False}, {"id": "ada/b", "gated": "auto"}, {"id": "ada/c", "gated": None}]
Path("models.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
duckdb.sql("COPY (SELECT * FROM read_json('models.jsonl')) TO 'models.parquet' (FORMAT parquet)")


def rows_of(sql: str) -> int:
    return duckdb.sql(f"SELECT count(*) FROM 'models.parquet' WHERE {sql}").fetchall()[0][0]


table = pq.read_table("models.parquet")
seen = {"type in the file": str(table.schema.field("gated").type)}

frame = pl.read_parquet("models.parquet")
seen["polars, from the file"] = (str(frame.schema["gated"]), frame.filter(pl.col("gated") == "auto").height)

pandas = pd.read_parquet("models.parquet")
seen["pandas"] = (str(pandas.dtypes["gated"]), int((pandas["gated"] == "auto").sum()), pandas["gated"].tolist())

arrow = pl.from_arrow(table)
try:
    arrow["gated"].cast(pl.String)
    cast = "no error"
except pl.exceptions.ComputeError as error:
    cast = str(error)
written = [row["gated"] for row in json.loads(arrow.write_json())]
seen["polars, from Arrow"] = (str(arrow.schema["gated"]), cast, written)

seen["DuckDB, as VARCHAR"] = rows_of("gated::VARCHAR = 'auto'")
seen["DuckDB, ->>"] = rows_of("gated ->> '$' = 'auto'")

for name, value in seen.items():
    print(f"{name}: {value}")
expected = {
    "type in the file": "extension<arrow.json>",
    "polars, from the file": ("Binary", 0),
    "pandas": ("object", 0, ["false", '"auto"', None]),
    "polars, from Arrow": (
        "Extension('arrow.json', String, '')",
        "cannot cast extension types to String",
        ["false", '"auto"', None],
    ),
    "DuckDB, as VARCHAR": 0,
    "DuckDB, ->>": 1,
}
assert seen == expected, f"changed: {expected}"
PYTHON
