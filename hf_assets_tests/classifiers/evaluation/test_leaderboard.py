"""The results table: a row an artefact, scored on test, and what does not belong together."""

import json
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hf_assets.classifiers import speed
from hf_assets.classifiers.evaluation import results
from hf_assets.classifiers.evaluation.leaderboard import measure
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
from hf_assets.classifiers.metrics import micro_f1
from hf_assets.classifiers.tagger import Tagger
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets_tests.support.classifiers.artefacts import (
    HOSTILE,
    make_corpus,
)
from hf_assets_tests.support.classifiers.board import row_of


@pytest.mark.heavy
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


def test_what_quantisation_lost_stands_in_both_measures_with_intervals(
    tmp_path: Path, corpus: Corpus, folder: Path, board: Leaderboard
) -> None:
    ends = ("", "_low", "_high")
    lost = {f"{one}_f1_lost{end}": 0.001 * at - 0.002
            for at, (one, end) in enumerate(product(("micro", "macro"), ends))}  # fmt: skip
    # A record of an earlier version has no macro-F1: its loss is of another measure.
    assert {row_of(board, "chosen", INT8)[name] for name in lost} == {None}
    model = shutil.copytree(folder / "chosen", tmp_path / "chosen")
    path = model / "quantized" / "quantization.json"
    names = (name.replace("micro_f1_lost", "loss").replace("macro_f1_lost", "macro_loss")
             for name in lost)  # fmt: skip
    graph = {"name": "exact", "bytes": 9, "size": 0.2}
    graph |= dict(zip(names, lost.values(), strict=True))
    told = {"chosen": "exact", "candidates": [graph | {"name": "other", "loss": 0.9}, graph]}
    path.write_text(json.dumps(json.loads(path.read_bytes()) | told), "utf-8")
    found = measure(corpus, folder / "baseline", {"chosen": model})
    assert {name: row_of(found, "chosen", INT8)[name] for name in lost} == lost
    assert row_of(found, "chosen", "onnx")["micro_f1_lost"] is None


def test_everything_that_answers_is_timed(board: Leaderboard) -> None:
    answering = board.rows.filter(pl.col("runtime") != "floor")
    assert answering.height == 8
    for column in ("ms_p50", "ms_p95", "texts_per_second", "size_bytes"):
        assert (answering[column] > 0).all(), column
    assert (answering["ms_p95"] >= answering["ms_p50"]).all()


def test_the_log_says_which_model_of_how_many(board: Leaderboard, told: list[str]) -> None:
    # All but the floors, which are no work, and the blend, which is there or not.
    measured = board.rows.filter(pl.col("ms_p50").is_not_null(), pl.col("runtime") != HELPED)
    lines = [line.partition(", a")[0] for line in told if " ms a text · " in line]
    total = measured.height
    assert [line.partition(" · ")[2] for line in lines] == [
        f"{at} of {total}" for at in range(1, total + 1)
    ]


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
    row = row_of(board, "chosen", HELPED)
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
