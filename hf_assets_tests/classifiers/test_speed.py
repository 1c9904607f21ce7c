"""How fast something answers."""

from collections.abc import Sequence

import numpy as np
import pytest

from hf_assets.classifiers.speed import BATCHED, TEXTS, timed


@pytest.mark.parametrize("count", [1, 7, TEXTS + 50])
def test_what_is_answered_alone_while_it_is_timed_is_given_back(count: int) -> None:
    batches: list[int] = []

    def alone(texts: Sequence[str]) -> np.ndarray:
        assert len(texts) == 1
        return np.array([[len(texts[0]), 1]], np.float32)

    def together(texts: Sequence[str]) -> np.ndarray:
        batches.append(len(texts))
        return np.zeros((len(texts), 2), np.float32)

    pace, given = timed(alone, together, ["x" * i for i in range(count)])
    assert given[:, 0].tolist() == list(range(min(count, TEXTS)))
    assert batches[-1] == min(count, BATCHED)
    assert 0 < pace["ms_p50"] <= pace["ms_p95"]
    assert pace["texts_per_second"] > 0
