import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.svm import LinearSVC

from hf_assets.classifiers.evaluation import baselines
from hf_assets.classifiers.metrics import micro_f1, predicted_at
from hf_assets.classifiers.records import RowCounts
from hf_assets.classifiers.tfidf import TfIdf
from hf_assets.corpora.corpus import Corpus, Split
from hf_assets.errors import InputError
from hf_assets_tests.support.classifiers.artefacts import HOSTILE, make_corpus

ODD = ["", " ", "a b c", "WORD1 word1 Word1", "😀 \ud800", "word0" * 500, "word1 " * 50_000, "x\ny"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def model(corpus: Corpus) -> TfIdf:
    return baselines.fit_tfidf(corpus.split("train"))


def theirs(split: Split, texts: list[str]) -> np.ndarray:
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
    weighed = vectorizer.fit_transform(split.texts)
    known = vectorizer.transform(texts)
    made = [
        LinearSVC(C=0.5, random_state=0).fit(weighed, split.targets[:, j]).decision_function(known)
        for j in range(split.targets.shape[1])
    ]
    return np.stack(made, axis=1)


def test_scores_are_scikit_learns(corpus: Corpus, model: TfIdf) -> None:
    texts = [*corpus.split("test").texts, *(text for text in ODD if "\ud800" not in text)]
    np.testing.assert_allclose(
        model.scores(texts), theirs(corpus.split("train"), texts), rtol=1e-3, atol=1e-3
    )


def test_the_words_of_a_title_count_three_times(
    corpus: Corpus, model: TfIdf, tmp_path: Path
) -> None:
    train, test = corpus.split("train"), corpus.split("test")
    titled = [f"word1 {text}\n\nword2 and {text}" for text in train.texts]
    ours = baselines.fit_tfidf(dataclasses.replace(train, texts=titled))
    asked = [f"word1 is it\n\nof {text}" for text in test.texts[:9]]
    assert ours.title == 3
    counts = ours.scores(asked)
    ours.save(tmp_path / "tfidf.npz")
    np.testing.assert_array_equal(TfIdf.load(tmp_path / "tfidf.npz").scores(asked), counts)
    assert ours.pruned(8_000).title == 3
    once = dataclasses.replace(ours, title=1)
    assert not np.array_equal(once.scores(asked), counts)
    # Without a blank line there is no title.
    np.testing.assert_array_equal(once.scores(test.texts), ours.scores(test.texts))
    once.save(tmp_path / "earlier.npz")
    with np.load(tmp_path / "earlier.npz") as file:
        assert "title" not in file.files
    assert TfIdf.load(tmp_path / "earlier.npz").title == 1


def test_titles_weigh_alike_when_fitted_and_when_served() -> None:
    texts = ["red fox\n\nblue hen", "red hen\n\nblue fox", "blue fox\n\nred", "hen\n\nred fox"]
    targets = np.array([[1], [0], [1], [0]], np.uint8)
    model = baselines.fit_tfidf(Split([""] * 4, texts, targets))
    terms, counts = baselines._counted(texts)
    weighed = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    assert list(model.terms) == terms
    assert counts[0, terms.index("red")] == 3
    assert counts[0, terms.index("hen")] == 1
    dense = np.zeros((len(terms), 1), np.float32)
    for term, a, b in _runs(model):
        dense[terms.index(term), model.columns[a:b]] = model.weights[a:b]
    np.testing.assert_allclose(model.scores(texts), weighed @ dense + model.bias, atol=1e-5)


def test_odd_texts_have_scores(model: TfIdf) -> None:
    assert np.isfinite(model.scores(ODD)).all()
    np.testing.assert_array_equal(model.scores([""])[0], model.bias)
    assert model.scores([]).shape == (0, len(model.bias))


def test_a_text_is_scored_by_itself(corpus: Corpus, model: TfIdf) -> None:
    texts = corpus.split("test").texts[:20]
    alone = np.concatenate([model.scores([text]) for text in texts])
    np.testing.assert_array_equal(model.scores(texts), alone)


def test_a_saved_model_is_the_same(tmp_path: Path, model: TfIdf, corpus: Corpus) -> None:
    path, again = tmp_path / "tfidf.npz", tmp_path / "again.npz"
    model.save(path)
    model.save(again)
    texts = corpus.split("test").texts
    np.testing.assert_array_equal(TfIdf.load(path).scores(texts), model.scores(texts))
    assert path.read_bytes() == again.read_bytes()
    assert abs(path.stat().st_size - model.size) < 4096


@pytest.mark.parametrize("size", [5_000, 6_000, 8_000, 1_000_000])
def test_a_pruned_model_keeps_to_its_size(
    tmp_path: Path, model: TfIdf, corpus: Corpus, size: int
) -> None:
    path = tmp_path / "tfidf.npz"
    model.pruned(size).save(path)
    assert path.stat().st_size <= size
    # Not by luck: what is counted leaves room for the file's headers.
    assert model.pruned(size).size <= size - 4090
    small, test = TfIdf.load(path), corpus.split("test")
    assert small.weights.dtype == np.int8
    assert len(small.starts) == len(small.terms) + 1
    f1 = micro_f1(test.targets, predicted_at(small.scores(test.texts), -0.3))
    assert f1 > (0.8 if size > 10_000 else 0.3)


def test_what_is_pruned_is_what_counts_least(model: TfIdf) -> None:
    small = model.pruned(6_000)
    kept = {term: small.weights[a:b] for term, a, b in _runs(small)}
    assert 0 < len(small.weights) < len(model.weights)
    assert {f"word{j}" for j in range(6)} <= kept.keys(), "the telling words went"
    weakest = np.abs(small.weights * small.scale[small.columns]).min()
    left_out = [np.abs(model.weights[a:b]).max() for term, a, b in _runs(model) if term not in kept]
    assert max(left_out) <= weakest + small.scale.max()


def test_all_of_it_in_eight_bits_scores_nearly_the_same(corpus: Corpus, model: TfIdf) -> None:
    texts = corpus.split("test").texts
    whole, small = model.scores(texts), model.pruned(10_000_000).scores(texts)
    np.testing.assert_allclose(small, whole, atol=0.05)


def test_of_equally_common_terms_the_first_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"w{i:03}" for i in range(200)]
    drawn = np.random.default_rng(0).permutation(words).tolist()
    texts = [f"{word} {word}" for word in drawn] * 2 + ["often " * 9] * 2
    targets = (np.arange(len(texts)) % 2 == 0).astype(np.uint8)[:, None]
    monkeypatch.setattr(baselines, "MOST_TERMS", 40)
    model = baselines.fit_tfidf(Split([""] * len(texts), texts, targets))
    # Each word is there four times, each pair of it twice.
    assert model.terms == ("often", "often often", *words[:38])


