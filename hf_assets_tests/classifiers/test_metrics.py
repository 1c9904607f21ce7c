import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import f1_score

from hf_assets.classifiers.metrics import (
    bootstrap_micro_f1,
    label_f1,
    lost_f1,
    micro_f1,
    predicted_at,
    scores_at,
)
from hf_assets_tests.support.classifiers.scores import SCORES, made, scored


@pytest.mark.heavy
@given(scored())
def test_micro_f1_is_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    targets, scores = case
    predicted = (scores >= 0.25).astype(np.uint8)
    theirs = f1_score(targets.ravel(), predicted.ravel(), zero_division=0.0)
    assert micro_f1(targets, predicted) == pytest.approx(theirs)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2, 2\)"):
        micro_f1(np.zeros((2, 3)), np.zeros((2, 2)))


def test_scores_of_a_small_case_by_hand() -> None:
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]], np.uint8)
    scores = np.array([[0.9, 0.6, 0.1], [0.8, 0.4, 0], [0.1, 0, 0], [0.7, 0.2, 0]], np.float32)
    found = scores_at(targets, scores, 0.5)
    # Predicted: (0,0) (0,1) (1,0) (3,0): two of four right, of four that are there.
    assert found["micro_precision"] == found["micro_recall"] == found["micro_f1"] == 0.5
    # Label 0: 2 of 3, 2 of 2; label 1: 0 of 1, 0 of 2; label 2 is in no row.
    assert found["macro_precision"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["macro_recall"] == pytest.approx((1 + 0) / 2)
    assert found["macro_f1"] == pytest.approx((0.8 + 0) / 2)
    assert found["labels_left_out"] == 1
    # Label 0 ranks both first; label 1's stand second and third.
    assert found["mean_average_precision"] == pytest.approx((1 + (1 / 2 + 2 / 3) / 2) / 2)
    assert found["subset_accuracy"] == 0.25
    assert found["hamming_accuracy"] == pytest.approx(8 / 12)
    assert found["hamming_accuracy_of_nothing"] == pytest.approx(8 / 12)
    assert found["rows_unlabelled"] == 0.25
    assert (found["rows"], found["labels"], found["threshold"]) == (4, 3, 0.5)


def test_scores_without_any_label_are_all_zero_but_accuracy() -> None:
    found = scores_at(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.float32), 0.5)
    assert found["macro_f1"] == found["mean_average_precision"] == 0
    assert found["hamming_accuracy"] == found["subset_accuracy"] == 1


@given(scored(), SCORES)
def test_scores_are_shares_and_survive_json(
    case: tuple[np.ndarray, np.ndarray], threshold: float
) -> None:
    found = json.loads(json.dumps(scores_at(*case, threshold)))
    for name in found.keys() - {"rows", "labels", "labels_left_out", "threshold"}:
        assert 0 <= found[name] <= 1, name
    predicted = predicted_at(case[1], threshold)
    assert found["micro_f1"] == pytest.approx(micro_f1(case[0], predicted))
    known = label_f1(case[0], predicted)
    if not np.isnan(known).all():
        assert found["macro_f1"] == pytest.approx(np.nanmean(known))
    assert np.isnan(known).sum() == found["labels_left_out"]


def test_the_interval_holds_the_score_and_narrows_with_rows() -> None:
    wide = bootstrap_micro_f1(*_predicted(100), seed=1)
    narrow = bootstrap_micro_f1(*_predicted(10_000), seed=1)
    for (low, high), rows in ((wide, 100), (narrow, 10_000)):
        assert low < micro_f1(*_predicted(rows)) < high
    assert narrow[1] - narrow[0] < (wide[1] - wide[0]) / 5


def test_the_interval_is_that_of_rows_drawn_one_by_one() -> None:
    targets, predicted = _predicted(60)
    rng = np.random.default_rng(3)
    drawn = [rng.integers(0, 60, 60) for _ in range(5000)]
    plain = np.quantile([micro_f1(targets[i], predicted[i]) for i in drawn], [0.025, 0.975])
    assert bootstrap_micro_f1(targets, predicted, seed=4, rounds=5000) == pytest.approx(
        plain, abs=0.005
    )


def test_what_is_lost_is_the_difference_and_its_interval_is_paired() -> None:
    targets, scores = made(400)
    before, after = scores >= 0.5, scores >= 0.9
    micro, macro = lost_f1(targets, before, after, seed=1)
    found = [
        (micro_f1(targets, one), np.nanmean(label_f1(targets, one))) for one in (before, after)
    ]
    assert micro.value == pytest.approx(found[0][0] - found[1][0])
    assert macro.value == pytest.approx(found[0][1] - found[1][1])
    rng = np.random.default_rng(2)
    drawn = [rng.integers(0, 400, 400) for _ in range(2000)]
    for own, score in (
        (micro, lambda i, one: micro_f1(targets[i], one[i])),
        (macro, lambda i, one: np.nanmean(label_f1(targets[i], one[i]))),
    ):
        plain = np.quantile([score(i, before) - score(i, after) for i in drawn], [0.025, 0.975])
        assert (own.low, own.high) == pytest.approx(tuple(plain), abs=0.005)
    nothing = lost_f1(targets, before, before, seed=1)
    assert {(one.value, one.low, one.high) for one in nothing} == {(0.0, 0.0, 0.0)}


def test_labels_that_a_resample_lacks_do_not_count() -> None:
    targets = np.zeros((2, 2), np.uint8)
    targets[0, 0] = targets[1, 1] = 1
    before, after = targets != 0, np.array([[True, False], [False, False]])
    micro, macro = lost_f1(targets, before, after, seed=0)
    assert (micro.value, macro.value) == (pytest.approx(1 / 3), 0.5)
    assert (macro.low, macro.high) == (0.0, 1.0)
    assert lost_f1(np.zeros((2, 2)), before, after, seed=0)[0] == (0.0, 0.0, 0.0)


def test_the_interval_depends_on_the_seed_alone() -> None:
    case = _predicted(50)
    assert bootstrap_micro_f1(*case, seed=5) == bootstrap_micro_f1(*case, seed=5)
    assert bootstrap_micro_f1(*case, seed=5) != bootstrap_micro_f1(*case, seed=6)


def test_an_interval_without_rows_or_labels_is_zero() -> None:
    for shape in ((0, 3), (3, 2)):
        assert bootstrap_micro_f1(np.zeros(shape), np.zeros(shape), seed=0) == (0.0, 0.0)


def test_importing_scores_brings_no_torch() -> None:
    code = "import sys, hf_assets.classifiers.metrics; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def _predicted(rows: int) -> tuple[np.ndarray, np.ndarray]:
    targets, scores = made(rows)
    return targets, scores >= 0.5
