"""The int8 graph, chosen by measurement: the smallest that loses no more than is allowed.

`quantizers.py` makes the candidates.
"""

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnx

from hf_assets.classifiers.export.calibration import Calibration, draw_calibration
from hf_assets.classifiers.export.hub_files import MODEL, QUANTIZED, reuse_hub_files
from hf_assets.classifiers.export.parts import NotExact
from hf_assets.classifiers.export.quantizers import (
    CANDIDATES,
    DYNAMIC,
    LAST_RESORT,
    Candidate,
)
from hf_assets.classifiers.export.sameness import SAME, measure_sameness
from hf_assets.classifiers.metrics import lost_f1, predicted_at, scores_at
from hf_assets.classifiers.provenance import file_fingerprint
from hf_assets.classifiers.quality import LARGEST_LOSS, LARGEST_MACRO_LOSS, lost_too_much, too_few
from hf_assets.classifiers.records import (
    GraphMeasurement,
    QuantizationRecord,
    StepRecord,
    ThresholdRule,
)
from hf_assets.classifiers.speed import instructions, machine
from hf_assets.classifiers.tagger import NotFinite, Tagger
from hf_assets.classifiers.thresholds import choose_threshold
from hf_assets.corpora.corpus import Split
from hf_assets.errors import InputError
from hf_assets.progress import ItemLog, Log, TimedLog
from hf_assets.storage.json_files import read_json, read_record, write_json, write_record

# Graphs whose bytes differ by this share are of one size: then the one that loses less is chosen.
SAME_SIZE = 0.02
# onnxruntime's own name of the level at which `Tagger` opens a graph, and at which it is measured.
OPTIMIZATION = "all"
RULE = (
    "of those that answer alike alone and in batches, or of all where none does, "
    "the smallest that loses no more than max_loss of micro-F1 and max_macro_loss of macro-F1 "
    "against float32 ONNX by more than chance (an interval above 0), "
    "both at float32's threshold, on validation rows that did not choose it; "
    "of sizes within 2 %, the one that loses least of both"
)


class TooMuchLost(InputError):
    """Each candidate loses more F1 than is allowed; the message holds the table."""


def quantize(
    onnx_folder: Path,
    folder: Path,
    validation: Split,
    log: Log = lambda _: None,
    *,
    max_loss: float = LARGEST_LOSS,
    max_macro_loss: float = LARGEST_MACRO_LOSS,
    max_texts: int = 2000,
    seed: int = 0,
    training_texts: Sequence[str] = (),
    candidates: Sequence[Candidate] = CANDIDATES,
    fallback: Sequence[Candidate] = DYNAMIC,
    last_resort: Candidate | None = LAST_RESORT,
) -> QuantizationRecord:
    """Write the int8 graph of `onnx_folder`, with the same threshold, into `folder`.

    The threshold stays: another one would be tuned to the noise of quantisation.

    Args:
        onnx_folder: as the export leaves it.
        folder: empty.
        validation: texts and labels, on which losses are measured: each half of them at the
            threshold that float32 chooses on the other half.
        log: takes lines of the run log.
        max_loss: of micro-F1, as a share; max_macro_loss: of macro-F1. A loss counts where its
            interval lies above 0.
        max_texts: of `validation` at most; so many are drawn from more, by `seed`.
        training_texts: some of them calibrate the scales of activations; without any, they are
            scaled as they come.
        candidates: measured one beside the other, text by text, so that times compare.
        fallback: measured where none of them passes; last_resort: where none of those does, too.

    Returns:
        The content of quantization.json; `made_from` is the export's.

    Raises:
        TooMuchLost: no candidate passes.
        ValueError: there are no validation texts.
    """
    if not validation.texts:
        raise ValueError("there are no validation rows to measure candidates on")
    made_from = read_record(onnx_folder / "export.json", StepRecord).made_from
    drawn, limits = _draw(validation, max_texts, seed), (max_loss, max_macro_loss)
    with tempfile.TemporaryDirectory(dir=folder, prefix="candidates-") as temporary:
        graphs = Path(temporary)
        calibration = draw_calibration(onnx_folder, training_texts, seed)
        measured: list[GraphMeasurement] = []
        stages = candidates, fallback, [last_resort] if last_resort else []
        for stage in filter(None, stages):
            if any(each.passed for each in measured):
                break
            if measured:
                log(f"no candidate passes; measuring {', '.join(each.name for each in stage)}")
            more = _measure(onnx_folder, graphs, stage, calibration, drawn, limits, log)
            measured += more[1:] if measured else more
        best = choose(measured)
        if best is None:
            raise TooMuchLost(
                f"each int8 graph loses more than {100 * max_loss:.1f} points of micro-F1 or "
                f"{100 * max_macro_loss:.1f} of macro-F1 on {len(drawn.texts)} validation texts; "
                "allow more (max_loss, max_macro_loss), or serve float32:\n" + table(measured)
            )
        (folder / QUANTIZED).parent.mkdir()
        shutil.move(graphs / best.name / MODEL, folder / QUANTIZED)
    reuse_hub_files(onnx_folder, folder)
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", config | {"quantization": _served(best)})
    rule = config.get("threshold_rule")
    passed_over = _passed_over(best, measured, limits)
    record = QuantizationRecord(
        chosen=best.name,
        made_from=made_from,
        fingerprint=file_fingerprint(folder / QUANTIZED),
        validation_micro_f1=best.micro_f1,
        threshold=best.threshold,
        threshold_rule=msgspec.convert(rule, ThresholdRule) if rule else msgspec.UNSET,
        bytes=best.bytes,
        size=best.size,
        loss=best.loss,
        ms=best.ms,
        max_loss=max_loss,
        max_macro_loss=max_macro_loss,
        machine=machine(),
        instructions=instructions(),
        rule=RULE,
        texts=len(drawn.texts),
        texts_in_validation=len(validation.texts),
        seed=seed,
        calibration=calibration.record,
        optimization=OPTIMIZATION,
        fp32=measured[0],
        candidates=measured[1:],
        passed_over=passed_over,
    )
    write_record(folder / "quantization.json", record)
    log(f"chose {best.name} of\n{table(measured)}")
    for line in filter(None, [*passed_over, too_few(len(drawn.texts))]):
        log(line)
    return record


