"""A corpus and a base model become a classifier folder: what defs call.

What belongs here: which strategy, which folder, what is written beside the weights. What does not:
the loops (`finetuning.py`, `heads.py`).
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from hf_assets.charts.saving import render
from hf_assets.classifiers.provenance import classifier_mark, corpus_mark
from hf_assets.classifiers.speed import instructions, machine
from hf_assets.classifiers.training import figures
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.devices import device
from hf_assets.classifiers.training.heads import fit_head
from hf_assets.classifiers.training.network import (
    TagNetwork,
    features,
    load_network,
    load_tokenizer,
    new_network,
    predict,
    save_network,
)
from hf_assets.classifiers.training.objective import TrainingError, TrainingResult, validated
from hf_assets.corpora.corpus import Corpus, Split
from hf_assets.storage.durable import remove_folder

_VERSIONS = ("torch", "transformers", "tokenizers", "accelerate")
# What of a base model decides the result.
_DECISIVE = (".json", ".txt", ".safetensors", ".bin")


def train(
    corpus: Corpus,
    encoder: Path,
    folder: Path,
    recipe: Recipe,
    work: Path,
    log: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    *,
    base_model: str = "",
) -> dict[str, Any]:
    """Train a classifier and write it into `folder`; what training.json then holds.

    `folder` gets encoder/, head.safetensors, labels.json, the tokenizer, training.json and
    curves.png/.svg. Nothing is read of the test rows.

    Args:
        encoder: folder of the base model, from `encoders.locate`.
        work: where checkpoints lie, of one run at a time (`turns.turn`). A run that was killed goes
            on from there if recipe, corpus and base model are the same, and ends as if never
            interrupted.
        progress: told after each step of fine-tuning: steps done, steps in all.
        base_model: its name, for training.json; the encoder folder's by default.

    Raises:
        TrainingError: the corpus is too small to train on, or the loss is no number.
        NetworkError: the encoder's files do not make one, or do not take `max_length` tokens.
    """
    rows, validation = corpus.split("train"), corpus.split("validation")
    for name, split in (("train", rows), ("validation", validation)):
        if not split.texts or not corpus.labels:
            raise TrainingError(
                f"the corpus {corpus.name} has {len(split.texts)} {name} rows and "
                f"{len(corpus.labels)} labels: it is too small to train on"
            )
    tokenizer = load_tokenizer(encoder)
    torch.manual_seed(recipe.seed)
    # Only what trains the encoder needs the kernel whose backward pass is fast.
    attention = "sdpa" if recipe.strategy == "head" else None
    network = new_network(encoder, corpus.labels, recipe.max_length, attention)
    log(
        f"{recipe.strategy} on {len(rows.texts)} rows with {len(corpus.labels)} labels, "
        f"{device().kind} {device().dtype(recipe)}, {torch.get_num_threads()} threads"
    )
    if recipe.strategy == "head":
        learned = _head(network, tokenizer, rows, validation, recipe, log)
    else:
        # A head is trained without transformers' Trainer, which takes seconds to import.
        from hf_assets.classifiers.training.finetuning import finetune

        checkpoints = _checkpoints(work, fingerprint(corpus, encoder, recipe))
        learned = finetune(network, tokenizer, rows, validation, recipe, checkpoints, log, progress)
    save_network(network, tokenizer, folder)
    # What is measured is what was stored, as it is served: loaded anew, in float32.
    stored = load_network(folder, "sdpa")
    scores = predict(stored, load_tokenizer(folder), validation.texts)
    found = validated(validation.targets, scores)
    learnt_from = corpus_mark(corpus)
    about = {
        "corpus": corpus.name,
        "made_from": {"corpus": learnt_from},
        "mark": classifier_mark(folder, learnt_from),
        "base_model": base_model or encoder.name,
        "strategy": recipe.strategy,
        "recipe": asdict(recipe),
        "seed": recipe.seed,
        "rows": {"train": len(rows.texts), "validation": len(validation.texts)},
        "labels": len(corpus.labels),
        "max_length": recipe.max_length,
        "epochs": int(learned.history[-1]["epoch"]),
        "best_epoch": learned.best,
        "threshold": found["threshold"],
        "validation": {name: found[name] for name in ("micro_f1", "macro_f1")},
        "seconds": round(learned.seconds, 3),
        "samples_per_second": round(learned.samples_per_second, 2),
        **_ran_on(recipe),
        "versions": {name: version(name) for name in _VERSIONS},
        "history": learned.history,
        "losses": learned.losses,
    }
    written = json.dumps(about, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "training.json").write_text(written + "\n", encoding="utf-8")
    render(figures.figure(about)).write(folder, "curves")
    return about


def _head(
    network: TagNetwork,
    tokenizer: Any,
    rows: Split,
    validation: Split,
    recipe: Recipe,
    log: Callable[[str], None],
) -> TrainingResult:
    started, dtype = time.monotonic(), device().dtype(recipe)
    read = [
        features(network, tokenizer, split.texts, recipe.batch, log, dtype=dtype)
        for split in (rows, validation)
    ]
    seconds = time.monotonic() - started
    texts = len(rows.texts) + len(validation.texts)
    log(f"read {texts} texts in {seconds:.1f} s ({texts / seconds:.0f} texts/s)")
    head, learned = fit_head(read[0], rows.targets, read[1], validation.targets, recipe.seed, log)
    network.head.load_state_dict(asdict(head))
    seconds += learned.seconds
    return TrainingResult(
        learned.history, learned.losses, seconds, len(rows.texts) / seconds, learned.best
    )


def _ran_on(recipe: Recipe) -> dict[str, Any]:
    """What a result depends on beside its inputs and the versions."""
    at = device()
    return {
        "device": at.kind,
        "gpu": torch.cuda.get_device_name() if at.kind == "cuda" else None,
        "dtype": at.dtype(recipe),
        "threads": torch.get_num_threads(),
        "machine": machine(),
        "instructions": instructions(),
    }


def fingerprint(corpus: Corpus, encoder: Path, recipe: Recipe) -> str:
    """The same for the same recipe, corpus and base model, and for no others."""
    # What was begun in bfloat16 does not go on in float32, on another machine with the same disk.
    given = [asdict(recipe), device().dtype(recipe), corpus.labels]
    made = hashlib.sha256(json.dumps(given).encode())
    for split in (corpus.split("train"), corpus.split("validation")):
        made.update(json.dumps(split.texts).encode())
        made.update(split.targets.tobytes())
    for path in sorted(encoder.iterdir()):
        if path.suffix in _DECISIVE and path.is_file():
            with path.open("rb") as file:
                made.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return made.hexdigest()[:16]


def _checkpoints(work: Path, mark: str) -> Path:
    """The folder of this very training; those of others are removed."""
    own = work / f"checkpoints-{mark}"
    for left in work.glob("checkpoints-*"):
        if left != own:
            remove_folder(left)
    own.mkdir(parents=True, exist_ok=True)
    return own
