"""The rules for a classifier's folders: each passes on MiniLM, and fails where it should."""

import json
import shutil
from pathlib import Path

import pytest

from hf_assets.classifiers import tagger
from hf_assets.classifiers.quality import (
    LARGEST_LOSS,
    LARGEST_MACRO_LOSS,
    answers_alone,
    int8_loss,
    int8_size,
    label_order,
    lost_too_much,
    parity,
)
from hf_assets.classifiers.records import Lost
from hf_assets_tests.support.classifiers.minilm import LABELS, TrainedModel, copied


def _change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()) | values))


def _lose(folder: Path, name: str, value: float, low: float | None) -> None:
    """Have the int8 graph of this folder lose so much, with an interval up to 3 points or none."""
    path = folder / "quantization.json"
    candidates = json.loads(path.read_bytes())["candidates"]
    high = None if low is None else 0.03
    for one in candidates:
        one |= {name: value, f"{name}_low": low, f"{name}_high": high}
    _change(path, candidates=candidates, **({"loss": value} if name == "loss" else {}))


def test_parity(trained: TrainedModel, tmp_path: Path) -> None:
    verdict = parity(trained.onnx)
    assert verdict.passed, verdict.description
    assert 0 < verdict.metadata["max_difference"] <= 1e-4
    folder = copied(trained.onnx, tmp_path / "onnx")
    _change(folder / "export.json", max_difference=2e-4)
    assert not parity(folder).passed
    _change(folder / "export.json", max_difference=1e-5)
    (folder / "onnx/model.onnx").write_bytes(b"another")
    assert "7 bytes" in parity(folder).description
    assert not parity(folder).passed


def test_int8_loss(trained: TrainedModel, tmp_path: Path) -> None:
    verdict = int8_loss(trained.quantized)
    assert verdict.passed, verdict.description
    folder = copied(trained.quantized, tmp_path / "quantized")
    _lose(folder, "loss", 0.0031, 0.0001)
    verdict = int8_loss(folder)
    assert (verdict.passed, verdict.severity) == (False, "ERROR")
    assert "0.31 points of micro-F1 (0.01 to 3.00)" in verdict.description
    _lose(folder, "loss", 0.015, 0.0001)
    _change(folder / "quantization.json", max_loss=0.02)
    verdict = int8_loss(folder)
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    assert "1.50 points" in verdict.description
    assert "The config allowed 2.0 and 0.6 on purpose" in verdict.description


@pytest.mark.parametrize("of", ["micro", "macro"])
@pytest.mark.parametrize(
    ("lost", "low", "allowed", "verdict"),
    [
        (0.002, 0.001, 0.0, (True, "")),
        (0.007, 0.001, 0.0, (False, "ERROR")),
        # Few rows: what they lose is within chance.
        (0.02, -0.001, 0.0, (True, "")),
        (0.02, 0.001, 0.0, (False, "ERROR")),
        (0.02, 0.001, 0.03, (False, "WARN")),
    ],
)
def test_the_choice_and_the_check_count_a_loss_that_chance_does_not_explain(
    small_made: TrainedModel, tmp_path: Path, of: str, lost: float, low: float, allowed: float,
    verdict: tuple[bool, str],
) -> None:  # fmt: skip
    folder = copied(small_made.quantized, tmp_path / "quantized")
    nothing = Lost(0.0, 0.0, 0.0)
    losses = {"micro": nothing, "macro": nothing} | {of: Lost(lost, low, 0.03)}
    limits = {"micro": LARGEST_LOSS, "macro": LARGEST_MACRO_LOSS}
    limits[of] = max(limits[of], allowed)
    for kind, name in (("micro", "loss"), ("macro", "macro_loss")):
        _lose(folder, name, losses[kind].value, losses[kind].low)
        _change(folder / "quantization.json", **{f"max_{name}": limits[kind]})
    found = int8_loss(folder)
    assert (found.passed, "" if found.passed else found.severity) == verdict
    points = "points " if of == "micro" else ""
    assert f"{100 * lost:.2f} {points}of {of}-F1 ({100 * low:.2f} to 3.00)" in found.description
    # What the choice falls back on is what the check blocks.
    micro, macro = losses["micro"], losses["macro"]
    chosen = not lost_too_much(micro, macro, limits["micro"], limits["macro"])
    assert chosen is (verdict[1] != "ERROR")


