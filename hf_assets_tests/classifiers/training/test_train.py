"""Training for real: MiniLM on small corpora whose texts name their topics."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image
from safetensors.torch import load_file

from hf_assets.classifiers.metrics import micro_f1
from hf_assets.classifiers.speed import instructions, machine
from hf_assets.classifiers.training import finetuning, heads
from hf_assets.classifiers.training import train as training
from hf_assets.classifiers.training.checkpoints import last_checkpoint
from hf_assets.classifiers.training.config import Dtype, Recipe
from hf_assets.classifiers.training.devices import Computed, device, torch_threads
from hf_assets.classifiers.training.network import load_network, load_tokenizer, predict
from hf_assets.classifiers.training.objective import TrainingError
from hf_assets.classifiers.training.train import fingerprint, train
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.classifiers.conftest import MakeCorpus, topical, write_corpus
from hf_assets_tests.support.classifiers.minilm import tiny

HEAD = Recipe(strategy="head", max_length=32)
SHORT = Recipe(epochs=2, batch_size=16, max_length=24)
# Deterministic to the bit: no two threads add in another order.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Killed(Exception):
    """Stands for whatever ends a run from within."""


def floor(corpus: Corpus) -> float:
    """Micro-F1 of the best constant answer on validation."""
    targets = corpus.split("validation").targets
    commonest = np.argsort(-corpus.split("train").targets.sum(axis=0))
    constant = np.zeros((len(commonest) + 1, len(commonest)), np.uint8)
    for k in range(len(commonest)):
        constant[k + 1 :, commonest[k]] = 1
    return max(micro_f1(targets, np.tile(row, (len(targets), 1))) for row in constant)


def run(corpus: Corpus, minilm: Path, folder: Path, recipe: Recipe, **options: Any) -> Any:
    folder.mkdir(parents=True)
    work = options.pop("work", folder.parent / "work")
    return train(corpus, minilm, folder, recipe, work, **options)


@pytest.fixture(scope="module")
def head_run(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Corpus, Any]:
    """A classifier folder, its corpus and what `train` said; strategy head."""
    root = tmp_path_factory.mktemp("head")
    splits = ["train"] * 160 + ["validation"] * 50 + ["test"] * 50
    corpus = write_corpus(root / "corpus", topical(260), splits)
    return root / "made", corpus, run(corpus, minilm, root / "made", HEAD, base_model="some-base")


def test_a_head_beats_every_constant_answer(head_run: tuple[Path, Corpus, Any]) -> None:
    _, corpus, about = head_run
    assert about.validation.micro_f1 > floor(corpus) + 0.2


def test_the_threshold_that_is_stored_holds_for_the_files(
    head_run: tuple[Path, Corpus, Any],
) -> None:
    folder, corpus, about = head_run
    test = corpus.split("test")
    scores = predict(load_network(folder), load_tokenizer(folder), test.texts)
    assert micro_f1(test.targets, scores >= about.threshold) > floor(corpus) + 0.2
    validation = corpus.split("validation")
    scores = predict(load_network(folder), load_tokenizer(folder), validation.texts)
    found = micro_f1(validation.targets, scores >= about.threshold)
    assert found == pytest.approx(about.validation.micro_f1, abs=1e-9)


def test_the_folder_is_whole(head_run: tuple[Path, Corpus, Any]) -> None:
    folder, corpus, about = head_run
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*")} >= {
        "encoder/config.json",
        "encoder/model.safetensors",
        "head.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "labels.json",
        "training.json",
        "curves.png",
        "curves.svg",
    }
    said = json.loads((folder / "training.json").read_text("utf-8"))
    assert said == json.loads(msgspec.json.encode(about))
    assert said["base_model"] == "some-base"
    assert said["recipe"] == msgspec.to_builtins(HEAD)
    assert said["rows"] == {"train": 160, "validation": 50}
    assert said["seconds"] > 0 < said["samples_per_second"]
    assert said["threads"] >= 1
    assert (said["device"], said["dtype"]) == (device().kind, "float32")
    assert (said["machine"], said["instructions"]) == (machine(), instructions())
    assert set(said["versions"]) >= {"torch", "transformers"}
    assert said["history"][-1]["epoch"] == said["epochs"]
    kept = next(entry for entry in said["history"] if entry["epoch"] == said["best_epoch"])
    assert kept["micro_f1"] == max(entry["micro_f1"] for entry in said["history"])
    assert tuple(json.loads((folder / "labels.json").read_text("utf-8"))["labels"]) == corpus.labels
    assert Image.open(folder / "curves.png").size[0] == 1800


@pytest.mark.parametrize("dtype", ["auto", "bfloat16"])
def test_a_head_is_the_same_on_any_number_of_threads(
    make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: Dtype
) -> None:
    monkeypatch.setattr(heads, "_LEAST_STEPS", 60)
    tiny("bert", tmp_path / "tiny")
    base = tmp_path / "tiny" / "encoder"
    shutil.copy(tmp_path / "tiny" / "tokenizer.json", base)
    shutil.copy(tmp_path / "tiny" / "tokenizer_config.json", base)
    corpus, recipe = make_corpus(60, 21), Recipe(strategy="head", max_length=24, dtype=dtype)
    made = {}
    for threads in (1, 2, 16):
        folder = tmp_path / f"on-{threads}"
        with torch_threads(threads):
            about = run(corpus, base, folder, recipe)
        assert (about.threads, about.recipe.dtype) == (threads, dtype)
        assert about.dtype == ("float32" if dtype == "auto" else dtype)
        same = ("history", "losses", "threshold", "validation", "best_epoch", "fingerprint")
        weights = (folder / "head.safetensors").read_bytes()
        made[threads] = weights, {name: getattr(about, name) for name in same}
    assert made[1] == made[2] == made[16]


def test_finetuning_learns_and_tells(minilm: Path, make_corpus: MakeCorpus, tmp_path: Path) -> None:
    corpus = make_corpus(96, 40)
    told: list[str] = []
    steps: list[tuple[int, int]] = []
    about = run(
        corpus, minilm, tmp_path / "made", replace(SHORT, batch_size=8),
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
    before = load_file(minilm / "model.safetensors")
    after = load_file(tmp_path / "made" / "encoder" / "model.safetensors")
    moved = [name for name in after if not np.array_equal(after[name], before[name])]
    assert len(moved) > 90


_CHILD = """
import sys, time
from pathlib import Path
from hf_assets.classifiers.training import finetuning
from hf_assets.classifiers.training.base_models import BASE_MODELS, locate
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.train import train
from hf_assets.corpora.corpus import open_corpus

