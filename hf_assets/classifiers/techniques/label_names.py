"""A head that starts from what the encoder says of the labels' own names.

The row of a label's weights points where the encoder puts its name, so that the first steps need
not find out which texts are near it. How far it points is measured on training texts: names that
say nothing of the texts get no weight, and the head starts at the labels' shares alone.
"""

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

# Training texts on which the length of the weights is measured.
SAMPLE = 256
# Standard deviations of the logits that are tried, the smallest first; 0: no weight at all.
_DEVIATIONS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)


@dataclass(frozen=True)
class NamedStart:
    """Where a head starts: weight float32 [labels, width], and the texts' mean feature [width].

    `deviation`: standard, of the logits of training texts around each label's log-odds.
    """

    weight: torch.Tensor
    mean: torch.Tensor
    deviation: float

    def bias(self, prior: torch.Tensor) -> torch.Tensor:
        """The bias, float32 [labels], with which a text of mean features gets the log-odds."""
        return prior - self.weight @ self.mean


def wording(label: str) -> str:
    """A label as a person would write it: `machine-learning` is machine learning."""
    return re.sub(r"[-_./:\s]+", " ", label).strip() or label


def named_start(
    names: np.ndarray, texts: np.ndarray, targets: np.ndarray, prior: torch.Tensor
) -> NamedStart:
    """The start whose loss on these texts is the lowest of all lengths of the weights.

    Args:
        names: the encoder's features of the labels' names, float32 [labels, width].
        texts: those of some training texts, float32 [rows, width].
        targets: of these texts, uint8 [rows, labels].
        prior: each label's log-odds, float32 [labels].
    """
    named, read = torch.from_numpy(names), torch.from_numpy(texts)
    mean, there = read.mean(0), torch.from_numpy(targets).float()
    # What all names have in common tells no label from another.
    weight = normalize(named - named.mean(0), dim=1)
    logits = (read - mean) @ weight.T
    unit = float(logits.square().mean().sqrt())
    if not np.isfinite(unit) or unit < 1e-9:  # a single label, or an encoder that tells none apart
        return NamedStart(torch.zeros_like(weight), mean, 0.0)
    losses = [
        float(binary_cross_entropy_with_logits(prior + deviation / unit * logits, there))
        for deviation in _DEVIATIONS
    ]
    deviation = _DEVIATIONS[int(np.argmin(losses))]
    return NamedStart(deviation / unit * weight, mean, deviation)
