"""From scores to one probability a text, and the probability from which it is precise enough.

Calibration is temperature scaling: the probabilities are the softmax of the scores times one
factor, which has the highest likelihood on validation. One number cannot learn validation by heart,
and the order of a text's categories stays. The threshold is the lowest probability from which on
the precision on validation is `PRECISION`, and the lower end of its 95 % interval `LEAST_LOW`: the
lowest of many thresholds is a lucky one where texts are few.
"""

import msgspec
import numpy as np

from hf_assets.proportions import wilson

PRECISION = 0.95
# Of 35 texts without an error, or of 85 with four.
LEAST_LOW = 0.90
# Factors that are tried; logits and distances of linear models lie well within.
_FACTORS = np.geomspace(0.05, 20, 200)


class Precision(msgspec.Struct, frozen=True):
    """Precision and coverage of predictions above a threshold.

    Attributes:
        rows: texts; covered: those with a prediction; right: of these.
        precision: right / covered, with its 95 % interval (Wilson); None of nothing.
        coverage: covered / rows.
        accuracy: share that is right if every text gets its likeliest category.
    """

    rows: int = 0
    covered: int = 0
    right: int = 0
    precision: float | None = None
    low: float = 0.0
    high: float = 1.0
    coverage: float = 0.0
    accuracy: float = 0.0


def top(scores: np.ndarray, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """The column of each row's highest score (int64), and its probability (float32).

    Args:
        scores: float32 [texts, labels], logits or distances.
        factor: of the softmax.
    """
    scaled = factor * (scores - scores.max(axis=1, keepdims=True)).astype(np.float64)
    probability = 1 / np.exp(scaled).sum(axis=1)
    return scores.argmax(axis=1), probability.astype(np.float32)


def fitted_factor(scores: np.ndarray, right: np.ndarray) -> float:
    """The factor of the highest likelihood.

    Args:
        scores: float32 [texts, labels].
        right: the column of each text's label, int64.
    """
    centred = (scores - scores.max(axis=1, keepdims=True)).astype(np.float64)
    own = centred[np.arange(len(right)), right]

    def loss(factor: float) -> float:
        return float(np.mean(np.log(np.exp(factor * centred).sum(axis=1)) - factor * own))

    return float(min(_FACTORS, key=loss))


def threshold_of(probability: np.ndarray, hit: np.ndarray) -> float | None:
    """The lowest probability that is precise enough, as the module says; None: none is.

    Args:
        probability: of each text's likeliest label.
        hit: whether that label is right, bool.
    """
    order = np.argsort(-probability, kind="stable")
    ranked, right = probability[order], np.cumsum(hit[order])
    count = np.arange(1, len(order) + 1)
    # Equal probabilities are let in together: the last of them counts.
    last = np.append(ranked[1:] != ranked[:-1], True) if len(order) else np.zeros(0, bool)
    low = np.array([wilson(*both)[0] for both in zip(right.tolist(), count.tolist(), strict=True)])
    fits = last & (right >= PRECISION * count) & (low >= LEAST_LOW)
    return float(ranked[np.flatnonzero(fits)[-1]]) if fits.any() else None


def measured(probability: np.ndarray, hit: np.ndarray, threshold: float | None) -> Precision:
    """Precision and coverage of these texts at a threshold; None covers nothing."""
    covered = probability >= (np.inf if threshold is None else np.float32(threshold))
    rows, found, right = len(hit), int(covered.sum()), int(hit[covered].sum())
    low, high = wilson(right, found)
    return Precision(
        rows=rows,
        covered=found,
        right=right,
        precision=right / found if found else None,
        low=low,
        high=high,
        coverage=found / rows if rows else 0.0,
        accuracy=float(hit.mean()) if rows else 0.0,
    )
