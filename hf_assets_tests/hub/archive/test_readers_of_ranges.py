"""What reads captures takes ranges as it takes JSON: tables, thinning, copies, the status."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_assets.cli.status import lines_of
from hf_assets.copying.copy import Copy
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.hub.archive import hub_stats
from hf_assets.hub.archive.arrow_rows import ArrowRows
from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage, ArchiveError
from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.hub.quality.schemas import DAILY_CHANGES
from hf_assets.hub.reconciliation.rules import reconciled
from hf_assets.hub.retention import Ages, thin
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.object_store.listing import entries_below
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.hub.past_hub import DAY, NOW, Past, model_table
from hf_assets_tests.support.hub.strict_archive import Strict, reader

LATER = "2027-06-01"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """An archived day of all kinds, and its tables."""
    lake, servers = Lake(tmp_path_factory.mktemp("made")), ExitStack()
    hub_stats._commits.clear()
    world = Past(lambda app: servers.enter_context(LoopbackServer(app)), ArchiveFaults())
    models = model_table(lake, world.recover(lake, "models", DAY), DAY)
    spaces = cleaning.enriched_spaces(world.recover(lake, "spaces", DAY), models.frame, DAY)
    lake.write(schemas.ENRICHED_SPACES, DAY, spaces)
    datasets = cleaning.hub_datasets(world.recover(lake, "datasets", DAY), DAY)
    lake.write(schemas.HUB_DATASETS, DAY, datasets)
    for table in (schemas.TOP_MODELS, schemas.MODEL_USAGE, DAILY_METRICS, DAILY_CHANGES):
        lake.write(table, DAY, TableWrite([]))
    with servers:
        yield lake


@pytest.fixture(params=["folder", "store"])
def day(request: pytest.FixtureRequest, made: Lake, tmp_path: Path) -> Lake:
    """That day in a lake of the test's own."""
    target = tmp_path / "own" if request.param == "folder" else request.getfixturevalue("bucket")
    assert Copy(made.root, target, check=False, log=lambda _: None).run().complete
    return Lake(target)


def models_of(lake: Lake) -> Capture:
    capture = CaptureStore(lake, "raw_models").complete(DAY)
    assert capture is not None
    assert capture.form == "ranges"
    return capture


def test_a_copy_has_the_ranges_and_makes_the_same_table(made: Lake, day: Lake) -> None:
    before, copied = models_of(made), models_of(day)
    assert [copied.page(n) for n in copied.page_numbers()] == [
        before.page(n) for n in before.page_numbers()
    ]
    again = model_table(day, copied, DAY).frame.collect()
    assert again.equals(made.read("models", DAY).frame.collect())


def test_thinning_drops_the_ranges_and_says_so(day: Lake) -> None:
    done = {one.asset: one for one in thin(day, (DAY,), LATER, Ages(60, 30))}
    assert done.keys() >= {*RAW}
    for asset in RAW:
        assert done[asset].before > done[asset].after == 0
        assert CaptureStore(day, asset).page_bytes(DAY) == 0
    assert not [name for name in entries_below(day.root) if name.endswith(".ranges.zst")]
    with pytest.raises(CorruptCapture, match=f"were dropped on {LATER}"):
        models_of(day).page(0)
    assert [*thin(day, (DAY,), LATER, Ages(60, 30))] == []


def test_the_status_counts_them(day: Lake) -> None:
    said = "\n".join(lines_of(day.root))
    assert all(asset in said for asset in RAW)


def test_reconciliation_has_no_file_to_count(made: Lake) -> None:
    verdict = reconciled(made.read("models", DAY), models_of(made))
    assert verdict.passed
    assert "folder" in verdict.description or "hub-stats" in verdict.description


HOSTILE: dict[str, Any] = {
    "_id": ["1", None, "3", "4", "5", "6"],
    "id": ["a/1", None, "", "a/4", "a/5", "a/6"],
    "createdAt": ["2024-01-02T03:04:05.000Z", None, "soon", "1999-01-01", "2024-01-02", None],
    "downloads": [1.0, 2.0, float("nan"), -7.0, 0.5, 2.0**70],
    "tags": [["license:mit"], [None], [], None, ["a", "a"], ["b"]],
    "surprise": [1, 2, 3, 4, 5, 6],
}


def json_pages(rows: ArrowRows, day: ArchivedDay) -> Iterator[ArchivedPage]:
    for page in rows.pages():
        rows.report.describe(day)
        yield page


def test_rows_are_rejected_counted_and_sampled_as_of_json_pages(
    serve: Serve, tmp_path: Path
) -> None:
    """JSON pages are what earlier versions stored of such a day."""
    tables: dict[str, StoredTable] = {}
    for form in ("ranges", "json"):
        lake, strict = Lake(tmp_path / form), Strict(pa.table(HOSTILE), row_group_size=4)
        found = reader(serve, strict).find("models", DAY)
        assert found is not None
        if form == "json":
            rows = ArrowRows(pq.ParquetFile(pa.BufferReader(strict.content)), "models")

            found.read = partial(json_pages, rows, found)
        capture = from_archive(CaptureStore(lake, "raw_models"), DAY, "models", found, lambda: NOW)
        assert capture.form == form
        tables[form] = model_table(lake, capture, DAY)
    ours, theirs = tables["ranges"], tables["json"]
    assert ours.notes == theirs.notes
    assert ours.notes["quarantined"] == 2
    assert ours.frame.collect().equals(theirs.frame.collect())
    aside = [one.path.parent / "quarantine.parquet" for one in (ours, theirs)]
    assert pl.read_parquet(aside[0]).equals(pl.read_parquet(aside[1]))
    skip = ("bytes", "pages", "sha256")
    provenance = [
        {key: value for key, value in one.provenance["raw_models"].items() if key not in skip}
        for one in (ours, theirs)
    ]
    assert {**provenance[0], "endpoint": ""} == {**provenance[1], "endpoint": ""}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"id": [1, 2]}, "no column `id` of texts"),
        ({"_id": ["1"], "name_": ["a/x"]}, "no column `id` of texts"),
    ],
)
def test_a_changed_schema_is_told(
    serve: Serve, lake: Lake, table: dict[str, Any], said: str
) -> None:
    found = reader(serve, Strict(pa.table(table))).find("models", DAY)
    assert found is not None
    with pytest.raises(ArchiveError, match=said) as raised:
        from_archive(CaptureStore(lake, "raw_models"), DAY, "models", found, lambda: NOW)
    assert raised.value.permanent
    assert CaptureStore(lake, "raw_models").complete(DAY) is None
