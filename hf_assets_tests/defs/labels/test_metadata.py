"""Labels of the UI are words with units, made of fields in one place."""

import msgspec
import pytest

from hf_assets.classifiers.records import (
    ExportRecord,
    GraphMeasurement,
    QuantizationRecord,
    Sameness,
)
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


def test_a_graph_whose_answers_depend_on_the_batch_says_why_it_was_chosen(tmp_path) -> None:
    same = Sameness(texts=24, batches=0.2, threads=0.0, levels=0.1, labels=3)
    graph = GraphMeasurement("int8", 100, 0.2, sameness=same, passed=True)
    record = QuantizationRecord(
        chosen="int8", threshold=0.3, bytes=100, loss=0.0, max_loss=0.003, texts=300, fp32=graph,
        candidates=[graph], passed_over=["exact-64 loses 0.50", "exact-32 loses 0.40"],
    )  # fmt: skip
    why = "why its answers depend on the batch"
    assert metadata.quantized(tmp_path, record)[why] == "exact-64 loses 0.50; exact-32 loses 0.40"
    assert why not in metadata.quantized(tmp_path, msgspec.structs.replace(record, passed_over=[]))
