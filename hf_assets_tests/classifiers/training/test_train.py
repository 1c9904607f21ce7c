"""Training a head for real: MiniLM on small corpora whose texts name their topics."""

import json
import shutil
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec.structs import replace
from PIL import Image

from hf_assets.classifiers.metrics import micro_f1
from hf_assets.classifiers.speed import instructions, machine
from hf_assets.classifiers.training import heads
from hf_assets.classifiers.training.base_models import BaseModel
from hf_assets.classifiers.training.config import Dtype, Recipe
from hf_assets.classifiers.training.devices import Computed, device, torch_threads
from hf_assets.classifiers.training.network import load_network, load_tokenizer, predict
from hf_assets.classifiers.training.objective import TrainingError
from hf_assets.classifiers.training.train import fingerprint
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.classifiers.conftest import MakeCorpus, topical, write_corpus
from hf_assets_tests.support.classifiers.minilm import tiny
from hf_assets_tests.support.classifiers.training import HEAD, SHORT, floor, run


@pytest.fixture(scope="module")
def head_run(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Corpus, Any]:
    """A classifier folder, its corpus and what `train` said; strategy head."""
    root = tmp_path_factory.mktemp("head")
    splits = ["train"] * 160 + ["validation"] * 50 + ["test"] * 50
    corpus = write_corpus(root / "corpus", topical(260), splits)
    base = BaseModel("some-base", "someone/some-base")
    return root / "made", corpus, run(corpus, minilm, root / "made", HEAD, base=base)


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


def test_the_log_says_how_many_texts_are_longer_than_what_is_read(
    minilm: Path, make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    corpus, tokenizer = make_corpus(60, 21), load_tokenizer(minilm)
    texts = corpus.split("train").texts
    lengths = sorted(len(tokenizer(text)["input_ids"]) for text in texts)
    most = lengths[len(lengths) // 2]
    share = sum(length >= most for length in lengths) / len(lengths)
    assert 0.4 < share < 0.9
    told: list[str] = []
    recipe = replace(HEAD, max_length=most)
    about = run(corpus, minilm, tmp_path / "made", recipe, log=told.append)
    rows = len(corpus.split("validation").texts)
    assert 0 < about.threshold_rule.rows <= rows < 100
    assert any(f"rests on {about.threshold_rule.rows} rows with labels" in line for line in told)
    assert f"{most} tokens of a text are read: {share:.0%} of the training texts have as many" in (
        line.removesuffix(" or more") for line in told
    )


@pytest.mark.heavy
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


@pytest.mark.parametrize(("rows", "says"), [((0, 8), "0 train"), ((8, 0), "0 validation")])
@pytest.mark.parametrize("recipe", [HEAD, SHORT], ids=["head", "finetune"])
def test_a_corpus_without_rows_is_too_small(
    base: Path,
    make_corpus: MakeCorpus,
    tmp_path: Path,
    rows: tuple[int, int],
    says: str,
    recipe: Recipe,
) -> None:
    with pytest.raises(TrainingError, match=f"{says} rows.*too small"):
        run(make_corpus(*rows), base, tmp_path / "made", recipe)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"strategy": "both"}, {"dtype": "float16"}, {"epochs": 0}, {"batch_size": 0}),
        *({"patience": 0}, {"head_start": "zero"}, {"layer_decay": 0}, {"layer_decay": 1.1}),
        *({"dropout": 1.0}, {"teachers": 1}, {"teacher_epochs": 0}, {"teacher_share": 2}),
        {"threads": 0},
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Recipe(**wrong)
