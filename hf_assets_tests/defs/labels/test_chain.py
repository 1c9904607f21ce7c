"""From a corpus to a tagger in the real graph, with an untrained base model of one layer."""

import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.apps.tagger_service import TaggerService
from hf_assets.apps.trained import find
from hf_assets.classifiers.evaluation.results import CONSTANT, INT8, NOTHING, open_leaderboard
from hf_assets.classifiers.tagger import Tagger
from hf_assets.object_store.versions import current_version
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.defs.conftest import checks, failures
from hf_assets_tests.support.defs.labels import BASE, HOSTILE, Labels, real_table
from hf_assets_tests.support.defs.stored_chain import FOLDERS, StoredChain, contents, stored_chain
from hf_assets_tests.support.object_store.weed import KEY, SECRET, Weed

# All of them: the chain is made once, and not again for the tests that take minutes.
pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def questions(sources: Labels) -> list[dg.ExecuteInProcessResult]:
    return sources.chain("questions")


@pytest.fixture(scope="module")
def own(labels: Labels) -> list[dg.ExecuteInProcessResult]:
    return labels.chain("own")


@pytest.fixture(scope="module")
def on_store(store_server: Weed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredChain]:
    """The same chain over a lake on a store."""
    root, base_models = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("models")
    with stored_chain(store_server.endpoint, root, base_models) as chain:
        yield chain


def test_the_chain_ends_in_a_tagger(questions: list[Any], labels: Labels) -> None:
    assert [failures(run) for run in questions] == [{}, {}, {}]
    space = labels.root / "classifiers" / "questions" / "tagger_space"
    tagger = Tagger.load(space / "model")
    corpus = pl.read_parquet(labels.root / "corpora" / "questions" / "corpus.parquet")
    assert len(tagger.labels) > 20
    texts = corpus.filter(split="test")["text"].to_list()
    assert any(tagger.predict(texts[:20]))
    card = (space / "model" / "README.md").read_text("utf-8")
    assert "generated" in card


def test_every_check_of_the_chain_passes_or_warns(questions: list[Any]) -> None:
    found = {key: one for run in questions for key, one in checks(run).items()}
    assert {name for _, name in found} == {
        *("no_group_in_two_splits", "every_label_in_train_and_test", "no_empty_text"),
        *("label_order_unchanged", "text_format_fits", "parity", "int8_loss", "int8_size"),
        *("beats_floors", "beats_tfidf", "label_order", "answers_alone", "not_old"),
        *("texts_read_whole", "published_rows_kept"),
    }
    severe = {name for (_, name), one in found.items()
              if not one.passed and one.severity is dg.AssetCheckSeverity.ERROR}  # fmt: skip
    assert severe == set()


def test_the_ui_is_told_what_was_measured(questions: list[Any], labels: Labels) -> None:
    corpus = labels.metadata("questions/corpus")
    kept = corpus["dagster/row_count"].value
    lost = sum(v.value for name, v in corpus.items() if name.startswith("left out: "))
    lake = Lake(labels.root)
    came = sum(one.rows for one in (lake.read("question_dump", None),
                                    lake.read("new_questions", today())))  # fmt: skip
    assert kept + lost == came
    assert corpus["label frequencies"].value.startswith("![label frequencies](data:image/png;")
    (dump,), (days,) = (
        corpus["sources"].value[name] for name in ("question_dump", "new_questions")
    )
    assert dump["rows"] == 900
    assert (days["first day"], days["last day"], days["days"]) == (today(), today(), 1)
    board = labels.metadata("questions/leaderboard")
    assert board["best int8"].value == BASE
    rows = board["leaderboard"].records
    assert {"torch", "onnx", "int8"} <= {row.data["runtime"] for row in rows}
    for name in ("score against size", "score against latency", "label scores"):
        assert len(board[name].value) < 60_000
    assert labels.metadata("questions/quantized_classifier")["chosen"].value


def test_labels_of_every_kind_survive_every_file(own: list[Any], labels: Labels) -> None:
    assert [failures(run) for run in own] == [{}, {}, {}]
    places = labels.root / "classifiers" / "own"
    assert Tagger.load(places / "tagger_space" / "model").labels == tuple(sorted(HOSTILE))
    board = open_leaderboard(places / "leaderboard")
    assert set(board.labels["label"]) == set(HOSTILE)
    assert board.rows.filter(runtime=INT8)["micro_f1"][0] > 0.5
    outside = [path for path in labels.root.parent.iterdir() if path != labels.root]
    assert {path.name for path in outside} == {"own.csv", "corpora.toml"}


