"""Heads that start from the names of labels."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from hf_assets.classifiers.techniques.label_names import NamedStart, named_start, wording
from hf_assets.classifiers.training.objective import prior_bias

DRAWS = np.random.default_rng(3)
LABELS, WIDTH, ROWS = 6, 24, 120


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("machine-learning", "machine learning"),
        ("dc_motor.driver", "dc motor driver"),
        ("c++", "c++"),
        ("-", "-"),
        ("", ""),
    ],
)
def test_a_label_is_worded_as_a_person_writes_it(label: str, words: str) -> None:
    assert wording(label) == words


def named(noise: float) -> tuple[NamedStart, np.ndarray, np.ndarray, torch.Tensor]:
    """A start, texts, targets and log-odds; `noise`: 0 where texts lie at their labels' names."""
    names = DRAWS.standard_normal((LABELS, WIDTH)).astype(np.float32)
    labels = DRAWS.integers(0, LABELS, ROWS)
    texts = (1 - noise) * names[labels] + (0.2 + noise) * DRAWS.standard_normal((ROWS, WIDTH))
    texts = (texts + 5).astype(np.float32)  # far from the origin, as some encoders' features lie
    targets = np.eye(LABELS, dtype=np.uint8)[labels]
    prior = prior_bias(targets)
    return named_start(names, texts, targets, prior), texts, targets, prior


def loss(start: NamedStart, texts: np.ndarray, targets: np.ndarray, prior: torch.Tensor) -> float:
    logits = torch.from_numpy(texts) @ start.weight.T + start.bias(prior)
    return float(binary_cross_entropy_with_logits(logits, torch.from_numpy(targets).float()))


def test_names_that_fit_the_texts_make_a_better_start() -> None:
    start, texts, targets, prior = named(noise=0.0)
    assert start.deviation >= 1
    nothing = NamedStart(torch.zeros_like(start.weight), start.mean, 0.0)
    assert loss(start, texts, targets, prior) < 0.7 * loss(nothing, texts, targets, prior)


def test_names_that_say_nothing_get_hardly_any_weight() -> None:
    start, texts, targets, prior = named(noise=1.0)
    assert start.deviation <= 0.25
    nothing = NamedStart(torch.zeros_like(start.weight), start.mean, 0.0)
    assert loss(start, texts, targets, prior) <= loss(nothing, texts, targets, prior)


def test_a_text_of_mean_features_gets_the_log_odds() -> None:
    start, texts, _, prior = named(noise=0.0)
    at_mean = torch.from_numpy(texts).mean(0) @ start.weight.T + start.bias(prior)
    assert torch.allclose(at_mean, prior, atol=1e-4)


def test_a_single_label_starts_at_zero() -> None:
    """There is no other label that its name could tell it from."""
    texts = DRAWS.standard_normal((8, WIDTH)).astype(np.float32)
    targets = np.ones((8, 1), np.uint8)
    start = named_start(texts[:1], texts, targets, prior_bias(targets))
    assert not start.weight.any()
    assert start.deviation == 0
