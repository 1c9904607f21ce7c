"""The models that the leaderboard scores: each artefact of a base model, open.

A scored model is a classifier, its ONNX graph or its int8 graph. It answers one text at a time or
in batches of 32; `leaderboard.py` scores its answers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from hf_assets.classifiers.evaluation.results import INT8, ONNX, TORCH
from hf_assets.classifiers.records import QuantizedStep, ThresholdRule
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_json, read_record

BATCH = 32
FOLDERS = {TORCH: "classifier", ONNX: "onnx", INT8: "quantized"}
GRAPHS = {ONNX: "onnx/model.onnx", INT8: "onnx/model_quantized.onnx"}
# From so many texts on, more processes pay for their start.
MANY_TEXTS = 1000
Scores = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class ScoredModel:
    """An artefact that answers texts.

    Attributes:
        model: the base model's name.
        runtime: torch, onnx, int8, or the name of a baseline.
        threshold: from its own files, tuned on validation.
        validation: micro-F1 on validation from its own files, or None.
        size: bytes of the files with weights.
        scores: as they are served, float32 [texts, labels].
        batches: the same of texts in batches of 32, for speed; int8 answers depend on the batch.
        strategy: finetune or head; None for a baseline.
        seconds: that training took.
        distance: within which the threshold was chosen, or None where its files do not say.
        threshold_rows: with a label, that it was chosen on; None likewise.
        lost: columns of what quantisation lost.
        one_thread: enter it to have both answer on one thread.
    """

    model: str
    runtime: str
    threshold: float
    validation: float | None
    size: int
    scores: Scores
    batches: Scores
    strategy: str | None = None
    seconds: float | None = None
    distance: float | None = None
    threshold_rows: int | None = None
    lost: Mapping[str, float | None] = field(default_factory=dict)
    one_thread: Callable[[], AbstractContextManager[None]] = nullcontext


def scored_models(
    labels: Sequence[str],
    models: Mapping[str, Path],
    workers: int,
    runtimes: Sequence[str] = tuple(FOLDERS),
) -> Iterator[ScoredModel]:
    """Every stored artefact, open one at a time.

    Args:
        labels: of the corpus, in order.
        models: for each base model its folder, with classifier/, onnx/, quantized/ or some of them.
        workers: processes that answer many texts, where each is answered alone.
        runtimes: of `FOLDERS`, the only ones to open.

    Raises:
        InputError: an artefact was made for other labels, or lacks a file.
    """
    for model, folder in models.items():
        for runtime in runtimes:
            artefact = folder / FOLDERS[runtime]
            if artefact.is_dir():
                training = read_record(folder / FOLDERS[TORCH] / "training.json", TrainingRecord)
                opener = _open_torch if runtime == TORCH else _open_graph
                opened = opener(artefact, list(labels), runtime, workers)
                yield ScoredModel(
                    model=model,
                    runtime=runtime,
                    strategy=training.strategy,
                    seconds=training.seconds,
                    **opened,
                )


def stored_artefacts(models: Mapping[str, Path]) -> int:
    """How many `scored_models` will open."""
    return sum((one / name).is_dir() for one in models.values() for name in FOLDERS.values())


def require_same_labels(labels: Sequence[str], own: Sequence[str], folder: Path) -> None:
    """Require the same labels in the same order.

    Raises:
        InputError: they are not.
    """
    if list(labels) != list(own):
        raise InputError(
            f"{folder} was made for {len(own)} labels that are not the {len(labels)} of the "
            "corpus, or not in its order: materialise it again"
        )


def _open_torch(folder: Path, labels: list[str], _runtime: str, _workers: int) -> dict[str, Any]:
    from hf_assets.classifiers.training.devices import torch_threads
    from hf_assets.classifiers.training.network import load_network, load_tokenizer, predict

    require_same_labels(labels, read_json(folder / "labels.json")["labels"], folder)
    training = read_record(folder / "training.json", TrainingRecord)
    network, tokenizer = load_network(folder, "sdpa"), load_tokenizer(folder)

    def scores(texts: Sequence[str]) -> np.ndarray:
        return predict(network, tokenizer, list(texts), BATCH)

    return {
        "threshold": training.threshold,
        "distance": training.threshold_rule.distance if training.threshold_rule else None,
        "threshold_rows": rows_of(training.threshold_rule),
        "validation": training.validation and training.validation.micro_f1,
        "size": _size(folder / "encoder" / "model.safetensors", folder / "head.safetensors"),
        "scores": scores,
        "batches": scores,
        "one_thread": partial(torch_threads, 1),
    }


def _open_graph(folder: Path, labels: list[str], runtime: str, workers: int) -> dict[str, Any]:
    tagger = Tagger.load(folder, GRAPHS[runtime], words=False)
    require_same_labels(labels, tagger.labels, folder)
    record = read_record(folder / "quantization.json", QuantizedStep) if runtime == INT8 else None

    def scores(texts: Sequence[str]) -> np.ndarray:
        return tagger.scores(texts, workers if len(texts) >= MANY_TEXTS else None)

    return {
        "threshold": tagger.threshold,
        "distance": tagger.config.get("threshold_rule", {}).get("distance"),
        "threshold_rows": tagger.config.get("threshold_rule", {}).get("rows") or None,
        "lost": _lost(record) if record else {},
        "validation": record and record.validation_micro_f1,
        "size": _size(folder / GRAPHS[runtime]),
        "scores": scores,
        "batches": _batched(folder, GRAPHS[runtime], tagger.max_length),
    }


def rows_of(rule: ThresholdRule | msgspec.UnsetType) -> int | None:
    """The rows that a threshold was chosen on, or None where they were not recorded."""
    return rule.rows or None if isinstance(rule, ThresholdRule) else None


def _lost(record: QuantizedStep) -> dict[str, float | None]:
    """What quantisation lost; nothing where an earlier version measured it in another way."""
    found = record.measured
    if found is None or found.macro_loss is None:
        return {}
    return {
        "micro_f1_lost": found.loss,
        "micro_f1_lost_low": found.loss_low,
        "micro_f1_lost_high": found.loss_high,
        "macro_f1_lost": found.macro_loss,
        "macro_f1_lost_low": found.macro_loss_low,
        "macro_f1_lost_high": found.macro_loss_high,
    }


def _size(*paths: Path) -> int:
    return sum(path.stat().st_size for path in paths)


def _batched(folder: Path, file: str, max_length: int) -> Scores:
    """The graph over padded batches of texts of like length, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(folder / file, options, ["CPUExecutionProvider"])
    inputs = [each.name for each in session.get_inputs()]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(pad_id=read_json(folder / "config.json").get("pad_token_id") or 0)

    def answer(texts: Sequence[str]) -> np.ndarray:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = []
        for at in range(0, len(order), BATCH):
            encoded = tokenizer.encode_batch([texts[i] for i in order[at : at + BATCH]])
            columns = {
                "input_ids": [each.ids for each in encoded],
                "attention_mask": [each.attention_mask for each in encoded],
                "token_type_ids": [each.type_ids for each in encoded],
            }
            feed = {name: np.array(columns[name], np.int64) for name in inputs}
            parts.append(np.asarray(session.run(["logits"], feed)[0], np.float32))
        return 1 / (1 + np.exp(-np.concatenate(parts)[np.argsort(order)]))

    return answer
