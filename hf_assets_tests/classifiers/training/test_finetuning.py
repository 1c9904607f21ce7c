"""Fine-tuning for real: resumed, stopped early, logged; on a small base model, and on MiniLM."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.torch import load_file

from hf_assets.classifiers.training import finetuning
from hf_assets.classifiers.training import train as training
from hf_assets.classifiers.training.checkpoints import last_checkpoint
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import torch_threads
from hf_assets.classifiers.training.objective import TrainingError
from hf_assets_tests.classifiers.conftest import MakeCorpus
from hf_assets_tests.support.classifiers.training import SHORT, floor, run

# Deterministic to the bit: no two threads add in another order.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Killed(Exception):
    """Stands for whatever ends a run from within."""


@pytest.fixture(
    params=["small", pytest.param("minilm", marks=[pytest.mark.heavy, pytest.mark.release])]
)
def finetuned(request: pytest.FixtureRequest, base: Path) -> tuple[Path, Recipe, int]:
    """A base model, a recipe that it learns by, and how many of its tensors must move."""
    if request.param == "minilm":
        return request.getfixturevalue("minilm"), replace(SHORT, batch_size=8), 90
    rates = {"body_learning_rate": 3e-3, "head_learning_rate": 3e-2}
    return base, replace(SHORT, batch_size=8, **rates), 18


def test_finetuning_learns_and_tells(
    finetuned: tuple[Path, Recipe, int], make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    encoder, recipe, least = finetuned
    corpus = make_corpus(96, 40)
    told: list[str] = []
    steps: list[tuple[int, int]] = []
    about = run(
        corpus, encoder, tmp_path / "made", recipe,
        log=told.append, progress=lambda *at: steps.append(at),
    )  # fmt: skip
    assert about.validation.micro_f1 > floor(corpus) + 0.2
    assert about.history[1].loss < about.history[0].loss
    assert [entry.step for entry in about.history] == [12, 24]
    assert steps == [(step, 24) for step in range(1, 25)]
    assert sum(line.startswith("epoch ") for line in told) == 2
    # The loss of an epoch is the mean of its steps'.
    first = [loss for step, loss in about.losses if step <= 12]
    assert about.history[0].loss == pytest.approx(np.mean(first), rel=1e-6)
    before = load_file(encoder / "model.safetensors")
    after = load_file(tmp_path / "made" / "encoder" / "model.safetensors")
    moved = [name for name in after if not np.array_equal(after[name], before[name])]
    assert len(moved) > least


# The mean of three steps is logged, of four an epoch.
POINTS = 4
THREE = Recipe(epochs=3, batch_size=16, max_length=24)
_VICTIM = f"""
import sys, time
from pathlib import Path
from hf_assets.classifiers.training import finetuning
from hf_assets.corpora.corpus import open_corpus
from hf_assets_tests.classifiers.training.test_finetuning import THREE
from hf_assets_tests.support.classifiers.training import run

corpus, base, folder = map(Path, sys.argv[1:])
finetuning._POINTS = {POINTS}

def progress(step, steps):
    if step == 6:
        print("waiting", flush=True)
        time.sleep(600)

run(open_corpus(corpus), base, folder, THREE, progress=progress)
"""


@pytest.mark.heavy
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, work = make_corpus(64, 24), tmp_path / "work"
    # Of 4 steps an epoch, it is killed in the second.
    command = [sys.executable, "-c", _VICTIM, corpus.folder, base, tmp_path / "one"]
    environment = os.environ | ONE_THREAD
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as victim:
        assert victim.stdout
        assert any(line == "waiting\n" for line in victim.stdout)
        victim.send_signal(signal.SIGKILL)
    assert not (tmp_path / "one" / "training.json").exists()
    state = next(work.glob("*/checkpoint-4/trainer_state.json"))
    log = json.loads(state.read_text("utf-8"))
    log["log_history"][0]["seconds"] = 5000.0
    state.write_text(json.dumps(log), "utf-8")

    told: list[str] = []
    monkeypatch.setattr(finetuning, "_POINTS", POINTS)
    with torch_threads(1):
        run(corpus, base, tmp_path / "two", THREE, work=work, log=told.append)
        # One that was not killed.
        run(corpus, base, tmp_path / "three", THREE, work=tmp_path / "other")
    assert any("going on after epoch 1" in line for line in told)
    two, three = (
        json.loads((tmp_path / name / "training.json").read_text("utf-8"))
        for name in ("two", "three")
    )
    for same in ("history", "losses", "threshold", "validation", "best_epoch"):
        assert two[same] == three[same], same
    assert len(two["history"]) == 3
    assert two["seconds"] > 5000 > three["seconds"]
    for name in ("encoder/model.safetensors", "head.safetensors"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()


def test_what_was_trained_is_not_trained_again(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, work = make_corpus(32, 12), tmp_path / "work"

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_network", killed)
        with pytest.raises(Killed):
            run(corpus, base, tmp_path / "one", SHORT, work=work)
    assert len(list(work.glob("checkpoints-*"))) == 1

    about = run(corpus, base, tmp_path / "two", SHORT, work=work, progress=killed)
    assert len(about.history) == 2


def test_another_recipe_starts_anew_and_clears_what_is_left(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    left = tmp_path / "work" / "checkpoints-of-another-recipe" / "checkpoint-2"
    left.mkdir(parents=True)
    (left / "trainer_state.json").write_text('{"global_step": 2, "log_history": []}', "utf-8")
    steps: list[int] = []

    def killed(step: int, _: int) -> None:
        steps.append(step)
        raise Killed

    told: list[str] = []
    with pytest.raises(Killed):
        run(make_corpus(32, 12), base, tmp_path / "made", SHORT, progress=killed, log=told.append)
    assert steps == [1]
    assert any("does not go on: this one starts at its first step" in line for line in told)
    assert not left.exists()


def test_training_stops_when_validation_does_not_grow(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    recipe = replace(SHORT, epochs=9, patience=1, body_learning_rate=0.0, head_learning_rate=0.0)
    told: list[str] = []
    about = run(make_corpus(16, 8), base, tmp_path / "made", recipe, log=told.append)
    assert (about.epochs, about.best_epoch) == (2, 1)
    assert any("has not grown" in line for line in told)


@pytest.mark.heavy
def test_the_best_epoch_is_kept_not_the_last(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.5, 0.9, 0.7, 0.6])
    real = finetuning.validated
    monkeypatch.setattr(
        finetuning, "validated", lambda *given: real(*given) | {"micro_f1": next(scores)}
    )
    read: list[str] = []
    real_load = finetuning.load_file

    def loaded(path: Path) -> Any:
        read.append(path.parent.name)
        return real_load(path)

    monkeypatch.setattr(finetuning, "load_file", loaded)
    recipe = replace(SHORT, epochs=8, patience=2)
    about = run(make_corpus(32, 8), base, tmp_path / "made", recipe)
    assert (about.epochs, about.best_epoch) == (4, 2)
    assert read == ["checkpoint-4"]  # of 2 steps an epoch


def test_a_loss_that_is_no_number_is_an_error(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    recipe = replace(SHORT, body_learning_rate=1e30)
    with pytest.raises(TrainingError, match="lower learning rates"):
        run(make_corpus(48, 8), base, tmp_path / "made", recipe)
    assert not (tmp_path / "made" / "training.json").exists()


def test_a_checkpoint_half_written_is_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    for step, state in ((3, '{"global_step": 3}'), (9, '{"global_step": 9'), (12, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state, "utf-8")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-3"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]
