"""Trains a classifier from a corpus and a base model, and writes its folder.

The loops are in `finetuning.py` and `heads.py`.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import torch

from hf_assets.charts.saving import render
from hf_assets.classifiers.metrics import scores_at
from hf_assets.classifiers.provenance import classifier_fingerprint, corpus_fingerprint
from hf_assets.classifiers.records import MadeFrom, RowCounts, rests_on
from hf_assets.classifiers.speed import instructions, machine
from hf_assets.classifiers.thresholds import Chosen, choose_threshold
from hf_assets.classifiers.training import figures
from hf_assets.classifiers.training.base_models import BaseModel, revision_of
from hf_assets.classifiers.training.batches import token_ids
from hf_assets.classifiers.training.config import Recipe, RecordedRecipe
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
from hf_assets.classifiers.training.objective import TrainingError, TrainingResult
from hf_assets.classifiers.training.record import FewRows, TrainingRecord, ValidationScores
from hf_assets.corpora.corpus import Corpus, Split
from hf_assets.storage.folders import remove_folder
from hf_assets.storage.json_files import write_record

_VERSIONS = ("torch", "transformers", "tokenizers", "accelerate")
# Texts whose tokens are counted before training.
_COUNTED = 2000
# Files of a base model that decide the result.
_DECISIVE = (".json", ".txt", ".safetensors", ".bin")


@dataclass(frozen=True)
class Fitted:
    """The result of a way to train, and why it was taken.

    Attributes:
        result: the course of the training.
        strategy: "head" where the encoder is as it was, else "finetune".
        few_rows: how it was chosen, where that was a choice.
        targets, scores: of further rows that it did not learn from, for the threshold.
    """

    result: TrainingResult
    strategy: str
    few_rows: FewRows | None = None
    targets: np.ndarray | None = None
    scores: np.ndarray | None = None


class Fit(Protocol):
    """A way to train a network in place, where the recipe's own is not wanted."""

    def __call__(
        self,
        network: TagNetwork,
        tokenizer: Any,
        train: Split,
        validation: Split,
        recipe: Recipe,
        log: Callable[[str], None],
    ) -> Fitted:
        """Train it on `train`; `validation` is for choices alone."""
        ...


