"""Heads without steps, on features made by hand."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from hf_assets.classifiers.few_rows.directions import Directions, Scale
from hf_assets.classifiers.metrics import micro_f1


def drawn(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features around a point for each of three labels, one or two labels a row."""
    draw = np.random.default_rng(seed)
    points = np.random.default_rng(0).normal(size=(3, 24))
    targets = np.zeros((rows, 3), np.uint8)
    for row in targets:
        row[draw.choice(3, draw.choice((1, 2)), replace=False)] = 1
    features = targets @ points + draw.normal(size=(rows, 24)) * 0.8
    return (5 * features + 3).astype(np.float32), targets


@pytest.mark.parametrize("name", ["of_centroids", "of_least_squares"])
def test_some_dozen_rows_tell_labels_apart(name: str) -> None:
    features, targets = drawn(36, 1)
    more, wanted = drawn(300, 2)
    directions = getattr(Directions, name)(features, targets)
    scale = Scale.of(directions.answers(more), wanted)
    scores = scale.scores(directions.answers(more))
    assert scale.factor > 1
    assert micro_f1(wanted, (scores > 0.5).astype(np.uint8)) > 0.8


@pytest.mark.parametrize("name", ["of_centroids", "of_least_squares"])
def test_the_layer_answers_as_the_directions_do(name: str) -> None:
    features, targets = drawn(20, 1)
    directions = getattr(Directions, name)(features, targets)
    scale = Scale.of(directions.answers(features), targets)
    head = directions.head(scale)
    logits = normalize(torch.from_numpy(features)) @ head.weight.T + head.bias
    assert np.abs(
        torch.sigmoid(logits).numpy() - scale.scores(directions.answers(features))
    ).max() < 1e-4  # fmt: skip
    assert head.weight.dtype == head.bias.dtype == torch.float32


def test_a_label_of_fewer_rows_lies_less_far_out() -> None:
    features, targets = drawn(60, 1)
    targets[3:, 0] = 0
    lengths = np.linalg.norm(Directions.of_centroids(features, targets).weights, axis=1)
    count = targets.sum(axis=0)
    assert lengths == pytest.approx(count / (count + 2.0), rel=1e-5)


@pytest.mark.parametrize("name", ["of_centroids", "of_least_squares"])
def test_a_label_without_rows_is_answered_alike_everywhere(name: str) -> None:
    features, targets = drawn(20, 1)
    targets[:, 1] = 0
    answers = getattr(Directions, name)(features, targets).answers(features)
    assert np.isfinite(answers).all()
    assert np.ptp(answers[:, 1]) < 1e-5


def test_a_scale_is_the_likeliest() -> None:
    draw = np.random.default_rng(3)
    answers = draw.normal(size=(4000, 2)).astype(np.float32)
    chance = 1 / (1 + np.exp(-(3 * answers - 1)))
    scale = Scale.of(answers, (draw.random(chance.shape) < chance).astype(np.uint8))
    assert (scale.factor, scale.offset) == pytest.approx((3, -1), abs=0.3)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_scale_stays_finite_where_answers_part_the_rows(share: float) -> None:
    answers = np.linspace(-1, 1, 40, dtype=np.float32).reshape(20, 2)
    scale = Scale.of(answers, (answers > 1 - 2 * share).astype(np.uint8))
    assert 0 < scale.factor < 1e4
    assert np.isfinite(scale.scores(answers)).all()
