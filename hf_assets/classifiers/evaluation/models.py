"""What the leaderboard measures: each artefact of a base model as it answers texts.

What belongs here: opening a classifier, its ONNX graph or its int8 graph, reading what its own
files say of it, and answering with it one text at a time or in batches of 32. What does not: what
the answers are worth (`leaderboard.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from hf_assets.classifiers.evaluation.results import INT8, ONNX, TORCH
from hf_assets.classifiers.tagger import Tagger
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_json

BATCH = 32
PLACES = {TORCH: "classifier", ONNX: "onnx", INT8: "quantized"}
GRAPHS = {ONNX: "onnx/model.onnx", INT8: "onnx/model_quantized.onnx"}
# From so many texts on, more processes pay for their start.
MANY_TEXTS = 1000
Scores = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Contestant:
    """One artefact, open.

    Attributes:
        model: the base model's name.
        runtime: torch, onnx, int8, or what a baseline is called.
        threshold: from its own files, tuned on validation.
        validation: micro-F1 on validation that its own files tell, or None.
        size: bytes of the files with weights.
        scores: as they are served, float32 [texts, labels].
        batches: the same of texts in batches of 32, for speed; int8 answers depend on the batch.
        strategy: finetune or head; None for a baseline.
        seconds: that training took.
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
    one_thread: Callable[[], AbstractContextManager[None]] = nullcontext


def contestants(
    labels: Sequence[str],
    models: Mapping[str, Path],
    workers: int,
    runtimes: Sequence[str] = tuple(PLACES),
) -> Iterator[Contestant]:
    """Every artefact that is there, one open at a time.

    Args:
        labels: of the corpus, in order.
        models: for each base model its folder, with classifier/, onnx/, quantized/ or some of them.
        workers: processes that answer many texts, where each is answered alone.
        runtimes: of `PLACES`, the only ones to open.

    Raises:
        InputError: an artefact was made for other labels, or lacks a file.
    """
    for model, folder in models.items():
        for runtime in runtimes:
            place = folder / PLACES[runtime]
            if place.is_dir():
                training = read_json(folder / PLACES[TORCH] / "training.json")
                open_one = _open_torch if runtime == TORCH else _open_graph
                found = open_one(place, list(labels), runtime, workers)
                yield Contestant(
                    model=model,
                    runtime=runtime,
                    strategy=training["strategy"],
                    seconds=training["seconds"],
                    **found,
                )


def same_labels(labels: Sequence[str], found: Sequence[str], place: Path) -> None:
    """Nothing, if both are the same in the same order.

    Raises:
        InputError: they are not.
    """
    if list(labels) != list(found):
        raise InputError(
            f"{place} was made for {len(found)} labels that are not the {len(labels)} of the "
            "corpus, or not in its order: materialise it again"
        )


def _open_torch(place: Path, labels: list[str], _runtime: str, _workers: int) -> dict[str, Any]:
    from hf_assets.classifiers.training.devices import torch_threads
    from hf_assets.classifiers.training.network import load_network, load_tokenizer, predict

    same_labels(labels, read_json(place / "labels.json")["labels"], place)
    told = read_json(place / "training.json")
    network, tokenizer = load_network(place, "sdpa"), load_tokenizer(place)

    def scores(texts: Sequence[str]) -> np.ndarray:
        return predict(network, tokenizer, list(texts), BATCH)

    return {
        "threshold": told["threshold"],
        "validation": told["validation"]["micro_f1"],
        "size": _size(place / "encoder" / "model.safetensors", place / "head.safetensors"),
        "scores": scores,
        "batches": scores,
        "one_thread": partial(torch_threads, 1),
    }


def _open_graph(place: Path, labels: list[str], runtime: str, workers: int) -> dict[str, Any]:
    tagger = Tagger.load(place, GRAPHS[runtime])
    same_labels(labels, tagger.labels, place)
    told = read_json(place / "quantization.json") if runtime == INT8 else None

    def scores(texts: Sequence[str]) -> np.ndarray:
        return tagger.scores(texts, workers if len(texts) >= MANY_TEXTS else None)

    return {
        "threshold": tagger.threshold,
        "validation": told and told["validation_micro_f1"],
        "size": _size(place / GRAPHS[runtime]),
        "scores": scores,
        "batches": _batched(place, GRAPHS[runtime], tagger.max_length),
    }


def _size(*paths: Path) -> int:
    return sum(path.stat().st_size for path in paths)


def _batched(folder: Path, file: str, max_length: int) -> Scores:
    """The graph over padded batches of texts of like length, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(folder / file, options, ["CPUExecutionProvider"])
    inputs = [one.name for one in session.get_inputs()]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(max_length)
    tokenizer.enable_padding(pad_id=read_json(folder / "config.json").get("pad_token_id") or 0)

    def answer(texts: Sequence[str]) -> np.ndarray:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = []
        for at in range(0, len(order), BATCH):
            encoded = tokenizer.encode_batch([texts[i] for i in order[at : at + BATCH]])
            given = {
                "input_ids": [one.ids for one in encoded],
                "attention_mask": [one.attention_mask for one in encoded],
                "token_type_ids": [one.type_ids for one in encoded],
            }
            feed = {name: np.array(given[name], np.int64) for name in inputs}
            parts.append(np.asarray(session.run(["logits"], feed)[0], np.float32))
        return 1 / (1 + np.exp(-np.concatenate(parts)[np.argsort(order)]))

    return answer
