"""What is measured: our way and the usual ones, each a function that runs in its own process.

`python -m hf_assets_tests.benchmarks.cases NAME ARGUMENT…`
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

DAY = "2026-11-20"
NEEDED = ("_id", "id", "downloads", "likes", "trendingScore", "pipeline_tag", "library_name")


def prerender(folder: str, models: str, spaces: str) -> dict[str, Any]:
    """Pages of a generated Hub, ready to be served."""
    from hf_assets.demo.hub.prerendered import prerender as write
    from hf_assets.demo.world.generator import GeneratedHub
    from hf_assets.hub.client.listing import FIELDS

    hub = GeneratedHub(int(models), int(spaces))
    return {kind: write(hub, Path(folder), kind, list(FIELDS[kind])) for kind in FIELDS}


def serve(
    folder: str, latency: str = "0", limit: str = "1000000000", window: str = "300"
) -> dict[str, Any]:
    """Serve them, with so many seconds a page and requests a window of seconds; the address is the
    first line.
    """
    from hf_assets.demo.hub.app import create_app
    from hf_assets.demo.hub.prerendered import PrerenderedHub
    from hf_assets.demo.service.server import LoopbackServer
    from hf_assets.demo.world.generator import GeneratedHub

    app = create_app(
        PrerenderedHub(Path(folder), GeneratedHub(10, 10)),
        rate_limit=int(limit),
        window=float(window),
        latency=float(latency),
    )
    with LoopbackServer(app) as server:
        print(server.url, flush=True)
        server.wait()
    return {}


def capture(endpoint: str, lake: str, kind: str) -> dict[str, Any]:
    """A listing → pages on disk."""
    from hf_assets.hub.capture.capturer import Capturer
    from hf_assets.hub.capture_store.store import CaptureStore
    from hf_assets.hub.client.listing import HubClient, ListingQuery
    from hf_assets.storage.lake import Lake, today

    store = CaptureStore(Lake(Path(lake)), f"raw_{kind}")
    folder = store.folder(DAY)
    ask = ListingQuery.everything(kind)  # ty: ignore[invalid-argument-type]
    found = Capturer(HubClient(endpoint=endpoint)).get_or_capture(store, today(), ask)
    if found.folder != folder:
        found.folder.rename(folder)
    return {"rows": found.rows, "requests": found.manifest.pages}


def night(endpoint: str, lake: str, chains: str, kinds: str, way: str) -> dict[str, Any]:
    """Today's listings, in chains begun at the cursors of the last captures.

    Args:
        endpoint: of the Hub.
        lake: its folder.
        chains: of a listing, at most.
        kinds: of listings, with commas.
        way: "in turn" or "side by side".
    """
    from hf_assets.hub.capture.capturer import Capturer
    from hf_assets.hub.capture.side_by_side import SideBySide
    from hf_assets.hub.capture_store.store import CaptureStore
    from hf_assets.hub.client.listing import HubClient, ListingQuery
    from hf_assets.storage.lake import Lake, today

    told, day = [], today()
    tasks = {}
    for kind in kinds.split(","):
        capturer = Capturer(HubClient(endpoint=endpoint, log=told.append), chains=int(chains))
        store = CaptureStore(Lake(Path(lake)), f"raw_{kind}")
        ask = ListingQuery.everything(kind)  # ty: ignore[invalid-argument-type]
        tasks[kind] = partial(capturer.get_or_capture, store, day, ask)

    def failed(_name: str, error: BaseException) -> None:
        raise error

    began = time.perf_counter()
    if way == "side by side":
        (_, first), *others = tasks.items()
        SideBySide().run(first, dict(others), failed)
    else:
        for task in tasks.values():
            task()
    seconds = time.perf_counter() - began
    found = [task() for task in tasks.values()]  # as stored
    return {
        "seconds": seconds,
        "rows": sum(one.rows for one in found),
        "distinct": sum(one.distinct for one in found),
        "requests": sum(one.manifest.pages for one in found),
        "chains": sum(one.manifest.chains or 1 for one in found),
        "refusals": sum("429" in line for line in told),
    }


def ingest(endpoint: str, lake: str) -> dict[str, Any]:
    """A listing of models → pages on disk → the `models` table."""
    said = capture(endpoint, lake, "models")
    return said | table(lake, "models")


def list_models_polars(endpoint: str, out: str) -> dict[str, Any]:
    """`list_models` → a polars frame → Parquet."""
    import polars as pl

    rows = _listed(endpoint)
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(out)
    return {"rows": len(rows)}


def list_models_pandas(endpoint: str, out: str) -> dict[str, Any]:
    """`list_models` → a pandas frame → CSV."""
    import pandas as pd

    rows = _listed(endpoint)
    pd.DataFrame(rows).to_csv(out, index=False)
    return {"rows": len(rows)}


def _listed(endpoint: str) -> list[dict[str, Any]]:
    from huggingface_hub import HfApi

    from hf_assets.hub.client.listing import FIELDS

    found = HfApi(endpoint=endpoint).list_models(
        expand=list(FIELDS["models"]),  # ty: ignore[invalid-argument-type]
        sort="created_at",
    )
    rows = []
    for model in found:
        row = dict(model.__dict__)
        for name in ("gated", "safetensors", "gguf", "base_models", "baseModels"):
            # Objects and bool-or-text fit no column.
            row[name] = None if row.get(name) is None else str(row[name])
        rows.append(row)
    return rows


def table(lake: str, name: str) -> dict[str, Any]:
    """One table of the day, from what it is made of."""
    from hf_assets.storage.lake import Lake, StoredTable

    tree = Lake(Path(lake))
    began, cpu = time.perf_counter(), time.process_time()
    stored: StoredTable = tree.write(*_tables(tree)[name]())
    return {
        "rows": stored.rows,
        "bytes": stored.path.stat().st_size,
        f"{name} wall": time.perf_counter() - began,
        f"{name} cpu": time.process_time() - cpu,
    }


def _tables(lake: Any) -> dict[str, Callable[[], tuple]]:
    """How each table of the day is made, by name, in order."""
    from hf_assets.hub.capture_store.store import CaptureStore
    from hf_assets.hub.tables import cleaning, schemas, usage
    from hf_assets.trends.metrics import daily_metrics

    def raw(kind: str):
        return CaptureStore(lake, f"raw_{kind}").complete(DAY)

    def frame(name: str):
        return lake.read(name, DAY).frame

    tags = ("text-classification", "text-generation")
    makers: list[tuple[Any, Callable]] = [
        (schemas.MODELS, lambda: cleaning.models(raw("models"), DAY)),
        (
            schemas.ENRICHED_SPACES,
            lambda: cleaning.enriched_spaces(raw("spaces"), frame("models"), DAY),
        ),
        (
            schemas.TOP_MODELS,
            lambda: usage.top_models(frame("models"), DAY, tags=tags, count=20, sort="likes"),
        ),
        (
            schemas.MODEL_USAGE,
            lambda: usage.model_usage(
                frame("enriched_spaces"), frame("models"), frame("top_models"), DAY
            ),
        ),
        (
            daily_metrics.DAILY_METRICS,
            lambda: daily_metrics.daily_metrics(
                frame("models"),
                frame("enriched_spaces"),
                frame("model_usage"),
                lake.read("model_usage", DAY).notes["chosen_usage"],
                DAY,
            ),
        ),
    ]
    return {
        one.name: partial(lambda one, make: (one, DAY, make()), one, make) for one, make in makers
    }


def pipeline(lake: str) -> dict[str, Any]:
    """Captures → models → enriched_spaces → top_models → model_usage → daily_metrics."""
    said: dict[str, Any] = {}
    for name in ("models", "enriched_spaces", "top_models", "model_usage", "daily_metrics"):
        said |= table(lake, name)
    return said


def derived(lake: str) -> dict[str, Any]:
    """The part after `models` and `enriched_spaces`: top_models, model_usage, daily_metrics."""
    said: dict[str, Any] = {}
    for name in ("top_models", "model_usage", "daily_metrics"):
        said |= table(lake, name)
    return said


def scan_pages(lake: str) -> dict[str, Any]:
    """The least that a pipeline from pages must do: read the needed fields of all pages."""
    import polars as pl

    from hf_assets.hub.capture_store.store import CaptureStore
    from hf_assets.hub.client.wire import WIRE_SCHEMA
    from hf_assets.storage.lake import Lake

    needed = {"models": (*NEEDED, "tags", "createdAt", "downloadsAllTime"), "spaces": ("_id", "id",
              "author", "likes", "sdk", "models")}  # fmt: skip
    rows = 0
    for kind, names in needed.items():
        schema = {name: WIRE_SCHEMA[kind][name] for name in names}  # ty: ignore[invalid-argument-type]
        found = CaptureStore(Lake(Path(lake)), f"raw_{kind}").complete(DAY)
        assert found is not None
        for number in found.page_numbers():
            rows += pl.read_json(found.page(number), schema=schema).height
    return {"rows": rows}


def scan_tables(lake: str) -> dict[str, Any]:
    """The least that the derived tables must do: read the needed columns of both tables."""
    import polars as pl

    from hf_assets.storage.lake import Lake

    needed = {
        "models": (
            *("id", "hub_id", "author", "category", "library", "license", "year", "floor_dated"),
            *("downloads", "downloads_all_time", "likes", "trending_score", "tags"),
        ),
        "enriched_spaces": (
            "hub_id",
            "author",
            "likes",
            "trending_score",
            "sdk",
            "models",
            "n_models",
        ),
    }
    rows = 0
    for name, columns in needed.items():
        frame = Lake(Path(lake)).read(name, DAY).frame.select(pl.col(columns)).collect()
        rows += frame.height
        del frame
    return {"rows": rows}


def csv(lake: str, folder: str) -> dict[str, Any]:
    """What `list_models` → pandas → CSV leaves behind, from our tables (not measured)."""
    import polars as pl

    from hf_assets.storage.lake import Lake

    for name, lists in (("models", ["tags"]), ("enriched_spaces", ["tags", "models", "datasets"])):
        frame = Lake(Path(lake)).read(name, DAY).frame
        as_json = [pl.col(one).map_elements(_as_json, pl.String) for one in lists]
        frame = frame.drop("base_models", "categories", strict=False).with_columns(as_json)
        frame.sink_csv(Path(folder) / f"{name}.csv")
    return {}


def _as_json(texts: Any) -> str:
    return json.dumps(list(texts))


def pandas_csv(folder: str) -> dict[str, Any]:
    """The same tables and aggregates by pandas, from CSV."""
    from hf_assets_tests.benchmarks.with_pandas import pipeline as with_pandas

    return with_pandas(Path(folder))


def polars_parquet(lake: str, out: str) -> dict[str, Any]:
    """The `models` table by polars' own writer, in the order of the listing."""
    import polars as pl

    from hf_assets.storage.lake import Lake

    frame = Lake(Path(lake)).read("models", DAY).frame.collect()
    began = time.process_time()
    frame.write_parquet(out)
    cpu = time.process_time() - began
    return {"rows": frame.height, "bytes": Path(out).stat().st_size, "write cpu": cpu,
            "polars": pl.__version__}  # fmt: skip


def load() -> dict[str, Any]:
    """The code location, from nothing."""
    began = time.perf_counter()
    from hf_assets.definitions import defs

    defs().resolve_all_asset_specs()
    heavy = [
        name for name in ("torch", "transformers", "matplotlib", "pandas") if name in sys.modules
    ]
    return {"seconds": time.perf_counter() - began, "heavy modules": heavy}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:]), default=str), flush=True)
