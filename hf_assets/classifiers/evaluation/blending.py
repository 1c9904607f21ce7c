"""Tunes the weight of TF-IDF's scores beside a network's, and the threshold that goes with it.

Both are chosen at once. Of the pairs of a weight and a threshold whose micro-F1 on validation lies
within `NEAR` of the best, the one with the best macro-F1: micro-F1 hardly differs between weights
of 2 and 6, and which is highest there is chance. A pair whose macro-F1 is below the network's own
must gain more than `WORTH` in micro-F1; else it is the best of those whose macro-F1 is not.

`tfidf.blended` is the sum; `leaderboard.py` scores it on test rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from hf_assets.classifiers.evaluation.results import Blend
from hf_assets.classifiers.metrics import micro_f1, predicted_at
from hf_assets.classifiers.records import ThresholdRule
from hf_assets.classifiers.tfidf import blended
from hf_assets.classifiers.thresholds import Chosen, choose_threshold

# From these on each is half as large again, as long as the score on validation rises.
WEIGHTS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0)
GROWTH = 1.5
# Weights without a better score after which the search ends, and the largest of all: there the
# network is hardly heard.
PATIENCE, LARGEST = 3, 100.0
# Shares of micro-F1, by random halves of validation (two corpora, six recipes): within 0.4 points,
# the other half loses 0.2 of micro- and gains 1 to 1.5 of macro-F1.
NEAR = 0.004
# A point of micro-F1 is worth macro-F1.
WORTH = 0.01
RULE = ThresholdRule(
    "of the weights of TF-IDF and thresholds whose micro-F1 on validation lies within the distance "
    "of the best, the pair with the best macro-F1, which is at least that of the network alone "
    "unless micro-F1 gains more than a point",
    NEAR,
)
# Where that pair loses macro-F1.
KEPT_RULE = ThresholdRule(
    "of the weights of TF-IDF, each at the threshold with the best macro-F1 of those whose "
    "micro-F1 on validation lies within the distance of its best, the one with the best micro-F1 "
    "whose macro-F1 is at least that of the network alone",
    WORTH,
)
# A pruned TF-IDF model of this size scored as the whole one did, of 73 MB (biology, 359 labels).
BYTES = 4_000_000


@dataclass(frozen=True)
class _Pair:
    weight: float
    chosen: Chosen
    rule: ThresholdRule = RULE


def tune(targets: np.ndarray, probabilities: np.ndarray, words: np.ndarray, seed: int = 0) -> Blend:
    """The weight and the threshold for these validation rows, as the module says.

    The weight is 0 where TF-IDF does not help. `gain` is measured on rows that chose neither: each
    half of the rows is scored at what the other half chose, for the blend and for the network
    alone.
    """
    alone = choose_threshold(targets, probabilities)
    best = _tuned(targets, probabilities, words, alone)
    return Blend(
        weight=best.weight,
        threshold=best.chosen.value,
        micro_f1=best.chosen.micro_f1,
        alone=alone.micro_f1,
        macro_f1=best.chosen.macro_f1,
        macro_alone=alone.macro_f1,
        gain=_gain(targets, probabilities, words, seed),
        threshold_rule=msgspec.structs.replace(best.rule, rows=alone.rows),
    )


def _tuned(
    targets: np.ndarray, probabilities: np.ndarray, words: np.ndarray, alone: Chosen
) -> _Pair:
    def at(weight: float, distance: float, rule: ThresholdRule = RULE) -> _Pair:
        scores = blended(probabilities, words, weight)
        return _Pair(weight, choose_threshold(targets, scores, distance), rule)

    exact = _searched(lambda weight: at(weight, 0.0))
    top = max(pair.chosen.micro_f1 for pair in exact)
    # How far below the best of its own weight a threshold may lie.
    rooms = {pair.weight: NEAR - (top - pair.chosen.micro_f1) for pair in exact}
    near = [at(weight, room) for weight, room in rooms.items() if room >= 0]
    # Of equally good pairs the smallest weight: `max` takes the first.
    best = max(near, key=lambda pair: pair.chosen.macro_f1)
    if best.chosen.macro_f1 >= alone.macro_f1 or best.chosen.micro_f1 - alone.micro_f1 > WORTH:
        return best
    wide = [at(pair.weight, WORTH, KEPT_RULE) for pair in exact]
    kept = [pair for pair in wide if pair.chosen.macro_f1 >= alone.macro_f1]
    return max([_Pair(0.0, alone, alone.rule), *kept], key=lambda pair: pair.chosen.micro_f1)


def _searched(at: Callable[[float], _Pair]) -> list[_Pair]:
    """A pair for each weight, larger and larger, until micro-F1 has stopped growing."""
    pairs: list[_Pair] = []
    weights, since, best = list(WEIGHTS), 0, -1.0
    for weight in weights:
        pairs.append(at(weight))
        since += 1
        if pairs[-1].chosen.micro_f1 > best:
            best, since = pairs[-1].chosen.micro_f1, 0
        if weight == weights[-1] and since < PATIENCE and weight * GROWTH <= LARGEST:
            weights.append(weight * GROWTH)
    return pairs


def _gain(targets: np.ndarray, probabilities: np.ndarray, words: np.ndarray, seed: int) -> float:
    if len(targets) < 2:
        return 0.0
    order = np.random.default_rng(seed).permutation(len(targets))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    with_words, alone = (np.zeros(targets.shape, bool) for _ in range(2))
    for own, other in (halves, halves[::-1]):
        network = choose_threshold(targets[own], probabilities[own])
        best = _tuned(targets[own], probabilities[own], words[own], network)
        scores = blended(probabilities[other], words[other], best.weight)
        with_words[other] = predicted_at(scores, best.chosen.value)
        alone[other] = predicted_at(probabilities[other], network.value)
    return micro_f1(targets, with_words) - micro_f1(targets, alone)
