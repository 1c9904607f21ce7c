"""Tunes the weight of TF-IDF's scores beside a network's, and the threshold that goes with it.

`tfidf.blended` is the sum; `leaderboard.py` scores it on test rows.
"""

import numpy as np

from hf_assets.classifiers.evaluation.results import Blend
from hf_assets.classifiers.evaluation.tfidf import blended
from hf_assets.classifiers.metrics import best_threshold, micro_f1, predicted_at

WEIGHTS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
# A pruned TF-IDF model of this size scored as the whole one did, of 73 MB (biology, 359 labels).
BYTES = 4_000_000


def tune(targets: np.ndarray, probabilities: np.ndarray, words: np.ndarray) -> Blend:
    """The weight and threshold with the best micro-F1 on these validation rows."""
    threshold = best_threshold(targets, probabilities)
    alone = micro_f1(targets, predicted_at(probabilities, threshold))
    tried = []
    for weight in WEIGHTS:
        scores = blended(probabilities, words, weight)
        threshold = best_threshold(targets, scores)
        tried.append((micro_f1(targets, predicted_at(scores, threshold)), -weight, threshold))
    reached, weight, threshold = max(tried)
    return Blend(-weight, threshold, reached, alone)
