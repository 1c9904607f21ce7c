"""The int8 graph, chosen by measurement: the smallest that loses no more than is allowed.

What belongs here: measuring candidates as they are served, and choosing. What does not: how a
candidate is made (`candidates`).
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from hf_assets.classifiers.export.hub_files import MODEL, QUANTIZED, reuse_hub_files
from hf_assets.classifiers.export.quantizers import CANDIDATES, LAST_RESORT, Candidate
from hf_assets.classifiers.metrics import best_threshold, predicted_at, scores_at
from hf_assets.classifiers.provenance import file_mark
from hf_assets.classifiers.quality import LARGEST_LOSS
from hf_assets.classifiers.speed import instructions, machine
from hf_assets.classifiers.tagger import NotFinite, Tagger
from hf_assets.corpora.corpus import Split
from hf_assets.errors import InputError
from hf_assets.storage.json_files import write_json

# Graphs whose bytes differ by this share are of one size: then the one that loses less is chosen.
SAME_SIZE = 0.02
RULE = (
    "the smallest whose micro-F1 on validation loses no more than max_loss against float32 ONNX; "
    "of sizes within 2 %, the one that loses least"
)


class TooMuchLost(InputError):
    """Each candidate loses more micro-F1 than is allowed; the message holds the table."""


@dataclass(frozen=True)
class Measured:
    """A graph as it was served, one text at a time on one thread.

    Attributes:
        bytes: of its file; `size`: as a share of float32's.
        threshold: tuned on the texts it was measured on, as are micro_f1 and macro_f1.
        loss: of micro-F1 against float32 with its own threshold; `loss_error`: the standard error
            of that, from drawing the texts anew.
        ms: a text, the median; texts_per_second: from all texts.
        passed: whether it may be chosen; `rejected`: why it could not be measured.
    """

    name: str
    bytes: int
    size: float
    threshold: float = 0.0
    micro_f1: float = 0.0
    macro_f1: float = 0.0
    loss: float = 1.0
    loss_error: float = 0.0
    ms: float = 0.0
    texts_per_second: float = 0.0
    passed: bool = False
    rejected: str = ""


def quantize(
    onnx_folder: Path,
    folder: Path,
    validation: Split,
    log: Callable[[str], None] = lambda _: None,
    *,
    max_loss: float = LARGEST_LOSS,
    max_texts: int = 2000,
    seed: int = 0,
    candidates: Sequence[Candidate] = CANDIDATES,
    last_resort: Candidate | None = LAST_RESORT,
) -> dict[str, Any]:
    """Write the int8 graph of the one in `onnx_folder`, with its own threshold, into `folder`.

    Args:
        onnx_folder: as the export leaves it.
        folder: empty.
        validation: texts and labels; thresholds are tuned and losses measured on them.
        log: takes lines of the run log.
        max_loss: of micro-F1, as a share.
        max_texts: of `validation` at most; so many are drawn from more, by `seed`.
        candidates: measured one beside the other, text by text, so that times compare.
        last_resort: measured where none of them passes.

    Returns:
        What quantization.json holds: `chosen`, its `validation_micro_f1`, `threshold`, `size`,
        `loss` and `ms`, the figures of `fp32` and of all `candidates`, `texts`, `rule`, …, and
        `made_from`, as the export has it.

    Raises:
        TooMuchLost: no candidate passes.
        ValueError: there are no validation texts.
    """
    if not validation.texts:
        raise ValueError("there are no validation rows to measure candidates on")
    made_from = json.loads((onnx_folder / "export.json").read_bytes()).get("made_from")
    drawn = _draw(validation, max_texts, seed)
    with tempfile.TemporaryDirectory(dir=folder, prefix="candidates-") as place:
        made = Path(place)
        found = _measure(onnx_folder, made, candidates, drawn, max_loss, log)
        if last_resort and not any(one.passed for one in found):
            log(f"none passes; the last resort: {last_resort.says}")
            found += _measure(onnx_folder, made, [last_resort], drawn, max_loss, log)[1:]
        best = choose(found)
        if best is None:
            raise TooMuchLost(
                f"each int8 graph loses more than {100 * max_loss:.1f} points of micro-F1 on "
                f"{len(drawn.texts)} validation texts; allow more (max_loss), or serve float32:\n"
                + table(found)
            )
        (folder / QUANTIZED).parent.mkdir()
        shutil.move(made / best.name / MODEL, folder / QUANTIZED)
    reuse_hub_files(onnx_folder, folder, best.threshold)
    facts = {
        "chosen": best.name,
        "made_from": made_from,
        "mark": file_mark(folder / QUANTIZED),
        "validation_micro_f1": best.micro_f1,
        **{name: getattr(best, name) for name in ("threshold", "bytes", "size", "loss", "ms")},
        "max_loss": max_loss,
        "machine": machine(),
        "instructions": instructions(),
        "rule": RULE,
        "texts": len(drawn.texts),
        "texts_in_validation": len(validation.texts),
        "seed": seed,
        "fp32": _facts(found[0]),
        "candidates": [_facts(one) for one in found[1:]],
    }
    write_json(folder / "quantization.json", facts)
    log(f"{best.name} is chosen of\n{table(found)}")
    return facts


def choose(found: Sequence[Measured]) -> Measured | None:
    """The smallest that passed; of those as small within 2 %, the one that loses least, or None.

    Not the fastest: which of two is faster changes from run to run, and the graph with it.
    """
    passed = [one for one in found if one.passed]
    least = min((one.bytes for one in passed), default=0)
    small = [one for one in passed if one.bytes <= least * (1 + SAME_SIZE)]
    return min(small, key=lambda one: (one.loss, one.bytes), default=None)


def table(found: Sequence[Measured]) -> str:
    """The figures as lines of text: size against float32, F1 and loss in points, ms a text."""
    width = max(len(one.name) for one in found)
    lines = [f"{'':{width}}   size  micro-F1  macro-F1        lost  ms a text"]
    for one in found:
        figures = (
            f"{one.size:6.3f}  {100 * one.micro_f1:8.2f}  {100 * one.macro_f1:8.2f}  "
            f"{100 * one.loss:5.2f} ± {100 * one.loss_error:.2f}  {one.ms:9.1f}"
        )
        lines.append(f"{one.name:{width}} {one.rejected or figures}")
    return "\n".join(lines)


def _draw(split: Split, most: int, seed: int) -> Split:
    if len(split.texts) <= most:
        return split
    kept = np.sort(np.random.default_rng(seed).choice(len(split.texts), most, replace=False))
    return Split(
        ids=[split.ids[i] for i in kept],
        texts=[split.texts[i] for i in kept],
        targets=split.targets[kept],
    )


def _measure(
    onnx_folder: Path,
    place: Path,
    candidates: Sequence[Candidate],
    split: Split,
    max_loss: float,
    log: Callable[[str], None],
) -> list[Measured]:
    """Figures of float32, then of each candidate, whose graph is left in `place`."""
    taggers = {"fp32": Tagger.load(onnx_folder, MODEL)}
    model = onnx.load(onnx_folder / MODEL)
    for candidate in candidates:
        folder = place / candidate.name
        (folder / MODEL).parent.mkdir(parents=True)
        reuse_hub_files(onnx_folder, folder, taggers["fp32"].threshold)
        onnx.save(candidate.make(model), folder / MODEL)
        taggers[candidate.name] = Tagger.load(folder, MODEL)
    del model
    log(f"measuring {', '.join(taggers)} on {len(split.texts)} texts, one at a time")
    scores, seconds, broken = _serve(taggers, split.texts)
    whole = taggers["fp32"].path.stat().st_size
    thresholds = {
        name: min(best_threshold(split.targets, scores[name]), 1.0)
        for name in taggers
        if name not in broken
    }
    reference = predicted_at(scores["fp32"], thresholds["fp32"])
    found = []
    for name, tagger in taggers.items():
        size = tagger.path.stat().st_size
        if name in broken:
            found.append(Measured(name, size, size / whole, rejected=broken[name]))
            continue
        predicted = predicted_at(scores[name], thresholds[name])
        figures = scores_at(split.targets, scores[name], thresholds[name])
        loss, error = _loss(split.targets, reference, predicted)
        found.append(
            Measured(
                name=name,
                bytes=size,
                size=size / whole,
                threshold=thresholds[name],
                micro_f1=figures["micro_f1"],
                macro_f1=figures["macro_f1"],
                loss=loss,
                loss_error=error,
                ms=1000 * float(np.median(seconds[name])),
                texts_per_second=len(split.texts) / float(np.sum(seconds[name])),
                passed=name != "fp32" and loss <= max_loss,
            )
        )
    return found


def _serve(
    taggers: dict[str, Tagger], texts: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, list[float]], dict[str, str]]:
    """Scores, and seconds a text, by name; and why, of those that fail on a text.

    Every text goes to every graph in turn: a busy machine slows them alike.
    """
    scores = {
        name: np.zeros((len(texts), len(one.labels)), np.float32) for name, one in taggers.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in taggers}
    broken: dict[str, str] = {}
    for position, text in enumerate(texts):
        for name, tagger in taggers.items():
            if name in broken:
                continue
            began = time.perf_counter()
            try:
                scores[name][position] = tagger.scores([text])[0]
            except NotFinite as error:
                if name == "fp32":
                    raise
                broken[name] = str(error)
            seconds[name].append(time.perf_counter() - began)
    return scores, seconds, broken


def _loss(targets: np.ndarray, before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """How much micro-F1 `after` loses against `before`, and the standard error of that."""
    there = targets != 0
    counts = np.stack(
        [
            (there & before).sum(1),
            before.sum(1),
            (there & after).sum(1),
            after.sum(1),
            there.sum(1),
        ],
        axis=1,
    )

    def lost(sums: np.ndarray) -> np.ndarray:
        hit, said, hit_after, said_after, wanted = sums.T
        return 2 * hit / np.maximum(said + wanted, 1) - 2 * hit_after / np.maximum(
            said_after + wanted, 1
        )

    rows = len(counts)
    drawn = np.random.default_rng(0).multinomial(rows, np.full(rows, 1 / rows), 500)
    return float(lost(counts.sum(0))), float(lost(drawn @ counts).std())


def _facts(one: Measured) -> dict[str, Any]:
    names = ("name", "bytes", "size", "passed", "rejected") if one.rejected else asdict(one)
    return {name: value for name, value in asdict(one).items() if name in names}