def test_a_chain_on_a_store_stores_what_a_folder_has(
    own: list[Any], labels: Labels, on_store: StoredChain
) -> None:
    assert [failures(run) for run in (*own, *on_store.runs)] == [{}] * 6
    found = [one for run in on_store.runs for one in checks(run).values()]
    assert len(found) >= 10
    assert {one.severity for one in found if not one.passed} <= {dg.AssetCheckSeverity.WARN}
    files = contents(on_store.root)
    assert len(files) > 25
    assert files == contents(labels.root)


def test_the_ui_shows_addresses_in_the_store_and_no_scratch(on_store: StoredChain) -> None:
    for asset, name in FOLDERS.items():
        metadata, version = on_store.metadata[asset], current_version(on_store.root / name)
        address = f"{on_store.root}/{name}"
        assert metadata["path"].value == metadata["dagster/uri"].value == address
        assert metadata["size (bytes)"].value == version.size
        assert version.writer in {run.run_id for run in on_store.runs}
    events = [str(event) for run in on_store.runs for event in run.all_events]
    assert [event for event in events if str(on_store.root) in event]
    assert not [event for event in events if "/scratch" in event or KEY in event or SECRET in event]


def test_the_tagger_page_answers_from_a_store(on_store: StoredChain) -> None:
    (model,) = find(on_store.root).values()
    assert model.measured
    assert model.card
    answer = TaggerService({"own": model}).answer("own", "", model.examples()[0].text, None)
    assert answer.ranked


def test_two_corpora_do_not_write_into_each_other(
    questions: list[Any], own: list[Any], labels: Labels
) -> None:
    for name in ("questions", "own"):
        config = labels.root / "classifiers" / name / "tagger_space" / "model" / "config.json"
        wanted = json.loads((labels.root / "corpora" / name / "labels.json").read_bytes())
        assert list(json.loads(config.read_bytes())["id2label"].values()) == wanted["labels"]


def test_what_was_not_made_is_named(labels: Labels) -> None:
    failed = labels.run("datasets/leaderboard")
    assert "materialise" in failures(failed)["datasets__leaderboard"]


def test_a_base_model_that_is_nowhere_names_three_ways(
    labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert labels.run("own/corpus", "own/baseline").success
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("HF_ASSETS_BASE_MODELS")
    settings.cache_clear()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    before = sorted(path.name for path in (labels.root / "classifiers" / "own").iterdir())
    failed = labels.run("own/classifier", partition="roberta-base")
    said = failures(failed)["own__classifier"]
    assert "HF_ASSETS_BASE_MODELS" in said
    assert "Hub" in said
    left = {path.name for path in (labels.root / "classifiers" / "own").iterdir()}
    assert left - set(before) <= {"roberta-base"}
    assert not (labels.root / "classifiers" / "own" / "roberta-base" / "classifier").exists()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.release
def test_real_questions_end_above_both_floors(
    labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    if real_table("robotics") is None:
        pytest.skip("HF_ASSETS_REAL_DATA has no stackexchange-2016-10/robotics.csv")
    monkeypatch.delenv("HF_ASSETS_BASE_MODELS")  # the real one
    settings.cache_clear()
    assert [failures(run) for run in labels.chain("robotics")] == [{}, {}, {}]
    board = open_leaderboard(labels.root / "classifiers" / "robotics" / "leaderboard")
    scores = {row["runtime"] if row["strategy"] else row["model"]: row["micro_f1"]
              for row in board.rows.to_dicts()}  # fmt: skip
    for runtime in ("torch", "onnx", "int8"):
        assert scores[runtime] > 0.3
        assert scores[runtime] > scores[NOTHING]
        assert scores[runtime] > scores[CONSTANT]
    # Serving costs next to nothing: 299 test rows move by a point or two by chance.
    assert scores["int8"] > scores["torch"] - 0.03
    assert labels.metadata("robotics/corpus")["dagster/row_count"].value == 2768
    monkeypatch.undo()
    settings.cache_clear()
