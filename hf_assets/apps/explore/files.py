"""Rows as files for people: CSV and Parquet, written a part at a time."""

from io import BytesIO
from pathlib import Path
from typing import Literal

import polars as pl

from hf_assets.csv_cells import inert_cells

Format = Literal["csv", "parquet"]
MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def write_rows(frame: pl.LazyFrame, kind: Format, out: Path | BytesIO) -> None:
    """Write all rows, in memory that does not grow with them.

    In CSV, lists are JSON, and a spreadsheet runs no cell as a formula.
    """
    if kind == "parquet":
        frame.sink_parquet(out, compression="zstd")
        return
    schema = frame.collect_schema()
    frame = frame.with_columns(_as_json(name) for name, kind in schema.items() if kind.is_nested())
    inert_cells(frame).sink_csv(out)


def as_file(frame: pl.LazyFrame, kind: Format) -> bytes:
    """All rows as a file in memory."""
    out = BytesIO()
    write_rows(frame, kind, out)
    return out.getvalue()


def _as_json(name: str) -> pl.Expr:
    """A column of lists as JSON text."""
    json = pl.struct(name).struct.json_encode()
    return json.str.extract(r"(?s)^\{\"[^\"]+\":(.*)\}$").alias(name)
