"""The figure of a training: whatever the training was like, it is drawn, and says the same."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from hf_assets.charts.saving import render
from hf_assets.classifiers.training.figures import figure
from hf_assets.classifiers.training.record import TrainingRecord


def training(epochs: int = 3, steps: int = 60, **changed: Any) -> dict[str, Any]:
    """What training.json says of a training that went as they do."""
    draw = np.random.default_rng(0)
    every = epochs * steps
    losses = [(s, 14 * math.exp(-s / 50) + 8 - s / every + draw.normal(0, 0.6))
              for s in range(1, every + 1)]  # fmt: skip
    history = [
        {
            "epoch": e,
            "step": e * steps,
            "loss": float(
                np.mean([loss for s, loss in losses if (e - 1) * steps < s <= e * steps])
            ),
            "validation_loss": 8.4 - 0.4 * e / epochs,
            "micro_f1": 0.52 - 0.08 * 0.5**e,
            "macro_f1": 0.42 - 0.2 * 0.6**e,
            "threshold": 0.25,
        }
        for e in range(1, epochs + 1)
    ]
    return {
        "corpus": "questions",
        "base_model": "all-minilm-l6-v2",
        "strategy": "finetune",
        "seed": 42,
        "rows": {"train": 10472, "validation": 1259},
        "labels": 365,
        "epochs": epochs,
        "best_epoch": epochs,
        "seconds": 412.3,
        "samples_per_second": 76.2,
        "device": "cpu",
        "dtype": "bfloat16",
        "history": history,
        "losses": losses,
    } | changed


def drawn(about: dict[str, Any]) -> Figure:
    return figure(msgspec.convert(about | {"threshold": 0.25}, TrainingRecord))


def words(made: Any) -> list[str]:
    return [text.get_text() for text in made.findobj(lambda a: hasattr(a, "get_text"))]


def test_the_figure_says_what_was_kept() -> None:
    about = training(epochs=4, best_epoch=3)
    kept = about["history"][2]
    said = " ".join(words(drawn(about)))
    assert "Training all-minilm-l6-v2 on questions" in said
    assert f"Micro-F1 {100 * kept['micro_f1']:.1f} %" in said
    assert "after epoch 3 of 4" in said
    assert "10\u00a0472 training and 1\u00a0259 validation rows" in said
    assert "seed 42" in said
    last = about["history"][3]
    assert f"micro {100 * last['micro_f1']:.1f}" in said


@pytest.mark.parametrize("epochs", [1, 2, 30])
def test_any_number_of_epochs_is_drawn(epochs: int) -> None:
    made = render(drawn(training(epochs=epochs, steps=2)))
    assert made.png.startswith(b"\x89PNG")
    assert b"micro" in made.svg


def test_curves_that_end_together_keep_their_names_apart() -> None:
    about = training()
    for entry in about["history"]:
        entry["macro_f1"] = entry["micro_f1"]
    axes: Any = drawn(about).axes[1]
    low, high = axes.get_ylim()
    places = sorted(text.xy[1] for text in axes.texts if text.get_text()[:5] in ("micro", "macro"))
    assert places[1] - places[0] > 0.05 * (high - low)


def test_names_from_outside_are_inert() -> None:
    about = training(corpus="$x^2$ <b>\u202e\n" + "y" * 300, base_model="../\\frac{1}")
    made = render(drawn(about))
    assert b"<b>" not in made.svg
    assert "\u202e".encode() not in made.svg


def test_the_same_training_gives_the_same_bytes() -> None:
    assert render(drawn(training())).svg == render(drawn(training())).svg


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=5), st.floats(0, 1))
def test_any_losses_and_scores_are_drawn(losses: list[float], score: float) -> None:
    about = training(epochs=1, steps=1, losses=list(enumerate(losses, 1)))
    about["history"][0] |= {"micro_f1": score, "macro_f1": score / 2, "validation_loss": losses[0]}
    for axes in drawn(about).axes:
        assert np.isfinite(axes.get_ylim()).all()
        assert axes.get_ylim()[0] < axes.get_ylim()[1]


WAYS = [
    {"name": "centroids", "micro_f1": 0.683, "macro_f1": 0.675, "seconds": 1.0},
    {"name": "least_squares", "micro_f1": 0.746, "macro_f1": 0.738, "seconds": 1.0},
    {"name": "pairs", "left_out": "it would take longer than ten minutes"},
]


def few(chosen: str) -> dict[str, Any]:
    ways = {"chosen": chosen, "why": "the best", "below": 500, "folds": 3, "candidates": WAYS}
    return {"few_rows": ways, "validation": {"micro_f1": 0.756, "macro_f1": 0.703}}


def test_a_head_without_steps_is_shown_beside_the_other_ways() -> None:
    said = words(drawn(training(epochs=1, steps=1, **few("least_squares"))))
    assert (
        "least squares, the chosen way, has micro-F1 75.6 % and macro-F1 70.3 % on validation"
        in said
    )
    assert {"centroids", "68.3", "67.5", "least squares", "74.6", "73.8"} < {*said}
    assert [one for one in said if one == "left out"] == ["left out"]
    assert not [one for one in said if "epoch" in one or one == "Loss"]


def test_a_way_that_is_trained_in_steps_has_its_curves() -> None:
    said = words(drawn(training(epochs=3, **few("linear"))))
    assert "Loss" in said
