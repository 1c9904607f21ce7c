import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.metrics import f1_score

from hf_assets.classifiers import metrics
from hf_assets.classifiers.metrics import (
    best_threshold,
    bootstrap_micro_f1,
    label_f1,
    micro_f1,
    predicted_at,
    scores_at,
)

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=6)
# Few distinct values make ties; the others come as close as float32 allows.
SCORES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.5000001, 1.0]), st.floats(-4, 4, width=32))


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(SHAPES)
    targets = draw(arrays(np.uint8, shape, elements=st.integers(0, 1)))
    return targets, draw(arrays(np.float32, shape, elements=SCORES))


def made(rows: int = 200, labels: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = (rng.random((rows, labels)) < 0.3).astype(np.uint8)
    return targets, (rng.normal(size=targets.shape) + targets).astype(np.float32)


@pytest.mark.heavy
@given(scored())
def test_no_other_threshold_is_better(case: tuple[np.ndarray, np.ndarray]) -> None:
    targets, scores = case
    threshold = best_threshold(targets, scores)
    reached = micro_f1(targets, predicted_at(scores, threshold))
    for other in [*np.unique(scores), np.nextafter(scores.max(), np.float32(np.inf))]:
        found = micro_f1(targets, scores >= other)
        assert found <= reached
        # Of equally good ones it is the highest: what it keeps out is kept out by none of them.
        if found == reached and reached:
            assert (scores >= other).sum() >= predicted_at(scores, threshold).sum()
    assert threshold == float(np.float32(threshold)), "a threshold must survive JSON and float32"


@given(scored())
def test_pieces_change_nothing(case: tuple[np.ndarray, np.ndarray]) -> None:
    whole = best_threshold(*case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "_CELLS", 4)
        assert best_threshold(*case) == whole


@pytest.mark.heavy
@given(scored())
def test_micro_f1_is_scikit_learns(case: tuple[np.ndarray, np.ndarray]) -> None:
    targets, scores = case
    predicted = (scores >= 0.25).astype(np.uint8)
    theirs = f1_score(targets.ravel(), predicted.ravel(), zero_division=0.0)
    assert micro_f1(targets, predicted) == pytest.approx(theirs)


def test_a_threshold_lies_between_what_it_parts() -> None:
    targets = np.array([[1, 0], [1, 0]], np.uint8)
    scores = np.array([[0.9, 0.1], [0.7, 0.3]], np.float32)
    assert best_threshold(targets, scores) == pytest.approx(0.5)


def test_of_equally_good_thresholds_it_is_the_highest() -> None:
    # One of two found with nothing wrong is as good as both with two wrong.
    targets = np.array([[1, 0, 0, 1]], np.uint8)
    scores = np.array([[0.9, 0.5, 0.45, 0.4]], np.float32)
    assert best_threshold(targets, scores) == pytest.approx(0.7)


def test_neighbouring_floats_are_parted() -> None:
    low = np.float32(0.5)
    high = np.nextafter(low, np.float32(1))
    threshold = best_threshold(np.array([[1, 0]], np.uint8), np.array([[high, low]], np.float32))
    assert threshold == high


def test_equal_scores_let_all_in() -> None:
    targets, scores = np.array([[1, 0, 1]], np.uint8), np.full((1, 3), 0.5, np.float32)
    assert predicted_at(scores, best_threshold(targets, scores)).all()


def test_where_nothing_is_there_nothing_is_predicted() -> None:
    targets, scores = np.zeros((3, 2), np.uint8), np.full((3, 2), 0.5, np.float32)
    threshold = best_threshold(targets, scores)
    assert threshold > 0.5
    assert not predicted_at(scores, threshold).any()
    assert micro_f1(targets, predicted_at(scores, threshold)) == 0


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused(broken: float) -> None:
    with pytest.raises(ValueError, match="broken"):
        best_threshold(np.ones((1, 2), np.uint8), np.array([[0.5, broken]], np.float32))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_no_cells_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="none"):
        best_threshold(np.zeros(shape, np.uint8), np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="no rows"):
        scores_at(np.zeros(shape, np.uint8), np.zeros(shape, np.float32), 0.5)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2, 2\)"):
        micro_f1(np.zeros((2, 3)), np.zeros((2, 2)))


@pytest.mark.heavy
def test_memory_stays_bounded() -> None:
    targets, scores = made(rows=40_000, labels=300)
    tracemalloc.start()
    best_threshold(targets, scores)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < 200 << 20, f"{used >> 20} MB beyond {scores.nbytes >> 20} MB of scores"


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
