"""Records of earlier versions: their files are read, and their fingerprints are the same today."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hf_assets.classifiers.evaluation.results import BaselineRecord, LeaderboardRecord
from hf_assets.classifiers.records import (
    ExportRecord,
    FingerprintedStep,
    GraphMeasurement,
    QuantizationRecord,
    QuantizedStep,
    StepRecord,
)
from hf_assets.classifiers.training.config import RecordedRecipe
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.classifiers.training.train import fingerprint
from hf_assets.errors import InputError
from hf_assets.storage.json_files import read_record, write_record
from hf_assets_tests.classifiers.conftest import topical, write_corpus

EARLIER_RECIPE = {
    "strategy": "head", "epochs": 5, "batch": 8, "max_length": 64, "encoder_rate": 1e-4,
    "head_rate": 2e-3, "warm_up": 0.1, "weight_decay": 0.02, "clip": 0.5, "patience": 3, "seed": 7,
    "dtype": "float32",
}  # fmt: skip
EARLIER_TRAINING: dict[str, Any] = {
    "corpus": "questions", "made_from": {"corpus": "0123456789abcdef"}, "mark": "fedcba9876543210",
    "base_model": "some-base", "strategy": "head", "recipe": EARLIER_RECIPE, "seed": 7,
    "rows": {"train": 160, "validation": 50}, "labels": 5, "max_length": 64, "epochs": 2,
    "best_epoch": 1, "threshold": 0.25, "validation": {"micro_f1": 0.5, "macro_f1": 0.4},
    "seconds": 1.5, "samples_per_second": 106.67, "device": "cpu", "gpu": None, "dtype": "float32",
    "threads": 2, "machine": "A CPU, 2 cores", "instructions": ["avx2"],
    "versions": {"torch": "2.13.0"},
    "history": [
        {"epoch": 1, "step": 10, "loss": 2.0, "validation_loss": 2.5, "micro_f1": 0.5,
         "macro_f1": 0.4, "threshold": 0.25},
        {"epoch": 2, "step": 20, "loss": 1.0, "validation_loss": 2.6, "micro_f1": 0.45,
         "macro_f1": 0.35, "threshold": 0.3},
    ],
    "losses": [[10, 2.0], [20, 1.0]],
}  # fmt: skip
MEASURED = {
    "name": "int8", "bytes": 25, "size": 0.25, "threshold": 0.3, "micro_f1": 0.49, "macro_f1": 0.39,
    "loss": 0.01, "loss_error": 0.002, "ms": 1.5, "texts_per_second": 600.0, "passed": True,
    "rejected": "",
}  # fmt: skip
REJECTED = {"name": "bad", "bytes": 20, "size": 0.2, "passed": False, "rejected": "it gives NaN"}
EARLIER: dict[type[msgspec.Struct], dict[str, Any]] = {
    TrainingRecord: EARLIER_TRAINING,
    ExportRecord: {
        "max_difference": 1e-6, "allowed": 1e-4, "texts": 4, "shapes": [[1, 1], [8, 32]],
        "made_from": {"classifier": "fedcba9876543210"}, "seconds": 3.25, "bytes": 100, "opset": 20,
        "inputs": ["input_ids", "attention_mask"], "outputs": ["logits"],
    },
    QuantizationRecord: {
        "chosen": "int8", "made_from": {"classifier": "fedcba9876543210"}, "mark": "00ff",
        "validation_micro_f1": 0.49, "threshold": 0.3, "bytes": 25, "size": 0.25, "loss": 0.01,
        "ms": 1.5, "max_loss": 0.02, "machine": "A CPU, 2 cores", "instructions": [],
        "rule": "the smallest", "texts": 60, "texts_in_validation": 60, "seed": 0,
        "fp32": MEASURED | {"name": "fp32", "passed": False}, "candidates": [MEASURED, REJECTED],
    },
    BaselineRecord: {
        "corpus": "questions", "made_from": {"corpus": "0123456789abcdef"}, "labels": ["a", "b"],
        "rows": {"train": 160, "validation": 50}, "seed": 0, "machine": "A CPU", "instructions": [],
        "constant": {"k": 1, "labels": ["a"], "validation": {"micro_f1": 0.2}},
        "tfidf": {"terms": 9, "weights": 12, "bytes": 4000, "C": 0.5, "seconds": 0.2,
                  "threshold": -0.1, "validation": {"micro_f1": 0.3, "macro_f1": 0.2}},
    },
    LeaderboardRecord: {
        "corpus": "questions", "labels": 2, "test_rows": 50, "seed": 0, "day": "2026-11-20",
        "machine": "A CPU", "instructions": [], "best": "some-base",
        "blend": {"weight": 0.3, "threshold": 0.2, "micro_f1": 0.6, "alone": 0.5},
        "made_from": {"corpus": "0123456789abcdef", "int8": "00ff"},
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", EARLIER, ids=lambda kind: kind.__name__)
def test_a_file_of_an_earlier_version_is_read_and_written_alike(
    kind: type[msgspec.Struct], tmp_path: Path
) -> None:
    (tmp_path / "earlier.json").write_text(json.dumps(EARLIER[kind]), "utf-8")
    record = read_record(tmp_path / "earlier.json", kind)
    write_record(tmp_path / "again.json", record)
    assert json.loads((tmp_path / "again.json").read_text("utf-8")) == EARLIER[kind]
    assert read_record(tmp_path / "again.json", kind) == record


def test_settings_and_fingerprints_of_an_earlier_training_are_read(tmp_path: Path) -> None:
    (tmp_path / "training.json").write_text(json.dumps(EARLIER_TRAINING), "utf-8")
    record = read_record(tmp_path / "training.json", TrainingRecord)
    assert record.recipe == RecordedRecipe(
        strategy="head", epochs=5, batch_size=8, max_length=64, body_learning_rate=1e-4,
        head_learning_rate=2e-3, warmup_ratio=0.1, weight_decay=0.02, max_grad_norm=0.5, patience=3,
        seed=7, dtype="float32",
    )  # fmt: skip
    assert record.fingerprint == "fedcba9876543210"
    assert record.made_from is not None
    assert record.made_from.corpus == "0123456789abcdef"
    assert record.history[1].micro_f1 == 0.45


def test_a_training_that_an_earlier_version_began_goes_on(tmp_path: Path) -> None:
    """The fingerprint names the folder of its checkpoints."""
    rows = topical(12)
    corpus = write_corpus(tmp_path / "corpus", rows, ["train"] * 8 + ["validation"] * 4)
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "config.json").write_bytes(b"{}")
    recipe = msgspec.convert(EARLIER_RECIPE, RecordedRecipe)
    assert fingerprint(corpus, tmp_path / "encoder", recipe) == "0746005a765761ff"


@pytest.mark.parametrize(
    ("kind", "stored", "field", "value"),
    [
        (StepRecord, {}, "made_from", None),
        (StepRecord, {"made_from": None}, "made_from", None),
        (FingerprintedStep, {"made_from": {}}, "fingerprint", None),
        (QuantizedStep, {"mark": "00ff"}, "validation_micro_f1", None),
        (TrainingRecord, {"threshold": 0.25, "corpus": "topics"}, "instructions", []),
        (TrainingRecord, {"threshold": 1}, "recipe", None),
        (LeaderboardRecord, {"best": None, "blend": None}, "instructions", []),
    ],
)
def test_what_the_first_versions_did_not_write_has_a_default(
    tmp_path: Path, kind: type[msgspec.Struct], stored: dict[str, Any], field: str, value: object
) -> None:
    (tmp_path / "record.json").write_text(json.dumps(stored), "utf-8")
    assert getattr(read_record(tmp_path / "record.json", kind), field) == value


@pytest.mark.parametrize("text", ["", '{"torn', "[]", '{"threshold": "high"}', "{}", '{"rows": 3}'])
def test_a_torn_or_foreign_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "training.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"training\.json .*: materialise it again"):
        read_record(tmp_path / "training.json", TrainingRecord)


def test_a_rejected_candidate_has_no_figures_in_its_file() -> None:
    rejected = GraphMeasurement("bad", 20, 0.2, rejected="it gives NaN")
    assert msgspec.to_builtins(rejected) == REJECTED
    measured = GraphMeasurement("good", 20, 0.2, loss=0.0, passed=False)
    assert {"passed", "rejected", "loss"} <= msgspec.to_builtins(measured).keys()
