"""The earlier projects' recipe, done fairly, with the encoder that our recipe has.

As they did it: the body alone (no title), the pooler over the first token, dropout 0.1 all over,
binary cross-entropy averaged over labels, a bias that starts at nothing, two epochs of the head
alone and three of all with rates that fall from layer to layer, one cycle each, batches of 16 of
about one length in random order, the threshold 0.5. Fairly: no mask left out, the test rows left
alone, weights in float32, length 128 as ours; products in bfloat16 where ours are.

An hour or two on two cores without bfloat16: what a run has trained is kept, an epoch at a time,
and the next goes on from there.
"""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from transformers import AutoModel

from hf_assets.classifiers.metrics import scores_at
from hf_assets.classifiers.thresholds import choose_threshold
from hf_assets.classifiers.training.batches import by_length, padded, token_ids
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import device
from hf_assets.classifiers.training.network import load_tokenizer, quiet
from hf_assets.corpora.corpus import Corpus

BATCH, FROZEN, UNFROZEN = 16, 2, 3
# Batches that are sorted by length together.
POOL = 50
THRESHOLD = 0.5
# Peak rates: of the frozen stage, then of the embeddings and of the head.
RATES = (3.5e-4, 3.2e-5, 6e-4)


class NaiveNetwork(torch.nn.Module):
    """An encoder, its pooler over the first token, dropout, a linear layer."""

    def __init__(self, encoder: Path, labels: int) -> None:
        super().__init__()
        with quiet():
            self.encoder: Any = AutoModel.from_pretrained(
                encoder,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                attn_implementation="eager",
            )
        width = self.encoder.config.hidden_size
        self.pooler = torch.nn.Linear(width, width)
        pretrained = getattr(self.encoder, "pooler", None)
        if pretrained is not None:
            self.pooler.load_state_dict(pretrained.dense.state_dict())
            self.encoder.pooler = None
        self.dropout = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(width, labels)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Logits [rows, labels]."""
        first = self.encoder(**inputs).last_hidden_state[:, 0]
        return self.head(self.dropout(torch.tanh(self.pooler(first))))

    def depths(self) -> list[list[torch.nn.Parameter]]:
        """Parameters from the embeddings up: a group a layer, and one for pooler and head."""
        layers = [self.encoder.embeddings, *self.encoder.encoder.layer]
        head = [*self.pooler.parameters(), *self.head.parameters()]
        return [*(list(layer.parameters()) for layer in layers), head]


class QuickDropout:
    """Dropout with masks from numpy: torch's own takes half of the time on a processor."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.SFC64(seed)

    def __call__(
        self, given: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> torch.Tensor:
        """As `torch.nn.functional.dropout`; `p` to the 65 536th."""
        if not training or p <= 0:
            return given
        words = self._bits.random_raw(math.ceil(given.numel() / 4)).view(np.int16)
        kept = torch.from_numpy(words[: given.numel()]) >= round(p * 2**16) - 2**15
        return given * kept.view_as(given).to(given.device, given.dtype).mul_(1 / (1 - p))


def body_of(text: str) -> str:
    """A text without its title; all of it where there is nothing else."""
    return text.partition("\n\n")[2] or text


def naive_scores(
    corpus: Corpus,
    encoder: Path,
    seed: int,
    log: Callable[[str], None] = lambda _: None,
    *,
    kept: Path | None = None,
    rates: tuple[float, float, float] = RATES,
    max_length: int = Recipe().max_length,
) -> tuple[dict[str, float], dict[str, float]]:
    """Train by that recipe and score on test: what `metrics.scores_at` says at 0.5.

    And, as they did not, at a threshold tuned on validation.

    Args:
        kept: a file for what is trained after each epoch; a run goes on from one that is there.
    """
    torch.manual_seed(seed)
    tokenizer, here = load_tokenizer(encoder), device()
    rows = corpus.split("train")
    ids = token_ids(tokenizer, [body_of(text) for text in rows.texts], max_length)
    network = NaiveNetwork(encoder, len(corpus.labels)).to(here.kind)
    groups, (frozen, low, high) = network.depths(), rates
    ratio = (high / low) ** (1 / (len(groups) - 1))
    stages = (
        (FROZEN, [0.0] * (len(groups) - 1) + [frozen]),
        (UNFROZEN, [low * ratio**depth for depth in range(len(groups))]),
    )
    pad, bits = tokenizer.pad_token_id, QuickDropout(seed)
    done: dict[str, Any] = {}
    if kept and kept.exists():
        done = torch.load(kept, weights_only=True)
    for number, (epochs, peaks) in enumerate(stages, 1):
        for group, peak in zip(groups, peaks, strict=True):
            for parameter in group:
                parameter.requires_grad_(peak > 0)
        cycle = _Cycle(network, groups, peaks, epochs * math.ceil(len(ids) / BATCH))
        for epoch in range(1, epochs + 1):
            if (number, epoch) <= done.get("until", (0, 0)):
                if (number, epoch) == done["until"]:
                    cycle.load(done)
                continue
            batches = _batches(ids, np.random.default_rng([seed, number, epoch]))
            with patch("torch.nn.functional.dropout", bits):
                said = cycle.epoch(ids, batches, rows.targets, pad)
            log(f"stage {number}, epoch {epoch} of {epochs}: {said}")
            if kept:
                torch.save({"until": (number, epoch), **cycle.state()}, kept)
    network.eval()

    def answers(texts: Sequence[str]) -> np.ndarray:
        rows = token_ids(tokenizer, [body_of(text) for text in texts], max_length)
        found = np.empty((len(rows), len(corpus.labels)), np.float32)
        with torch.inference_mode(), here.autocast(here.dtype(Recipe())):
            for at, inputs in by_length(rows, 2 * BATCH, pad):
                logits = network(**{name: each.to(here.kind) for name, each in inputs.items()})
                found[at] = torch.sigmoid(logits.float()).cpu().numpy()
        return found

    validation, test = corpus.split("validation"), corpus.split("test")
    tuned = choose_threshold(validation.targets, answers(validation.texts)).value
    found = answers(test.texts)
    at_tuned = scores_at(test.targets, found, tuned) | {"threshold": tuned}
    return scores_at(test.targets, found, THRESHOLD), at_tuned


def _batches(ids: Sequence[Sequence[int]], draws: np.random.Generator) -> list[np.ndarray]:
    """Rows of about one length together, as fastai draws them: sorted in pools, then shuffled."""
    lengths = np.array([len(one) for one in ids])
    order = draws.permutation(len(ids))
    pools = [order[at : at + POOL * BATCH] for at in range(0, len(order), POOL * BATCH)]
    batches = [
        pool[np.argsort(-lengths[pool], kind="stable")][at : at + BATCH]
        for pool in pools
        for at in range(0, len(pool), BATCH)
    ]
    return [batches[at] for at in draws.permutation(len(batches))]


class _Cycle:
    """One stage: AdamW, its rates rising and falling once."""

    def __init__(
        self,
        network: NaiveNetwork,
        groups: Sequence[Sequence[torch.nn.Parameter]],
        peaks: Sequence[float],
        steps: int,
    ) -> None:
        self._network, self._here = network, device()
        trained = [{"params": g, "lr": p} for g, p in zip(groups, peaks, strict=True) if p]
        self._optimizer = torch.optim.AdamW(trained, weight_decay=0.01, fused=True)
        self._rates = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer,
            [p for p in peaks if p],
            total_steps=steps,
            pct_start=0.25,
            cycle_momentum=False,
        )

    def state(self) -> dict[str, Any]:
        """What `load` takes."""
        parts = {"network": self._network, "optimizer": self._optimizer, "rates": self._rates}
        return {name: part.state_dict() for name, part in parts.items()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on after an epoch of another run; the next stage takes its weights alone."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._rates.load_state_dict(state["rates"])

    def epoch(
        self,
        ids: Sequence[Sequence[int]],
        batches: Sequence[np.ndarray],
        targets: np.ndarray,
        pad: int,
    ) -> str:
        """Train on those batches; what came of it, in words."""
        began, lost, network, here = time.perf_counter(), 0.0, self._network.train(), self._here
        for at in batches:
            batch = padded([ids[i] for i in at], pad)
            with here.autocast(here.dtype(Recipe())):
                logits = network(**{name: each.to(here.kind) for name, each in batch.items()})
            wanted = torch.from_numpy(targets[at]).float().to(here.kind)
            loss = binary_cross_entropy_with_logits(logits.float(), wanted)
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            self._optimizer.step()
            self._rates.step()
            lost += loss.item() * len(at)
        return f"loss {lost / len(ids):.4f}, {time.perf_counter() - began:.0f} s"
