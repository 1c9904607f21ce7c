"""Predicted categories in the real graph: without a predictor, with one, and the day after."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.classifiers.evaluation.results import TFIDF
from hf_assets.classifiers.prediction import predicting
from hf_assets.classifiers.prediction import predictor as room
from hf_assets.defs.hub.schedules import capture_today, past_days
from hf_assets.hub.tables.predictions import NO_CLASSIFIER, PredictionRecord
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets_tests.defs.conftest import checks, failures
from hf_assets_tests.support.defs.base_model import write_small_base_model
from hf_assets_tests.support.defs.graph import graph
from hf_assets_tests.support.defs.labels import BASE, Labels
from hf_assets_tests.support.hub.categorised import FIRST_DAY, SECOND_DAY, some_days, stored
from hf_assets_tests.support.hub.days import Row
from hf_assets_tests.support.trends.days import judge, verdict

DAY = ("predicted_categories", "category_history", "prediction_history")
STEPS = tuple(f"hub_models/{step}" for step in ("corpus", "baseline", "predictor"))


def _store(root: Path, rows: list[Row], *days: str) -> None:
    """The models of the last of these days, its metrics, and all days trusted."""
    lake, day = Lake(root), days[-1]
    models = stored(root, rows, day)
    usage = pl.LazyFrame(schema={"id": pl.String, "spaces": pl.Int64})
    made = daily_metrics(models.frame, None, usage, [], day)
    lake.write(DAILY_METRICS, day, TableWrite(made.frames, {"models": models.rows, "Spaces": None}))
    dates = [verdict(0, day=pl.Series([one]).str.to_date()[0], before=None) for one in days]
    judge(lake, dates)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labels]:
    """The graph over a lake with one day of models."""
    root, bases = tmp_path_factory.mktemp("lake"), tmp_path_factory.mktemp("bases")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("HF_ASSETS_DATA", str(root))
        patch.setenv("HF_ASSETS_BASE_MODELS", str(bases))
        settings.cache_clear()
        write_small_base_model(bases, BASE)
        _store(root, some_days(), FIRST_DAY)
        yield Labels(root, graph(), instance)
    settings.cache_clear()


@pytest.fixture(scope="module")
def before(hub: Labels) -> dg.ExecuteInProcessResult:
    """A night without a predictor."""
    return hub.run(*DAY, partition=FIRST_DAY)


@pytest.fixture(scope="module")
def trained(hub: Labels, before: dg.ExecuteInProcessResult) -> list[dg.ExecuteInProcessResult]:
    """Corpus, baseline and predictor, then the same day again."""
    assert before.success
    return [hub.run(*STEPS), hub.run(*DAY, partition=FIRST_DAY)]


@pytest.fixture(scope="module")
def next_day(hub: Labels, trained: list[Any]) -> dg.ExecuteInProcessResult:
    """The day after: the Hub has given ten predicted models the predicted category."""
    assert [failures(run) for run in trained] == [{}, {}]
    said = Lake(hub.root).read("predicted_categories", FIRST_DAY).frame
    sure = said.filter(pl.col("label").is_not_null()).head(10).collect()
    answers = dict(sure.select("hub_id", "label").iter_rows())
    rows = [row | {"category": answers.get(row["hub_id"], row["category"])} for row in some_days()]
    _store(hub.root, rows, FIRST_DAY, SECOND_DAY)
    return hub.run(*DAY, partition=SECOND_DAY)


def _history(hub: Labels) -> pl.DataFrame:
    return Lake(hub.root).read("category_history", None).frame.collect()


def _record(hub: Labels, day: str) -> PredictionRecord:
    return PredictionRecord.read(Lake(hub.root).notes("predicted_categories", day))


def test_a_night_without_a_predictor_does_not_fail_and_says_why(
    hub: Labels, before: dg.ExecuteInProcessResult
) -> None:
    assert failures(before) == {}
    assert all(one.passed for one in checks(before).values())
    made = {event.asset_key.to_user_string() for event in before.get_asset_materialization_events()
            if event.asset_key}  # fmt: skip
    assert made == set(DAY)


def test_without_a_predictor_there_is_no_predicted_share(hub: Labels, tmp_path: Path) -> None:
    """In a lake of its own: another test trains one in the shared one."""
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("HF_ASSETS_DATA", str(tmp_path))
        settings.cache_clear()
        _store(tmp_path, some_days(300), FIRST_DAY)
        own = Labels(tmp_path, graph(), instance)
        assert failures(own.run(*DAY, partition=FIRST_DAY)) == {}
        record, history = _record(own, FIRST_DAY), _history(own)
    settings.cache_clear()
    assert record.unknown == {NO_CLASSIFIER: 100}
    assert record.why_not == (
        "there is no classifiers/hub_models/predictor: materialise it first, after "
        "hub_models/corpus and hub_models/baseline"
    )
    assert history["predicted_rows"].null_count() == history.height == 5


def test_the_baseline_alone_is_enough(hub: Labels, trained: list[Any]) -> None:
    assert [failures(run) for run in trained] == [{}, {}]
    record = _record(hub, FIRST_DAY)
    assert record.model == TFIDF
    assert record.predicted > 100
    history = _history(hub)
    assert history["predicted_rows"].sum() == record.predicted
    assert history["rows"].sum() == 1200
    assert history.filter(pl.col("key").is_null())["rows"].to_list() == [400]


def test_the_ui_shows_what_a_prediction_promises(hub: Labels, trained: list[Any]) -> None:
    assert trained
    predictor = hub.metadata("hub_models/predictor")
    assert "predictions are right" in predictor["precision on test"].value
    assert predictor["chosen because"].value == "no int8 model is scored"
    day = hub.metadata("predicted_categories")
    assert day["coverage, test"].value == predictor["coverage, test"].value
    sources = hub.metadata("hub_models/corpus")["sources"].value["models"]
    assert sources[0]["day"] == FIRST_DAY


def test_every_check_passes(trained: list[Any], next_day: dg.ExecuteInProcessResult) -> None:
    found = {key: one for run in (*trained, next_day) for key, one in checks(run).items()}
    names = {name for _, name in found}
    assert {"precision_on_test", "still_precise", "predictions_add_up"} <= names
    assert "no_author_in_two_splits" in names
    assert [name for (_, name), one in found.items() if not one.passed] == []


def test_the_next_day_keeps_checks_and_adds_up(
    hub: Labels, next_day: dg.ExecuteInProcessResult
) -> None:
    assert failures(next_day) == {}
    record = _record(hub, SECOND_DAY)
    assert (record.kept, record.answers.right, record.answers.wrong) == (390, 10, 0)
    series = Lake(hub.root).read("prediction_history", None).frame.collect()
    assert series["all_right"].to_list() == [0, 10]
    assert series["precision"].to_list() == [None, 1.0]


def test_a_torn_predictor_stops_no_night_and_warns(
    hub: Labels, next_day: dg.ExecuteInProcessResult
) -> None:
    assert next_day.success
    file = hub.root / "classifiers" / "hub_models" / "predictor" / "tfidf.npz"
    content = file.read_bytes()
    try:
        file.write_bytes(content[:-100])
        run = hub.run(*DAY, partition=SECOND_DAY)
        assert failures(run) == {}
        (torn,) = [one for (_, name), one in checks(run).items() if name == "precision_on_test"]
        assert not torn.passed
        assert torn.severity is dg.AssetCheckSeverity.WARN
        assert "other files" in str(_record(hub, SECOND_DAY).why_not)
    finally:
        file.write_bytes(content)


def test_a_classifier_that_fails_stops_no_night_and_warns(
    hub: Labels, next_day: dg.ExecuteInProcessResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert next_day.success

    def broken(*_: Any) -> Any:
        raise RuntimeError(
            "onnxruntime: Non-zero status code; Authorization: Bearer hf_" + "a" * 34
        )

    with monkeypatch.context() as patch:
        patch.setattr(predicting, "hashes", broken)
        run = hub.run(*DAY, partition=SECOND_DAY)
    assert failures(run) == {}
    record = _record(hub, SECOND_DAY)
    assert set(record.unknown) == {NO_CLASSIFIER}
    assert "Non-zero status code" in str(record.why_not)
    assert "hf_aaaa" not in str(record.why_not)
    assert "coverage, test" not in hub.metadata("predicted_categories")
    named = {name: one for (_, name), one in checks(run).items()}
    assert not named["precision_on_test"].passed
    assert named["precision_on_test"].severity is dg.AssetCheckSeverity.WARN
    assert named["predictions_add_up"].passed
    assert failures(hub.run(*DAY, partition=SECOND_DAY)) == {}
    assert _record(hub, SECOND_DAY).kept == 390


def test_a_corpus_without_a_trusted_day_is_skipped(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("HF_ASSETS_DATA", str(tmp_path))
        settings.cache_clear()
        run = Labels(tmp_path, graph(), instance).run("hub_models/corpus", "hub_models/baseline")
    settings.cache_clear()
    assert run.success
    assert not run.get_asset_materialization_events()


def test_the_night_predicts_and_no_training_begins_by_itself(hub: Labels) -> None:
    assets = hub.definitions.resolve_asset_graph()
    for job, there in ((capture_today, True), (past_days, False)):
        names = {key.to_user_string() for key in job.selection.resolve(assets)}
        assert ("predicted_categories" in names) is there
        assert not any(name.startswith("hub_models/") for name in names)


@pytest.mark.heavy
def test_the_whole_chain_predicts_with_the_network_where_it_is_better(
    hub: Labels, trained: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trained[-1].success
    runs = hub.chain("hub_models")
    assert [failures(run) for run in runs] == [{}, {}, {}]
    # An untrained base model of one layer is no better: call it so.
    monkeypatch.setattr(room, "TOLERANCE", -10)
    assert failures(hub.run("hub_models/predictor")) == {}
    assert failures(hub.run(*DAY, partition=FIRST_DAY)) == {}
    record = _record(hub, FIRST_DAY)
    assert record.model == BASE
    assert record.kept == 0
