"""Probabilities, the threshold of a precision, and intervals, against slow and exact counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from hf_assets.classifiers.prediction.calibration import (
    LEAST_LOW,
    PRECISION,
    fitted_factor,
    measured,
    threshold_of,
    top,
)
from hf_assets.proportions import wilson

_answers = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9, 1.0]), st.sampled_from([True] * 9 + [False])
    ),
    max_size=120,
)


@given(_answers)
def test_the_threshold_is_the_lowest_that_is_precise_enough(answers: list) -> None:
    probability = np.array([p for p, _ in answers], np.float32)
    hit = np.array([right for _, right in answers], bool)
    fits = [
        p
        for p in sorted({*probability.tolist()})
        if hit[covered := probability >= p].sum() >= PRECISION * covered.sum()
        and wilson(int(hit[covered].sum()), int(covered.sum()))[0] >= LEAST_LOW
    ]
    assert threshold_of(probability, hit) == (fits[0] if fits else None)


def test_precision_and_coverage_at_a_threshold() -> None:
    probability = np.array([0.9, 0.8, 0.8, 0.2], np.float32)
    found = measured(probability, np.array([True, True, False, True]), 0.8)
    assert (found.rows, found.covered, found.right) == (4, 3, 2)
    assert (found.coverage, found.accuracy) == (0.75, 0.75)
    assert found.precision == pytest.approx(2 / 3)
    assert (found.low, found.high) == wilson(2, 3)


def test_without_a_threshold_nothing_is_covered() -> None:
    found = measured(np.array([1.0], np.float32), np.array([True]), None)
    assert (found.covered, found.precision, found.coverage) == (0, None, 0.0)


def test_the_factor_makes_probabilities_as_sure_as_they_are_right() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(20_000, 5)).astype(np.float32)
    true = 3 * scores + rng.gumbel(size=scores.shape)
    factor = fitted_factor(scores, true.argmax(axis=1))
    assert factor == pytest.approx(3, rel=0.05)
    columns, probability = top(scores, factor)
    hit = columns == true.argmax(axis=1)
    assert probability.mean() == pytest.approx(hit.mean(), abs=0.01)


def test_the_likeliest_label_is_that_of_the_highest_score() -> None:
    columns, probability = top(np.array([[1000, -1000], [0, 0]], np.float32), 20)
    assert columns.tolist() == [0, 0]
    assert probability.tolist() == [1, 0.5]


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_is_wilsons(right: int, wrong: int) -> None:
    if not right + wrong:
        assert wilson(0, 0) == (0, 1)
        return
    known = binomtest(right, right + wrong).proportion_ci(method="wilson")
    assert wilson(right, right + wrong) == pytest.approx((known.low, known.high), abs=1e-6)
