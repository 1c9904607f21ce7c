"""Which model predicts, what is measured of it, and what its folder refuses."""

import shutil
from pathlib import Path

import msgspec
import pytest

from hf_assets.classifiers.evaluation import results
from hf_assets.classifiers.evaluation.results import INT8, TFIDF, Leaderboard, LeaderboardRecord
from hf_assets.classifiers.prediction import predictor as room
from hf_assets.classifiers.prediction.predictor import Predictor, open_predictor, store_predictor
from hf_assets.classifiers.provenance import corpus_fingerprint
from hf_assets.classifiers.records import MadeFrom
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets_tests.support.hub.categorised import corpus_of, predictor_of, some_days, stored


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root = tmp_path_factory.mktemp("corpus")
    return corpus_of(stored(root), root / "corpus")


@pytest.fixture(scope="module")
def predictor(corpus: Corpus) -> Predictor:
    return predictor_of(corpus, corpus.folder.parent)


def test_it_is_calibrated_on_validation_and_measured_on_test(
    corpus: Corpus, predictor: Predictor
) -> None:
    record = predictor.record
    for name in ("validation", "test"):
        split, found = corpus.split(name), getattr(record, name)
        labels, probability = predictor.predict(split.texts)
        right = [corpus.labels[row.argmax()] for row in split.targets]
        hits = [one == other for one, other in zip(labels, right, strict=True)]
        covered = [p >= record.threshold for p in probability]
        assert found.rows == len(split.texts)
        assert found.covered == sum(covered)
        assert found.right == sum(hit for hit, c in zip(hits, covered, strict=True) if c)
        assert found.accuracy == pytest.approx(sum(hits) / len(hits))
    assert record.validation.precision is None or record.validation.precision >= 0.95


def test_without_a_leaderboard_it_is_the_linear_model(corpus: Corpus, predictor: Predictor) -> None:
    record = predictor.record
    assert (record.model, record.runtime) == (TFIDF, "numpy")
    assert list(record.candidates) == [TFIDF]
    assert record.labels == list(corpus.labels)


def _board(corpus: Corpus, folder: Path, score: float, made_from: str | None = None) -> Path:
    row = dict.fromkeys(results.COLUMNS) | {
        "model": "small", "runtime": INT8, "micro_f1": 0.1, "macro_f1": 0.1,
        "validation_micro_f1": score,
    }  # fmt: skip
    made = MadeFrom(corpus=made_from or corpus_fingerprint(corpus))
    rows = results.pl.DataFrame([row], schema=results.TABLE.schema)
    labels = results.pl.DataFrame(schema=results.LABELS.schema)
    board = Leaderboard(rows, labels, LeaderboardRecord(best="small", made_from=made))
    folder.mkdir()
    results.write(board, folder)
    return folder


@pytest.mark.parametrize(
    ("gain", "made_from", "model", "why"),
    [
        (0.009, None, TFIDF, "within 0.01 of small"),
        (0.02, None, "small", "0.020 better than TF-IDF"),
        (0.02, "another", TFIDF, "of an earlier corpus"),
    ],
)
def test_a_network_must_be_better_by_a_point(
    tmp_path: Path, corpus: Corpus, predictor: Predictor, gain: float, made_from: str | None,
    model: str, why: str,
) -> None:  # fmt: skip
    root, words = corpus.folder.parent, predictor.record.candidates[TFIDF]
    board = _board(corpus, tmp_path / "board", words + gain, made_from)
    floors = room.read_record(root / "baseline" / "baseline.json", room.BaselineRecord)
    found, _, said = room._choice(corpus, floors, results.open_leaderboard(board))
    assert (found, why in said) == (model, True)


def test_the_folder_has_its_own_copy_and_notices_another_file(
    tmp_path: Path, predictor: Predictor, corpus: Corpus
) -> None:
    folder = shutil.copytree(corpus.folder.parent / "predictor", tmp_path / "predictor")
    assert open_predictor(folder).record == predictor.record
    with (folder / "tfidf.npz").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="other files than it was stored with"):
        open_predictor(folder)


def test_a_baseline_of_another_corpus_is_refused(tmp_path: Path, corpus: Corpus) -> None:
    other = corpus_of(stored(tmp_path, some_days(900)), tmp_path / "corpus")
    with pytest.raises(InputError, match="materialise hub_models/baseline again"):
        store_predictor(
            other, corpus.folder.parent / "baseline", None, lambda _: tmp_path, tmp_path
        )


def test_the_version_is_of_model_and_threshold(predictor: Predictor, corpus: Corpus) -> None:
    folder = corpus.folder.parent / "predictor"
    record = predictor.record
    assert room._version(folder, f"{record.factor} {record.threshold}") == record.version
    assert room._version(folder, f"{record.factor} 0.5") != record.version
    assert msgspec.json.decode((folder / "predictor.json").read_bytes())["version"]


def test_no_texts_have_no_answers(predictor: Predictor) -> None:
    labels, probability = predictor.predict([])
    assert (labels, len(probability)) == ([], 0)
