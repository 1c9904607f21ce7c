"""Artefacts of two trainings or two corpora are never mixed: marks on small folders."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.classifiers.evaluation import baselines
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import CONSTANT, INT8
from hf_assets.classifiers.provenance import STEPS, corpus_fingerprint, require_current
from hf_assets.classifiers.publishing.space import write_space
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.errors import InputError
from hf_assets_tests.support.classifiers.artefacts import make_classifier, make_corpus, make_model

MODEL = "all-minilm-l6-v2"


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return make_corpus(tmp_path / "corpus")


@pytest.fixture
def places(tmp_path: Path, corpus: Corpus) -> Path:
    """A baseline and a base model's folders."""
    (tmp_path / "made" / "baseline").mkdir(parents=True)
    baselines.fit(corpus, tmp_path / "made" / "baseline")
    make_model(tmp_path / "made" / MODEL, corpus)
    return tmp_path / "made"


def altered(corpus: Corpus, *columns: pl.Expr | pl.Series) -> Corpus:
    """The corpus stored again with other rows, of which there are as many."""
    corpus.frame.with_columns(*columns).write_parquet(corpus.folder / "corpus.parquet")
    return open_corpus(corpus.folder)


def retrain(model: Path, corpus: Corpus) -> None:
    """Another classifier in the place of the one that ONNX and int8 were made from."""
    shutil.rmtree(model / "classifier")
    make_classifier(model / "classifier", corpus, seed=1)


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | values))


def test_a_corpus_s_mark_is_of_what_decides(corpus: Corpus) -> None:
    first = corpus_fingerprint(corpus)
    assert corpus_fingerprint(altered(corpus, pl.lit("x").alias("author"))) == first
    corpus.frame.reverse().write_parquet(corpus.folder / "corpus.parquet")
    assert corpus_fingerprint(open_corpus(corpus.folder)) == first
    labels = Corpus(corpus.folder, corpus.name, corpus.labels[::-1], corpus.facts)
    found = {first, corpus_fingerprint(labels)}
    for other in (pl.col("text") + "!", pl.col("split").reverse(), pl.col("labels").reverse()):
        found.add(corpus_fingerprint(altered(corpus, other)))
    assert len(found) == 5


def test_what_belongs_together_is_current(places: Path, corpus: Corpus) -> None:
    require_current(corpus, [places / MODEL, places / "never-trained"], tuple(STEPS))


@pytest.mark.parametrize("step", ["onnx", "quantized"])
def test_a_graph_of_an_earlier_training_is_refused(places: Path, corpus: Corpus, step: str) -> None:
    retrain(places / MODEL, corpus)
    asset = rf"materialise toys/{STEPS[step][0]}, partition {MODEL}, again"
    with pytest.raises(InputError, match=asset):
        require_current(corpus, [places / MODEL], [step])
    with pytest.raises(InputError, match="materialise toys/onnx_classifier"):
        measure(corpus, places / "baseline", {MODEL: places / MODEL})


@pytest.mark.parametrize("step", ["onnx", "quantized"])
def test_a_graph_that_does_not_say_is_refused(places: Path, corpus: Corpus, step: str) -> None:
    change(places / MODEL / step / STEPS[step][1], made_from=None)
    with pytest.raises(InputError, match=STEPS[step][0]):
        require_current(corpus, [places / MODEL], [step])


def test_artefacts_of_an_older_corpus_are_refused(places: Path, corpus: Corpus) -> None:
    board = measure(corpus, places / "baseline", {MODEL: places / MODEL})
    now = altered(corpus, pl.col("text") + "!")
    with pytest.raises(InputError, match="materialise toys/baseline again"):
        measure(now, places / "baseline", {MODEL: places / MODEL})
    shutil.rmtree(places / "baseline")
    (places / "baseline").mkdir()
    baselines.fit(now, places / "baseline")
    with pytest.raises(InputError, match="materialise toys/classifier, partition") as raised:
        measure(now, places / "baseline", {MODEL: places / MODEL})
    assert "remove" in str(raised.value)
    with pytest.raises(InputError, match="materialise toys/leaderboard again"):
        write_space(places / "space", now, places / MODEL / "quantized", board)


def test_a_tagger_of_another_making_is_not_published(places: Path, corpus: Corpus) -> None:
    board = measure(corpus, places / "baseline", {MODEL: places / MODEL})
    quantized = places / MODEL / "quantized"
    told = json.loads((quantized / "quantization.json").read_bytes())
    change(quantized / "quantization.json", mark="of another graph")
    with pytest.raises(InputError, match="materialise toys/leaderboard again"):
        write_space(places / "space", corpus, quantized, board)
    change(quantized / "quantization.json", mark=told["mark"])
    retrain(places / MODEL, corpus)
    with pytest.raises(
        InputError, match=f"materialise toys/quantized_classifier, partition {MODEL}"
    ):
        write_space(places / "space", corpus, quantized, board)
    assert not (places / "space").exists()


def test_what_is_no_better_than_a_constant_answer_is_not_published(
    places: Path, corpus: Corpus
) -> None:
    board = measure(corpus, places / "baseline", {MODEL: places / MODEL})
    floor = board.rows.filter(model=CONSTANT)["micro_f1"][0]
    low = pl.when(pl.col("runtime") == INT8).then(floor).otherwise(pl.col("micro_f1"))
    object.__setattr__(board, "rows", board.rows.with_columns(micro_f1=low))
    with pytest.raises(InputError, match="not published") as raised:
        write_space(places / "space", corpus, places / MODEL / "quantized", board)
    assert f"the best floor has {100 * floor:.1f} %" in str(raised.value)
    assert "materialise toys/leaderboard again" in str(raised.value)
