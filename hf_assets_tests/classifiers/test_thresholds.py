"""The one rule for thresholds: exact at distance 0, near the best with the best macro-F1 else."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.classifiers import metrics, thresholds
from hf_assets.classifiers.metrics import label_f1, micro_f1, predicted_at, scores_at
from hf_assets.classifiers.records import LEAST_ROWS, rests_on
from hf_assets.classifiers.thresholds import (
    DISTANCES,
    RULE,
    choose_threshold,
)
from hf_assets_tests.support.classifiers.scores import scored


def best_threshold(targets: np.ndarray, scores: np.ndarray) -> float:
    return choose_threshold(targets, scores, 0.0).value


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


@pytest.mark.parametrize("highest", [0.0, 0.999, 1.0])
def test_a_threshold_of_probabilities_is_a_probability(highest: float) -> None:
    """The pages and the API take 0 to 1."""
    scores = np.full((3, 2), highest, np.float32)
    threshold = best_threshold(np.zeros((3, 2), np.uint8), scores)
    assert np.float32(highest) <= np.float32(threshold) <= 1
    assert predicted_at(scores, threshold).any() == (highest == 1)
    # Other scores have no such end.
    assert best_threshold(np.zeros((3, 2), np.uint8), scores + 2) > highest + 2


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


@pytest.mark.heavy
def test_memory_stays_bounded() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random((40_000, 300)) < 0.01).astype(np.uint8)
    scores = (rng.normal(size=targets.shape) + 3 * targets).astype(np.float32)
    tracemalloc.start()
    choose_threshold(targets, scores)
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < 200 << 20, f"{used >> 20} MB beyond {scores.nbytes >> 20} MB of scores"


@given(scored(), st.sampled_from([0.0, 0.05, 0.3]))
def test_what_it_reaches_is_what_the_measures_say(
    case: tuple[np.ndarray, np.ndarray], distance: float
) -> None:
    targets, scores = case
    chosen = choose_threshold(targets, scores, distance)
    predicted = predicted_at(scores, chosen.value)
    assert chosen.micro_f1 == pytest.approx(micro_f1(targets, predicted))
    if targets.any():
        assert chosen.macro_f1 == pytest.approx(np.nanmean(label_f1(targets, predicted)))


@pytest.mark.heavy
@given(scored(), st.sampled_from([0.01, 0.05, 0.1]))
def test_no_other_threshold_near_the_best_has_a_better_macro_f1(
    case: tuple[np.ndarray, np.ndarray], distance: float
) -> None:
    targets, scores = case
    chosen = choose_threshold(targets, scores, distance)
    best = choose_threshold(targets, scores, 0.0)
    assert chosen.micro_f1 >= best.micro_f1 - distance - 1e-9
    if not targets.any():
        return
    for other in np.unique(scores):
        predicted = scores >= other
        if micro_f1(targets, predicted) >= best.micro_f1 - distance:
            assert np.nanmean(label_f1(targets, predicted)) <= chosen.macro_f1 + 1e-9


def rare(rows: int = 800, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Common labels that are easy, and rare ones whose scores are low."""
    rng = np.random.default_rng(seed)
    share = 0.4 / np.arange(1, 31)
    targets = (rng.random((rows, 30)) < share).astype(np.uint8)
    noise = rng.normal(size=targets.shape)
    return targets, (noise + 2 * targets + np.log(share)).astype(np.float32)


def test_the_distance_is_chosen_by_halves_and_gains_macro_f1_elsewhere() -> None:
    chosen, exact = (choose_threshold(*rare(), distance) for distance in (None, 0.0))
    assert chosen.distance in DISTANCES[1:]
    assert choose_threshold(*rare(), chosen.distance) == chosen
    assert exact.micro_f1 - chosen.distance - 1e-9 <= chosen.micro_f1 <= exact.micro_f1
    elsewhere = rare(4000, seed=9)
    found, before = (scores_at(*elsewhere, one.value) for one in (chosen, exact))
    assert found["macro_f1"] > before["macro_f1"] + 0.01
    assert found["micro_f1"] > before["micro_f1"] - 0.01
    assert (chosen.rule.rule, chosen.rule.distance) == (RULE, chosen.distance)


def test_the_same_rows_give_the_same_threshold() -> None:
    assert choose_threshold(*rare()) == choose_threshold(*rare())


@pytest.mark.parametrize(("rows", "few"), [(2, True), (LEAST_ROWS - 1, True), (LEAST_ROWS, False)])
def test_what_it_rests_on_is_recorded_and_said_of_few_rows(rows: int, few: bool) -> None:
    targets, scores = rare(rows + 7)
    targets[:, 0] = 1
    targets[rows:] = 0
    chosen = choose_threshold(targets, scores)
    assert chosen.rule.rows == chosen.rows == rows
    assert bool(rests_on(rows)) is few
    assert (f"rests on {rows} rows with labels" in rests_on(rows)) is few
    assert rests_on(0) == rests_on(None) == "", "files of earlier versions do not say"


def test_few_rows_take_the_exact_maximum() -> None:
    targets, scores = rare(LEAST_ROWS - 1)
    targets[:, 0] = 1
    assert choose_threshold(targets, scores).distance == 0.0
    assert choose_threshold(targets, scores) == choose_threshold(targets, scores, 0.0)


def test_a_distance_that_costs_micro_f1_elsewhere_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thresholds, "DISTANCES", (0.0, 0.09))
    assert choose_threshold(*rare()).distance == 0.0
    monkeypatch.setattr(thresholds, "TOLERANCE", 1.0)
    assert choose_threshold(*rare()).distance == 0.09
