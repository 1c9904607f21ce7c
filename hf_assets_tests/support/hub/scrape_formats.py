"""Rows written in every format of a recorded day."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from hf_assets_tests.support.hub.scrapes import DAY, Scrape, read, scrape

CSV, JSON, JSONL, PARQUET = (
    f"models_{DAY}{end}" for end in (".csv", ".json", ".jsonl", ".parquet")
)
AT = "2024-01-02T03:04:05.000Z"
TAGS = ["transformers", "license:apache-2.0", "text-generation", "en", "region:us", "it's"]
BASES = {"relation": "finetune", "models": [{"_id": "9", "id": "q/r"}]}
KEPT_BASES = {"relation": "finetune", "models": [{"id": "q/r"}]}


def as_csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def every_format(folder: Path, rows: list[dict[str, Any]], kind: Any = "models") -> list[Scrape]:
    """The same rows, of texts and numbers, in each format."""
    stem = f"{kind}_{DAY}"
    found = [
        scrape(folder / "csv", f"{stem}.csv", as_csv(rows), kind),
        scrape(folder / "json", f"{stem}.json", json.dumps(rows), kind),
        scrape(folder / "jsonl", f"{stem}.jsonl", "\n".join(map(json.dumps, rows)), kind),
    ]
    (folder / "parquet").mkdir(parents=True)
    table = pl.DataFrame(rows, infer_schema_length=None).to_arrow()
    pq.write_table(table, folder / "parquet" / f"{stem}.parquet")
    return [*found, read(folder / "parquet", kind)]
