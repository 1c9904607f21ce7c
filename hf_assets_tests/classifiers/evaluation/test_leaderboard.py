import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

from hf_assets.classifiers import speed
from hf_assets.classifiers.evaluation import baselines, leaderboard, results
from hf_assets.classifiers.evaluation.blending import WEIGHTS, tune
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.models import scored_models
from hf_assets.classifiers.evaluation.results import (
    CONSTANT,
    HELPED,
    INT8,
    NOTHING,
    TABLE,
    TFIDF,
    Leaderboard,
    best_int8,
    open_leaderboard,
)
from hf_assets.classifiers.evaluation.rules import beats_floors, beats_tfidf
from hf_assets.classifiers.evaluation.tfidf import blended
from hf_assets.classifiers.metrics import micro_f1, predicted_at, scores_at
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.training.network import load_tokenizer, predict
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets_tests.support.classifiers.artefacts import (
    HOSTILE,
    make_classifier,
    make_corpus,
    make_model,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("corpus"), HOSTILE)


@pytest.fixture(scope="module")
def folder(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the graph leaves of a corpus: the baseline and two base models."""
    folder = tmp_path_factory.mktemp("classifiers")
    (folder / "baseline").mkdir()
    baselines.fit(corpus, folder / "baseline")
    make_model(folder / "sure", corpus, validation=0.7)
    make_model(folder / "chosen", corpus, strength=0.9, validation=0.8)
    return folder


@pytest.fixture(scope="module")
def board(corpus: Corpus, folder: Path) -> Leaderboard:
    models = {name: folder / name for name in ("sure", "chosen", "never-trained")}
    return measure(corpus, folder / "baseline", models, seed=5)


def row_of(board: Leaderboard, model: str, runtime: str | None = None) -> dict[str, Any]:
    wanted = {"model": model, **({"runtime": runtime} if runtime else {})}
    return board.rows.filter(**wanted).to_dicts()[0]


# --- the table -----------------------------------------------------------------------------------


def test_every_artefact_that_is_there_is_a_row(board: Leaderboard) -> None:
    found = set(board.rows.select("model", "runtime").iter_rows())
    assert {(name, runtime) for name, runtime in found if runtime in ("torch", "onnx", INT8)} == {
        ("sure", "torch"), ("sure", "onnx"), ("sure", "int8"),
        ("chosen", "torch"), ("chosen", "onnx"), ("chosen", "int8"),
    }  # fmt: skip
    assert {name for name, _ in found} == {"sure", "chosen", NOTHING, CONSTANT, TFIDF}
    assert board.rows.schema == TABLE.schema
    for column in TABLE.required:
        assert board.rows[column].null_count() == 0
    assert board.rows["micro_f1"].is_sorted(descending=True)


def test_scores_are_those_of_the_served_thing_on_test(
    board: Leaderboard, corpus: Corpus, folder: Path
) -> None:
    test = corpus.split("test")
    tagger = Tagger.load(folder / "sure" / "quantized")
    given = [{tag.label for tag in tags} for tags in tagger.predict(test.texts)]
    predicted = np.array([[label in tags for label in corpus.labels] for tags in given])
    row = row_of(board, "sure", INT8)
    assert row["micro_f1"] == pytest.approx(micro_f1(test.targets, predicted))
    assert row["micro_f1"] > 0.7
    assert row["micro_f1_low"] < row["micro_f1"] < row["micro_f1_high"]
    assert row["threshold"] == tagger.threshold
    assert row["rows_unlabelled"] == pytest.approx((~predicted.any(axis=1)).mean())
    assert row["hamming_accuracy_of_nothing"] == pytest.approx(1 - test.targets.mean())


def test_rows_beyond_those_that_are_timed_are_scored_too(
    board: Leaderboard, corpus: Corpus, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "TEXTS", 30)
    models = {name: folder / name for name in ("sure", "chosen")}
    fewer = measure(corpus, folder / "baseline", models, seed=5)
    timings = ("ms_p50", "ms_p95", "texts_per_second")
    by = ("model", "runtime")
    found, wanted = (each.rows.drop(timings).sort(by) for each in (fewer, board))
    assert_frame_equal(found, wanted)


def test_what_is_known_of_an_artefact_is_from_its_own_files(
    board: Leaderboard, folder: Path
) -> None:
    row = row_of(board, "chosen", INT8)
    assert (row["strategy"], row["training_seconds"]) == ("head", 12.5)
    assert row["validation_micro_f1"] == 0.8
    graph = folder / "chosen" / "quantized" / "onnx" / "model_quantized.onnx"
    assert row["size_bytes"] == graph.stat().st_size
    assert row_of(board, "chosen", "onnx")["validation_micro_f1"] is None


def test_everything_that_answers_is_timed(board: Leaderboard) -> None:
    answering = board.rows.filter(pl.col("runtime") != "floor")
    assert answering.height == 8
    for column in ("ms_p50", "ms_p95", "texts_per_second", "size_bytes"):
        assert (answering[column] > 0).all(), column
    assert (answering["ms_p95"] >= answering["ms_p50"]).all()


def test_floors_and_gains(board: Leaderboard, corpus: Corpus, folder: Path) -> None:
    nothing, constant = row_of(board, NOTHING), row_of(board, CONSTANT)
    assert nothing["micro_f1"] == nothing["subset_accuracy"] == 0
    assert nothing["hamming_accuracy"] == nothing["hamming_accuracy_of_nothing"]
    assert nothing["rows_unlabelled"] == 1
    test, about = corpus.split("test"), json.loads((folder / "baseline/baseline.json").read_text())
    predicted = np.zeros_like(test.targets)
    predicted[:, [corpus.labels.index(label) for label in about["constant"]["labels"]]] = 1
    assert constant["micro_f1"] == pytest.approx(micro_f1(test.targets, predicted))
    tfidf = row_of(board, TFIDF)
    assert tfidf["gain_over_tfidf"] == 0
    sure = row_of(board, "sure", INT8)
    assert sure["gain_over_tfidf"] == pytest.approx(sure["micro_f1"] - tfidf["micro_f1"])


def test_labels_are_scored_one_by_one(board: Leaderboard, corpus: Corpus) -> None:
    assert board.labels["label"].to_list() == sorted(HOSTILE)
    train, test = corpus.split("train").targets, corpus.split("test").targets
    assert board.labels["training_rows"].to_list() == train.sum(axis=0).tolist()
    assert board.labels["test_rows"].to_list() == test.sum(axis=0).tolist()
    there = board.labels.filter(pl.col("test_rows") > 0)
    assert there["f1"].null_count() == 0
    row = row_of(board, "chosen", INT8)
    assert there["f1"].mean() == pytest.approx(row["macro_f1"])


def test_the_served_model_is_chosen_on_validation(board: Leaderboard) -> None:
    assert best_int8(board.rows) == board.record.best == "chosen"


def test_the_smaller_of_two_equals_is_served() -> None:
    rows = [
        {"model": name, "runtime": INT8, "validation_micro_f1": score, "size_bytes": size}
        for name, score, size in (("big", 0.8, 9), ("small", 0.8, 5), ("unknown", None, 1))
    ]
    assert best_int8(pl.DataFrame(rows)) == "small"
    assert best_int8(pl.DataFrame(rows).clear()) is None


def test_facts_name_rows_seed_and_machine(board: Leaderboard, corpus: Corpus) -> None:
    assert board.record.test_rows == len(corpus.split("test").texts)
    assert (board.record.seed, board.record.labels) == (5, len(HOSTILE))
    assert "cores" in board.record.machine


def test_the_same_seed_gives_the_same_scores(
    board: Leaderboard, corpus: Corpus, folder: Path
) -> None:
    again = measure(corpus, folder / "baseline", {"sure": folder / "sure"}, seed=5)
    timed = ["ms_p50", "ms_p95", "texts_per_second"]
    rows = board.rows.filter(model="sure", runtime=INT8).drop(timed)
    assert again.rows.filter(model="sure", runtime=INT8).drop(timed).equals(rows)


def test_without_models_the_baselines_stand_alone(corpus: Corpus, folder: Path) -> None:
    alone = measure(corpus, folder / "baseline", {})
    assert set(alone.rows["model"]) == {NOTHING, CONSTANT, TFIDF}
    assert alone.labels.height == 0
    assert alone.record.best is alone.record.blend is alone.words is None


def test_a_stored_leaderboard_is_the_same(tmp_path: Path, board: Leaderboard) -> None:
    results.write(board, tmp_path)
    again = open_leaderboard(tmp_path)
    assert again.rows.equals(board.rows)
    assert again.labels.equals(board.labels)
    assert (again.record, again.record.blend) == (board.record, board.record.blend)
    assert again.words is not None
    assert board.words is not None
    texts = ["word1 word2"]
    np.testing.assert_array_equal(again.words.scores(texts), board.words.scores(texts))
    (tmp_path / "labels.parquet").write_bytes(b"torn")
    with pytest.raises(InputError, match="not whole"):
        open_leaderboard(tmp_path)


# --- what does not belong together ---------------------------------------------------------------


@pytest.mark.parametrize("place", ["sure/quantized", "sure/onnx", "sure/classifier", "baseline"])
def test_artefacts_of_other_labels_are_refused(
    tmp_path: Path, corpus: Corpus, folder: Path, place: str
) -> None:
    shutil.copytree(folder, tmp_path / "all")
    file = {"baseline": "baseline.json", "sure/classifier": "labels.json"}
    path = tmp_path / "all" / place / file.get(place, "config.json")
    about = json.loads(path.read_text("utf-8"))
    if "labels" in about:
        about["labels"].reverse()
    else:
        names = about["id2label"]
        names["0"], names["1"] = names["1"], names["0"]
        about["label2id"] = {name: int(column) for column, name in names.items()}
    path.write_text(json.dumps(about))
    with pytest.raises(InputError, match="materialise it again") as raised:
        measure(corpus, tmp_path / "all" / "baseline", {"sure": tmp_path / "all" / "sure"})
    assert place in str(raised.value)


def test_a_torn_file_is_named(tmp_path: Path, corpus: Corpus, folder: Path) -> None:
    shutil.copytree(folder, tmp_path / "all")
    path = tmp_path / "all" / "sure" / "quantized" / "quantization.json"
    path.write_text('{"torn')
    with pytest.raises(InputError, match=r"quantization\.json cannot be read"):
        measure(corpus, tmp_path / "all" / "baseline", {"sure": tmp_path / "all" / "sure"})


def test_a_corpus_without_test_rows_is_refused(tmp_path: Path, folder: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", HOSTILE)
    frame = corpus.frame.with_columns(split=pl.col("split").replace("test", "train"))
    frame.write_parquet(corpus.folder / "corpus.parquet")
    fresh = Corpus(corpus.folder, corpus.name, corpus.labels, corpus.facts)
    with pytest.raises(InputError, match="no test rows"):
        measure(fresh, folder / "baseline", {})


# --- the blend -----------------------------------------------------------------------------------


def test_a_blend_adds_words_to_logits() -> None:
    logits = np.array([[-3.0, 0.0, 9.0]])
    words = np.array([[1.0, -2.0, 0.5]])
    p = (1 / (1 + np.exp(-logits))).astype(np.float32)
    expected = 1 / (1 + np.exp(-(logits + 0.3 * words)))
    np.testing.assert_allclose(blended(p, words, 0.3), expected, rtol=1e-3)
    np.testing.assert_allclose(blended(p, words, 0.0), p, rtol=1e-5)
    ends = blended(np.array([[0.0, 1.0]], np.float32), np.array([[5.0, -5.0]]), 1.0)
    assert np.isfinite(ends).all()
    assert ends[0, 0] < 1e-6
    assert ends[0, 1] > 0.99


def test_a_blend_is_tuned_for_the_best_f1() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((300, 5)) < 0.3).astype(np.uint8)
    p = (1 / (1 + np.exp(-(rng.normal(size=targets.shape) + targets)))).astype(np.float32)
    words = rng.normal(size=targets.shape) + 2 * targets
    found = tune(targets, p, words)
    assert found.weight in WEIGHTS
    reached = predicted_at(blended(p, words, found.weight), found.threshold)
    assert micro_f1(targets, reached) == found.micro_f1 > found.alone + 0.05
    noise = tune(targets, p, rng.normal(size=targets.shape))
    assert noise.micro_f1 < noise.alone + 0.02


def test_the_best_model_with_words_is_a_row(
    corpus: Corpus, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[np.ndarray] = []

    def seen(targets: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float]:
        scored.append(scores)
        return scores_at(targets, scores, threshold)

    monkeypatch.setattr(leaderboard, "scores_at", seen)
    board = measure(corpus, folder / "baseline", {"chosen": folder / "chosen"})
    helped, alone = row_of(board, "chosen", HELPED), row_of(board, "chosen", INT8)
    blend = board.record.blend
    assert blend is not None
    assert board.words is not None
    assert blend.micro_f1 > blend.alone
    assert (helped["threshold"], helped["validation_micro_f1"]) == (
        blend.threshold, blend.micro_f1,
    )  # fmt: skip
    assert helped["size_bytes"] == alone["size_bytes"] + board.words.size
    test = corpus.split("test")
    scores = blended(
        Tagger.load(folder / "chosen" / "quantized").scores(test.texts),
        board.words.scores(test.texts), blend.weight,
    )  # fmt: skip
    np.testing.assert_allclose(scored[-1], scores, atol=1e-6)
    assert helped["micro_f1"] == scores_at(test.targets, scores, blend.threshold)["micro_f1"]


def test_batches_answer_in_order(corpus: Corpus, folder: Path) -> None:
    texts = [*corpus.split("test").texts[:40], "", "word1 " * 60]
    (found,) = scored_models(corpus.labels, {"sure": folder / "sure"}, 1, ("onnx",))
    np.testing.assert_allclose(found.batches(texts), found.scores(texts), atol=1e-6)


# --- torch ---------------------------------------------------------------------------------------


def test_torch_is_scored_through_its_own_files(tmp_path: Path, corpus: Corpus) -> None:
    network = make_classifier(tmp_path / "tiny" / "classifier", corpus)
    threads = torch.get_num_threads()
    (found,) = scored_models(corpus.labels, {"tiny": tmp_path / "tiny"}, 1)
    texts = corpus.split("test").texts[:10]
    with found.one_thread():
        assert torch.get_num_threads() == 1
        scores = found.scores(texts)
    assert torch.get_num_threads() == threads
    place = tmp_path / "tiny" / "classifier"
    np.testing.assert_allclose(scores, predict(network, load_tokenizer(place), texts), atol=1e-5)
    files = [place / "encoder" / "model.safetensors", place / "head.safetensors"]
    assert found.size == sum(path.stat().st_size for path in files)
    assert (found.runtime, found.threshold, found.strategy) == ("torch", 0.4, "head")
    with pytest.raises(InputError, match="materialise it again"):
        next(scored_models(corpus.labels[:-1], {"tiny": tmp_path / "tiny"}, 1))


# --- verdicts ------------------------------------------------------------------------------------


def rows_with(served: float, other: float = 0.9, low: float | None = None) -> pl.DataFrame:
    made = [
        {"model": NOTHING, "runtime": "floor", "micro_f1": 0.0},
        {"model": CONSTANT, "runtime": "floor", "micro_f1": 0.2},
        {"model": TFIDF, "runtime": "numpy", "micro_f1": 0.5},
        {"model": "served", "runtime": INT8, "micro_f1": served, "strategy": "head",
         "validation_micro_f1": 0.9, "micro_f1_low": served - 0.01 if low is None else low,
         "micro_f1_high": served + 0.01},
        {"model": "other", "runtime": INT8, "micro_f1": other, "strategy": "head",
         "validation_micro_f1": 0.1},
    ]  # fmt: skip
    return pl.DataFrame(
        [{name: row.get(name) for name in TABLE.columns} for row in made], TABLE.schema
    )


def test_a_model_below_a_floor_fails() -> None:
    assert beats_floors(rows_with(0.6)).passed
    for f1 in (0.2, 0.1):
        found = beats_floors(rows_with(f1))
        assert not found.passed
        assert found.severity == "ERROR"
        assert "constant" in found.description
        assert found.metadata[CONSTANT] == 0.2
        assert found.metadata["served, int8"] == f1


def test_another_model_below_a_floor_is_a_warning() -> None:
    found = beats_floors(rows_with(0.6, other=0.1))
    assert (found.passed, found.severity) == (False, "WARN")
    assert "other, int8" in found.description


def test_a_model_no_better_than_words_is_a_warning() -> None:
    found = beats_tfidf(rows_with(0.5))
    assert (found.passed, found.severity) == (False, "WARN")
    assert found.metadata[TFIDF] == found.metadata["served, int8"] == 0.5
    assert beats_tfidf(rows_with(0.6)).passed
    assert "within" not in beats_tfidf(rows_with(0.6)).description
    assert "within" in beats_tfidf(rows_with(0.51, low=0.49)).description


def test_without_an_int8_model_nothing_passes() -> None:
    rows = rows_with(0.6).filter(pl.col("runtime") != INT8)
    for verdict in (beats_floors(rows), beats_tfidf(rows)):
        assert not verdict.passed
        assert "quantized_classifier" in verdict.description


def test_the_graph_can_read_a_leaderboard_without_heavy_imports() -> None:
    code = (
        "import sys, hf_assets.classifiers.evaluation.rules;"
        "print({'torch', 'sklearn', 'onnxruntime', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
