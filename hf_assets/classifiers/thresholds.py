"""The one rule by which a threshold is chosen, for every model: torch, ONNX, int8, TF-IDF, blend.

Of the thresholds whose micro-F1 on validation lies within a distance of the best, the one with the
best macro-F1. Micro-F1 is flat around its maximum: where the maximum itself lies is chance, and a
point of macro-F1 or more hangs on it.

The distance is chosen by resampling, on validation alone: the rows are cut into random halves
`SPLITS` times; for each distance of `DISTANCES` a threshold is chosen on one half and scored on the
other, and the other way round. A distance is allowed where the mean micro-F1 on the other halves is
at most `TOLERANCE` (0.2 points) below that of distance 0, the exact maximum; of those allowed, the
one with the best mean macro-F1 there is taken, the smaller of equals. With fewer than `LEAST_ROWS`
rows that have a label a half says nothing, and the distance is 0.
"""

from dataclasses import dataclass

import numpy as np

from hf_assets.classifiers.metrics import pieces, require_scores
from hf_assets.classifiers.records import LEAST_ROWS, ThresholdRule

# Shares of micro-F1: 0 to 1 point.
DISTANCES = (0.0, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01)
SPLITS = 20
TOLERANCE = 0.002
# Of more scores the rows are drawn on which the distance is chosen.
MOST_CELLS = 500_000
RULE = (
    "of the thresholds whose micro-F1 on validation lies within the distance of the best, the one "
    "with the best macro-F1; the distance by resampled halves of validation"
)
# Cells further below the best micro-F1 than this can bear no threshold of any half.
_REACH = 0.1


@dataclass(frozen=True)
class Chosen:
    """A threshold, and what it reaches on the rows that it was chosen on.

    Attributes:
        value: a float32, the lowest score at which a label is given.
        distance: of micro-F1 from the best, as a share, within which it was looked for.
        micro_f1, macro_f1: on these rows; macro over the labels that a row has.
        rows: those that have a label.
    """

    value: float
    distance: float
    micro_f1: float
    macro_f1: float
    rows: int = 0

    @property
    def rule(self) -> ThresholdRule:
        """The rule, its distance and the rows, to be recorded."""
        return ThresholdRule(RULE, self.distance, self.rows)


def choose_threshold(
    targets: np.ndarray, scores: np.ndarray, distance: float | None = None
) -> Chosen:
    """The threshold for these rows, as the module says.

    It lies halfway between the lowest score it lets in and the highest it keeps out, so that a
    rounding elsewhere changes no answer. Where no row has a label it lies above every score, up
    to 1 for probabilities. The same rows give the same threshold. Memory beyond the arguments: 100
    MB, and some 100 bytes for each score near or above the threshold.

    Args:
        targets: uint8 [rows, labels].
        scores: float32 [rows, labels], the higher the likelier.
        distance: a share of micro-F1; None chooses it by resampling.

    Raises:
        ValueError: shapes that differ, no cells at all, or scores that are not finite.
    """
    require_scores(targets, scores)
    there = targets != 0
    if not there.any():
        most = np.float32(scores.max())
        # Of probabilities it is one, too: no page or caller takes another.
        limit = np.float32(1 if most <= 1 else np.inf)
        return Chosen(float(np.nextafter(most, limit)), 0.0, 0.0, 0.0)
    cells = _cells(there, scores)
    if distance is None:
        distance = _resampled(cells, there)
    curve = _Curve.of(cells, there.sum(axis=0))
    at = curve.near_best(distance)
    rows = int(there.any(axis=1).sum())
    micro, macro = float(curve.micro[at]), float(curve.macro[at])
    return Chosen(curve.threshold(at), distance, micro, macro, rows)


@dataclass(frozen=True)
class _Cells:
    """The highest cells of a table of scores, the highest first.

    `below` is the highest score that is not among them, or None where all are.
    """

    scores: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    hits: np.ndarray
    below: float | None

    def of_rows(self, rows: np.ndarray) -> "_Cells":
        kept = rows[self.rows]
        parts = (self.scores, self.rows, self.labels, self.hits)
        return _Cells(*(part[kept] for part in parts), self.below)


