"""Sources of texts in the real graph: where tables come from, which failures are tried again."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import requests

from hf_assets.defs.common.code_versions import code_version
from hf_assets.defs.common.metadata import gallery
from hf_assets.defs.labels import metadata as label_report
from hf_assets.defs.trends import daily
from hf_assets.demo import running
from hf_assets.demo.labels.kaggle import TOKEN
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.defs.conftest import failures, made
from hf_assets_tests.support.defs.graph import graph
from hf_assets_tests.support.defs.labels import BASE, Labels


def test_each_source_is_a_table_with_where_it_came_from(sources: Labels) -> None:
    lake = Lake(sources.root)
    dump, day = lake.read("question_dump", None), lake.read("new_questions", today())
    assert dump.rows == 900
    assert dump.provenance["question_dump"]["sha256"]
    assert day.provenance["new_questions"]["endpoint"].startswith("http://127.0.0.1:")
    assert lake.read("dataset_dump", None).rows > 250
    assert lake.read("new_datasets", today()).rows == 20
    assert sources.metadata("question_dump")["dagster/row_count"].value == 900


def test_no_credential_is_told(sources: Labels) -> None:
    told = [
        str(record.event_log_entry)
        for asset in ("new_datasets", "new_questions")
        for record in sources.instance.fetch_materializations(dg.AssetKey(asset), limit=10).records
    ]
    assert told
    assert not [one for one in told if TOKEN in one]
    assert not [
        str(path)
        for path in sources.root.rglob("*.json")
        if TOKEN in path.read_text("utf-8", "replace")
    ]


def test_questions_of_another_site_are_in_no_corpus(
    sources: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = sources
    assert failures(labels.run("questions/corpus")) == {}
    one = labels.root / "corpora" / "questions" / "facts.json"
    before = one.read_bytes()
    assert json.loads(before)["site"] == running.SITE
    monkeypatch.setenv("HF_ASSETS_STACKEXCHANGE_SITE", "ai")
    settings.cache_clear()
    failed = labels.run("questions/corpus")
    said = failures(failed)["questions__corpus"]
    assert "questions takes questions of ai, and its sources have none (but of generated: " in said
    assert one.read_bytes() == before
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients try once, and Dagster's retries do not wait their minute."""
    monkeypatch.setattr("hf_assets.corpora.stackexchange.client.TRIES", 1)
    monkeypatch.setattr("hf_assets.corpora.kaggle.client.TRIES", 1)
    monkeypatch.setattr("hf_assets.corpora.stackexchange.pacing.REPEAT", 0.0)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)


NOWHERE = "http://127.0.0.1:9"


def retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events)


@pytest.mark.parametrize(
    ("asset", "partition", "switches", "tried_again"),
    [
        ("new_questions", "today", {"STACKEXCHANGE_ENDPOINT": NOWHERE}, 3),
        ("new_datasets", "today", {"KAGGLE_ENDPOINT": NOWHERE}, 3),
        ("dataset_dump", None, {"META_KAGGLE": ""}, 3),
        # What would be the same again is not tried again.
        ("new_questions", "today", {"STACKEXCHANGE_ENDPOINT": "http://a:b@127.0.0.1:9"}, 0),
        ("new_questions", "today", {"STACKEXCHANGE_SITE": "a b"}, 0),
        ("new_datasets", "today", {"KAGGLE_ENDPOINT": "http://example.com"}, 0),
        ("new_datasets", "2026-01-01", {}, 0),
        ("dataset_dump", None, {"META_KAGGLE": "/nowhere"}, 0),
        ("dataset_dump", None, {"META_KAGGLE": "/" + "x" * 5000}, 0),
        ("question_dump", None, {"QUESTION_DUMP": "/nowhere"}, 0),
    ],
)
def test_what_the_network_fails_is_tried_again(
    labels: Labels,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    asset: str,
    partition: str | None,
    switches: dict[str, str],
    tried_again: int,
) -> None:
    # Not when the tests are collected: midnight may lie between.
    partition = today() if partition == "today" else partition
    monkeypatch.setenv("HF_ASSETS_DATA", str(tmp_path))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    for name, value in switches.items():
        monkeypatch.setenv(f"HF_ASSETS_{name}", value)
    if switches.get("META_KAGGLE") == "":
        monkeypatch.delenv("HF_ASSETS_META_KAGGLE")
        monkeypatch.setattr("kagglehub.dataset_download", _unreachable)
    settings.cache_clear()
    with dg.DagsterInstance.ephemeral() as instance:
        run = Labels(tmp_path, graph(), instance).run(asset, partition=partition)
    monkeypatch.undo()
    settings.cache_clear()
    assert not run.success
    assert retries(run) == tried_again, failures(run)
    assert "Failure" in failures(run)[asset]


