"""The small lake with captures of its days; its last day lacks tables."""

import json
from pathlib import Path

from hf_assets.storage.lake import Lake
from hf_assets_tests.support.apps.hub_lake import DAYS, write_hub_lake
from hf_assets_tests.support.hub.captures import first_manifest

CAPTURE = first_manifest(rows=1234, distinct=1234, finished="2026-11-21T03:20:00+00:00")


def write_captured_lake(root: Path) -> Lake:
    """Captures of `DAYS`, and tables: all of them but for the last day; datasets from `DAYS[2]`."""
    lake = write_hub_lake(root)
    for kind in ("models", "spaces", "datasets"):
        manifest = CAPTURE | {"ask": CAPTURE["ask"] | {"kind": kind}}
        for day in DAYS[2 if kind == "datasets" else 0 :]:
            lake.write_file(f"raw_{kind}", day, "capture.json", json.dumps(manifest).encode())
    for asset in ("top_models", "daily_changes"):
        for day in DAYS[:-1]:
            lake.folder(asset, day).mkdir(parents=True)
            (lake.folder(asset, day) / "data.parquet").write_bytes(b"")
    return lake
