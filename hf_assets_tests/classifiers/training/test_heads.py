"""The linear head on a frozen encoder, and what every training aims at."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.classifiers.training import heads
from hf_assets.classifiers.training.devices import torch_threads
from hf_assets.classifiers.training.heads import fit_head
from hf_assets.classifiers.training.objective import (
    TrainingError,
    best_of,
    exhausted,
    prior_bias,
    summed_loss,
    validated,
)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the steps, where it is not about how much is learnt."""
    monkeypatch.setattr(heads, "_LEAST_STEPS", 1500)


def separable(rows: int, seed: int, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Features of an odd scale and place, from whose signs four labels follow."""
    x = np.random.default_rng(seed).normal(size=(rows, width))
    targets = (x[:, :4] > 0.6).astype(np.uint8)
    return (x * 40 + 300).astype(np.float32), targets


def test_a_head_learns_and_reads_features_as_they_are() -> None:
    x, y = separable(600, 0)
    v, w = separable(200, 1)
    told: list[str] = []
    head, learned = fit_head(x, y, v, w, seed=1, log=told.append)
    assert (head.weight.shape, head.bias.shape) == ((4, 12), (4,))
    scores = torch.sigmoid(torch.from_numpy(v) @ head.weight.T + head.bias).numpy()
    best = best_of(learned.history)
    assert best.micro_f1 > 0.88
    assert best.epoch == learned.best
    # The layer that is given back is the one of the best epoch, with the scaling folded in.
    assert validated(w, scores)["micro_f1"] == pytest.approx(best.micro_f1, abs=0.01)
    assert learned.losses[0][1] > 1.3 * learned.losses[-1][1]
    assert f"{100 * best.micro_f1:.1f} %" in told[-1]


@pytest.mark.usefixtures("few_steps")
def test_the_same_seed_gives_the_same_head() -> None:
    (x, y), (v, w) = separable(40, 0), separable(40, 1)
    one, two, other = (fit_head(x, y, v, w, seed)[0] for seed in (5, 5, 6))
    assert torch.equal(one.weight, two.weight)
    assert not torch.equal(one.weight, other.weight)


@pytest.mark.usefixtures("few_steps")
def test_the_number_of_threads_is_left_as_it_was() -> None:
    (x, y), (v, w) = separable(40, 0), separable(40, 1)
    with torch_threads(3):
        fit_head(x, y, v, w, seed=5)
        assert torch.get_num_threads() == 3
        with pytest.raises(TrainingError):
            fit_head(x * np.float32(np.nan), y, v, w, seed=5)
        assert torch.get_num_threads() == 3


def test_noise_stops_early_and_keeps_the_best() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(1500, 30)).astype(np.float32)
    y = (draw.random((1500, 5)) < 0.2).astype(np.uint8)
    head, learned = fit_head(x[:1000], y[:1000], x[1000:], y[1000:], seed=0)
    scores = [entry.micro_f1 for entry in learned.history]
    assert learned.best == learned.history[int(np.argmax(scores))].epoch
    assert len(scores) == int(np.argmax(scores)) + 11 < 60
    kept = torch.sigmoid(torch.from_numpy(x[1000:]) @ head.weight.T + head.bias).numpy()
    assert validated(y[1000:], kept)["micro_f1"] == pytest.approx(max(scores), abs=5e-4)
    assert max(scores) > scores[-1] + 1e-3


@pytest.mark.heavy
@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("spread", [0.0, 1e-9, 1e-3])
def test_features_that_hardly_vary_get_no_weight(spread: float) -> None:
    (x, y), (v, w) = separable(200, 0), separable(60, 1)
    for each, seed in ((x, 2), (v, 3)):
        each[:, 7] = 3.0 + spread * np.random.default_rng(seed).normal(size=len(each))
    head, learned = fit_head(x, y, v, w, seed=0)
    assert not head.weight[:, 7].any()
    assert best_of(learned.history).micro_f1 > 0.75


@pytest.mark.usefixtures("few_steps")
def test_a_head_bears_what_an_int8_encoder_does_to_features() -> None:
    (x, y), (v, w) = separable(600, 0), separable(200, 1)
    x[:, 5:9] = 1e-6 * x[:, 5:9]
    v[:, 5:9] = 1e-6 * v[:, 5:9]
    head, learned = fit_head(x, y, v, w, seed=0)
    step = (v.max() - v.min()) / 255
    rounded = torch.from_numpy(np.round(v / step) * step).float()
    scores = torch.sigmoid(rounded @ head.weight.T + head.bias).numpy()
    assert validated(w, scores)["micro_f1"] > best_of(learned.history).micro_f1 - 0.02


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(bad: float) -> None:
    x, y = separable(80, 0)
    x[3, 3] = bad
    with pytest.raises(TrainingError, match="NaN or infinity"):
        fit_head(x, y, *separable(20, 1), seed=0)


def test_a_bias_starts_at_each_labels_odds() -> None:
    targets = np.zeros((1000, 3), np.uint8)
    targets[:250, 0] = 1
    targets[:, 2] = 1
    found = torch.sigmoid(prior_bias(targets)).numpy()
    np.testing.assert_allclose(found, [0.25, 0.0005, 0.9995], atol=6e-4)
    assert np.isfinite(prior_bias(targets).numpy()).all()


def test_the_loss_is_summed_over_labels_and_averaged_over_rows() -> None:
    logits = torch.zeros(4, 10)
    assert summed_loss(logits, torch.ones(4, 10)).item() == pytest.approx(10 * np.log(2), rel=1e-6)
    rounded = summed_loss(torch.full((2, 500), 0.3, dtype=torch.bfloat16), torch.zeros(2, 500))
    assert rounded.dtype == torch.float32


@given(st.lists(st.floats(0, 1), max_size=12), st.integers(1, 5))
def test_training_stops_when_the_best_lies_back(scores: list[float], patience: int) -> None:
    recent = scores[-patience:] if len(scores) >= patience else []
    before = scores[:-patience] if len(scores) > patience else []
    assert exhausted(scores, patience) == bool(before and max(before) >= max(recent))
