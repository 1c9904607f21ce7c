"""Rows written by hand, served as the Hub serves them, and read back from the lake."""

import json
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import polars as pl
import pytest

import hf_assets_tests
from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.hub.capture import capturer
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.files import read_manifest
from hf_assets.hub.capture_store.manifest import CaptureManifest
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import ListingQuery
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.object_store.path import LakePath
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.conftest import DAY, ServedHub

Row = dict[str, Any]
ROOT = Path(hf_assets_tests.__file__).parents[1]


def hub_id(number: int) -> str:
    return f"{number:024x}"


def model(number: int, **fields: Any) -> Row:
    """A plain model; the higher its number, the younger it is."""
    return {
        "_id": hub_id(number),
        "id": f"author{number % 3}/model-{number:04d}",
        "createdAt": f"2024-01-01T00:{number // 60:02d}:{number % 60:02d}.000Z",
        **fields,
    }


def recorded(
    folder: Path,
    models: Iterable[Row] = (),
    spaces: Iterable[Row] = (),
    datasets: Iterable[Row] = (),
) -> RecordedHub:
    """A Hub that serves just these rows, without the fields that are None."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("models", models), ("spaces", spaces), ("datasets", datasets)):
        said = [{key: one for key, one in row.items() if one is not None} for row in rows]
        (folder / f"{name}.json").write_text(json.dumps(said))
    return RecordedHub(*(folder / f"{name}.json" for name in ("models", "spaces", "datasets")))


@contextmanager
def unjudged() -> Generator[None]:
    """Whatever was fetched becomes a capture, as in lakes of before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capturer, "objection", lambda *_: None)
        yield


def captured(lake: Lake, served: ServedHub, kind: Kind = "models") -> Capture:
    store = CaptureStore(lake, f"raw_{kind}")
    with unjudged():
        return served.capturer().get_or_capture(store, DAY, ListingQuery.everything(kind))


def store_of(folder: LakePath) -> CaptureStore:
    """The store of a listing, by the folder of one of its days."""
    return CaptureStore(Lake(folder.parent.parent), folder.parent.name)


def edited(capture: Capture, **said: Any) -> Capture:
    """The same capture, whose manifest says something else."""
    return Capture(capture.folder, CaptureManifest.of(capture.manifest.plain() | said))


def open_capture(folder: LakePath) -> Capture | None:
    """The complete capture in that folder of a day, or None."""
    manifest = read_manifest(folder)
    return Capture(folder, manifest) if manifest else None


def first_manifest(**said: Any) -> dict[str, Any]:
    """What the first version wrote into capture.json; its later keys are missing."""
    query = {"kind": "models", "fields": [], "sort": "createdAt", "filter": [], "max_rows": None}
    return {
        "ask": query,
        "endpoint": "https://hub",
        "fields": [],
        "refused": [],
        "started": "",
        "finished": "",
        "pages": 1,
        "rows": 0,
        "distinct": 0,
        "total": None,
        "bytes": 0,
        "sha256": "",
        "client": "",
        "attempt": "20261120T030000.000000Z",
        "complete": True,
        **said,
    }


def made_models(lake: Lake, served: ServedHub) -> StoredTable:
    """`models` of what is served, by way of a capture and the lake."""
    return lake.write(schemas.MODELS, DAY, cleaning.models(captured(lake, served), DAY))


def made_spaces(lake: Lake, served: ServedHub, models: StoredTable) -> StoredTable:
    capture = captured(lake, served, "spaces")
    made = cleaning.enriched_spaces(capture, models.frame, DAY)
    return lake.write(schemas.ENRICHED_SPACES, DAY, made)


def made_datasets(lake: Lake, served: ServedHub) -> StoredTable:
    """`hub_datasets` of what is served."""
    made = cleaning.hub_datasets(captured(lake, served, "datasets"), DAY)
    return lake.write(schemas.HUB_DATASETS, DAY, made)


def rows_of(capture: Capture) -> Iterator[Row]:
    """Every row as served, in the order in which it came."""
    for _, body in pages(capture, newest_first=False):
        yield from json.loads(body)


def ids_of(capture: Capture) -> list[Any]:
    return [row["_id"] for row in rows_of(capture)]


def by_id(stored: StoredTable) -> dict[str, Row]:
    return {row["id"]: row for row in stored.frame.collect().iter_rows(named=True)}


def table_of(lake: Lake, table: Any, rows: list[Row]) -> StoredTable:
    """A stored day of a table with these rows; columns left out are null."""
    frame = pl.DataFrame(rows, schema=table.schema, orient="row", strict=True)
    return lake.write(
        table, DAY, TableWrite(frames=[frame.with_columns(day=pl.lit(DAY).str.to_date())])
    )


def python(module: str, *arguments: object) -> "Popen[str]":
    """A Python process of this project."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return Popen(command, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True)


def pages(capture: Capture, *, newest_first: bool = True) -> Iterator[tuple[int, bytes]]:
    """Number and body of each page; the last fetched first, unless told otherwise."""
    numbers = capture.page_numbers()
    for number in reversed(numbers) if newest_first else numbers:
        yield number, capture.page(number)


def crawl(
    url: str, lake: Lake, now: datetime, page_size: int, kind: Kind, day: str = DAY, chains: int = 1
) -> "Popen[str]":
    """A process that captures the day."""
    module = "hf_assets_tests.support.hub.crawl"
    return python(module, url, lake.root, day, now.isoformat(), page_size, kind, chains)