@pytest.mark.parametrize(("texts", "few"), [(2, True), (49, True), (50, False), (2000, False)])
@pytest.mark.parametrize(("lost", "low"), [(0.0, 0.0), (0.002, 0.0), (0.2, -0.2), (0.2, 0.0)])
def test_few_texts_show_no_loss_and_that_is_said(
    small_made: TrainedModel, tmp_path: Path, texts: int, few: bool, lost: float, low: float
) -> None:
    """Also where they lose nothing, and where resampled they lose by chance: of any size."""
    folder = copied(small_made.quantized, tmp_path / "quantized")
    _change(folder / "quantization.json", texts=texts)
    _lose(folder, "macro_loss", 0.0, 0.0)
    _lose(folder, "loss", lost, low)
    found = int8_loss(folder)
    said = f"{texts} texts are too few to show what is lost"
    assert (said in found.description) is few
    assert (found.passed, found.severity) == ((False, "WARN") if few else (True, "ERROR"))
    assert found.metadata["texts"] == texts
    # More than chance explains is an error however few they are.
    _lose(folder, "loss", 0.2, 0.1)
    assert int8_loss(folder).severity == "ERROR"


def test_a_loss_without_an_interval_counts_by_its_value(
    small_made: TrainedModel, tmp_path: Path
) -> None:
    folder = copied(small_made.quantized, tmp_path / "quantized")
    for name in ("loss", "macro_loss"):
        _lose(folder, name, 0.0, 0.0)
        _lose(folder, name, 0.02, None)
        assert not int8_loss(folder).passed
        _lose(folder, name, 0.0, 0.0)
        assert int8_loss(folder).passed


def test_a_record_of_an_earlier_version_is_judged_by_micro_f1(
    small_made: TrainedModel, tmp_path: Path
) -> None:
    folder = copied(small_made.quantized, tmp_path / "quantized")
    record = json.loads((folder / "quantization.json").read_bytes())
    del record["max_macro_loss"], record["threshold_rule"]
    for one in record["candidates"]:
        for name in [name for name in one if "loss_" in name or "macro_loss" in name]:
            del one[name]
    for loss, passed in ((0.003, True), (0.0031, False)):
        (folder / "quantization.json").write_text(json.dumps(record | {"loss": loss}))
        assert int8_loss(folder).passed is passed
        assert "macro_loss" not in int8_loss(folder).metadata
    _change(folder / "quantization.json", loss=0.021)
    assert int8_loss(folder).severity == "ERROR"
    _change(folder / "quantization.json", loss=0.003)
    assert int8_loss(folder).passed
    _change(folder / "config.json", threshold=0.5)
    assert "0.5" in int8_loss(folder).description
    assert not int8_loss(folder).passed


def test_int8_size_of_a_small_one(small_made: TrainedModel) -> None:
    verdict = int8_size(small_made.quantized)
    size = verdict.metadata["size"]
    assert int8_size(small_made.quantized, largest=size + 0.01).passed
    assert not int8_size(small_made.quantized, largest=size - 0.01).passed


@pytest.mark.release
@pytest.mark.heavy
def test_int8_size(minilm_made: TrainedModel) -> None:
    verdict = int8_size(minilm_made.quantized)
    assert verdict.passed
    assert verdict.metadata["size"] < 0.21
    assert not int8_size(minilm_made.quantized, largest=0.19).passed


def test_label_order(trained: TrainedModel, tmp_path: Path) -> None:
    folders = [trained.classifier, trained.onnx, trained.quantized]
    assert label_order(folders, trained.classifier).passed
    corpus = tmp_path / "labels.json"
    corpus.write_text(json.dumps({"labels": [*LABELS[:3], LABELS[4], LABELS[3]]}))
    verdict = label_order(folders, corpus)
    assert not verdict.passed
    assert "another order: 3" in verdict.description
    corpus.write_text(json.dumps({"labels": [*LABELS, "zzzz"]}))
    assert "['zzzz']" in label_order([trained.onnx], tmp_path).description
    assert not label_order([trained.onnx], tmp_path).passed


def test_answers_alone(trained: TrainedModel, tmp_path: Path) -> None:
    verdict = answers_alone(trained.quantized)
    assert verdict.passed, verdict.description
    assert [len(labels) for labels in verdict.metadata["answers"]] == [3, 3]
    assert verdict.metadata["imported"] == []
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "NotATagger: no model" in answers_alone(empty).description


@pytest.mark.parametrize("absent", ["torch", "transformers", "hf_assets.classifiers.metrics"])
def test_a_tagger_that_needs_more_is_found_out(
    trained: TrainedModel, tmp_path: Path, absent: str
) -> None:
    folder = tmp_path / "space"
    shutil.copytree(trained.quantized, folder)
    code = Path(tagger.__file__).read_text("utf-8")
    (folder / "tagger.py").write_text(code, "utf-8")
    assert answers_alone(folder).passed
    (folder / "tagger.py").write_text(f"import {absent}\n{code}", "utf-8")
    verdict = answers_alone(folder)
    assert not verdict.passed
    assert "No module named" in verdict.description
