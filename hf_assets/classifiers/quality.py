"""Rules that the folders of a classifier must pass before they are served.

What belongs here: plain functions from folders to verdicts. What does not: scores against floors
(the leaderboard's figures), and the graph's checks, which call these.
"""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hf_assets.rule_result import RuleResult

MODEL, QUANTIZED = "onnx/model.onnx", "onnx/model_quantized.onnx"
# Of float32's bytes.
LARGEST_INT8 = 0.30
# Of micro-F1 on validation, as a share: 0.3 points. The config may allow more; the rule does not.
LARGEST_LOSS = 0.003
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
    facts = _read(onnx_folder / "export.json")
    difference, allowed = facts["max_difference"], facts["allowed"]
    figures = {"max_difference": difference, "allowed": allowed, "texts": facts["texts"]}
    if changed := _another(onnx_folder / MODEL, facts["bytes"]):
        return RuleResult(False, changed, figures)
    says = f"a logit differs from torch's by {difference:.1e} at most; {allowed:.0e} is allowed"
    return RuleResult(bool(difference <= allowed), says, figures)


def int8_loss(quantized: Path) -> RuleResult:
    """The int8 graph is the one that was measured, and it loses at most 0.3 points of micro-F1.

    More than that is a warning where the config allowed it on purpose.
    """
    facts = _read(quantized / "quantization.json")
    figures = {name: facts[name] for name in ("chosen", "loss", "max_loss", "texts", "threshold")}
    if changed := _another(quantized / QUANTIZED, facts["bytes"]):
        return RuleResult(False, changed, figures)
    served = _read(quantized / "config.json")["threshold"]
    if served != facts["threshold"]:
        says = f"config.json has the threshold {served}, {facts['threshold']} was measured"
        return RuleResult(False, says, figures)
    says = (
        f"{facts['chosen']} loses {100 * facts['loss']:.2f} points of micro-F1 on {facts['texts']} "
        f"validation texts; at most {100 * LARGEST_LOSS:.1f} may be lost"
    )
    if facts["loss"] <= LARGEST_LOSS:
        return RuleResult(True, says, figures)
    if facts["loss"] <= facts["max_loss"]:
        says += f". The config allowed {100 * facts['max_loss']:.1f} on purpose (max_loss)"
        return RuleResult(False, says, figures, severity="WARN")
    return RuleResult(False, f"{says}: materialise quantized_classifier again", figures)


def int8_size(quantized: Path, largest: float = LARGEST_INT8) -> RuleResult:
    """The int8 graph is small: at most 0.30 of float32's bytes."""
    size = (quantized / QUANTIZED).stat().st_size
    whole = _read(quantized / "quantization.json")["fp32"]["bytes"]
    share = size / whole
    says = f"{size / 1e6:.1f} MB, {share:.3f} of float32's {whole / 1e6:.1f} MB"
    figures = {"bytes": size, "fp32_bytes": whole, "size": share, "largest": largest}
    return RuleResult(share <= largest, f"{says}; {largest:.2f} is allowed", figures)


def label_order(folders: Sequence[Path], corpus: Path) -> RuleResult:
    """Every artefact numbers the labels as the corpus does.

    Args:
        folders: of classifiers, with labels.json, or of graphs, with config.json.
        corpus: its folder, or the labels.json in it.
    """
    path = corpus if corpus.suffix == ".json" else corpus / "labels.json"
    wanted = _read(path)["labels"]
    for folder in folders:
        found = _labels(folder)
        if found == wanted:
            continue
        figures = {"labels": len(found), "labels_of_corpus": len(wanted)}
        if set(found) != set(wanted):
            odd = sorted(set(found) ^ set(wanted))
            says = f"{folder.name} and the corpus do not have the same labels: {odd[:5]}"
        else:
            at = next(
                i for i, pair in enumerate(zip(found, wanted, strict=False)) if len({*pair}) > 1
            )
            says = (
                f"{folder.name} has the labels in another order: {at} is {found[at]!r}, in the "
                f"corpus {wanted[at]!r}"
            )
        return RuleResult(False, f"{says}; train and export it anew", figures)
    says = f"{len(wanted)} labels in one order in {len(folders)} artefacts"
    return RuleResult(True, says, {"labels": len(wanted), "artefacts": len(folders)})


def answers_alone(folder: Path, texts: Sequence[str] = ("how does it work?", "")) -> RuleResult:
    """The folder loads and answers in a fresh process that has neither torch nor transformers.

    The tagger.py in the folder is run, where there is one, else this package's, as a file.
    """
    own = folder / "tagger.py"
    found = importlib.util.find_spec("hf_assets.classifiers.tagger")
    assert found is not None
    assert found.origin is not None
    file = str(own.resolve()) if own.exists() else found.origin
    told = [json.dumps(list(texts)), json.dumps(ABSENT)]
    # As in a program of somebody else: no path of this one, and not its environment.
    command = [sys.executable, "-IB", "-c", _FRESH, str(folder.resolve()), file, *told]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, env=kept, check=False
        )
    except subprocess.TimeoutExpired:
        return RuleResult(False, f"no answer within {PATIENCE:.0f} s")
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["without a word"])[-1]
        return RuleResult(False, f"it ended with exit code {ran.returncode}: {last}")
    figures = json.loads(ran.stdout.splitlines()[-1])
    if figures["imported"] or [len(tags) for tags in figures["answers"]].count(0):
        return RuleResult(False, f"it imported {figures['imported']}, or gave no answer", figures)
    says = f"loads in {figures['seconds_to_load']:.2f} s and answers, without {', '.join(ABSENT)}"
    return RuleResult(True, says, figures)


def _another(path: Path, size: int) -> str:
    found = path.stat().st_size
    return (
        ""
        if found == size
        else f"{path.name} has {found} bytes, {size} were measured: make it anew"
    )


def _labels(folder: Path) -> list[str]:
    if (folder / "labels.json").exists():
        return list(_read(folder / "labels.json")["labels"])
    named = _read(folder / "config.json")["id2label"]
    return [named[str(column)] for column in range(len(named))]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_bytes())
