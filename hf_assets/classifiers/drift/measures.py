"""How far texts are from those that were learnt: shares of labels, and words that nobody has seen.

The distance of a small sample is never 0: as many training rows, drawn again and again, say what
chance alone makes of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import polars as pl

from hf_assets.corpora.labels import multi_hot

Item = TypeVar("Item")
# As TF-IDF reads them.
_WORD = re.compile(r"\b\w\w+\b")
DRAWS, QUANTILE = 200, 0.95
# Rows of a draw from which it is of this size: the noise of more is below a hundredth anyway.
_MOST_DRAWN = 5_000


@dataclass(frozen=True)
class Distances:
    """The shares of labels in the training rows.

    Attributes:
        labels: in the order of the columns.
        targets: uint8 [rows, labels].
        shares: float64 [labels + 1], of all labels given; the last is that of labels without a
            column.
    """

    labels: tuple[str, ...]
    targets: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, labels: Sequence[str], rows: pl.Series, others: int = 0) -> "Distances":
        """The shares of those labels.

        Args:
            labels: those with a column.
            rows: a list of labels for each training row, all of them with a column.
            others: how often the training rows were given labels without a column.
        """
        targets = multi_hot(rows, labels)
        return cls(
            tuple(labels), targets, _shares(np.append(targets.sum(axis=0, dtype=np.int64), others))
        )

    @cached_property
    def drawn_again(self) -> list[np.ndarray]:
        """`DRAWS` times the shares of as many rows, drawn again: few rows have chance shares."""
        rows = len(self.targets)
        if not rows or rows > _MOST_DRAWN:
            return [self.shares] * DRAWS
        draw = np.random.default_rng(1)
        return [_shares(self.counts(draw, draw.integers(rows, size=rows))) for _ in range(DRAWS)]

    def counts(self, draw: np.random.Generator, at: np.ndarray) -> np.ndarray:
        """How often labels are given in those rows; others as often as in all rows."""
        counts = np.append(self.targets[at].sum(axis=0, dtype=np.int64), 0)
        if others := self.shares[-1]:
            counts[-1] = draw.binomial(round(counts.sum() / max(1 - others, 1e-9)), others)
        return counts

    @property
    def labels_a_row(self) -> float:
        """The mean number of labels with a column."""
        return float(self.targets.sum()) / max(len(self.targets), 1)


def label_distance(distances: Distances, given: Mapping[str, int], total: int) -> float:
    """Total variation distance of labels from the training rows', 0 to 1.

    Args:
        distances: the training rows' shares.
        given: how often each label with a column is given.
        total: how often labels are given in all; the rest are labels without a column.
    """
    counts = np.array([*(given.get(label, 0) for label in distances.labels), 0])
    counts[-1] = max(total - counts.sum(), 0)
    return float(np.abs(_shares(counts) - distances.shares).sum() / 2)


def label_noise(distances: Distances, rows: int, seed: int = 0) -> float:
    """The distance that `QUANTILE` of draws of so many training rows stay below.

    The training rows are drawn again, too: they are a sample of the same texts.
    """
    rows = min(rows, _MOST_DRAWN)
    if not rows or not len(distances.targets):
        return 0.0
    draw, found = np.random.default_rng(seed), []
    for shares in distances.drawn_again:
        counts = distances.counts(draw, draw.integers(len(distances.targets), size=rows))
        found.append(np.abs(_shares(counts) - shares).sum() / 2)
    return float(np.quantile(found, QUANTILE))


def unseen_words(texts: Sequence[str], known: frozenset[str] | None) -> tuple[int, float | None]:
    """How many words texts have, and the share that is not known; None where nothing is known."""
    words = [word for text in texts for word in _WORD.findall(text.lower())]
    if known is None or not words:
        return len(words), None
    return len(words), sum(word not in known for word in words) / len(words)


def spaced(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of them, evenly spaced."""
    if len(items) <= most:
        return list(items)
    return [items[at] for at in np.linspace(0, len(items) - 1, most).astype(int)]


def _shares(counts: np.ndarray) -> np.ndarray:
    total = counts.sum()
    return counts / total if total else counts.astype(np.float64)
