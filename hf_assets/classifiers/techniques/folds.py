"""Targets that teachers soften: each row's, by a teacher that did not see the row.

The training rows are cut into folds. A teacher of each fold learns from the rows of the others and
answers those of its own; what it says there is mixed into their targets. Labels that nobody gave,
though they fit, then cost less, and a row that is odd pulls less.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hf_assets.corpora.corpus import Split
from hf_assets.storage.durable import replacing

# With fewer rows a fold, teachers know too little to teach.
LEAST_ROWS = 100


@dataclass(frozen=True)
class Fold:
    """Positions of training rows: a teacher's own, which it answers, and those it learns from."""

    own: np.ndarray
    others: np.ndarray


@dataclass(frozen=True)
class Answers:
    """What a teacher says of its own rows: float16 [rows, labels], and the seconds it took."""

    scores: np.ndarray
    seconds: float

    def save(self, path: Path) -> None:
        """Write the file whole or not at all, also where the machine loses power then."""
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, scores=self.scores, seconds=self.seconds)

    @classmethod
    def load(cls, path: Path) -> "Answers":
        """What `save` wrote."""
        with np.load(path) as file:
            return cls(file["scores"], float(file["seconds"]))


def folds(rows: int, count: int, seed: int) -> list[Fold]:
    """`count` folds of about one size, drawn with that seed; none where they would be too small."""
    if count < 2 or rows < count * LEAST_ROWS:
        return []
    drawn = np.random.default_rng(seed).permutation(rows) % count
    return [Fold(np.flatnonzero(drawn == at), np.flatnonzero(drawn != at)) for at in range(count)]


def rows_of(split: Split, positions: Sequence[int] | np.ndarray) -> Split:
    """The rows at these positions."""
    return Split(
        [split.ids[at] for at in positions],
        [split.texts[at] for at in positions],
        split.targets[np.asarray(positions)],
    )


def softened(
    targets: np.ndarray, answered: Iterable[tuple[Fold, Answers]], share: float
) -> np.ndarray:
    """Targets, float16 [rows, labels], of which the teachers' answers make up `share`.

    A label that none of a teacher's rows had stays as it is: the teacher cannot know it.

    Args:
        targets: uint8 [rows, labels].
        answered: each fold with its teacher's answers.
    """
    mixed = targets.astype(np.float16)
    for fold, answers in answered:
        known = targets[fold.others].any(axis=0)
        own = targets[fold.own].astype(np.float32)
        soft = (1 - share) * own + share * answers.scores.astype(np.float32)
        mixed[fold.own] = np.where(known, soft, own)
    return mixed
