"""Labels of the UI are words with units, made of fields in one place."""

from pathlib import Path

import msgspec
import pytest

from hf_assets.classifiers.records import (
    ExportRecord,
    GraphMeasurement,
    QuantizationRecord,
    Sameness,
)
from hf_assets.classifiers.training.record import FewRows, FewRowsCandidate, TrainingRecord
from hf_assets.defs.labels import metadata
from hf_assets.rule_result import RuleResult


def test_a_rule_s_fields_are_shown_as_words_with_rounded_numbers() -> None:
    figures = {"max_difference": 1.23456e-6, "texts": 16, "chosen": "int8", "best": 0.654321}
    shown = metadata.labelled(RuleResult(False, "It differs.", figures, severity="WARN"))
    assert shown == RuleResult(
        False,
        "It differs.",
        {
            "largest difference of a logit": 1.235e-6,
            "texts compared": 16,
            "chosen": "int8",
            "best": 0.6543,
        },
        severity="WARN",
    )


@pytest.mark.parametrize("label", metadata.LABELS.values())
def test_no_label_is_the_name_of_a_field(label: str) -> None:
    assert "_" not in label


def test_an_export_is_told_with_units(tmp_path) -> None:
    record = ExportRecord(
        max_difference=2e-6, allowed=1e-4, bytes=100, texts=16, seconds=3.14159, opset=20,
        inputs=["input_ids", "attention_mask"],
    )  # fmt: skip
    shown = metadata.onnx(tmp_path, record)
    assert (shown["seconds"], shown["opset"]) == (3.1, 20)
    assert shown["inputs"] == "input_ids, attention_mask"
    assert msgspec.structs.asdict(record)["seconds"] == 3.14159


def test_a_corpus_of_few_rows_shows_its_way_and_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "pictures", lambda *_: "curves")
    ways = [
        FewRowsCandidate("linear", 0.61234, 0.5, 2.345),
        FewRowsCandidate("pairs", left_out="it would take 20 minutes"),
    ]
    found = FewRows("linear", "the best in 3 folds", 500, 3, ways)
    record = TrainingRecord(threshold=0.3, few_rows=found)
    shown = metadata.classifier(tmp_path, record)
    assert (shown["way of few rows"], shown["chosen because"]) == ("linear", "the best in 3 folds")
    rows = [[*each.data.values()] for each in shown["ways of few rows, cross-validated"].records]
    assert rows == [["linear", 0.6123, 0.5, ""], ["pairs", "", "", ways[1].left_out]]
    many = metadata.classifier(tmp_path, msgspec.structs.replace(record, few_rows=msgspec.UNSET))
    assert not [name for name in many if "few rows" in name]


def test_a_graph_whose_answers_depend_on_the_batch_says_why_it_was_chosen(tmp_path) -> None:
    same = Sameness(texts=24, batches=0.2, threads=0.0, levels=0.1, labels=3)
    graph = GraphMeasurement("int8", 100, 0.2, sameness=same, passed=True)
    record = QuantizationRecord(
        chosen="int8", threshold=0.3, bytes=100, loss=0.0, max_loss=0.003, texts=300, fp32=graph,
        candidates=[graph], passed_over=["exact-64 loses 0.50", "exact-32 loses 0.40"],
    )  # fmt: skip
    why = "why its answers depend on the batch"
    assert metadata.quantized(tmp_path, record)[why] == "exact-64 loses 0.50; exact-32 loses 0.40"
    # A plot in the UI has the name alone.
    shown = [name for name in metadata.quantized(tmp_path, record) if "…" in name]
    assert shown == []
    assert why not in metadata.quantized(tmp_path, msgspec.structs.replace(record, passed_over=[]))
