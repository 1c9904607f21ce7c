"""TF-IDF beside a network: tuned on validation, a row of the table."""

from pathlib import Path

import numpy as np
import pytest

from hf_assets.classifiers.evaluation import leaderboard
from hf_assets.classifiers.evaluation.blending import (
    KEPT_RULE,
    LARGEST,
    NEAR,
    RULE,
    WEIGHTS,
    WORTH,
    tune,
)
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import (
    HELPED,
    INT8,
)
from hf_assets.classifiers.metrics import micro_f1, predicted_at, scores_at
from hf_assets.classifiers.records import ThresholdRule
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.tfidf import blended
from hf_assets.classifiers.thresholds import choose_threshold
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


def rare(seed: int, far: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Targets of a common label and rare ones, a network that knows all, words of the common."""
    rng = np.random.default_rng(seed)
    shares = np.array([0.4] + [0.03] * 9)
    targets = (rng.random((800, 10)) < shares).astype(np.uint8)
    logits = rng.normal(size=targets.shape) + 3 * targets - 3 + 2 * (shares > 0.1)
    words = rng.normal(size=targets.shape) * 0.2
    words[:, 0] += far * targets[:, 0]  # the words know the common label
    words[:, 1:] += 1.5 * rng.normal(size=(800, 9))  # and disturb the rare ones
    return targets, (1 / (1 + np.exp(-logits))).astype(np.float32), words


def test_macro_f1_falls_below_the_network_alone_for_a_point_of_micro_f1_at_least() -> None:
    dear = cheap = far_off = 0
    for seed in range(3):
        for far in (0.2, 0.5, 1.0, 3.0):
            given = rare(seed, far)
            found = tune(*given)
            assert found.macro_f1
            assert found.macro_alone
            loses = found.macro_f1 < found.macro_alone
            assert not loses or found.micro_f1 - found.alone > WORTH
            dear += loses
            cheap += not loses
            # What is said of the choice is true of it.
            best = max(_best(given, at) for at in WEIGHTS)
            rule = found.threshold_rule
            assert isinstance(rule, ThresholdRule)
            assert 0 < rule.rows <= len(given[0])
            if rule.rule == RULE.rule:
                assert found.micro_f1 >= best - NEAR - 1e-9
            else:
                assert (rule.rule, rule.distance) == (KEPT_RULE.rule, KEPT_RULE.distance)
                assert found.micro_f1 >= _best(given, found.weight) - WORTH - 1e-9
                far_off += found.micro_f1 < best - NEAR
    assert dear
    assert cheap
    assert far_off


def _best(given: tuple[np.ndarray, np.ndarray, np.ndarray], weight: float) -> float:
    """The best micro-F1 of any threshold at that weight."""
    targets, p, words = given
    return choose_threshold(targets, blended(p, words, weight), 0.0).micro_f1


def test_near_the_best_micro_f1_the_best_macro_f1_is_taken() -> None:
    rng = np.random.default_rng(4)
    shares = np.array([0.4] + [0.03] * 9)
    better = 0
    for _ in range(4):
        targets = (rng.random((400, 10)) < shares).astype(np.uint8)
        logits = rng.normal(size=targets.shape) + 2 * targets - 2
        p = (1 / (1 + np.exp(-logits))).astype(np.float32)
        words = rng.normal(size=targets.shape) + 1.5 * targets
        found = tune(targets, p, words)
        exact = [choose_threshold(targets, blended(p, words, at), 0.0) for at in WEIGHTS]
        best = max(exact, key=lambda chosen: chosen.micro_f1)
        assert found.micro_f1 >= best.micro_f1 - NEAR - 1e-9
        assert found.macro_f1
        assert found.macro_f1 >= best.macro_f1
        better += found.macro_f1 > best.macro_f1
        assert found.threshold_rule
        assert found.threshold_rule.distance == NEAR
    assert better


def test_words_that_only_harm_get_no_weight() -> None:
    targets, p, _ = rare(2, 1.0)
    against = 3.0 * (0.5 - targets) + np.random.default_rng(5).normal(size=targets.shape)
    found = tune(targets, p, against)
    assert found.weight == 0
    assert (found.micro_f1, found.macro_f1) == (found.alone, found.macro_alone)


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
