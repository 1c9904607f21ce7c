"""Numbers of integer products: weights that saturate nowhere, ranges of activations.

Where a processor has AVX2 and no VNNI, onnxruntime multiplies unsigned by signed bytes with
`vpmaddubsw`, which adds two neighbouring products in 16 bits and cuts what does not fit. So the
weights of two neighbours have a sum of 128 at most: 255 x 128 fits. A scale a column does that for
less than half a bit; seven bits for all weights would take a whole one.
"""

from typing import NamedTuple

import numpy as np

LEVELS = 255
PAIR = 128
# Of the extremes that the calibration texts reach.
_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
_SEARCHED_ROWS = 512
# Share of a column's size that weights take over. Of 0.35, 0.5, 0.65, 0.8, 0.9 and 1 the one whose
# scores were nearest to float32's on validation texts of robotics.
MOVED = 0.8


class Range(NamedTuple):
    """Activation = (byte - zero) x scale."""

    scale: np.float32
    zero: np.uint8

    def bytes_of(self, values: np.ndarray) -> np.ndarray:
        """The nearest bytes, as floats."""
        return np.clip(np.round(values / self.scale) + float(self.zero), 0, LEVELS)

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """The values that the nearest bytes stand for."""
        return (self.bytes_of(values) - float(self.zero)) * self.scale


def integer_weights(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Int8 weights [rows, columns] and their scale a column, float32.

    No two neighbours of a column, row 2k and 2k + 1, have positive parts or negative parts that
    add up to more than `PAIR`.
    """
    wide = weights.astype(np.float64)
    scale = np.maximum(np.abs(wide).max(axis=0) / 127, largest_pairs(wide) / PAIR)
    scale = np.maximum(scale, 1e-30)
    while True:
        whole = np.round(wide / scale)
        # Two that are rounded up can be 129.
        over = largest_pairs(whole) > PAIR
        if not over.any():
            return whole.astype(np.int8), scale.astype(np.float32)
        scale = np.where(over, scale * 1.004, scale)


def largest_pairs(weights: np.ndarray) -> np.ndarray:
    """The largest sum of positive, or of negative, parts of two neighbours, by column."""
    even = np.pad(weights, ((0, len(weights) % 2), (0, 0))).astype(np.float64)
    sums = [np.maximum(part, 0).reshape(-1, 2, part.shape[1]).sum(axis=1) for part in (even, -even)]
    return np.maximum(*(each.max(axis=0) for each in sums))


def activation_range(rows: np.ndarray, importance: np.ndarray) -> Range:
    """The range that loses least: what lies beyond is cut, what lies within is rounded.

    Args:
        rows: float32 [tokens, width].
        importance: of an error in each of the columns, [width].
    """
    low, high = min(float(rows.min()), 0.0), max(float(rows.max()), 0.0)
    searched = rows[:: max(1, len(rows) // _SEARCHED_ROWS)]
    best, least = Range(np.float32(1.0), np.uint8(0)), np.inf
    for below in _SHARES if low < 0 else (1.0,):
        for above in _SHARES:
            scale = np.float32((high * above - low * below) / LEVELS)
            if not scale > 0:
                continue
            tried = Range(scale, np.uint8(round(-low * below / float(scale))))
            lost = float((np.square(tried.rounded(searched) - searched).sum(axis=0)) @ importance)
            if lost < least:
                best, least = tried, lost
    return best


def without_halves(chosen: Range, inputs: np.ndarray, results: np.ndarray) -> Range | None:
    """A range at most 2 % wider, in which no result is so near to a half that its last bits count.

    None where there is no such range.

    Args:
        chosen: the range to widen.
        inputs: of a function that each processor approximates in its own way, in float32.
        results: of it, one for each input; errors are under a millionth of the input.
    """
    for wider in range(200):
        scale = np.float32(float(chosen.scale) * (1 + wider * 1e-4))
        of_a_byte = results / float(scale)
        inside = of_a_byte + float(chosen.zero) < LEVELS + 1
        distance = np.abs(of_a_byte - np.floor(of_a_byte) - 0.5)
        if (distance > 1e-6 * np.abs(inputs) / float(scale) + 1e-5)[inside].all():
            return Range(scale, chosen.zero)
    return None


def smoothing(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """By what to divide each column of activations, and multiply its row of weights.

    SmoothQuant's: large columns become smaller, so that all share a scale. Not its half: weights
    have a scale for each column of theirs, and bear more of the difference.

    Args:
        rows: float32 [tokens, width].
        weights: of all products that read them, [width, columns].
    """
    active = np.maximum(np.abs(rows).max(axis=0), 1e-5)
    heavy = np.maximum(np.abs(weights).max(axis=1), 1e-5)
    return (active**MOVED / heavy ** (1 - MOVED)).astype(np.float32)
