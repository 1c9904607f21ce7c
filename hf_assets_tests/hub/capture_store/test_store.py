"""One store knows a day's capture, and reads each manifest once."""

import ast
import json
import os
from collections import Counter
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest

import hf_assets
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.manifest import CaptureManifest
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import ListingError, ListingQuery
from hf_assets.storage.lake import Lake
from hf_assets.storage.locks import BusyError
from hf_assets_tests.conftest import DAY, NOON, Clock, ServeHub
from hf_assets_tests.support.hub.captures import first_manifest
from hf_assets_tests.support.hub.small_hub import HUB, MODELS

PACKAGE = Path(hf_assets.__file__).parent
NAMES = (files.MARKER, files.JOURNAL, files.REJECTED, ".json.zst")


@pytest.fixture
def store(lake: Lake) -> CaptureStore:
    return CaptureStore(lake, "raw_models")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the manifest of each day was read."""
    found: Counter[str] = Counter()
    read = files.read_manifest

    def counted(folder: Path) -> CaptureManifest | None:
        found[folder.name.removeprefix("day=")] += 1
        return read(folder)

    monkeypatch.setattr(files, "read_manifest", counted)
    return found


def put(store: CaptureStore, day: str, rows: int) -> None:
    store.folder(day).mkdir(parents=True, exist_ok=True)
    started = f"{day}T03:00:00+00:00"
    said = first_manifest(rows=rows, distinct=rows, started=started, attempt="20261101")
    files.write_manifest(store.folder(day), CaptureManifest.of(said))


def test_a_manifest_is_read_once_and_again_when_it_was_replaced(
    store: CaptureStore, reads: Counter[str]
) -> None:
    assert store.complete(DAY) is None
    put(store, DAY, 1)
    first = store.complete(DAY)
    assert store.complete(DAY) == first == store.captures()[DAY]
    assert reads == {DAY: 1}
    put(store, DAY, 2)
    second = store.complete(DAY)
    assert second is not None
    assert (second.rows, reads[DAY]) == (2, 2)
    (store.folder(DAY) / files.MARKER).unlink()
    assert store.complete(DAY) is None
    assert store.captures() == {}


def test_a_trip_opens_each_days_capture_once(
    hub: ServeHub, store: CaptureStore, reads: Counter[str]
) -> None:
    others = [f"2026-11-1{number}" for number in range(5)]
    for day in others:
        put(store, day, 500)
    served = hub(HUB)
    served.faults.no_total = True
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    assert capture.rows == 500
    assert reads == dict.fromkeys(others, 1)
    reads.clear()
    assert served.capturer().get_or_capture(store, DAY, MODELS) == capture
    assert reads == {DAY: 1}


def test_a_rejected_attempt_is_not_resumed(hub: ServeHub, store: CaptureStore) -> None:
    served = hub(HUB)
    attempt = store.begin(DAY, MODELS, served.url, NOON)
    found = store.unfinished(DAY, MODELS, served.url)
    assert found is not None
    assert (found.path, found.started) == (attempt.path, NOON)
    attempt.reject("no rows", NOON, 7)
    assert store.unfinished(DAY, MODELS, served.url) is None
    assert store.rejected_rows(DAY) == 7
    store.sweep(NOON + timedelta(days=7))
    assert attempt.path.exists()
    store.sweep(NOON + timedelta(days=7, seconds=1))
    assert not attempt.path.exists()
    assert store.rejected_rows(DAY) is None


@pytest.mark.usefixtures("locks")
def test_the_lock_of_a_day_is_of_that_day_alone(store: CaptureStore) -> None:
    with (
        store.lock(DAY, 0),
        store.lock("2026-11-21", 0),
        pytest.raises(BusyError, match=f"another run has been capturing {DAY} for over 0 s"),
        store.lock(DAY, 0),
    ):
        raise AssertionError


def test_pages_that_retention_drops_are_those_of_the_capture(
    hub: ServeHub, store: CaptureStore
) -> None:
    served = hub(HUB)
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    served.faults.errors = {503: [At(times=FOREVER)]}
    later = served.capturer(Clock(NOON + timedelta(hours=1)))
    with mock.patch("time.sleep"), pytest.raises(ListingError):
        later.get_or_capture(store, DAY, MODELS, refetch=True)
    assert store.page_bytes(DAY) == sum(
        path.stat().st_size for path in capture.folder.glob("*/*.json.zst")
    )
    store.drop_pages(DAY, "2027-01-01")
    assert store.page_bytes(DAY) == 0
    assert len(files.attempts(capture.folder)) == 2


def _names_a_file(path: Path) -> bool:
    """Whether a text of the module, but for its docstrings, has the name of a capture's file."""
    content = path.read_text("utf-8")
    if not any(name in content for name in NAMES):
        return False
    nodes = [*ast.walk(ast.parse(content))]
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [str(node.value) for node in nodes
             if isinstance(node, ast.Constant) and id(node) not in docstrings]  # fmt: skip
    return any(name in text for name in NAMES for text in texts)


def test_nothing_else_names_the_files_of_a_capture() -> None:
    naming = {path.relative_to(PACKAGE).as_posix()
              for path in PACKAGE.rglob("*.py") if _names_a_file(path)}  # fmt: skip
    # The label of the record in the UI, and the marker of days that have thousands of objects.
    assert naming - {"defs/common/metadata.py", "storage/lake.py"} == {"hub/capture_store/files.py"}


def test_a_file_name_that_is_no_utf_8_is_kept(store: CaptureStore) -> None:
    """The journal of a day from an archive names its file, as the earlier versions wrote it."""
    name = os.fsdecode(b"models-\xff.json")
    query = ListingQuery.everything("models")
    with store.lock(DAY, 0):
        attempt = store.begin(DAY, query, name, NOON)
    header, lines = files.read_journal(attempt.path)
    assert header is not None
    assert (header.endpoint, lines) == (name, [])
    written = (attempt.path / "journal.jsonl").read_bytes()
    assert json.loads(written)["endpoint"] == name