corpus, stop, *folders = sys.argv[1:]
finetuning._POINTS = 4  # the mean of three steps is logged, of four an epoch

def progress(step, steps):
    if step == int(stop):
        print("waiting", flush=True)
        time.sleep(600)

recipe = Recipe(epochs=3, batch_size=16, max_length=24)
while folders:
    folder, work, *folders = folders
    Path(folder).mkdir()
    train(open_corpus(Path(corpus)), locate(BASE_MODELS["all-minilm-l6-v2"]), Path(folder), recipe,
          Path(work), lambda line: print("told: " + line, flush=True),
          (lambda *_: None) if folders else progress)
"""


def child(corpus: Corpus, *folders: Path, stop: int) -> subprocess.Popen[str]:
    """Trains into the first folder, with the second for its checkpoints; stops in the last."""
    given = map(str, (corpus.folder, stop, *folders))
    command = [sys.executable, "-c", _CHILD, *given]
    environment = os.environ | ONE_THREAD
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    corpus, work = make_corpus(64, 24), tmp_path / "work"
    # One that is not killed, and one that is: of 4 steps an epoch, in the second.
    unkilled = tmp_path / "three", tmp_path / "other"
    victim = child(corpus, *unkilled, tmp_path / "one", work, stop=6)
    assert victim.stdout
    assert any(line == "waiting\n" for line in victim.stdout)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert not (tmp_path / "one" / "training.json").exists()
    state = next(work.glob("*/checkpoint-4/trainer_state.json"))
    log = json.loads(state.read_text("utf-8"))
    log["log_history"][0]["seconds"] = 5000.0
    state.write_text(json.dumps(log), "utf-8")

    again = child(corpus, tmp_path / "two", work, stop=-1)
    told, _ = again.communicate()
    assert again.returncode == 0
    assert "going on after epoch 1" in told
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
    minilm: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, work = make_corpus(32, 12), tmp_path / "work"

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_network", killed)
        with pytest.raises(Killed):
            run(corpus, minilm, tmp_path / "one", SHORT, work=work)
    assert len(list(work.glob("checkpoints-*"))) == 1

    about = run(corpus, minilm, tmp_path / "two", SHORT, work=work, progress=killed)
    assert len(about.history) == 2


def test_another_recipe_starts_anew_and_clears_what_is_left(
    minilm: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    left = tmp_path / "work" / "checkpoints-of-another-recipe" / "checkpoint-2"
    left.mkdir(parents=True)
    (left / "trainer_state.json").write_text('{"global_step": 2, "log_history": []}', "utf-8")
    steps: list[int] = []

    def killed(step: int, _: int) -> None:
        steps.append(step)
        raise Killed

    with pytest.raises(Killed):
        run(make_corpus(32, 12), minilm, tmp_path / "made", SHORT, progress=killed)
    assert steps == [1]
    assert not left.exists()


def test_a_fingerprint_is_of_all_that_decides_the_result(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    corpus, encoder = make_corpus(12, 6), tmp_path / "encoder"
    splits = corpus.frame["split"].to_list()
    encoder.mkdir()
    (encoder / "model.safetensors").write_bytes(b"weights")
    (encoder / "README.md").write_bytes(b"words")
    rows = topical(len(splits))
    changed = [(f"{rows[0][0]}!", rows[0][1]), *rows[1:]]
    relabelled = [(rows[0][0], ["genes"]), *rows[1:]]
    assert rows[0][1] != ["genes"]
    first = fingerprint(corpus, encoder, SHORT)
    found = [
        first,
        fingerprint(corpus, encoder, replace(SHORT, max_grad_norm=2.0)),
        *(fingerprint(corpus, encoder, replace(SHORT, dtype=one)) for one in get_args(Computed)),
        fingerprint(write_corpus(tmp_path / "two", changed, splits), encoder, SHORT),
        fingerprint(write_corpus(tmp_path / "three", relabelled, splits), encoder, SHORT),
        fingerprint(write_corpus(tmp_path / "four", rows[::-1], splits), encoder, SHORT),
    ]
    (encoder / "README.md").write_bytes(b"other words")
    assert fingerprint(write_corpus(tmp_path / "five", rows, splits), encoder, SHORT) == first
    (encoder / "model.safetensors").write_bytes(b"other weights")
    found.append(fingerprint(corpus, encoder, SHORT))
    assert len(set(found)) == len(found)


def test_training_stops_when_validation_does_not_grow(
    minilm: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    recipe = replace(SHORT, epochs=9, patience=1, body_learning_rate=0.0, head_learning_rate=0.0)
    told: list[str] = []
    about = run(make_corpus(16, 8), minilm, tmp_path / "made", recipe, log=told.append)
    assert (about.epochs, about.best_epoch) == (2, 1)
    assert any("has not grown" in line for line in told)


def test_the_best_epoch_is_kept_not_the_last(
    minilm: Path, make_corpus: MakeCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    about = run(make_corpus(32, 8), minilm, tmp_path / "made", recipe)
    assert (about.epochs, about.best_epoch) == (4, 2)
    assert read == ["checkpoint-4"]  # of 2 steps an epoch


def test_a_loss_that_is_no_number_is_an_error(
    minilm: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    recipe = replace(SHORT, body_learning_rate=1e30)
    with pytest.raises(TrainingError, match="lower learning rates"):
        run(make_corpus(48, 8), minilm, tmp_path / "made", recipe)
    assert not (tmp_path / "made" / "training.json").exists()


@pytest.mark.parametrize(("rows", "says"), [((0, 8), "0 train"), ((8, 0), "0 validation")])
@pytest.mark.parametrize("recipe", [HEAD, SHORT], ids=["head", "finetune"])
def test_a_corpus_without_rows_is_too_small(
    minilm: Path,
    make_corpus: MakeCorpus,
    tmp_path: Path,
    rows: tuple[int, int],
    says: str,
    recipe: Recipe,
) -> None:
    with pytest.raises(TrainingError, match=f"{says} rows.*too small"):
        run(make_corpus(*rows), minilm, tmp_path / "made", recipe)


def test_a_checkpoint_half_written_is_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    for step, state in ((3, '{"global_step": 3}'), (9, '{"global_step": 9'), (12, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state, "utf-8")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-3"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]


@pytest.mark.parametrize(
    "wrong",
    [{"strategy": "both"}, {"dtype": "float16"}, {"epochs": 0}, {"batch_size": 0}, {"patience": 0}],
)
def test_a_recipe_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Recipe(**wrong)
