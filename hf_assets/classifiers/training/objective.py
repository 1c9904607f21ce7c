"""The objective of a training, whichever layers it trains: loss, first bias, early stopping.

`finetuning.py` and `heads.py` share it; each has its own loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from hf_assets.classifiers.thresholds import choose_threshold
from hf_assets.classifiers.training.record import EpochScores, History
from hf_assets.errors import InputError


class TrainingError(InputError):
    """Training cannot start or go on; the message says why and what to change."""


@dataclass(frozen=True)
class TrainingResult:
    """The course of a training.

    Attributes:
        history: an entry an epoch.
        losses: (step, mean loss since the last) of the loss curve.
        seconds: spent on steps, of killed runs too; samples_per_second: rows a second in them.
        best: the epoch whose weights were kept.
        threads: that it trained with; 0 where their number does not matter.
    """

    history: History
    losses: list[tuple[int, float]]
    seconds: float
    samples_per_second: float
    best: int
    threads: int = 0


def validated(targets: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """The threshold that the rule chooses for these rows, and its micro- and macro-F1 there."""
    chosen = choose_threshold(targets, scores)
    return {
        "micro_f1": chosen.micro_f1,
        "macro_f1": chosen.macro_f1,
        "threshold": chosen.value,
    }


def exhausted(scores: Sequence[float], patience: int) -> bool:
    """Whether the best of the scores is `patience` epochs ago."""
    return bool(scores) and len(scores) - 1 - int(np.argmax(scores)) >= patience


def best_of(history: History) -> EpochScores:
    """The first entry with the highest micro-F1."""
    return max(history, key=lambda entry: entry.micro_f1)


def prior_bias(targets: np.ndarray) -> torch.Tensor:
    """Each label's log-odds in these rows, float32 [labels]: where a head's bias starts.

    Half a row is added on both sides, so that no label starts at infinity.
    """
    rows = targets.sum(axis=0, dtype=np.float64) + 0.5
    return torch.from_numpy(np.log(rows / (len(targets) + 1 - rows)).astype(np.float32))


def summed_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy summed over the labels, mean over the rows.

    The mean over labels would scale each label's gradient by 1 / labels against weight decay and
    the clipped norm.
    """
    lost = binary_cross_entropy_with_logits(logits.float(), targets.float(), reduction="sum")
    return lost / len(logits)
