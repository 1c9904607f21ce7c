"""A linear head on a frozen encoder: texts are encoded once, the rest takes seconds."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import dropout

from hf_assets.classifiers.training.devices import torch_threads
from hf_assets.classifiers.training.objective import (
    TrainingError,
    TrainingResult,
    best_of,
    exhausted,
    prior_bias,
    summed_loss,
    validated,
)
from hf_assets.classifiers.training.record import EpochScores, History
from hf_assets.progress import TimedLog

# Tuned on the validation rows of 10 500 questions with 365 labels; twice or half of any of them
# moves micro-F1 by 0.3 points.
_BATCH, _RATE, _DECAY, _DROPOUT = 64, 1e-3, 0.01, 0.3
_PATIENCE = 10  # looks at validation without a better score
_EPOCHS, _LEAST_STEPS = 30, 3000  # a small corpus takes more epochs for as many steps
_LEAST_SPREAD = 0.01  # of a feature, as a share of what is usual
_LOOKS = 60  # at validation, at most: for a small corpus that would take longer than the steps


@dataclass(frozen=True)
class Head:
    """A linear layer: weight [labels, width], bias [labels], both float32."""

    weight: torch.Tensor
    bias: torch.Tensor


# Its products are so small that more threads cost more: 39 s of CPU, not 3, on two busy cores.
@torch_threads(1)
def fit_head(
    features: np.ndarray,
    targets: np.ndarray,
    validation_features: np.ndarray,
    validation_targets: np.ndarray,
    seed: int,
    log: Callable[[str], None] = lambda _: None,
) -> tuple[Head, TrainingResult]:
    """The head with the best micro-F1 on validation, of all epochs.

    It is trained on features centred and scaled by one number, whatever the encoder's own scale;
    that is folded into the layer, which reads features as they are. A feature that hardly varies
    gets no weight: it would multiply the rounding of an int8 encoder.

    Args:
        features, validation_features: float32 [rows, width].
        targets, validation_targets: uint8 [rows, labels].

    Raises:
        TrainingError: the features hold NaN or infinity.
    """
    if not (np.isfinite(features).all() and np.isfinite(validation_features).all()):
        raise TrainingError("the encoder gives NaN or infinity: its weights are broken")
    draws = torch.Generator().manual_seed(seed)
    mean = torch.from_numpy(features.mean(axis=0))
    spread = torch.from_numpy(features.std(axis=0))
    scale = spread.square().mean().sqrt().clamp(min=1e-6)
    factors = torch.where(spread > _LEAST_SPREAD * scale, 1 / scale, 0.0)
    x, validation_x = (
        (torch.from_numpy(each) - mean) * factors for each in (features, validation_features)
    )
    y = torch.from_numpy(targets).float()
    weight = torch.zeros(y.shape[1], x.shape[1], requires_grad=True)
    bias = prior_bias(targets).requires_grad_()
    a_pass = math.ceil(len(x) / _BATCH)
    epochs = max(_EPOCHS, math.ceil(_LEAST_STEPS / a_pass))
    look = math.ceil(epochs / _LOOKS)
    decayed = [{"params": [weight], "weight_decay": _DECAY}, {"params": [bias], "weight_decay": 0}]
    optimizer = torch.optim.AdamW(decayed, lr=_RATE)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, epochs * a_pass)

    history: History = []
    kept = Head(weight.detach().clone(), bias.detach().clone())
    seconds, progress = 0.0, TimedLog(log, epochs)
    torch.manual_seed(seed)  # dropout draws from the global generator
    for epoch in range(1, epochs + 1):
        started, lost = time.monotonic(), 0.0
        for rows in torch.randperm(len(x), generator=draws).split(_BATCH):
            logits = dropout(x[rows], _DROPOUT) @ weight.T + bias
            loss = summed_loss(logits, y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            falling.step()
            lost += loss.item() * len(rows)
        seconds += time.monotonic() - started
        progress.at(epoch, "head: epochs, at most")
        if epoch % look and epoch < epochs:
            continue
        with torch.no_grad():
            logits = validation_x @ weight.T + bias
            validation_loss = summed_loss(logits, torch.from_numpy(validation_targets)).item()
        entry = EpochScores(
            epoch=epoch,
            step=epoch * a_pass,
            loss=lost / len(x),
            validation_loss=validation_loss,
            **validated(validation_targets, torch.sigmoid(logits).numpy()),
        )
        history.append(entry)
        if best_of(history) is entry:
            kept = Head(weight.detach().clone(), bias.detach().clone())
        if exhausted([entry.micro_f1 for entry in history], _PATIENCE):
            break
    best = best_of(history)
    log(
        f"head: {history[-1].epoch} epochs in {seconds:.1f} s; the best, {best.epoch}, has "
        f"validation micro-F1 {100 * best.micro_f1:.1f} %, macro-F1 {100 * best.macro_f1:.1f} %"
    )
    learned = TrainingResult(
        history=history,
        losses=[(entry.step, entry.loss) for entry in history],
        seconds=seconds,
        samples_per_second=len(x) * history[-1].epoch / max(seconds, 1e-9),
        best=best.epoch,
    )
    folded = kept.weight * factors
    return Head(folded, kept.bias - folded @ mean), learned
