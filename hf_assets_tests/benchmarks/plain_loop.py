"""How fast a plain loop trains: float32, dropout, SDPA, AdamW, batches as they come.

What most tutorials do, on the texts, encoder, batch and length of our recipe.
"""

import time
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel

from hf_assets.classifiers.training.batches import padded, token_ids
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import device
from hf_assets.classifiers.training.network import load_tokenizer, quiet
from hf_assets.corpora.corpus import Corpus

STEPS, WARM_UP = 40, 3


def plain_loop(corpus: Corpus, encoder: Path, seed: int, steps: int = STEPS) -> float:
    """Samples a second of a plain loop over that many steps, reading the batches included."""
    recipe, here = Recipe(), device().kind
    torch.manual_seed(seed)
    rows = corpus.split("train")
    tokenizer = load_tokenizer(encoder)
    with quiet():
        body = AutoModel.from_pretrained(
            encoder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            attn_implementation="sdpa",
        )
    head = torch.nn.Linear(body.config.hidden_size, len(corpus.labels))
    network = torch.nn.ModuleList([body, head]).train().to(here)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-5)
    order = np.random.default_rng(seed).permutation(len(rows.texts))
    needed = np.resize(order, (WARM_UP + steps) * recipe.batch_size).reshape(-1, recipe.batch_size)
    ids = token_ids(tokenizer, [rows.texts[i] for i in needed.ravel()], recipe.max_length)
    began = time.perf_counter()
    for step, at in enumerate(needed):
        if step == WARM_UP:
            began = time.perf_counter()
        batch = padded(ids[step * len(at) : (step + 1) * len(at)], tokenizer.pad_token_id)
        targets = torch.from_numpy(rows.targets[at]).float().to(here)
        states = body(**{name: each.to(here) for name, each in batch.items()}).last_hidden_state
        loss = torch.nn.functional.binary_cross_entropy_with_logits(head(states[:, 0]), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # waits for a GPU
    return steps * recipe.batch_size / (time.perf_counter() - began)
