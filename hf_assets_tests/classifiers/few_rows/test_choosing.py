"""A corpus of few rows: the choice, what is stored of it, and that it is served alike."""

from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from msgspec.structs import replace

from hf_assets.classifiers.export.to_onnx import export
from hf_assets.classifiers.few_rows import choosing, pairs
from hf_assets.classifiers.few_rows.choosing import fit, fit_for
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.training import heads
from hf_assets.classifiers.training.network import (
    features,
    load_network,
    load_tokenizer,
    new_network,
    predict,
)
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.classifiers.training.train import Fit
from hf_assets.storage.json_files import read_record
from hf_assets_tests.classifiers.conftest import MakeCorpus
from hf_assets_tests.support.classifiers.training import HEAD, SHORT, floor, run


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_LEAST_STEPS", 60)
    monkeypatch.setattr(pairs, "_LEAST_STEPS", 2)
    monkeypatch.setattr(pairs, "_MOST_STEPS", 4)


def test_corpora_of_few_rows_alone_are_fitted_so(make_corpus: MakeCorpus) -> None:
    corpus = make_corpus(40, 10)
    assert fit_for(corpus)
    assert fit_for(corpus, 41)
    assert fit_for(corpus, 40) is None


@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_or_two_are_trained_on_without_folds(
    rows: int, make_corpus: MakeCorpus, base: Path, tmp_path: Path
) -> None:
    corpus = make_corpus(rows, 4)
    record = run(corpus, base, tmp_path / "made", HEAD, fit=fit_for(corpus))
    assert record.few_rows is msgspec.UNSET
    assert fit_for(make_corpus(3, 4, name="three"))


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(HEAD, id="head"),
        pytest.param(SHORT, id="finetune", marks=[pytest.mark.heavy, pytest.mark.release]),
    ],
)
def test_the_best_way_is_stored_with_its_reason(
    recipe: object, make_corpus: MakeCorpus, base: Path, tmp_path: Path
) -> None:
    corpus, recipe = make_corpus(60, 20), HEAD if recipe is HEAD else SHORT
    lines: list[str] = []
    record = run(corpus, base, tmp_path / "made", recipe, fit=fit_for(corpus), log=lines.append)
    assert record == read_record(tmp_path / "made" / "training.json", TrainingRecord)
    choice = record.few_rows
    names = ["centroids", "least_squares", "linear", "pairs", "finetune"]
    names = names[:3] if recipe is HEAD else names
    assert [each.name for each in choice.candidates] == names
    assert choice.chosen in names
    assert choice.chosen in choice.why
    assert any(choice.why in line for line in lines)
    assert record.strategy == ("finetune" if choice.chosen in names[3:] else "head")
    assert record.validation.micro_f1 > floor(corpus)
    # The same again, to the last bit.
    again = run(corpus, base, tmp_path / "again", recipe, fit=fit_for(corpus))
    assert again.fingerprint == record.fingerprint
    assert again.threshold == record.threshold


def only(name: str, monkeypatch: pytest.MonkeyPatch) -> Fit:
    """A fit whose cross-validation prefers that way."""
    measured = choosing._measured

    def preferring(of: str, *rest: object) -> choosing.Way:
        way = measured(of, *rest)  # ty: ignore[invalid-argument-type]
        f1 = 1.0 if of == name else 0.0
        return choosing.Way(replace(way.candidate, micro_f1=f1, macro_f1=f1), way.scores, way.scale)

    monkeypatch.setattr(choosing, "_measured", preferring)
    return fit


@pytest.mark.heavy
@pytest.mark.parametrize(
    "name", [pytest.param("centroids", marks=pytest.mark.release), "pairs", "finetune"]
)
def test_the_way_that_was_chosen_is_served_as_it_was_trained(
    name: str, make_corpus: MakeCorpus, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(40, 20)
    record = run(corpus, base, tmp_path / "made", SHORT, fit=only(name, monkeypatch))
    assert record.few_rows.chosen == name
    texts = corpus.split("test").texts
    network = load_network(tmp_path / "made")
    # A fine-tuned head learns from features as they are.
    assert network.normalised is (name != "finetune")
    assert record.strategy == ("head" if name == "centroids" else "finetune")
    (tmp_path / "onnx").mkdir()
    assert export(tmp_path / "made", tmp_path / "onnx", texts).max_difference < 1e-4
    wanted = predict(network, load_tokenizer(tmp_path / "made"), texts)
    assert np.abs(Tagger.load(tmp_path / "onnx").scores(texts) - wanted).max() < 1e-4


def test_pairs_that_take_too_long_are_left_out(
    make_corpus: MakeCorpus, base: Path, tmp_path: Path
) -> None:
    hasty = partial(fit, seconds=0.0)
    record = run(make_corpus(40, 10), base, tmp_path / "made", SHORT, fit=hasty)
    left = {each.name for each in record.few_rows.candidates if each.left_out}
    assert left == {"pairs", "finetune"}
    assert record.few_rows.chosen not in left
    assert "would take more than 0 s" in record.few_rows.why


def test_pairs_bring_texts_of_a_label_together(make_corpus: MakeCorpus, base: Path) -> None:
    split = make_corpus(60, 10).split("train")
    torch.manual_seed(0)
    network, tokenizer = new_network(base, ["a"], 24, "eager"), load_tokenizer(base)
    losses = pairs.tune(network, tokenizer, split.texts, split.targets, SHORT)
    assert [step for step, _ in losses] == [1, 2, 3, 4]
    assert losses[-1][1] < losses[0][1]
    assert np.isfinite(features(network, tokenizer, split.texts)).all()


def test_what_pairs_share() -> None:
    targets = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], np.uint8)
    shared = pairs._shared(targets)
    assert shared[0].tolist() == pytest.approx([1, 0.5, 0, 0])
    assert shared[2].tolist() == [0, 0, 1, 0]


def test_a_batch_has_pairs_of_a_label() -> None:
    draw = np.random.default_rng(0)
    targets = np.eye(40, dtype=np.uint8)[np.repeat(np.arange(40), 3)]
    for _ in range(20):
        chosen = pairs._drawn(targets, draw)
        assert len(set(chosen.tolist())) == len(chosen) == pairs._BATCH
        assert (targets[chosen].sum(axis=0) == 2).sum() >= pairs._BATCH // 2 - 1
