"""What a GPU is asked for. There is none here: CUDA is what a test says, and nothing is trained."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from hf_assets.classifiers.training import finetuning
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import Device, device
from hf_assets_tests.benchmarks import classifiers


def _cuda(monkeypatch: pytest.MonkeyPatch, *, there: bool, bf16: bool = True) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: bf16)


@pytest.mark.parametrize("bf16", [True, False])
def test_a_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch, bf16: bool) -> None:
    _cuda(monkeypatch, there=True, bf16=bf16)
    assert device() == Device("cuda", bf16=bf16)
    assert device().attention == "sdpa"
    assert device().dtype(Recipe()) == ("bfloat16" if bf16 else "float32")
    assert device().dtype(Recipe(strategy="head")) == "float32"
    assert device().dtype(Recipe(dtype="float32")) == "float32"
    assert device().dtype(Recipe(dtype="bfloat16")) == "bfloat16"
    assert device().autocast("bfloat16" if bf16 else "float32").device == "cuda"


def test_a_gpu_trains_the_recipe_that_a_processor_trains(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All settings are the same but for where and in what it computes; of two GPUs one is used."""

    def settings() -> dict[str, Any]:
        course: Any = SimpleNamespace(seed=3, epochs=2)
        made = finetuning._arguments(Recipe(), course, tmp_path, 100, scored=True)
        return vars(made)

    monkeypatch.setattr(
        finetuning, "TrainingArguments", lambda **given: SimpleNamespace(n_gpu=2, **given)
    )
    _cuda(monkeypatch, there=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    on_cpu = settings()
    _cuda(monkeypatch, there=True)
    on_gpu = settings()
    assert on_gpu["_n_gpu"] == 1
    assert {
        name: (on_cpu[name], on_gpu[name]) for name in on_gpu if on_cpu[name] != on_gpu[name]
    } == {
        "bf16": (False, True),
        "use_cpu": (True, False),
        "dataloader_pin_memory": (False, True),
    }


def test_the_benchmark_on_a_gpu_says_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _cuda(monkeypatch, there=False)
    monkeypatch.setattr(sys, "argv", ["classifiers", "--device", "cuda"])
    assert classifiers.main() == 2
    assert "torch sees no GPU here" in capsys.readouterr().err