def train(
    corpus: Corpus,
    encoder: Path,
    folder: Path,
    recipe: Recipe,
    work: Path,
    log: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    *,
    base: BaseModel | None = None,
    fit: Fit | None = None,
) -> TrainingRecord:
    """Train a classifier and write it into `folder`; returns the content of training.json.

    `folder` gets encoder/, head.safetensors, labels.json, the tokenizer, training.json and
    curves.png/.svg. Nothing is read of the test rows.

    Args:
        encoder: folder of the base model, from `base_models.locate`.
        work: where checkpoints lie, of one run at a time (`lock.py`). A run that was killed goes on
            from there if recipe, corpus and base model are the same, and ends as if never
            interrupted.
        progress: called after each step of fine-tuning with steps done and steps in all.
        base: the base model, for how it is used and for training.json; by default one of the
            encoder folder's name.
        fit: trains in place of the recipe's strategy.

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
    base = base or BaseModel(encoder.name, "")
    tokenizer = load_tokenizer(encoder)
    torch.manual_seed(recipe.seed)
    # Only what trains the encoder needs the kernel whose backward pass is fast.
    attention = "sdpa" if recipe.strategy == "head" else None
    dropout = (recipe.dropout or 0.0) if recipe.strategy == "finetune" else 0.0
    network = new_network(
        encoder,
        corpus.labels,
        recipe.max_length,
        attention,
        dropout,
        pooling=base.pooling,
        layers_to_train=base.layers_to_train,
    )
    if network.computed(device().dtype(recipe)) != device().dtype(recipe):
        log(f"{base.name} trains in float32: its architecture bears no {device().dtype(recipe)}")
        recipe = msgspec.structs.replace(recipe, dtype="float32")
    log(
        f"{recipe.strategy} on {len(rows.texts)} rows with {len(corpus.labels)} labels, "
        f"{device().kind} {device().dtype(recipe)}, {torch.get_num_threads()} threads"
    )
    log(_read_whole(tokenizer, rows.texts, recipe.max_length))
    if fit:
        fitted = fit(network, tokenizer, rows, validation, recipe, log)
    elif recipe.strategy == "head":
        learned = _head(network, tokenizer, rows, validation, recipe, log)
        fitted = Fitted(learned, recipe.strategy)
    else:
        # A head is trained without transformers' Trainer, which takes seconds to import.
        from hf_assets.classifiers.training.distillation import finetune

        checkpoints = _checkpoints(work, fingerprint(corpus, encoder, recipe, base), log)
        learned = finetune(network, tokenizer, rows, validation, recipe, checkpoints, log, progress)
        fitted = Fitted(learned, recipe.strategy)
    learned = fitted.result
    save_network(network, tokenizer, folder)
    # The stored files are measured, as they are served: loaded again, in float32.
    stored = load_network(folder, "sdpa")
    scores = predict(stored, load_tokenizer(folder), validation.texts)
    measured = _threshold(validation.targets, scores, fitted)
    if few := rests_on(measured.rows):
        log(few)
    learnt_from = corpus_fingerprint(corpus)
    record = TrainingRecord(
        corpus=corpus.name,
        made_from=MadeFrom(corpus=learnt_from),
        fingerprint=classifier_fingerprint(folder, learnt_from),
        base_model=base.name,
        base_model_id=base.repo,
        revision=revision_of(encoder) or base.revision,
        pooling=base.pooling,
        layers_to_train=base.layers_to_train,
        strategy=fitted.strategy,
        recipe=RecordedRecipe.of(recipe),
        seed=recipe.seed,
        rows=RowCounts(train=len(rows.texts), validation=len(validation.texts)),
        labels=len(corpus.labels),
        max_length=recipe.max_length,
        epochs=learned.history[-1].epoch,
        best_epoch=learned.best,
        threshold=measured.value,
        threshold_rule=measured.rule,
        validation=ValidationScores(measured.micro_f1, measured.macro_f1),
        seconds=round(learned.seconds, 3),
        samples_per_second=round(learned.samples_per_second, 2),
        **_ran_on(recipe, learned.threads),
        versions={name: version(name) for name in _VERSIONS},
        history=learned.history,
        losses=learned.losses,
        few_rows=fitted.few_rows or msgspec.UNSET,
    )
    write_record(folder / "training.json", record)
    render(figures.figure(record)).write(folder, "curves")
    return record


def _threshold(targets: np.ndarray, scores: np.ndarray, fitted: Fitted) -> Chosen:
    """The threshold by the rule, on validation and the rows that stand beside it.

    Its scores are those on validation alone.
    """
    if fitted.targets is None or fitted.scores is None:
        return choose_threshold(targets, scores)
    chosen = choose_threshold(
        np.concatenate([targets, fitted.targets]), np.concatenate([scores, fitted.scores])
    )
    at = scores_at(targets, scores, chosen.value)
    return replace(chosen, micro_f1=at["micro_f1"], macro_f1=at["macro_f1"])


def _read_whole(tokenizer: Any, texts: Sequence[str], most: int) -> str:
    """How many texts are as long as what is read of them, or longer; of some, evenly spaced."""
    sample = texts[:: -(-len(texts) // _COUNTED)]
    full = sum(len(ids) >= most for ids in token_ids(tokenizer, sample, most))
    about = "about " if len(sample) < len(texts) else ""
    return (
        f"{most} tokens of a text are read: {about}{full / len(sample):.0%} of the training texts "
        "have as many or more"
    )


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
        features(network, tokenizer, split.texts, recipe.batch_size, log, dtype=dtype)
        for split in (rows, validation)
    ]
    seconds = time.monotonic() - started
    texts = len(rows.texts) + len(validation.texts)
    log(f"encoded {texts} texts in {seconds:.1f} s ({texts / seconds:.0f} texts/s)")
    head, learned = fit_head(read[0], rows.targets, read[1], validation.targets, recipe.seed, log)
    network.head.load_state_dict(asdict(head))
    seconds += learned.seconds
    return TrainingResult(
        learned.history, learned.losses, seconds, len(rows.texts) / seconds, learned.best
    )


def _ran_on(recipe: Recipe, threads: int) -> dict[str, Any]:
    """Device, number format and processor, on which a result depends besides its inputs."""
    at = device()
    return {
        "device": at.kind,
        "gpu": torch.cuda.get_device_name() if at.kind == "cuda" else None,
        "dtype": at.dtype(recipe),
        "threads": threads or torch.get_num_threads(),
        "machine": machine(),
        "instructions": instructions(),
    }


def fingerprint(
    corpus: Corpus, encoder: Path, recipe: Recipe, base: BaseModel | None = None
) -> str:
    """Fingerprint of recipe, corpus and base model; changes when any of them changes."""
    # What was begun in bfloat16 does not go on in float32, on another machine with the same disk.
    settings = [msgspec.to_builtins(recipe), device().dtype(recipe), corpus.labels]
    # Of a base model of the package it is what earlier versions computed.
    settings += base.decisive if base else []
    digest = hashlib.sha256(json.dumps(settings).encode())
    for split in (corpus.split("train"), corpus.split("validation")):
        digest.update(json.dumps(split.texts).encode())
        digest.update(split.targets.tobytes())
    for path in sorted(encoder.iterdir()):
        if path.suffix in _DECISIVE and path.is_file():
            with path.open("rb") as file:
                digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _checkpoints(work: Path, fingerprint: str, log: Callable[[str], None]) -> Path:
    """The folder of this very training; those of others are removed."""
    own = work / f"checkpoints-{fingerprint}"
    for left in work.glob("checkpoints-*"):
        if left != own:
            log(
                "an interrupted training with another config, corpus or base model, or of an "
                "earlier version, does not go on: this one starts at its first step"
            )
            remove_folder(left)
    own.mkdir(parents=True, exist_ok=True)
    return own
