"""TF-IDF beside a network: tuned on validation, a row of the table."""

from pathlib import Path

import numpy as np
import pytest

from hf_assets.classifiers.evaluation import leaderboard
from hf_assets.classifiers.evaluation.blending import LARGEST, WEIGHTS, tune
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import (
    HELPED,
    INT8,
)
from hf_assets.classifiers.metrics import micro_f1, predicted_at, scores_at
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.tfidf import blended
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.support.classifiers.board import row_of


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
    with np.errstate(all="raise"):
        far = blended(np.array([[0.5, 0.5]], np.float32), np.array([[-20.0, 20.0]]), 60.0)
    assert far.tolist() == [[0.0, 1.0]]


def test_a_blend_is_tuned_for_the_best_f1() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((300, 5)) < 0.3).astype(np.uint8)
    p = (1 / (1 + np.exp(-(rng.normal(size=targets.shape) + targets)))).astype(np.float32)
    words = rng.normal(size=targets.shape) + 2 * targets
    found = tune(targets, p, words)
    assert found.weight in WEIGHTS
    reached = predicted_at(blended(p, words, found.weight), found.threshold)
    assert micro_f1(targets, reached) == found.micro_f1 > found.alone + 0.05
    assert (found.gain or 0.0) > 0.05
    noise = tune(targets, p, rng.normal(size=targets.shape))
    assert noise.micro_f1 < noise.alone + 0.02
    assert (noise.gain or 0.0) < 0.01


def test_the_weight_is_searched_as_long_as_the_score_rises() -> None:
    rng = np.random.default_rng(1)
    targets = (rng.random((300, 5)) < 0.3).astype(np.uint8)
    p = (1 / (1 + np.exp(-3 * rng.normal(size=targets.shape)))).astype(np.float32)
    words = 0.2 * (rng.normal(size=targets.shape) / 3 + 2 * targets)
    found = tune(targets, p, words)
    assert WEIGHTS[-1] < found.weight <= LARGEST
    best = tune(targets, p, words / 1000)
    assert best.weight <= LARGEST


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