def test_of_equal_weights_the_first_are_kept() -> None:
    terms, labels = tuple(f"t{i:03}" for i in range(500)), 3
    weights = np.full(len(terms) * labels, -0.5, np.float16)
    weights[[7, 900]] = 2
    model = TfIdf(
        terms=terms, idf=np.ones(len(terms), np.float32),
        starts=np.arange(0, len(weights) + 1, labels), weights=weights,
        columns=np.tile(np.arange(labels, dtype=np.uint16), len(terms)),
        scale=np.ones(labels, np.float32), bias=np.zeros(labels, np.float32),
    )  # fmt: skip
    small = model.pruned(4096 + 24 + 1000)
    assert small.terms == (*terms[: len(small.terms) - 1], terms[300])
    assert 20 < len(small.terms) < 60


def test_too_small_a_size_is_refused(model: TfIdf) -> None:
    with pytest.raises(ValueError, match="over 100 bytes"):
        model.pruned(100)


def test_a_model_without_weights_can_be_kept(tmp_path: Path, model: TfIdf) -> None:
    none = dataclasses.replace(
        model, terms=(), idf=model.idf[:0], starts=model.starts[:1] * 0,
        columns=model.columns[:0], weights=model.weights[:0],
    )  # fmt: skip
    none.save(tmp_path / "none.npz")
    again = TfIdf.load(tmp_path / "none.npz")
    np.testing.assert_array_equal(again.scores(["word1"])[0], model.bias)


