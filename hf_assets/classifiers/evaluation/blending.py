"""Tunes the weight of TF-IDF's scores beside a network's, and the threshold that goes with it.

`tfidf.blended` is the sum; `leaderboard.py` scores it on test rows.
"""

import numpy as np

from hf_assets.classifiers.evaluation.results import Blend
from hf_assets.classifiers.metrics import micro_f1, predicted_at
from hf_assets.classifiers.tfidf import blended
from hf_assets.classifiers.thresholds import Chosen, choose_threshold

# From these on each is half as large again, as long as the score on validation rises.
WEIGHTS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0)
GROWTH = 1.5
# Weights without a better score after which the search ends, and the largest of all: there the
# network is hardly heard.
PATIENCE, LARGEST = 3, 100.0
# A pruned TF-IDF model of this size scored as the whole one did, of 73 MB (biology, 359 labels).
BYTES = 4_000_000


def tune(targets: np.ndarray, probabilities: np.ndarray, words: np.ndarray, seed: int = 0) -> Blend:
    """The weight with the best micro-F1 on these validation rows, and its threshold.

    `gain` is measured on rows that chose neither: each half of the rows is scored at what the other
    half chose, for the blend and for the network alone.
    """
    alone, (weight, best) = (
        choose_threshold(targets, probabilities),
        _tuned(targets, probabilities, words),
    )
    return Blend(
        weight=weight,
        threshold=best.value,
        micro_f1=best.micro_f1,
        alone=alone.micro_f1,
        macro_f1=best.macro_f1,
        macro_alone=alone.macro_f1,
        gain=_gain(targets, probabilities, words, seed),
        threshold_rule=best.rule,
    )


def _tuned(
    targets: np.ndarray, probabilities: np.ndarray, words: np.ndarray
) -> tuple[float, Chosen]:
    best: tuple[float, Chosen] | None = None
    weights, since = list(WEIGHTS), 0
    for weight in weights:
        chosen = choose_threshold(targets, blended(probabilities, words, weight))
        # Of equally good weights the smallest.
        since += 1
        if best is None or chosen.micro_f1 > best[1].micro_f1:
            best, since = (weight, chosen), 0
        if weight == weights[-1] and since < PATIENCE and weight * GROWTH <= LARGEST:
            weights.append(weight * GROWTH)
    assert best is not None, "there are weights"
    return best


def _gain(targets: np.ndarray, probabilities: np.ndarray, words: np.ndarray, seed: int) -> float:
    if len(targets) < 2:
        return 0.0
    order = np.random.default_rng(seed).permutation(len(targets))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    with_words, alone = (np.zeros(targets.shape, bool) for _ in range(2))
    for own, other in (halves, halves[::-1]):
        weight, chosen = _tuned(targets[own], probabilities[own], words[own])
        scores = blended(probabilities[other], words[other], weight)
        with_words[other] = predicted_at(scores, chosen.value)
        chosen = choose_threshold(targets[own], probabilities[own])
        alone[other] = predicted_at(probabilities[other], chosen.value)
    return micro_f1(targets, with_words) - micro_f1(targets, alone)
