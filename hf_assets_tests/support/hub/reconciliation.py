"""Recorded files by hand, tables beside them, and what reconciliation makes of both."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.capture.from_archive import find_day, from_archive
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.manifest import CaptureManifest
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.reconciliation.counts import counted
from hf_assets.hub.reconciliation.rules import reconciled
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets_tests.support.hub.captures import first_manifest

DAY = "2025-06-01"
SHA = "5" * 64
CREATED = datetime(2024, 1, 1, tzinfo=UTC)
Rows = list[dict[str, Any]]
TABLES = {
    "models": schemas.MODELS,
    "spaces": schemas.ENRICHED_SPACES,
    "datasets": schemas.HUB_DATASETS,
}


def put(path: Path, content: Any) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_text(content, newline="")
    return path


def capture_of(counts: dict[str, Any], kind: Kind = "models", **facts: Any) -> Capture:
    """A capture that says what a recovery says, and no more."""
    said = {"source": "folder", "sha256": SHA, "counted": counts, **facts}
    said["ask"] = {"kind": kind, "filter": [], "max_rows": None}
    return Capture(Path(), CaptureManifest.of(first_manifest(**said)))


def table(lake: Lake, rows: Rows, kind: Kind = "models", **notes: Any) -> StoredTable:
    """A stored day with these rows; columns left out are null."""
    schema = TABLES[kind]
    named = [{"hub_id": f"name:{row['id']}", **row} for row in rows]
    frame = pl.DataFrame(named, schema=schema.schema, orient="row")
    made = TableWrite([frame.with_columns(day=pl.lit(iso(DAY)))], notes=notes)
    made.provenance = {f"raw_{kind}": {"sha256": SHA}}
    return lake.write(schema, DAY, made)


def verdict(
    lake: Lake,
    path: Path,
    rows: Rows,
    kind: Kind = "models",
    day: str = "",
    facts: dict[str, Any] | None = None,
    notes: dict[str, Any] | None = None,
) -> RuleResult:
    counts = json.loads(json.dumps(counted(path, kind, day, many=bool(day))))
    return reconciled(
        table(lake, rows, kind, **(notes or {})), capture_of(counts, kind, **(facts or {}))
    )


def numpy_print(tags: list[str] | None) -> str | None:
    return None if tags is None else "[" + "\n ".join(map(repr, tags)) + "]"


def as_csv(rows: Rows, write: Callable[[Any], Any]) -> str:
    out = io.StringIO()
    lines = csv.DictWriter(out, list(rows[0]))
    lines.writeheader()
    lines.writerows(row | {"tags": write(row["tags"])} for row in rows)
    return out.getvalue()


def recovered(lake: Lake, folder: Path, kind: Kind, day: str = DAY) -> tuple[StoredTable, Capture]:
    """A day by the readers themselves."""
    found = find_day(RecordedDays(folder), kind, day)
    assert found is not None
    noon = datetime.fromisoformat(f"{DAY}T12:00:00+00:00")
    capture = from_archive(CaptureStore(lake, f"raw_{kind}"), day, kind, found, lambda: noon)
    no_models = pl.LazyFrame(schema={"id": pl.String, "category": pl.String})
    made = {
        "models": lambda: cleaning.models(capture, day),
        "spaces": lambda: cleaning.enriched_spaces(capture, no_models, day),
        "datasets": lambda: cleaning.hub_datasets(capture, day),
    }[kind]()
    return lake.write(TABLES[kind], day, made), capture
