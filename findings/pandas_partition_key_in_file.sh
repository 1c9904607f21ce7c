#!/usr/bin/env bash
# pandas.read_parquet(folder) fails on a folder of `day=YYYY-MM-DD/` files whose rows have the column `day`, too: pyarrow
# makes a dictionary of texts of the path, and does not merge it with the date of the file, although both say the same.
# One file of that folder reads, and so does the folder without `day=` in its paths, or with partitioning=None. polars
# and DuckDB read the same folder: they take the column of the file.
#
# pandas 3.1.1, pyarrow 26.0.1, polars 2.1.0, Python 3.11. Seen:
#   pandas, folder                        ArrowTypeError: Unable to merge: Field day has incompatible types: date32[day]
#                                         vs dictionary<values=string, indices=int32, ordered=0>
#   pandas, folder, partitioning=None     2 rows
#   pandas, one file of it                1 row
#   polars, pattern over the folder       2 rows
# So what is published for others has no hive keys in its paths.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1 pyarrow==26.0.1 polars==2.1.0
"$folder/venv/bin/python" - "$folder/table" <<'PYTHON'
import datetime as dt
import sys
from pathlib import Path

import pandas as pd
import polars as pl

root = Path(sys.argv[1])
for day in (dt.date(2026, 11, 20), dt.date(2026, 11, 21)):
    path = root / f"day={day}" / "data.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame({"day": [day], "models": [1]}).write_parquet(path)

try:
    pd.read_parquet(root)
    failed = ""
except Exception as error:
    failed = f"{type(error).__name__}: {error}"
rows = {
    "pandas, folder, partitioning=None": len(pd.read_parquet(root, partitioning=None)),
    "pandas, one file of it": len(pd.read_parquet(path)),
    "polars, pattern over the folder": pl.read_parquet(root / "*/data.parquet").height,
}
print("pandas, folder:", failed)
print(rows)
assert "Field day has incompatible types: date32[day] vs dictionary" in failed, "it has changed"
assert list(rows.values()) == [2, 1, 2], "it has changed"
PYTHON
