"""Rules that the folders of a classifier must pass before they are served.

Plain functions from folders to results; `defs/labels/checks.py` makes asset checks of them.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hf_assets.classifiers.records import ExportRecord, GraphMeasurement, Lost, QuantizationRecord
from hf_assets.rule_result import RuleResult
from hf_assets.storage.json_files import read_json, read_record

MODEL, QUANTIZED = "onnx/model.onnx", "onnx/model_quantized.onnx"
# Of float32's bytes.
LARGEST_INT8 = 0.30
# Of micro- and macro-F1 on validation, as shares: 0.3 and 0.6 points. The config may allow more,
# the rule does not.
LARGEST_LOSS, LARGEST_MACRO_LOSS = 0.003, 0.006
# Of fewer texts an interval says nothing: what none of them is like comes in no resample. Where
# none of 50 changes its answer, one in 17 still may (95 %).
LEAST_TEXTS = 50
# Seconds; a fresh process imports, loads and answers in one.
PATIENCE = 120.0
# What a program that serves a tagger does not have.
ABSENT = ("torch", "transformers", "hf_assets")

# Arguments: the folder, tagger.py, the texts and the absent modules as JSON.
_FRESH = """
import importlib.util, json, sys, time
folder, file, texts, absent = sys.argv[1], sys.argv[2], *map(json.loads, sys.argv[3:])
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
began = time.perf_counter()
spec = importlib.util.spec_from_file_location("tagger", file)
tagger = sys.modules["tagger"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tagger)
loaded = tagger.Tagger.load(folder)
seconds = time.perf_counter() - began
answers = loaded.predict(texts, k=3, threshold=0)
print(json.dumps({
    "seconds_to_load": seconds,
    "answers": [[tag.label for tag in tags] for tags in answers],
    "imported": sorted(set(absent) & {name.partition(".")[0] for name in sys.modules}),
}))
"""


def parity(onnx_folder: Path) -> RuleResult:
    """The exported graph is the one that was compared with torch, and it answers alike."""
    record = read_record(onnx_folder / "export.json", ExportRecord)
    difference, allowed = record.max_difference, record.allowed
    figures = {"max_difference": difference, "allowed": allowed, "texts": record.texts}
    if changed := _changed(onnx_folder / MODEL, record.bytes):
        return RuleResult(False, changed, figures)
    description = (
        f"a logit differs from torch's by {difference:.1e} at most; {allowed:.0e} is allowed"
    )
    return RuleResult(difference <= allowed, description, figures)


def lost_too_much(
    micro: Lost,
    macro: Lost,
    largest: float = LARGEST_LOSS,
    largest_macro: float = LARGEST_MACRO_LOSS,
) -> bool:
    """Whether a graph loses more micro- or macro-F1 than that, and by more than chance.

    A loss counts where its interval lies above 0: on a few hundred rows chance moves micro-F1, and
    a single row of a rare label macro-F1, by more than the limit.
    """
    limits = (micro, largest), (macro, largest_macro)
    return any(lost.value > most and lost.low > 0 for lost, most in limits)


def too_few(texts: int) -> str:
    """What a loss on so many texts is worth, where that is nothing; else empty."""
    if texts >= LEAST_TEXTS:
        return ""
    return (
        f"{texts} texts are too few to show what is lost, {LEAST_TEXTS} are needed at least: give "
        "the corpus more validation rows, or take float32 where it matters"
    )


def int8_loss(quantized: Path) -> RuleResult:
    """The int8 graph is the one that was measured, and it loses at most 0.3 points of micro-F1.

    And at most 0.6 of macro-F1; of both no more than chance explains, at float32's threshold, on
    rows that did not choose it. Fewer than 50 texts cannot show that: a warning; so is more where
    the config allowed it on purpose. A record of an earlier version has neither intervals nor
    macro-F1: the value of micro-F1 decides alone.
    """
    record = read_record(quantized / "quantization.json", QuantizationRecord)
    chosen, max_macro = record.measured, record.max_macro_loss
    if isinstance(max_macro, msgspec.UnsetType):
        max_macro = LARGEST_MACRO_LOSS
    names = ("chosen", "loss", "max_loss", "texts", "threshold")
    figures = {name: getattr(record, name) for name in names}
    if changed := _changed(quantized / QUANTIZED, record.bytes):
        return RuleResult(False, changed, figures)
    served = read_json(quantized / "config.json")["threshold"]
    if served != record.threshold:
        description = f"config.json has the threshold {served}, measured was {record.threshold}"
        return RuleResult(False, description, figures)
    micro, macro = _losses(record, chosen)
    points = f"{100 * record.loss:.2f} points of micro-F1"
    if chosen is not None and chosen.macro_loss is not None:
        figures |= {"macro_loss": macro.value, "max_macro_loss": max_macro}
        for name in ("loss_low", "loss_high", "macro_loss_low", "macro_loss_high"):
            figures[name] = getattr(chosen, name)
        points += f" ({_range(micro)}) and {100 * macro.value:.2f} of macro-F1 ({_range(macro)})"
    description = (
        f"{record.chosen} loses {points} on {record.texts} validation texts; at most "
        f"{100 * LARGEST_LOSS:.1f} and {100 * LARGEST_MACRO_LOSS:.1f} may be lost, or what chance "
        "explains (an interval from 0 or below)"
    )
    if not lost_too_much(micro, macro):
        if few := too_few(record.texts):
            return RuleResult(False, f"{description}. But {few}", figures, severity="WARN")
        return RuleResult(True, description, figures)
    if not lost_too_much(micro, macro, record.max_loss, max_macro):
        allowed = f"{100 * record.max_loss:.1f} and {100 * max_macro:.1f}"
        description += f". The config allowed {allowed} on purpose (max_loss, max_macro_loss)"
        return RuleResult(False, description, figures, severity="WARN")
    return RuleResult(False, f"{description}: materialise quantized_classifier again", figures)


def _losses(record: QuantizationRecord, chosen: GraphMeasurement | None) -> tuple[Lost, Lost]:
    """Of micro- and macro-F1; what was not measured is no loss."""
    if chosen is None or chosen.macro_loss is None:
        return Lost(record.loss, record.loss, record.loss), Lost(0.0, 0.0, 0.0)
    # What lacks an interval counts by its value.
    micro, macro = (
        Lost(value, value if low is None else low, value if high is None else high)
        for value, low, high in (
            (record.loss, chosen.loss_low, chosen.loss_high),
            (chosen.macro_loss, chosen.macro_loss_low, chosen.macro_loss_high),
        )
    )
    return micro, macro


def _range(lost: Lost) -> str:
    return f"{100 * lost.low:.2f} to {100 * lost.high:.2f}"


def int8_size(quantized: Path, largest: float = LARGEST_INT8) -> RuleResult:
    """The int8 graph is small: at most 0.30 of float32's bytes."""
    size = (quantized / QUANTIZED).stat().st_size
    float32 = read_record(quantized / "quantization.json", QuantizationRecord).fp32.bytes
    share = size / float32
    description = f"{size / 1e6:.1f} MB, {share:.3f} of float32's {float32 / 1e6:.1f} MB"
    figures = {"bytes": size, "fp32_bytes": float32, "size": share, "largest": largest}
    return RuleResult(share <= largest, f"{description}; {largest:.2f} is allowed", figures)


