"""Scores of a multi-label classifier; `thresholds.py` chooses what turns scores into labels.

Functions of targets (uint8 [rows, labels], 0 or 1) and scores (float32 [rows, labels], the higher
the likelier) or predictions (bool or uint8 [rows, labels]). All results are shares, 0 to 1.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from hf_assets.classifiers.records import Lost

# 32 MB of float32 a piece, whatever the number of rows and labels.
_CELLS = 1 << 23


def predicted_at(scores: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Which labels fit, bool [rows, labels]: those that score at least `threshold`.

    `threshold`: one, or float32 [rows, 1].
    """
    return scores >= np.float32(threshold)


def micro_f1(targets: np.ndarray, predicted: np.ndarray) -> float:
    """Micro-averaged F1, over all cells; 0 where nothing is there and nothing predicted."""
    _check(targets, predicted)
    return float(_f1(*_row_counts(targets, predicted).sum(axis=0)))


def scores_at(targets: np.ndarray, scores: np.ndarray, threshold: float) -> dict[str, float]:
    """What there is to say of these scores at this threshold.

    Precision, recall and F1 over all cells (`micro_…`) and averaged over labels (`macro_…`); mean
    average precision, which needs no threshold; the share of rows whose labels are exactly right
    (`subset_accuracy`), of cells that are right (`hamming_accuracy`), and of cells that would be
    right if no label were ever predicted (`hamming_accuracy_of_nothing`); the share of rows for
    which nothing is predicted (`rows_unlabelled`); `rows`, `labels`, `threshold`.

    Averages over labels are over those that a row of `targets` has; `labels_left_out` counts the
    others. What is 0 / 0 counts as 0.

    Raises:
        ValueError: shapes that differ, or no cells at all.
    """
    _check(targets, scores)
    if not targets.size:
        raise ValueError("there are no rows or no labels to score")
    there = targets != 0
    predicted = predicted_at(scores, threshold)
    known = np.flatnonzero(there.any(axis=0))
    wrong = np.count_nonzero(there != predicted) / there.size
    rows, labels = there.shape
    made: dict[str, float] = {}
    # Of a single column scikit-learn would score both classes: an empty one beside it adds nothing.
    padded = [np.pad(cells, ((0, 0), (0, 1))) for cells in (there, predicted)]
    for average, columns in (("micro", None), ("macro", known)):
        precision, recall, f1 = _averages(*padded, average, columns)
        made |= {
            f"{average}_precision": precision,
            f"{average}_recall": recall,
            f"{average}_f1": f1,
        }
    precisions = [average_precision_score(there[:, i], scores[:, i]) for i in known]
    return {
        **made,
        "mean_average_precision": float(np.mean(precisions)) if precisions else 0.0,
        "subset_accuracy": float((there == predicted).all(axis=1).mean()),
        "hamming_accuracy": float(1 - wrong),
        "hamming_accuracy_of_nothing": float(1 - there.mean()),
        "rows_unlabelled": float((~predicted.any(axis=1)).mean()),
        "rows": rows,
        "labels": labels,
        "labels_left_out": labels - len(known),
        "threshold": threshold,
    }