def choose(measured: Sequence[GraphMeasurement]) -> GraphMeasurement | None:
    """The smallest that passed; of those as small within 2 %, the one that loses least, or None.

    One that answers alike alone and in batches goes before all that do not. Not the fastest: which
    of two is faster changes from run to run, and the graph with it.
    """
    passed = [each for each in measured if each.passed]
    passed = list(filter(_is_same, passed)) or passed
    least = min((each.bytes for each in passed), default=0)
    small = [each for each in passed if each.bytes <= least * (1 + SAME_SIZE)]
    return min(
        small, key=lambda each: (each.loss + (each.macro_loss or 0.0), each.bytes), default=None
    )


def _is_same(measured: GraphMeasurement) -> bool:
    same = measured.sameness
    return same is not None and same.largest <= SAME and not same.labels


def _served(best: GraphMeasurement) -> dict[str, str | bool | float]:
    """What config.json says to the tagger and to readers."""
    found: dict[str, str | bool | float] = {
        "name": best.name,
        "batches": _is_same(best),
        "optimization": OPTIMIZATION,
    }
    if best.sameness:
        found |= {"largest_difference": best.sameness.largest, "texts": best.sameness.texts}
    return found


def _passed_over(
    best: GraphMeasurement, measured: Sequence[GraphMeasurement], limits: tuple[float, float]
) -> list[str]:
    """Why none that answers alike was chosen, where that is so."""
    if _is_same(best):
        return []
    most = f"{100 * limits[0]:.1f} and {100 * limits[1]:.1f} may be lost"
    lines = [f"{each.name} is not possible: {each.rejected}" for each in measured if each.rejected]
    lines += [
        f"{each.name} loses {_interval(each.loss, each.loss_low, each.loss_high)} points of "
        f"micro-F1 and {_interval(each.macro_loss, each.macro_loss_low, each.macro_loss_high)} "
        f"of macro-F1; {most}"
        for each in measured[1:]
        if _is_same(each) and not each.passed
    ]
    return lines


