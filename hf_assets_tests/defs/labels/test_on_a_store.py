"""The chain of labels on a lake in a store: what it stores equals a folder's, file by file."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from hf_assets.apps.tagger_service import TaggerService
from hf_assets.apps.trained import find
from hf_assets.object_store.address import StoreAddress
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.object_store.versions import MARKER, current_version
from hf_assets.storage.folders import local_folder
from hf_assets_tests.defs.conftest import checks, failures
from hf_assets_tests.support.defs.labels import BASE, Labels, labels_graph
from hf_assets_tests.support.object_store.fixtures import BUCKET, use_store
from hf_assets_tests.support.object_store.weed import KEY, SECRET, Weed

pytestmark = pytest.mark.heavy
FOLDERS = {
    "corpora/own",
    *(f"classifiers/own/{step}" for step in ("baseline", "leaderboard", "tagger_space")),
    *(f"classifiers/own/{BASE}/{step}" for step in ("classifier", "onnx", "quantized")),
}
# What is measured with a clock, or says when.
_SECONDS = ("seconds", "samples_per_second", "ms", "ms_p50", "ms_p95", "texts_per_second", "losses")


@pytest.fixture(scope="module")
def there(store_server: Weed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labels]:
    """The graph over a lake on a store."""
    root = tmp_path_factory.mktemp("store")
    data = StorePath(StoreAddress(BUCKET, "labels"))
    with pytest.MonkeyPatch.context() as patch:
        use_store(patch, store_server.endpoint, root / "scratch")
        with labels_graph(root, tmp_path_factory.mktemp("models"), data) as graph:
            yield graph


@pytest.fixture(scope="module")
def ran(there: Labels) -> list[dg.ExecuteInProcessResult]:
    return there.chain("own")


def contents(folder: Path) -> dict[str, str]:
    """The hash of each file; of a record without the times in it."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(_content(file)).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix not in (".png", ".svg")
    }


def _content(file: Path) -> bytes:
    if file.suffix == ".json":
        return json.dumps(_untimed(json.loads(file.read_bytes()))).encode()
    if file.suffix == ".parquet":
        frame = pl.read_parquet(file)
        return frame.drop(name for name in _SECONDS if name in frame.columns).write_json().encode()
    return file.read_bytes()


def _untimed(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _untimed(one) for name, one in value.items() if name not in _SECONDS}
    return [_untimed(one) for one in value] if isinstance(value, list) else value


def folders(root: LakePath) -> dict[str, Path]:
    return {name: local_folder(root / name) for name in sorted(FOLDERS)}


def test_the_chain_runs_and_its_checks_pass(ran: list[dg.ExecuteInProcessResult]) -> None:
    assert [failures(run) for run in ran] == [{}, {}, {}]
    found = [one for run in ran for one in checks(run).values()]
    assert len(found) >= 10
    assert {one.severity for one in found if not one.passed} <= {dg.AssetCheckSeverity.WARN}


def test_what_is_stored_equals_what_a_folder_has(
    ran: list[dg.ExecuteInProcessResult], there: Labels, labels: Labels
) -> None:
    assert [failures(run) for run in labels.chain("own")] == [{}, {}, {}]
    on_store, on_disk = folders(there.root), folders(labels.root)
    for name in FOLDERS:
        assert contents(on_store[name]) == contents(on_disk[name]), name


def test_each_folder_names_the_run_that_stored_it(
    ran: list[dg.ExecuteInProcessResult], there: Labels
) -> None:
    assert current_version(there.root / "corpora" / "own").writer == ran[0].run_id
    assert current_version(there.root / "classifiers/own/leaderboard").writer == ran[2].run_id
    stored = {path.parent for path, _ in there.root.below() if path.name == MARKER}
    assert stored == {there.root / name for name in FOLDERS}


def test_the_ui_shows_addresses_and_no_scratch(
    ran: list[dg.ExecuteInProcessResult], there: Labels, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in FOLDERS:
        asset = {f"classifiers/own/{BASE}/onnx": "own/onnx_classifier"}.get(name)
        asset = asset or {"corpora/own": "own/corpus"}.get(name) or name.replace("classifiers/", "")
        asset = asset.replace(f"{BASE}/", "").replace("own/quantized", "own/quantized_classifier")
        metadata = there.metadata(asset)
        assert metadata["path"].value == metadata["dagster/uri"].value == f"{there.root}/{name}"
        assert metadata["size (bytes)"].value == current_version(there.root / name).size
    events = [str(event) for run in ran for event in run.all_events]
    texts = "\n".join(events)
    assert str(there.root) in texts
    assert not [event for event in events if "scratch" in event]
    assert KEY not in texts
    assert SECRET not in texts


def test_the_tagger_page_answers_from_the_store_and_follows_it(
    ran: list[dg.ExecuteInProcessResult], there: Labels
) -> None:
    models = find(there.root)
    assert list(models) == ["own"]
    assert models["own"].measured
    assert models["own"].card
    assert models["own"].examples()
    service = TaggerService(models)
    answer = service.answer("own", "", models["own"].examples()[0].text, None)
    assert answer.ranked
    assert not any(path.name == ".lock" for path, _ in there.root.below())
