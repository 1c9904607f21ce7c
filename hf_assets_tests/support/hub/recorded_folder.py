"""A folder of recorded days, written by hand and read back."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.client.rows import parse_page
from hf_assets.hub.client.wire import Kind

DAY, NEXT = "2026-08-07", "2026-08-08"
ROWS: list[dict[str, Any]] = [
    {"id": "a/x", "downloads": 5, "likes": 2, "createdAt": "2024-01-02T03:04:05.000Z"},
    {"id": "b/<b>y</b>", "downloads": None, "likes": 0, "tags": ["t"]},
]


def put(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content)
    elif isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_text(json.dumps(content))
    return path


def rows(archive: RecordedDays, day: str = DAY, kind: Kind = "models") -> list[dict[str, Any]]:
    """What a day says, as the strict parser reads it; nothing may be odd."""
    found = archive.find(kind, day)
    assert found is not None
    frames = [parse_page(kind, 0, page.body) for page in found.read()]
    assert [odd for _, one in frames for odd in one] == []
    kept = [row for frame, _ in frames for row in frame.to_dicts()]
    return [{k: v for k, v in row.items() if v is not None} for row in kept]


def as_csv(found: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in found for name in row))
    lines = [names, *([row.get(name, "") for name in names] for row in found)]
    return "\n".join(",".join(f'"{"" if v is None else v}"' for v in line) for line in lines) + "\n"


def table(found: list[dict[str, Any]]) -> pa.Table:
    return pl.DataFrame(found, infer_schema_length=None).to_arrow()


EXPECTED = [
    {**ROWS[0], "_id": "name:a/x"},
    {"id": "b/<b>y</b>", "likes": 0, "tags": ["t"], "_id": "name:b/<b>y</b>"},
]
