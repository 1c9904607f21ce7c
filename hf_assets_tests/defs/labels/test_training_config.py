"""The run config of a training: the field's own names, and the earlier ones with a warning."""

from typing import Any

import dagster as dg
import msgspec
import pytest

from hf_assets.classifiers.training.config import Recipe
from hf_assets.defs.labels.training_config import TrainingConfig


def recipe_of(config: dict[str, Any]) -> tuple[Recipe, list[str]]:
    """The recipe that a run with this config trains by, and the warnings of the run."""
    found: list[tuple[Recipe, list[str]]] = []

    @dg.op
    def train(config: TrainingConfig) -> None:
        warnings: list[str] = []
        found.append((config.recipe(warnings.append), warnings))

    @dg.job
    def job() -> None:
        train()

    job.execute_in_process(run_config={"ops": {"train": {"config": config}}})
    return found[0]


def test_without_a_config_the_recipe_is_the_usual_one() -> None:
    assert recipe_of({}) == (Recipe(), [])


def test_each_setting_has_the_name_of_the_recipe() -> None:
    config: dict[str, Any] = {
        "strategy": "head", "epochs": 5, "batch_size": 8, "max_length": 64,
        "body_learning_rate": 1e-4, "head_learning_rate": 2e-3, "patience": 3, "seed": 7,
        "dtype": "float32", "head_start": "random", "layer_decay": 0.9, "dropout": 0.2,
        "teachers": 3, "teacher_epochs": 1, "teacher_share": 0.3, "threads": 2,
    }  # fmt: skip
    assert recipe_of(config) == (Recipe(**config), [])


@pytest.mark.parametrize(
    ("earlier", "name", "value"),
    [
        ("batch", "batch_size", 8),
        ("encoder_rate", "body_learning_rate", 1e-4),
        ("head_rate", "head_learning_rate", 0.0),
    ],
)
def test_an_earlier_name_is_accepted_with_a_warning(earlier: str, name: str, value: float) -> None:
    recipe, warnings = recipe_of({earlier: value})
    assert recipe == msgspec.structs.replace(Recipe(), **{name: value})
    assert len(warnings) == 1
    assert f"`{earlier}` is now called `{name}`" in warnings[0]
    assert recipe_of({earlier: value, name: value})[0] == recipe


def test_two_values_of_one_setting_are_refused() -> None:
    with pytest.raises(dg.Failure, match="batch and batch_size differ"):
        recipe_of({"batch": 8, "batch_size": 16})


def test_a_setting_without_sense_fails_for_good() -> None:
    with pytest.raises(dg.Failure, match="epochs, batch_size and patience") as failed:
        recipe_of({"batch_size": 0})
    assert not failed.value.allow_retries
