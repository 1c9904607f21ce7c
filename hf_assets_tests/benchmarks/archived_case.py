"""One archived day → capture → table, by whichever checkout is on the path: old ones run it, too.

`python archived_case.py ENDPOINT LAKE DAY KIND…`
"""

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from hf_assets.hub.archive.hub_stats import HubStats
from hf_assets.hub.capture.from_archive import find_day, from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake

endpoint, folder, day, *kinds = sys.argv[1:]
lake = Lake(Path(folder))
archive = HubStats("cfahlgren1/hub-stats", HubConnection(endpoint))
figures: dict[str, dict[str, float | str]] = {}
for kind in kinds:
    began, spent = time.perf_counter(), time.process_time()
    found = find_day(archive, kind, day)  # ty: ignore[invalid-argument-type]
    assert found is not None
    store = CaptureStore(lake, f"raw_{kind}")
    now = lambda: datetime.now(UTC)  # noqa: E731
    capture = from_archive(store, day, kind, found, now)  # ty: ignore[invalid-argument-type]
    between, captured = time.perf_counter(), time.process_time()
    if kind == "models":
        table = lake.write(schemas.MODELS, day, cleaning.models(capture, day))
    elif kind == "datasets":
        table = lake.write(schemas.HUB_DATASETS, day, cleaning.hub_datasets(capture, day))
    else:
        models = lake.read("models", day).frame
        made = cleaning.enriched_spaces(capture, models, day)
        table = lake.write(schemas.ENRICHED_SPACES, day, made)
    ended, made_at = time.perf_counter(), time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    digest = table.frame.select(pl.struct(pl.all()).hash()).collect().to_series()
    figures[kind] = {
        "rows": table.rows,
        "wall": ended - began,
        "cpu": made_at - spent,
        "cpu of the capture": captured - spent,
        "wall of the capture": between - began,
        "bytes fetched": capture.manifest.bytes_fetched or 0,
        "bytes stored": sum(path.stat().st_size for path in capture.folder.rglob("*.zst")),
        "peak MB": peak,
        "digest": f"{digest.hash().sum():x} {digest.len()}",
    }
print(json.dumps(figures))
