"""A fitted TF-IDF model with a linear score a label, served by numpy alone.

`baselines.py` fits it; the tagger adds its scores to the network's (`Words`). Published folders get
a copy of this file: it imports numpy and nothing of the package around it.

A text's terms are its words of two characters or more and its pairs of neighbouring words, in lower
case; each term of the model weighs (1 + ln count) idf, and the weights of a text have length 1.
Terms of the title, which stands before a text's first blank line, count several times.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

_WORD = re.compile(r"\b\w\w+\b")
# What the file takes besides its numbers and terms: the headers of eight arrays.
_HEADERS = 4096


@dataclass(frozen=True)
class TfIdf:
    """A linear model over terms; most weights of most labels are zero and not stored.

    Term t's weights are `weights[starts[t]:starts[t + 1]]`, for the labels in the same place of
    `columns`; label j's are in units of `scale[j]`.

    Attributes:
        terms: distinct, one or two words each.
        idf: float32 [terms].
        starts: int32 or int64 [terms + 1].
        columns: unsigned [weights]; positions of labels.
        weights: float16 or int8 [weights].
        scale, bias: float32 [labels].
        title: how often a term of the title counts; 1 in files of earlier versions.
    """

    terms: tuple[str, ...]
    idf: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    scale: np.ndarray
    bias: np.ndarray
    title: int = 1

    @cached_property
    def _position(self) -> dict[str, int]:
        return {term: position for position, term in enumerate(self.terms)}

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Signed distances from each label's boundary, float32 [texts, labels]; no probabilities.

        A text without a known term gets every label's bias.
        """
        made = np.empty((len(texts), len(self.bias)), np.float32)
        for row, text in enumerate(texts):
            made[row] = self._scores_of(text)
        return made

    def _scores_of(self, text: str) -> np.ndarray:
        counts = Counter(self._known(text))
        if self.title > 1:
            for position, times in Counter(self._known(title_of(text))).items():
                counts[position] += (self.title - 1) * times
        if not counts:
            return self.bias
        terms = np.fromiter(counts, np.int64, len(counts))
        tf = np.log(np.fromiter(counts.values(), np.float32, len(counts))) + 1
        share = tf * self.idf[terms]
        share /= np.sqrt(np.sum(share**2))
        lengths = self.starts[terms + 1] - self.starts[terms]
        # Every position of these terms' weights, one run behind the other.
        before = np.cumsum(lengths) - lengths
        at = np.arange(lengths.sum()) + np.repeat(self.starts[terms] - before, lengths)
        parts = self.weights[at] * np.repeat(share, lengths)
        return np.bincount(self.columns[at], parts, len(self.bias)) * self.scale + self.bias

    def _known(self, text: str) -> Iterator[int]:
        """The positions of the text's terms that the model has, as often as they occur."""
        words = _WORD.findall(text.lower())
        pairs = (f"{one} {two}" for one, two in itertools.pairwise(words))
        known = (self._position.get(term) for term in (*words, *pairs))
        return (position for position in known if position is not None)

    def pruned(self, size: int) -> "TfIdf":
        """A copy whose file takes at most `size` bytes: the weights furthest from 0, in 8 bits.

        Terms of which no weight is left are forgotten.

        Raises:
            ValueError: not one weight fits into `size` bytes.
        """
        room = size - _HEADERS - 8 * len(self.bias)
        strength = np.abs(self.weights * self.scale[self.columns])
        most = min(max(room, 0) // 3, len(strength))
        if not most:
            raise ValueError(f"a TF-IDF model of {len(self.bias)} labels needs over {size} bytes")
        # By value, and of equal ones the first: which of them a partition puts in front depends on
        # the processor.
        least = -np.partition(-strength, most - 1)[most - 1]
        order = np.flatnonzero(strength >= least)
        order = order[np.lexsort((order, -strength[order]))][:most]
        of_term = np.repeat(np.arange(len(self.terms)), np.diff(self.starts))[order]
        # A weight takes a byte and its column two; its term, where first met, its name and 8 more.
        cost = np.full(most, 1 + self.columns.itemsize)
        met, first = np.unique(of_term, return_index=True)
        cost[first] += [len(self.terms[term].encode()) + 1 + 8 for term in met]
        kept = order[: np.searchsorted(np.cumsum(cost), room, side="right")]
        if not len(kept):
            raise ValueError(f"a TF-IDF model of {len(self.bias)} labels needs over {size} bytes")
        kept.sort()
        of_term = np.repeat(np.arange(len(self.terms)), np.diff(self.starts))[kept]
        terms, lengths = np.unique(of_term, return_counts=True)
        columns, values = self.columns[kept], (self.weights * self.scale[self.columns])[kept]
        largest = np.zeros(len(self.bias), np.float32)
        np.maximum.at(largest, columns, np.abs(values))
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        return TfIdf(
            terms=tuple(self.terms[term] for term in terms),
            idf=self.idf[terms],
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
            columns=columns,
            weights=np.rint(values / scale[columns]).astype(np.int8),
            scale=scale,
            bias=self.bias,
            title=self.title,
        )

    @property
    def size(self) -> int:
        """Bytes its file takes, headers aside."""
        arrays = (self.idf, self.starts, self.columns, self.weights, self.scale, self.bias)
        return sum(len(term.encode()) + 1 for term in self.terms) + sum(x.nbytes for x in arrays)

    def save(self, path: Path) -> None:
        """Write one .npz file without pickles; the same model gives the same bytes."""
        names = np.frombuffer("\n".join(self.terms).encode(), np.uint8)
        # A model without it gives the file of earlier versions.
        title: dict[str, Any] = {} if self.title == 1 else {"title": np.int64(self.title)}
        with path.open("wb") as file:
            np.savez(
                file, terms=names, idf=self.idf, starts=self.starts, columns=self.columns,
                weights=self.weights, scale=self.scale, bias=self.bias,
                **title,
            )  # fmt: skip

    @classmethod
    def load(cls, path: str | Path) -> "TfIdf":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError, KeyError: the file is something else, or torn.
        """
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        names = arrays.pop("terms").tobytes().decode()
        title = int(arrays.pop("title", 1))
        return cls(terms=tuple(names.split("\n")) if names else (), **arrays, title=title)


def title_of(text: str) -> str:
    """What stands before the first blank line; nothing where there is none."""
    title, _, body = text.partition("\n\n")
    return title if body else ""


class Words(NamedTuple):
    """The blend of a served folder: its TF-IDF model, the weight of that, and the threshold."""

    model: TfIdf
    weight: float
    threshold: float

    @classmethod
    def load(cls, folder: Path, blend: Any, labels: int) -> "Words":
        """Read the blend that config.json describes: `file`, `weight`, `threshold`.

        Raises:
            ValueError: the description, or the file, is something else, or torn.
        """
        try:
            file, weight, threshold = (blend[name] for name in ("file", "weight", "threshold"))
            if Path(file).name != file or not (weight >= 0 and 0 <= threshold <= 1):
                raise ValueError(f"not a file here, a weight and a threshold: {blend}")
            model = TfIdf.load(folder / file)
            if len(model.bias) != labels:
                raise ValueError(f"{file} has {len(model.bias)} labels, the graph {labels}")
        except (OSError, KeyError, TypeError, ValueError, EOFError, BadZipFile) as error:
            raise ValueError(f"the blend in config.json cannot be served: {error}") from error
        return cls(model, float(weight), float(threshold))

    def added(self, probabilities: np.ndarray, text: str) -> np.ndarray:
        """The network's probabilities of a text, float32 [labels], with the words counted in."""
        return blended(probabilities[None], self.model.scores([text]), self.weight)[0]


def blended(probabilities: np.ndarray, words: np.ndarray, weight: float) -> np.ndarray:
    """sigmoid(logit + weight x words), float32 [rows, labels].

    Args:
        probabilities: the network's, float32 [rows, labels].
        words: TF-IDF's scores, of the same shape.
        weight: 0 gives the probabilities back.
    """
    # A float32 of 1 is a logit of 17 or more, and of 0 one of -103 or less.
    p = np.clip(probabilities.astype(np.float64), 1e-45, 1 - 2**-25)
    logits = np.log(p) - np.log1p(-p) + weight * words
    # A large weight takes a sigmoid to its ends.
    with np.errstate(over="ignore", under="ignore"):
        return (1 / (1 + np.exp(-logits))).astype(np.float32)