def label_f1(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """F1 of each label, float64 [labels]; NaN for those that no row of `targets` has."""
    _check(targets, predicted)
    there, guess = targets != 0, predicted != 0
    both, rows = (there & guess).sum(axis=0), there.sum(axis=0)
    return np.where(rows > 0, 2 * both / np.maximum(rows + guess.sum(axis=0), 1), np.nan)


def bootstrap_micro_f1(
    targets: np.ndarray, predicted: np.ndarray, seed: int, rounds: int = 1000
) -> tuple[float, float]:
    """The 95 % interval of micro-F1 of `rounds` resamples of the rows.

    Micro-F1 needs three counts a row, and rows with the same three are drawn together.
    """
    _check(targets, predicted)
    if not len(targets):
        return 0.0, 0.0
    kinds, rows = np.unique(_row_counts(targets, predicted), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(targets), rows / len(targets), rounds)
    low, high = np.quantile(_f1(*(drawn @ kinds).T), [0.025, 0.975])
    return float(low), float(high)


def lost_f1(
    targets: np.ndarray, before: np.ndarray, after: np.ndarray, seed: int, rounds: int = 1000
) -> tuple[Lost, Lost]:
    """The micro- and macro-F1 that the predictions `after` lose against `before`, on these rows.

    The interval is of `rounds` resamples of the rows, the same rows for both predictions. Macro-F1
    is over the labels that a row of the resample has.
    """
    _check(targets, before)
    _check(targets, after)
    there = targets != 0
    rows, labels = there.shape
    if not there.any():
        return Lost(0.0, 0.0, 0.0), Lost(0.0, 0.0, 0.0)
    tables = [there & before, before, there & after, after, there]
    counts = np.concatenate(tables, axis=1).astype(np.float32)
    draws = np.random.default_rng(seed)
    # Some resamples at a time: 32 MB of counts.
    step, shares = max(1, _CELLS // (5 * labels)), np.full(rows, 1 / rows)
    drawn = [
        draws.multinomial(rows, shares, min(step, rounds - at)) for at in range(0, rounds, step)
    ]
    value, *resampled = np.concatenate(
        [
            _lost((times.astype(np.float32) @ counts).reshape(-1, 5, labels).astype(np.float64))
            for times in (np.ones((1, rows)), *drawn)
        ]
    )
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    micro, macro = (Lost(*map(float, each)) for each in zip(value, low, high, strict=True))
    return micro, macro


def _lost(sums: np.ndarray) -> np.ndarray:
    # [draws, 5, labels] to [draws, 2]: micro- and macro-F1 lost.
    hit, said, hit_after, said_after, wanted = np.moveaxis(sums, 1, 0)
    micro = [
        _f1(right.sum(1), given.sum(1), wanted.sum(1))
        for right, given in ((hit, said), (hit_after, said_after))
    ]
    known = np.maximum((wanted > 0).sum(1), 1)
    macro = [
        (_f1(right, given, wanted) * (wanted > 0)).sum(1) / known
        for right, given in ((hit, said), (hit_after, said_after))
    ]
    return np.stack([micro[0] - micro[1], macro[0] - macro[1]], axis=1)


def require_scores(targets: np.ndarray, scores: np.ndarray) -> None:
    """Require cells, and a number in each.

    Raises:
        ValueError: shapes that differ, no cells at all, or scores that are not finite.
    """
    _check(targets, scores)
    if not scores.size:
        raise ValueError("a threshold needs rows and labels to be tuned on, and there are none")
    if not np.isfinite(scores).all():
        raise ValueError("the scores hold NaN or infinity: the model that made them is broken")


def pieces(scores: np.ndarray) -> Iterator[np.ndarray]:
    """The cells in flat pieces of at most 32 MB, or of a row."""
    rows = max(1, _CELLS // scores.shape[1])
    return (scores[at : at + rows].ravel() for at in range(0, len(scores), rows))


def _check(targets: np.ndarray, others: np.ndarray) -> None:
    if targets.ndim != 2 or targets.shape != others.shape:
        raise ValueError(
            f"targets are {targets.shape}, scores are {others.shape}: both must be [rows, labels]"
        )


def _row_counts(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    # int64 [rows, 3]: labels hit, labels predicted, labels there.
    there, guess = targets != 0, predicted != 0
    return np.stack([np.count_nonzero(m, axis=1) for m in (there & guess, guess, there)], axis=1)


def _f1(hit: np.ndarray, predicted: np.ndarray, there: np.ndarray) -> np.ndarray:
    return 2 * hit / np.maximum(predicted + there, 1)


def _averages(
    there: np.ndarray, predicted: np.ndarray, average: str, columns: np.ndarray | None
) -> list[float]:
    if columns is not None and not len(columns):
        return [0.0, 0.0, 0.0]
    found = precision_recall_fscore_support(
        there, predicted, average=average, labels=columns, zero_division=0.0
    )
    return [float(value) for value in found[:3]]
