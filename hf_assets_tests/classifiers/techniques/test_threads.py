"""Threads that a training chooses by measurement."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hf_assets.classifiers.techniques import threads
from hf_assets.classifiers.techniques.threads import chosen, fastest, threads_for
from hf_assets.classifiers.training.devices import torch_threads


class Clock:
    """Time that passes by the number of threads that a step has."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.now, self.count, self.steps = seconds, 0.0, max(seconds), 0

    def perf_counter(self) -> float:
        return self.now

    def step(self) -> None:
        self.steps += 1
        self.now += self.seconds[self.count]

    def set_threads(self, count: int) -> None:
        self.count = count


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({1: 4.0, 2: 2.1}, 2),
        ({1: 1.0, 2: 5.0}, 1),
        ({1: 2.0, 2: 2.1}, 2),  # not worth fewer
        ({1: 6.0, 4: 2.0, 8: 4.0}, 4),
    ],
)
def test_fewer_threads_are_taken_where_they_are_clearly_faster(
    seconds: dict[int, float], best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(seconds)
    monkeypatch.setattr(threads, "time", clock)
    measured = fastest(clock.step, clock.set_threads, max(seconds))
    assert measured == pytest.approx(seconds)
    assert clock.steps == 1 + 3 * len(seconds)
    assert chosen(measured) == best


def test_a_training_that_goes_on_keeps_its_threads(tmp_path: Path) -> None:
    told: list[str] = []
    with torch_threads(2):
        first = threads_for(lambda: None, tmp_path, None, told.append)
        assert len(told) == 1
        assert f"training with {first}" in told[0]
        (tmp_path / f"threads-{first}").rename(tmp_path / "threads-3")
        assert threads_for(lambda: None, tmp_path, 1, told.append) == 3
    assert len(told) == 1


def test_a_training_of_an_earlier_version_goes_on_with_all_threads(tmp_path: Path) -> None:
    """Only its checkpoints lie there; it measured nothing."""

    def step() -> None:
        raise AssertionError("measured")

    (tmp_path / "checkpoint-4").mkdir()
    with torch_threads(2):
        assert threads_for(step, tmp_path, None, print) == 2


def test_a_number_in_the_recipe_is_not_measured(tmp_path: Path) -> None:
    def step() -> None:
        raise AssertionError("measured")

    with torch_threads(2):
        assert threads_for(step, tmp_path, 5, print) == 5
    (tmp_path / "other").mkdir()
    with torch_threads(1):
        assert threads_for(step, tmp_path / "other", None, print) == 1


_CODE = """
import os, sys
from hf_assets.classifiers.techniques.waiting import wait_passively
print(wait_passively(), os.environ["OMP_WAIT_POLICY"], "torch" in sys.modules)
import torch
print(wait_passively())
"""


def test_threads_wait_passively_where_torch_is_not_loaded_yet() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    ended = subprocess.run(
        [sys.executable, "-c", _CODE],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert ended.stdout.split() == ["True", "PASSIVE", "False", "False"]
