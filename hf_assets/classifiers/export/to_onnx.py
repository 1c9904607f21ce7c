"""Exports a trained classifier to ONNX and requires parity with torch; int8 is `quantize`."""

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from tokenizers import Tokenizer

from hf_assets.classifiers.export.hub_files import MODEL, write_hub_files
from hf_assets.classifiers.records import ExportRecord, MadeFrom
from hf_assets.classifiers.training.devices import torch_threads
from hf_assets.classifiers.training.network import TagNetwork, load_network
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_record, write_record

# Logits that differ by this much at most: a score then differs by 2.5e-5 at most.
PARITY = 1e-4
# Texts at a time and tokens a text, beside the longest, at which the graph must agree.
ROWS, LENGTHS = (1, 3, 8), (1, 7)


class ParityError(InputError):
    """The exported graph does not answer as torch does; the message holds the figures."""


def export(
    classifier: Path,
    folder: Path,
    probe_texts: Sequence[str],
    log: Callable[[str], None] = lambda _: None,
) -> ExportRecord:
    """Write the classifier in `classifier` as `onnx/model.onnx` and the files around it.

    Batch and length are dynamic; inputs are input_ids, attention_mask and, where the encoder tells
    token types apart, token_type_ids, all int64 [rows, tokens]; output `logits`, float32 [rows,
    labels]. The threshold stays torch's: logits this near make no other one better.

    Args:
        classifier: as training leaves it.
        folder: empty.
        probe_texts: texts on which graph and torch must agree, one or more.
        log: takes lines of the run log.

    Returns:
        The content of export.json.

    Raises:
        ParityError: a logit differs by more than `PARITY`.
        ValueError: there are no probe texts.
    """
    if not probe_texts:
        raise ValueError("parity needs a text or more to be tried on")
    began = time.perf_counter()
    log("exporting the network to ONNX: some 10 s for a small encoder, a minute for a large one")
    training = read_record(classifier / "training.json", TrainingRecord)
    # On CPU the graph of SDPA is a fifth larger, no faster, and loses more to int8.
    network = load_network(classifier, "eager")
    path = folder / MODEL
    path.parent.mkdir(parents=True)
    write_hub_files(
        classifier,
        folder,
        labels=network.labels,
        threshold=training.threshold,
        rule=training.threshold_rule or None,
        max_length=network.max_length,
        corpus=training.corpus,
        pooling=network.pooling,
    )
    write_graph(network, path)
    seconds = time.perf_counter() - began
    log(f"exported in {seconds:.0f} s: {path.stat().st_size / 1e6:.1f} MB")
    with torch_threads(1):  # one text or a few at a time: little to share
        ids = _ids(folder, network.max_length, probe_texts)
        difference, shapes = _parity(network, path, ids)
    log(f"largest difference of a logit from torch: {difference:.1e}")
    model = onnx.load(path, load_external_data=False)
    record = ExportRecord(
        made_from=MadeFrom(classifier=training.fingerprint),
        max_difference=difference,
        allowed=PARITY,
        texts=len(probe_texts),
        shapes=shapes,
        seconds=round(seconds, 3),
        bytes=path.stat().st_size,
        opset=next(entry.version for entry in model.opset_import if not entry.domain),
        inputs=[each.name for each in model.graph.input],
        outputs=[each.name for each in model.graph.output],
    )
    write_record(folder / "export.json", record)
    return record


def write_graph(network: TagNetwork, path: Path) -> None:
    """Write the network as one ONNX file, whose two dynamic axes are `batch` and `length`."""
    # Two rows of three tokens. Of torch 2.13's axes one may have the size 1; where both have, the
    # graph declares dynamic axes and fails at every other size.
    ids = torch.full((2, 3), 1)
    given = {name: torch.ones_like(ids) for name in network.input_names}
    # It warns that torchvision, which nothing here needs, is not installed.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # That all inputs share their axes, and what torch deprecates in itself.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            tuple(given.values()),
            path,
            input_names=list(given),
            output_names=["logits"],
            dynamic_shapes=tuple({0: "batch", 1: "length"} for _ in given),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    model = onnx.load(path)
    # Shapes written for weights contradict those of transposed int8 weights: quantisation fails.
    del model.graph.value_info[:]
    # Where in which file of this machine a node comes from is nobody else's business.
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
    onnx.save(model, path)


def _ids(folder: Path, max_length: int, texts: Sequence[str]) -> list[list[int]]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def _parity(
    network: TagNetwork, path: Path, texts: list[list[int]]
) -> tuple[float, list[tuple[int, int]]]:
    """The largest difference of a logit from torch's, and the shapes of the batches compared."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    shapes: set[tuple[int, int]] = set()
    worst, worst_at = 0.0, ""
    for ids, mask in _batches(texts, network.max_length):
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        given = {name: inputs[name] for name in network.input_names}
        with torch.inference_mode():
            wanted = network(**{name: torch.from_numpy(a) for name, a in given.items()}).numpy()
        got = np.asarray(session.run(["logits"], given)[0])
        difference = float(np.abs(got - wanted).max()) if got.shape == wanted.shape else np.inf
        shapes.add((ids.shape[0], ids.shape[1]))
        if not difference <= worst:
            worst, worst_at = difference, f"{ids.shape[0]} texts of {ids.shape[1]} tokens"
        if not worst <= PARITY:
            raise ParityError(
                f"the graph is not the network that was trained: of {worst_at} a logit differs "
                f"from torch's by {worst:.1e}, and {PARITY:.0e} is allowed"
            )
    return worst, sorted(shapes)


def _batches(texts: list[list[int]], longest: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each text alone, then batches of each shape, padded more from row to row."""
    for ids in texts:
        yield np.array([ids], np.int64), np.ones((1, len(ids)), np.int64)
    tokens = np.concatenate(texts)
    for length in (*LENGTHS, longest):
        for rows in ROWS:
            ids = np.resize(tokens, (rows, length))
            kept = np.maximum(1, length - np.arange(rows) * length // rows)
            mask = np.arange(length) < kept[:, None]
            yield np.where(mask, ids, 0).astype(np.int64), mask.astype(np.int64)