def _cells(there: np.ndarray, scores: np.ndarray) -> _Cells:
    """The cells from which a threshold can come: those where micro-F1 is near its best."""
    # F1 can only grow where a label that is there comes in: no other threshold need be tried.
    hits, counts = np.unique(scores[there], return_counts=True)
    found = np.cumsum(counts[::-1])[::-1]
    let_in = np.zeros(len(hits), np.int64)
    for part in pieces(scores):
        let_in += part.size - np.searchsorted(np.sort(part), hits, side="left")
    f1 = 2 * found / (let_in + counts.sum())
    floor = hits[np.flatnonzero(f1 >= f1.max() - _REACH)[0]]
    rows, labels = np.nonzero(scores >= floor)
    values = scores[rows, labels]
    order = np.argsort(-values, kind="stable")
    rows, labels = rows[order], labels[order]
    outside = [part.max() for piece in pieces(scores) if (part := piece[piece < floor]).size]
    below = float(max(outside)) if outside else None
    return _Cells(values[order], rows, labels, there[rows, labels], below)


@dataclass(frozen=True)
class _Curve:
    """Micro- and macro-F1 of every threshold that parts the cells, the highest threshold first.

    Threshold i lets in the first `ends[i]` cells.
    """

    cells: _Cells
    ends: np.ndarray
    micro: np.ndarray
    macro: np.ndarray

    @classmethod
    def of(cls, cells: _Cells, positives: np.ndarray) -> "_Curve":
        """The curve of these cells; `positives`: rows with each label, of all rows."""
        count = len(cells.scores)
        hits = np.cumsum(cells.hits)
        micro = 2 * hits / (np.arange(1, count + 1) + positives.sum())
        # Label by label, the F1 after each of its cells; its step is what macro-F1 moves by.
        order = np.argsort(cells.labels, kind="stable")
        own = cells.labels[order]
        first = np.flatnonzero(np.append(True, own[1:] != own[:-1])) if count else own
        lengths = np.diff(np.append(first, count))
        said = np.arange(count) - np.repeat(first, lengths) + 1
        total = np.cumsum(cells.hits[order])
        right = total - np.repeat(total[first] - cells.hits[order][first], lengths)
        f1 = 2 * right / (said + positives[own])
        before = np.where(said > 1, np.append(0.0, f1[:-1]), 0.0)
        steps = np.empty(count)
        steps[order] = np.where(positives[own] > 0, f1 - before, 0.0)
        macro = np.cumsum(steps) / max(np.count_nonzero(positives), 1)
        # Equal scores come in together.
        last = np.append(cells.scores[1:] != cells.scores[:-1], True) if count else []
        ends = np.flatnonzero(last)
        return cls(cells, ends + 1, micro[ends], macro[ends])

    def near_best(self, distance: float) -> int:
        """The place of the best macro-F1 near the best micro-F1; of equals the highest threshold.

        At distance 0 that is the best micro-F1.
        """
        near = np.flatnonzero(self.micro >= self.micro.max() - distance - 1e-12)
        return int(near[np.argmax(self.macro[near])]) if distance else int(near[0])

    def threshold(self, at: int) -> float:
        """The value halfway between the last score let in and the next."""
        end = self.ends[at]
        lowest = self.cells.scores[end - 1]
        rest = self.cells.scores[end] if end < len(self.cells.scores) else self.cells.below
        if rest is None:
            return float(lowest)
        halfway = np.float32((float(lowest) + float(rest)) / 2)
        return float(halfway if halfway > rest else lowest)

    def at(self, threshold: float) -> tuple[float, float]:
        """Micro- and macro-F1 of any threshold."""
        let_in = np.searchsorted(-self.cells.scores, -np.float32(threshold), side="right")
        place = np.searchsorted(self.ends, let_in, side="right") - 1
        return (float(self.micro[place]), float(self.macro[place])) if place >= 0 else (0.0, 0.0)


def _resampled(cells: _Cells, there: np.ndarray) -> float:
    """The distance whose thresholds do best on the half that did not choose them."""
    rows = np.flatnonzero(there.any(axis=1))
    if len(rows) < LEAST_ROWS:
        return 0.0
    draws = np.random.default_rng(0)
    if len(cells.scores) > MOST_CELLS:
        drawn = draws.random(len(there)) < MOST_CELLS / len(cells.scores)
        cells, there = cells.of_rows(drawn), np.where(drawn[:, None], there, False)
    reached = np.zeros((len(DISTANCES), 2))
    for _ in range(SPLITS):
        half = np.zeros(len(there), bool)
        half[draws.permutation(len(there))[: len(there) // 2]] = True
        curves = [_Curve.of(cells.of_rows(side), there[side].sum(axis=0)) for side in (half, ~half)]
        if not all(len(curve.ends) for curve in curves):
            return 0.0
        for own, other in (curves, curves[::-1]):
            for place, distance in enumerate(DISTANCES):
                reached[place] += other.at(own.threshold(own.near_best(distance)))
    micro, macro = (reached / (2 * SPLITS)).T
    allowed = np.flatnonzero(micro >= micro[0] - TOLERANCE)
    return DISTANCES[allowed[np.argmax(macro[allowed])]]