@pytest.mark.parametrize(
    ("asset", "partition", "unset", "said"),
    [
        ("new_questions", "today", ["ACCEPT_STACKEXCHANGE_TERMS"], "ACCEPT_STACKEXCHANGE_TERMS"),
        ("new_datasets", "today", ["ACCEPT_KAGGLE_TERMS"], "ACCEPT_KAGGLE_TERMS=true"),
        ("new_datasets", "today", ["KAGGLE_API_TOKEN"], "no credentials were found"),
        ("dataset_dump", None, ["META_KAGGLE", "ACCEPT_KAGGLE_TERMS"], "HF_ASSETS_META_KAGGLE"),
        ("question_dump", None, ["QUESTION_DUMP"], "no path of Posts.xml"),
        ("questions/corpus", None, [], "materialise new_questions or question_dump first"),
    ],
)
def test_what_has_no_source_yet_is_skipped_with_the_reason_and_asks_nobody(
    labels: Labels,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    asset: str,
    partition: str | None,
    unset: list[str],
    said: str,
) -> None:
    partition = today() if partition == "today" else partition
    monkeypatch.setenv("HF_ASSETS_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("HF_ASSETS_STACKEXCHANGE_ENDPOINT", NOWHERE)
    monkeypatch.setenv("HF_ASSETS_KAGGLE_ENDPOINT", NOWHERE)
    monkeypatch.setattr("kagglehub.dataset_download", _unreachable)
    for name in unset:
        monkeypatch.delenv(name if name.startswith("KAGGLE") else f"HF_ASSETS_{name}")
    settings.cache_clear()
    with dg.DagsterInstance.ephemeral() as instance:
        run = Labels(tmp_path, graph(), instance).run(asset, partition=partition)
        key = dg.AssetKey(asset.split("/"))
        (record,) = instance.fetch_observations(key, limit=10).records
    monkeypatch.undo()
    settings.cache_clear()
    assert run.success, failures(run)
    assert made(run) == set()
    assert not [event for event in run.all_events if event.event_type_value == "STEP_RETRY"]
    assert retries(run) == 0
    observed = record.event_log_entry.asset_observation
    assert observed is not None
    assert said in str(observed.description)
    assert observed.partition == partition
    assert [path.name for path in tmp_path.rglob("*.parquet")] == []


@pytest.mark.heavy
def test_dagster_skips_a_corpus_with_a_source_of_the_same_run(
    labels: Labels, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A corpus by itself is built from the dump, so that the API's terms need no answer."""
    monkeypatch.setenv("HF_ASSETS_DATA", str(tmp_path))
    monkeypatch.delenv("HF_ASSETS_ACCEPT_STACKEXCHANGE_TERMS")
    settings.cache_clear()
    with dg.DagsterInstance.ephemeral() as instance:
        here = Labels(tmp_path, graph(), instance)
        both = here.run("question_dump", "new_questions", "questions/corpus", partition=today())
        alone = here.run("questions/corpus")
    monkeypatch.undo()
    settings.cache_clear()
    assert both.success
    assert made(both) == {"question_dump"}
    assert failures(alone) == {}
    assert made(alone) == {"corpus"}


def test_no_base_model_is_fetched_for_a_corpus_that_is_not_there(
    labels: Labels, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_ASSETS_DATA", str(tmp_path))
    monkeypatch.setattr("hf_assets.defs.labels.classifiers.locate", _unreachable)
    settings.cache_clear()
    with dg.DagsterInstance.ephemeral() as instance:
        run = Labels(tmp_path, graph(), instance).run("questions/classifier", partition=BASE)
    monkeypatch.undo()
    settings.cache_clear()
    assert "there is no corpora/questions: materialise it first" in str(failures(run))
    assert retries(run) == 0


def _unreachable(*_: Any, **__: Any) -> str:
    raise requests.ConnectionError("no route to Kaggle")


def test_the_network_is_tried_for_longer_each_time(
    labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("hf_assets.defs.common.failures.time.sleep", waited.append)
    policies = {
        name: labels.definitions.resolve_assets_def(name).op.retry_policy
        for name in ("new_questions", "new_datasets", "dataset_dump", "question_dump")
    }
    assert policies.pop("question_dump") is None  # a file of this machine
    for policy in policies.values():
        assert policy
        # It waits inside of the step, where an interrupt is heard.
        assert [policy.calculate_delay(tries) for tries in (1, 2, 3)] == [0, 0, 0]
        assert waited == [60, 180, 420]
        waited.clear()


def test_pictures_of_both_halves_are_shown_alike() -> None:
    shown = gallery({"label_frequencies": b"one", "other": b"two"}).value
    assert shown == (
        "![label frequencies](data:image/png;base64,b25l)\n\n![other](data:image/png;base64,dHdv)"
    )
    users = (label_report.gallery, daily.gallery)
    assert {*users} == {gallery}


@pytest.mark.heavy
def test_each_run_is_another_version_of_the_data(sources: Labels) -> None:
    """Another file under the same path, or another config, puts what follows out of date."""
    (dataset_dump,) = sources.run("dataset_dump").get_asset_materialization_events()
    (corpus,) = sources.run("datasets/corpus").get_asset_materialization_events()
    (again,) = sources.run("datasets/corpus").get_asset_materialization_events()
    tags = [
        event.step_materialization_data.materialization.tags or {}
        for event in (dataset_dump, corpus, again)
    ]
    assert len({one["dagster/data_version"] for one in tags}) == 3
    assert [one["dagster/code_version"] for one in tags] == [
        code_version("dataset_dump"),
        *[code_version("corpus")] * 2,
    ]