def test_serving_needs_numpy_alone(tmp_path: Path, model: TfIdf) -> None:
    model.save(tmp_path / "tfidf.npz")
    source = Path(str(sys.modules[TfIdf.__module__].__file__)).read_bytes()
    (tmp_path / "tfidf.py").write_bytes(source)
    code = (
        "import sys; from tfidf import TfIdf; print(TfIdf.load('tfidf.npz').scores(['word1'])[0]);"
        "assert not {'sklearn', 'scipy', 'hf_assets', 'torch'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("[")


def test_labels_that_all_or_no_rows_have_are_constant(corpus: Corpus) -> None:
    train = corpus.split("train")
    targets = train.targets.copy()
    targets[:, 0], targets[:, 1] = 1, 0
    model = baselines.fit_tfidf(dataclasses.replace(train, targets=targets))
    scores = model.scores(train.texts)
    assert (scores[:, 0] > 0).all()
    assert (scores[:, 1] < 0).all()
    assert scores[:, 2].std() > 0.1


def test_texts_without_common_words_are_refused(corpus: Corpus) -> None:
    train = corpus.split("train")
    texts = [f"unheard{row}" for row in range(len(train.texts))]
    with pytest.raises(InputError, match="no word that two"):
        baselines.fit_tfidf(dataclasses.replace(train, texts=texts))


# --- the constant answer -------------------------------------------------------------------------


@given(
    arrays(np.uint8, (8, 4), elements=st.integers(0, 1)),
    arrays(np.uint8, (5, 4), elements=st.integers(0, 1)),
)
def test_no_other_number_of_the_commonest_labels_is_better(
    train: np.ndarray, validation: np.ndarray
) -> None:
    columns = baselines.constant_columns(train, validation)

    def reached(chosen: list[int]) -> float:
        return micro_f1(validation, baselines.constant_scores(validation.shape, chosen))

    order = sorted(range(4), key=lambda j: (-int(train[:, j].sum()), j))
    assert columns == order[: len(columns)]
    assert reached(columns) == pytest.approx(max(reached(order[:k]) for k in range(5)))


# --- the folder ----------------------------------------------------------------------------------


def test_the_folder_says_what_was_fitted(tmp_path: Path, corpus: Corpus) -> None:
    told: list[str] = []
    about = baselines.fit(corpus, tmp_path, told.append, seed=3)
    assert json.loads((tmp_path / "baseline.json").read_text("utf-8")) == msgspec.to_builtins(about)
    assert about.labels == list(corpus.labels)
    assert about.rows == RowCounts(train=200, validation=100)
    assert about.seed == 3
    assert 0.1 < about.constant.validation["micro_f1"] < about.tfidf.validation["micro_f1"]
    validation = corpus.split("validation")
    scores = TfIdf.load(tmp_path / "tfidf.npz").scores(validation.texts)
    reached = micro_f1(validation.targets, predicted_at(scores, about.tfidf.threshold))
    assert reached == about.tfidf.validation["micro_f1"] > 0.8
    assert about.tfidf.bytes == (tmp_path / "tfidf.npz").stat().st_size
    assert any("micro-F1" in line for line in told)


@pytest.mark.usefixtures("every_line")
@pytest.mark.parametrize("processes", [False, pytest.param(True, marks=pytest.mark.heavy)])
def test_the_log_says_how_many_labels_are_fitted(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, processes: bool
) -> None:
    if processes:
        monkeypatch.setattr(baselines, "WORTH_PROCESSES", 0)
    told: list[str] = []
    baselines.fit_tfidf(corpus.split("train"), told.append)
    labels = len(corpus.labels)
    lines = [line.partition(", ")[0] for line in told if "fitted" in line]
    assert lines == [f"TF-IDF: labels fitted · {at} of {labels}" for at in range(1, labels + 1)]


def test_fitting_again_gives_the_same_files(tmp_path: Path, corpus: Corpus) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        baselines.fit(corpus, tmp_path / name)
    one, two = (tmp_path / name / "tfidf.npz" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_test_rows_are_not_looked_at(tmp_path: Path, corpus: Corpus) -> None:
    corpus = make_corpus(tmp_path / "corpus")
    frame = pl.read_parquet(corpus.folder / "corpus.parquet")
    spoiled = frame.with_columns(
        text=pl.when(split="test").then(pl.lit("word5 word5 word5")).otherwise("text")
    )
    made = []
    for name, rows in (("whole", frame), ("spoiled", spoiled)):
        rows.write_parquet(corpus.folder / "corpus.parquet")
        (tmp_path / name).mkdir()
        fresh = Corpus(corpus.folder, corpus.name, corpus.labels, corpus.facts)
        baselines.fit(fresh, tmp_path / name)
        made.append((tmp_path / name / "tfidf.npz").read_bytes())
    assert made[0] == made[1]


def test_hostile_labels_pass_through(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", HOSTILE)
    about = baselines.fit(corpus, tmp_path)
    again = json.loads((tmp_path / "baseline.json").read_text("utf-8"))
    assert again["labels"] == sorted(HOSTILE)
    assert set(about.constant.labels) <= set(HOSTILE)
    assert {path.name for path in tmp_path.iterdir()} == {"corpus", "baseline.json", "tfidf.npz"}


@pytest.mark.parametrize("gone", ["train", "validation"])
def test_a_corpus_without_rows_on_a_side_is_refused(tmp_path: Path, gone: str) -> None:
    corpus = make_corpus(tmp_path / "corpus")
    frame = corpus.frame.with_columns(split=pl.col("split").replace(gone, "test"))
    frame.write_parquet(corpus.folder / "corpus.parquet")
    fresh = Corpus(corpus.folder, corpus.name, corpus.labels, corpus.facts)
    with pytest.raises(InputError, match=r"no (training|validation) rows"):
        baselines.fit(fresh, tmp_path)


def _runs(model: TfIdf) -> list[tuple[str, int, int]]:
    return [
        (term, int(model.starts[i]), int(model.starts[i + 1])) for i, term in enumerate(model.terms)
    ]


@pytest.mark.heavy
def test_processes_change_nothing(
    corpus: Corpus, model: TfIdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "WORTH_PROCESSES", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    again = baselines.fit_tfidf(corpus.split("train"))
    np.testing.assert_array_equal(again.weights, model.weights)
    np.testing.assert_array_equal(again.columns, model.columns)