def label_order(folders: Sequence[Path], corpus: Path) -> RuleResult:
    """Every artefact numbers the labels as the corpus does.

    Args:
        folders: of classifiers, with labels.json, or of graphs, with config.json.
        corpus: its folder, or the labels.json in it.
    """
    path = corpus if corpus.suffix == ".json" else corpus / "labels.json"
    expected = read_json(path)["labels"]
    for folder in folders:
        labels = _labels(folder)
        if labels == expected:
            continue
        figures = {"labels": len(labels), "labels_of_corpus": len(expected)}
        if set(labels) != set(expected):
            differing = sorted(set(labels) ^ set(expected))
            description = (
                f"{folder.name} and the corpus do not have the same labels: {differing[:5]}"
            )
        else:
            pairs = enumerate(zip(labels, expected, strict=False))
            at = next(i for i, (own, other) in pairs if own != other)
            description = (
                f"{folder.name} has the labels in another order: {at} is {labels[at]!r}, in the "
                f"corpus {expected[at]!r}"
            )
        return RuleResult(False, f"{description}; train and export it again", figures)
    description = f"{len(expected)} labels in one order in {len(folders)} artefacts"
    return RuleResult(True, description, {"labels": len(expected), "artefacts": len(folders)})


def answers_alone(folder: Path, texts: Sequence[str] = ("how does it work?", "")) -> RuleResult:
    """The folder loads and answers in a fresh process that has neither torch nor transformers.

    The tagger.py in the folder is run, where there is one, else this package's, as a file.
    """
    own = folder / "tagger.py"
    spec = importlib.util.find_spec("hf_assets.classifiers.tagger")
    assert spec is not None
    assert spec.origin is not None
    file = str(own.resolve()) if own.exists() else spec.origin
    arguments = [json.dumps(list(texts)), json.dumps(ABSENT)]
    # As in another program: neither this one's paths nor its environment.
    command = [sys.executable, "-IB", "-c", _FRESH, str(folder.resolve()), file, *arguments]
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ
    }
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return RuleResult(False, f"no answer within {PATIENCE:.0f} s")
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["no output"])[-1]
        return RuleResult(False, f"the process ended with exit code {ran.returncode}: {last}")
    figures = json.loads(ran.stdout.splitlines()[-1])
    if figures["imported"] or [len(tags) for tags in figures["answers"]].count(0):
        return RuleResult(
            False, f"the process imported {figures['imported']}, or gave no answer", figures
        )
    description = (
        f"loads in {figures['seconds_to_load']:.2f} s and answers, without {', '.join(ABSENT)}"
    )
    return RuleResult(True, description, figures)


def _changed(path: Path, measured: int) -> str:
    size = path.stat().st_size
    if size == measured:
        return ""
    return f"{path.name} has {size} bytes, {measured} were measured: materialise it again"


def _labels(folder: Path) -> list[str]:
    if (folder / "labels.json").exists():
        return list(read_json(folder / "labels.json")["labels"])
    names = read_json(folder / "config.json")["id2label"]
    return [names[str(column)] for column in range(len(names))]
