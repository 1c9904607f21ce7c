"""Fine-tunings with teachers for real, on a small base model: killed, resumed, told of."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from hf_assets.classifiers.techniques import folds
from hf_assets.classifiers.training import distillation
from hf_assets.classifiers.training.config import EARLIER, Recipe
from hf_assets.classifiers.training.devices import torch_threads
from hf_assets.classifiers.training.objective import TrainingError
from hf_assets_tests.classifiers.conftest import MakeCorpus, write_corpus
from hf_assets_tests.support.classifiers.training import run

# Steps: 2 of each teacher's only epoch, 3 in each of the student's two.
TAUGHT = Recipe(epochs=2, teacher_epochs=1, batch_size=16, max_length=24, threads=1)
ROWS, STEPS = 40, 2 + 2 + 6


class Killed(Exception):
    """Stands for whatever ends a run from within."""


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty rows are enough for a teacher."""
    monkeypatch.setattr(folds, "LEAST_ROWS", 20)


def test_each_training_is_told_of(base: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    told: list[str] = []
    steps: list[tuple[int, int]] = []
    about = run(
        make_corpus(ROWS, 12), base, tmp_path / "made", TAUGHT,
        log=told.append, progress=lambda *at: steps.append(at),
    )  # fmt: skip
    assert steps == [(step, STEPS) for step in range(1, STEPS + 1)]
    assert [line.split(":")[0] for line in told if "micro-F1" in line] == [
        "teacher 1 of 2", "teacher 2 of 2", "student", "student",
    ]  # fmt: skip
    assert any("head starts" in line for line in told)
    assert (about.epochs, about.threads) == (2, 1)
    assert about.recipe.teachers == 2
    # All rows that were trained on count, a teacher's too.
    assert about.seconds * about.samples_per_second == pytest.approx(ROWS * 3, rel=0.05)


def test_the_student_learns_from_its_teachers(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[np.ndarray] = []
    real = distillation.fit

    def fit(*given: Any) -> Any:
        learnt.append(given[2].targets)
        return real(*given)

    monkeypatch.setattr(distillation, "fit", fit)
    corpus = make_corpus(ROWS, 8)
    run(corpus, base, tmp_path / "made", replace(TAUGHT, epochs=1))
    first, second, student = learnt
    assert len(first) == len(second) == 20
    hard = corpus.split("train").targets
    assert ((student > 0) & (student < 1)).mean() > 0.9
    # Half of a target is what was given.
    assert (student[hard == 1] >= 0.5).all()
    assert (student[hard == 0] <= 0.5).all()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("at", "says"),
    [
        (1, None),
        (3, "teacher 1 of 2: an interrupted run left its answers"),
        (9, "student: going on after epoch 1"),
    ],
)
def test_a_run_that_was_ended_goes_on_as_if_it_had_not_been(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path, at: int, says: str | None
) -> None:
    corpus, work = make_corpus(ROWS, 12), tmp_path / "work"

    def ended(step: int, _: int) -> None:
        if step == at:
            raise Killed

    with torch_threads(1), pytest.raises(Killed):
        run(corpus, base, tmp_path / "one", TAUGHT, work=work, progress=ended)
    told: list[str] = []
    with torch_threads(1):
        run(corpus, base, tmp_path / "two", TAUGHT, work=work, log=told.append)
        run(corpus, base, tmp_path / "three", TAUGHT, work=tmp_path / "other")
    assert says is None or any(says in line for line in told)
    for name in ("encoder/model.safetensors", "head.safetensors"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()


@pytest.mark.heavy
def test_a_teacher_goes_on_after_its_checkpoint(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    corpus, recipe = make_corpus(ROWS, 8), replace(TAUGHT, epochs=1, teacher_epochs=2)

    def ended(step: int, _: int) -> None:
        if step == 3:
            raise Killed

    with pytest.raises(Killed):
        run(corpus, base, tmp_path / "one", recipe, progress=ended)
    told: list[str] = []
    run(corpus, base, tmp_path / "two", recipe, log=told.append)
    run(corpus, base, tmp_path / "three", recipe, work=tmp_path / "other")
    assert any(line.startswith("teacher 1 of 2: going on after epoch 1") for line in told)
    two, three = (tmp_path / name / "head.safetensors" for name in ("two", "three"))
    assert two.read_bytes() == three.read_bytes()


@pytest.mark.parametrize("part", [0, 1])
def test_a_loss_that_is_no_number_is_an_error_of_whichever_training(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    recipe = replace(TAUGHT, teachers=2 * part, body_learning_rate=1e30, layer_decay=1.0)
    with pytest.raises(TrainingError, match="lower learning rates"):
        run(make_corpus(48, 8), base, tmp_path / "made", recipe)


def test_few_rows_have_no_teachers(base: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    told: list[str] = []
    run(make_corpus(ROWS - 1, 8), base, tmp_path / "made", TAUGHT, log=told.append)
    assert any(line.startswith("no teachers: 39 rows are fewer than") for line in told)
    assert not any(line.startswith(("teacher", "student")) for line in told)


def test_a_corpus_of_a_single_label_is_learnt(base: Path, tmp_path: Path) -> None:
    rows = [(f"gene {at} of a cell", ["genes"] if at % 2 else []) for at in range(60)]
    splits = ["train"] * ROWS + ["validation"] * 12 + ["test"] * 8
    told: list[str] = []
    corpus = write_corpus(tmp_path / "corpus", rows, splits)
    about = run(corpus, base, tmp_path / "made", replace(TAUGHT, epochs=1), log=told.append)
    assert about.labels == 1
    assert any("the head starts at 0" in line for line in told)


def test_an_earlier_recipe_trains_as_it_did(
    base: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    told: list[str] = []
    recipe = replace(TAUGHT, **EARLIER, epochs=1)
    with torch_threads(1):
        about = run(make_corpus(ROWS, 8), base, tmp_path / "made", recipe, log=told.append)
    assert not any("teacher" in line or "head starts" in line for line in told)
    stored = (tmp_path / "made" / "training.json").read_text("utf-8")
    assert about.recipe.teachers is not None
    assert not any(name in stored for name in EARLIER if name != "threads")
