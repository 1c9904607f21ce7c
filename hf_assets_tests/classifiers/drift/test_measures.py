"""Distances of label shares: what chance makes of a small night is no drift."""

import random

import polars as pl
import pytest

from hf_assets.classifiers.drift.measures import (
    Distances,
    label_distance,
    label_noise,
    spaced,
    unseen_words,
)

LABELS = [f"label {number}" for number in range(40)]


def _rows(count: int, seed: int, weights: list[float]) -> list[list[str]]:
    draw = random.Random(seed)
    return [list({*draw.choices(LABELS, weights, k=draw.randint(1, 3))}) for _ in range(count)]


USUAL = [1 / (rank + 1) for rank in range(len(LABELS))]
TRAINING = Distances.of(LABELS, pl.Series(_rows(2000, 0, USUAL)))


def _distance(rows: list[list[str]]) -> float:
    given = [label for row in rows for label in row]
    return label_distance(TRAINING, {one: given.count(one) for one in given}, len(given))


def test_the_training_rows_have_no_distance() -> None:
    assert _distance(_rows(2000, 0, USUAL)) == 0
    assert label_distance(TRAINING, {}, 10) == 1  # labels without a column, and no other


@pytest.mark.parametrize("rows", [5, 30, 300])
def test_a_night_like_any_other_stays_below_the_noise(rows: int) -> None:
    noise = label_noise(TRAINING, rows)
    above = sum(_distance(_rows(rows, seed, USUAL)) > noise for seed in range(1, 61))
    assert above <= 9  # 3 of 60 by the rule; more than 9 once in a thousand times


def test_the_noise_falls_with_the_rows() -> None:
    noises = [label_noise(TRAINING, rows) for rows in (3, 30, 300, 3000)]
    assert noises == sorted(noises, reverse=True)
    assert noises[0] > 0.5
    assert noises[-1] < 0.08
    assert label_noise(TRAINING, 10**6) == label_noise(TRAINING, 5_000)


def test_few_training_rows_are_a_sample_themselves() -> None:
    few = Distances.of(LABELS, pl.Series(_rows(100, 0, USUAL)))
    assert label_noise(few, 100) > 1.1 * label_noise(TRAINING, 100)


def test_other_labels_are_above_the_noise() -> None:
    assert _distance(_rows(30, 1, USUAL[::-1])) > label_noise(TRAINING, 30) + 0.2


def test_labels_without_a_column_count_as_one() -> None:
    distances = Distances.of(["a", "b"], pl.Series([["a"], ["b"]]), others=2)
    assert distances.shares.tolist() == [0.25, 0.25, 0.5]
    assert label_distance(distances, {"a": 1, "b": 1}, 4) == 0
    assert label_noise(distances, 4) > 0


def test_words_that_no_term_has() -> None:
    known = frozenset({"plants", "need"})
    assert unseen_words(["Plants need a light", "NEED it"], known) == (5, 2 / 5)
    assert unseen_words(["Plants need"], None) == (2, None)
    assert unseen_words([""], known) == (0, None)


def test_spaced() -> None:
    assert spaced(range(5), 9) == [0, 1, 2, 3, 4]
    assert spaced(range(101), 3) == [0, 50, 100]
