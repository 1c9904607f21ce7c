"""Texts to token ids, and token ids to padded batches of about equal length."""

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import torch

Inputs = dict[str, torch.Tensor]


def token_ids(tokenizer: Any, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """The ids of each text, special tokens included, cut so that the closing token stays."""
    if not texts:
        return []
    return tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]


def pad_id(tokenizer: Any) -> int:
    """The id that rows are padded with: any, where the tokenizer has none, as masks hide it."""
    return 0 if tokenizer.pad_token_id is None else tokenizer.pad_token_id


def padded(rows: Sequence[Sequence[int]], pad: int) -> Inputs:
    """`input_ids` and `attention_mask`, int64 [rows, longest row], padded on the right."""
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.full((len(rows), int(lengths.max())), pad)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
    mask = torch.arange(ids.shape[1]) < lengths[:, None]
    return {"input_ids": ids, "attention_mask": mask.long()}


def by_length(rows: Sequence[Sequence[int]], batch: int, pad: int) -> Generator[tuple[Any, Inputs]]:
    """Batches of rows of about one length, the longest first: (positions in `rows`, inputs).

    The longest first, so that what does not fit into memory fails at once.
    """
    order = np.argsort([-len(row) for row in rows], kind="stable")
    for start in range(0, len(order), batch):
        at = order[start : start + batch]
        yield at, padded([rows[i] for i in at], pad)
