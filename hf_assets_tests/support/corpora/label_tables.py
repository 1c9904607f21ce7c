"""Tables of labels in every format, and what is read of them."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.corpora.tables.records import TableError
from hf_assets_tests.support.corpora.tables import source_of

NAMES = ("sun", "rain", "snow")
KINDS = ("csv", "tsv.gz", "jsonl", "parquet")


def table(folder: Path, kind: str, rows: Sequence[dict[str, Any]]) -> Path:
    """A file of that kind; in CSV, what is no text is written as JSON."""
    path = folder / f"table.{kind}"
    if kind == "parquet":
        pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    else:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter="," if kind == "csv" else "\t")
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow([_cell(value) for value in row.values()])
        body = text.getvalue().encode()
        path.write_bytes(gzip.compress(body) if kind.endswith(".gz") else body)
    return path


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict | bool) else value


def labels_of(path: Path, **options: Any) -> list[list[str]]:
    source = source_of(path, text=("text",), **options)
    return pl.concat(source.read().frames)["labels"].to_list()


def labelled(folder: Path, kind: str, cells: Sequence[Any], **options: Any) -> list[list[str]]:
    rows = [{"text": f"text {number}", "labels": cell} for number, cell in enumerate(cells)]
    return labels_of(table(folder, kind, rows), **options)


def refused(folder: Path, kind: str, cells: Sequence[Any], **options: Any) -> str:
    with pytest.raises(TableError) as failed:
        labelled(folder, kind, cells, **options)
    assert failed.value.permanent
    return str(failed.value)


def at(kind: str, row: int) -> str:
    """How a message names the row, counted from 1."""
    lines = {"parquet": f"row {row}", "jsonl": f"line {row}"}
    return f"table.{kind}, {lines.get(kind, f'line {row + 1}')}: "


VECTORS = [[1, 0, 0], [0, 0, 0], [1, 0, 1], [1, 1, 1]]
NAMED = [["sun"], [], ["sun", "snow"], ["sun", "rain", "snow"]]
