"""Rows as files for people: CSV and Parquet, written a part at a time."""

from io import BytesIO
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.csv_cells import inert_cells
from hf_assets.storage.stored import StoredTable

Format = Literal["csv", "parquet"]
# Rows that are in memory at a time: 12 MB of models.
BATCH = 1 << 13
MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def write_matching(stored: StoredTable, wanted: pl.Expr, kind: Format, path: Path) -> None:
    """Write the rows of a day that match, in memory that does not grow with them.

    In CSV, lists are JSON, and a spreadsheet runs no cell as a formula.

    Args:
        stored: a table of one file.
        wanted: the filter.
        kind: of the file.
        path: of the file.
    """
    none = stored.frame.clear().collect()
    parts = (_frame(batch).filter(wanted) for batch in stored.file.arrow().iter_batches(BATCH))
    if kind == "parquet":
        schema = none.to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for part in parts:
                if part.height:
                    writer.write_table(part.to_arrow(compat_level=pl.CompatLevel.oldest()))
        return
    with path.open("wb") as out:
        _safe(none.lazy()).collect().write_csv(out)
        for part in parts:
            _safe(part.lazy()).collect().write_csv(out, include_header=False)


def as_file(frame: pl.LazyFrame, kind: Format) -> bytes:
    """All rows as a file in memory; cells as in `write_matching`."""
    out = BytesIO()
    if kind == "parquet":
        frame.collect().write_parquet(out, compression="zstd")
    else:
        _safe(frame).collect().write_csv(out)
    return out.getvalue()


def _frame(batch: pa.RecordBatch) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _safe(frame: pl.LazyFrame) -> pl.LazyFrame:
    schema = frame.collect_schema()
    return inert_cells(
        frame.with_columns(_as_json(name) for name, kind in schema.items() if kind.is_nested())
    )


def _as_json(name: str) -> pl.Expr:
    """A column of lists as JSON text."""
    json = pl.struct(name).struct.json_encode()
    return json.str.extract(r"(?s)^\{\"[^\"]+\":(.*)\}$").alias(name)