def table(measured: Sequence[GraphMeasurement]) -> str:
    """The figures as lines of text: size against float32, F1 and loss in points, ms a text."""
    width = max(len(each.name) for each in measured)
    lost = f"{'lost: micro (95 %)':>20}  {'macro (95 %)':>20}"
    lines = [f"{'':{width}}   size  micro-F1  macro-F1  {lost}  ms a text"]
    for each in measured:
        figures = (
            f"{each.size:6.3f}  {100 * each.micro_f1:8.2f}  {100 * each.macro_f1:8.2f}  "
            f"{_interval(each.loss, each.loss_low, each.loss_high):>20}  "
            f"{_interval(each.macro_loss, each.macro_loss_low, each.macro_loss_high):>20}  "
            f"{each.ms:9.1f}"
        )
        lines.append(f"{each.name:{width}} {each.rejected or figures}")
    return "\n".join(lines)


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "not measured"
    return f"{100 * value:.2f} ({100 * low:.2f} to {100 * high:.2f})"


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
    graphs: Path,
    candidates: Sequence[Candidate],
    calibration: Calibration,
    split: Split,
    limits: tuple[float, float],
    log: Log,
) -> list[GraphMeasurement]:
    """Figures of float32, then of each candidate, whose graph is left in `graphs`."""
    taggers = {"fp32": Tagger.load(onnx_folder, MODEL)}
    model = onnx.load(onnx_folder / MODEL)
    made = ItemLog(log, len(candidates))
    rejected: list[GraphMeasurement] = []
    for candidate in candidates:
        made.begin(f"quantising: {candidate.name}, {candidate.description}")
        folder = graphs / candidate.name
        (folder / MODEL).parent.mkdir(parents=True)
        reuse_hub_files(onnx_folder, folder)
        try:
            onnx.save(candidate.make(model, calibration), folder / MODEL)
        except NotExact as error:
            log(f"{candidate.name} is not possible: {error}")
            rejected.append(GraphMeasurement(candidate.name, 0, 0.0, rejected=str(error)))
            continue
        taggers[candidate.name] = Tagger.load(folder, MODEL)
    del model
    log(f"measuring {', '.join(taggers)} on {len(split.texts)} texts, one at a time")
    scores, seconds, broken = _serve(taggers, split.texts, log)
    float32_size = taggers["fp32"].path.stat().st_size
    threshold = taggers["fp32"].threshold
    others = _thresholds_of_others(split.targets, scores["fp32"])
    float32 = predicted_at(scores["fp32"], others)
    measured = []
    for name, tagger in taggers.items():
        size = tagger.path.stat().st_size
        if name in broken:
            measured.append(
                GraphMeasurement(name, size, size / float32_size, rejected=broken[name])
            )
            continue
        figures = scores_at(split.targets, scores[name], threshold)
        micro, macro = lost_f1(split.targets, float32, predicted_at(scores[name], others), seed=0)
        measured.append(
            GraphMeasurement(
                name=name,
                bytes=size,
                size=size / float32_size,
                threshold=threshold,
                micro_f1=figures["micro_f1"],
                macro_f1=figures["macro_f1"],
                loss=micro.value,
                loss_low=micro.low,
                loss_high=micro.high,
                macro_loss=macro.value,
                macro_loss_low=macro.low,
                macro_loss_high=macro.high,
                ms=1000 * float(np.median(seconds[name])),
                texts_per_second=len(split.texts) / float(np.sum(seconds[name])),
                sameness=measure_sameness(tagger, split.texts) if name != "fp32" else None,
                passed=name != "fp32" and not lost_too_much(micro, macro, *limits),
            )
        )
    return measured + rejected


def _serve(
    taggers: dict[str, Tagger], texts: Sequence[str], log: Log
) -> tuple[dict[str, np.ndarray], dict[str, list[float]], dict[str, str]]:
    """Scores, and seconds a text, by name; and why, of those that fail on a text.

    Every text goes to every graph in turn: a busy machine slows them alike.
    """
    scores = {
        name: np.zeros((len(texts), len(one.labels)), np.float32) for name, one in taggers.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in taggers}
    broken: dict[str, str] = {}
    progress = TimedLog(log, len(texts))
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
        progress.at(position + 1, f"texts answered by each of {len(taggers)} graphs")
    return scores, seconds, broken


def _thresholds_of_others(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """For each row the threshold that the half without it chooses, float32 [rows, 1]."""
    found = np.zeros((len(targets), 1), np.float32)
    order = np.random.default_rng(0).permutation(len(targets))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    for own, other in (halves, halves[::-1]):
        rows = other if len(other) else own  # a single text has no others
        chosen = choose_threshold(targets[rows], scores[rows])
        found[own] = chosen.value
    return found
