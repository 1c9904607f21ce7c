"""Tunes an encoder on pairs of texts: those with the same labels near, the others apart.

From n texts there are n² / 2 pairs to learn from. All pairs of a batch count, so that each text is
read once for all of them.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from hf_assets.classifiers.training.batches import pad_id, padded, token_ids
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import device
from hf_assets.classifiers.training.network import TagNetwork
from hf_assets.classifiers.training.objective import TrainingError
from hf_assets.progress import TimedLog

_BATCH = 16
_RATE = 5e-5
_WARMUP = 0.1
# A row is read about so often, and at least and at most so many steps are taken.
_PASSES, _LEAST_STEPS, _MOST_STEPS = 6, 30, 120


def steps_for(rows: int) -> int:
    """How many steps so many rows get."""
    return int(np.clip(-(-_PASSES * rows // _BATCH), _LEAST_STEPS, _MOST_STEPS))


def tune(
    network: TagNetwork,
    tokenizer: Any,
    texts: Sequence[str],
    targets: np.ndarray,
    recipe: Recipe,
    log: Callable[[str], None] = lambda _: None,
) -> list[tuple[int, float]]:
    """Tune the encoder of `network` in place; returns (step, loss) of each step.

    The loss is the squared distance of a pair's cosine from the share of labels that both texts
    have, of those that either has.

    Args:
        texts: two or more.
        targets: uint8 [texts, labels].

    Raises:
        TrainingError: the loss is no number.
    """
    at, steps = device(), steps_for(len(texts))
    rows, shared = token_ids(tokenizer, texts, network.max_length), _shared(targets)
    trained = [each for each in network.encoder.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=_RATE, weight_decay=recipe.weight_decay)
    rising = max(1, round(_WARMUP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min((step + 1) / rising, (steps - step) / max(1, steps - rising)),
    )
    draw, losses = np.random.default_rng(recipe.seed), []
    progress, began = TimedLog(log, steps), time.monotonic()
    network.train().to(at.kind)
    for step in range(1, steps + 1):
        chosen = _drawn(targets, draw)
        inputs = padded([rows[i] for i in chosen], pad_id(tokenizer))
        with at.autocast(network.computed(at.dtype(recipe))):
            pooled = network.pooled(**{name: each.to(at.kind) for name, each in inputs.items()})
        cosines = normalize(pooled.float()) @ normalize(pooled.float()).T
        wanted = torch.from_numpy(shared[np.ix_(chosen, chosen)]).to(at.kind)
        apart = ~torch.eye(len(chosen), dtype=torch.bool, device=at.kind)
        loss = (cosines - wanted)[apart].square().mean()
        if not torch.isfinite(loss):
            raise TrainingError(f"the loss of pairs is {loss.item()} after step {step}")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, recipe.max_grad_norm)
        optimizer.step()
        schedule.step()
        losses.append((step, loss.item()))
        progress.at(step, "pairs: steps")
    network.eval()
    log(f"pairs: {steps} steps of {_BATCH} texts in {time.monotonic() - began:.0f} s")
    return losses


def _drawn(targets: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Positions of a batch: pairs of one label, of as many labels as there is room for.

    At random alone most batches of many labels would have no two texts with the same.
    """
    count = targets.sum(axis=0)
    labels = np.flatnonzero(count >= 2)
    if len(labels) == 0 or len(targets) <= _BATCH:
        return draw.permutation(len(targets))[:_BATCH]
    chosen: set[int] = set()
    for label in draw.permutation(np.resize(labels, max(len(labels), _BATCH))):
        chosen.update(draw.choice(np.flatnonzero(targets[:, label]), 2, replace=False).tolist())
        if len(chosen) >= _BATCH:
            break
    return np.array(sorted(chosen))[:_BATCH]


def _shared(targets: np.ndarray) -> np.ndarray:
    """Of each pair of rows the labels of both as a share of those of either, float32."""
    rows = targets.astype(np.float32)
    both = rows @ rows.T
    count = rows.sum(axis=1)
    either = count[:, None] + count[None, :] - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)
