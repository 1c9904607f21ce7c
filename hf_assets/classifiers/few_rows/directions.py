"""Heads without steps: what a handful of rows a label can bear.

A text's features, at length 1 and seen from the mean of all texts, are answered by a direction for
each label: that of its centroid, or that of least squares. Two numbers, the same for all labels,
make probabilities of the answers. All of it is a linear layer on features of length 1.
"""

from dataclasses import dataclass

import numpy as np
import torch

from hf_assets.classifiers.training.heads import Head

# A label's centroid counts as if so many texts of no label in particular were among its own.
_SHRINKAGE = 2.0
# Of least squares. Picked by hand on questions of robotics.stackexchange: figures on those say
# nothing of how good it is; `make bench-few-rows` measures on others.
_PENALTY = 1.0
_LEAST = 1e-9
# Steps of Newton; it ends sooner.
_STEPS = 50


@dataclass(frozen=True)
class Directions:
    """Where labels lie.

    Attributes:
        mean: of all texts at length 1, [width].
        weights: [labels, width]; offsets: [labels]. All are float64: their last bits, which hang on
            where in memory a product is computed, are gone when a head is made of them.
    """

    mean: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of_centroids(cls, features: np.ndarray, targets: np.ndarray) -> "Directions":
        """Cosines with each label's mean text, less far out for labels of fewer rows.

        Args:
            features: float32 [rows, width].
            targets: uint8 [rows, labels].
        """
        rows, mean = _centred(features)
        count = targets.sum(axis=0, dtype=np.float64)[:, None]
        sums = targets.T.astype(np.float64) @ rows
        unit = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), _LEAST)
        weights = unit * count / (count + _SHRINKAGE)
        return cls(mean, weights, np.zeros(len(weights)))

    @classmethod
    def of_least_squares(cls, features: np.ndarray, targets: np.ndarray) -> "Directions":
        """The directions that miss 0 and 1 least, with a penalty on their length.

        Arguments as of `of_centroids`.
        """
        rows, mean = _centred(features)
        shares = targets.mean(axis=0)
        bend = rows.T @ rows + _PENALTY * np.eye(rows.shape[1])
        weights = np.linalg.solve(bend, rows.T @ (targets - shares)).T
        return cls(mean, weights, shares)

    def answers(self, features: np.ndarray) -> np.ndarray:
        """How well each label fits each row, float32 [rows, labels], on no scale yet."""
        return ((_normalised(features) - self.mean) @ self.weights.T + self.offsets).astype(
            np.float32
        )

    def head(self, scale: "Scale") -> Head:
        """The layer that gives logits of rows of length 1."""
        weight = scale.factor * self.weights
        bias = scale.offset + scale.factor * self.offsets - weight @ self.mean
        return Head(
            torch.from_numpy(weight.astype(np.float32)), torch.from_numpy(bias.astype(np.float32))
        )


@dataclass(frozen=True)
class Scale:
    """What makes log-odds of answers: factor, above 0, and offset."""

    factor: float
    offset: float

    @classmethod
    def of(cls, answers: np.ndarray, targets: np.ndarray) -> "Scale":
        """The likeliest for answers to rows that were not learnt from, by Newton's method.

        Targets are a little less than 1 and more than 0, as Platt had them, so that no number
        grows without end where the answers part the rows.
        """
        x, y = answers.ravel().astype(np.float64), targets.ravel().astype(np.float64)
        there = y.sum()
        y = np.where(y > 0, (there + 1) / (there + 2), 1 / (len(y) - there + 2))
        inputs = np.stack([x, np.ones_like(x)], axis=1)
        found = np.array([1.0, np.log(y.mean() / (1 - y.mean()))])
        for _ in range(_STEPS):
            chance = 1 / (1 + np.exp(-inputs @ found))
            slope = inputs.T @ (chance - y)
            bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs
            step = np.linalg.solve(bend + 1e-6 * np.eye(2), slope)
            # Far from the end a full step can be too long.
            step *= min(1.0, 5.0 / max(float(np.abs(step).max()), _LEAST))
            found = found - step
            if np.abs(step).max() < 1e-6:
                break
        # Answers that say the contrary of what they should know nothing.
        return cls(max(float(found[0]), 1.0), float(found[1]))

    def scores(self, answers: np.ndarray) -> np.ndarray:
        """Probabilities, float32, of the shape of `answers`."""
        logits = self.factor * answers + self.offset
        return (1 / (1 + np.exp(-logits))).astype(np.float32)


def _normalised(features: np.ndarray) -> np.ndarray:
    rows = features.astype(np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _LEAST)


def _centred(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = _normalised(features)
    mean = rows.mean(axis=0)
    return rows - mean, mean
