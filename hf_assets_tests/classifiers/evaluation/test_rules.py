"""What a leaderboard must show for its tagger to pass."""

import subprocess
import sys
from collections.abc import Callable

import polars as pl
import pytest

from hf_assets.classifiers.evaluation.results import (
    CONSTANT,
    INT8,
    NOTHING,
    TABLE,
    TFIDF,
)
from hf_assets.classifiers.evaluation.rules import beats_floors, beats_tfidf
from hf_assets.rule_result import RuleResult


def rows_with(served: float, other: float = 0.9, low: float | None = None) -> pl.DataFrame:
    made = [
        {"model": NOTHING, "runtime": "floor", "micro_f1": 0.0},
        {"model": CONSTANT, "runtime": "floor", "micro_f1": 0.2},
        {"model": TFIDF, "runtime": "numpy", "micro_f1": 0.5},
        {"model": "served", "runtime": INT8, "micro_f1": served, "strategy": "head",
         "validation_micro_f1": 0.9, "micro_f1_low": served - 0.01 if low is None else low,
         "micro_f1_high": served + 0.01},
        {"model": "other", "runtime": INT8, "micro_f1": other, "strategy": "head",
         "validation_micro_f1": 0.1},
    ]  # fmt: skip
    return pl.DataFrame(
        [{name: row.get(name) for name in TABLE.columns} for row in made], TABLE.schema
    )


def test_a_model_below_a_floor_fails() -> None:
    assert beats_floors(rows_with(0.6)).passed
    for f1 in (0.2, 0.1):
        found = beats_floors(rows_with(f1))
        assert not found.passed
        assert found.severity == "ERROR"
        assert "constant" in found.description
        assert found.metadata[CONSTANT] == 0.2
        assert found.metadata["served, int8"] == f1


def test_another_model_below_a_floor_is_a_warning() -> None:
    found = beats_floors(rows_with(0.6, other=0.1))
    assert (found.passed, found.severity) == (False, "WARN")
    assert "other, int8" in found.description


def test_a_model_no_better_than_words_is_a_warning() -> None:
    found = beats_tfidf(rows_with(0.5))
    assert (found.passed, found.severity) == (False, "WARN")
    assert found.metadata[TFIDF] == found.metadata["served, int8"] == 0.5
    assert beats_tfidf(rows_with(0.6)).passed
    assert "within" not in beats_tfidf(rows_with(0.6)).description
    assert "within" in beats_tfidf(rows_with(0.51, low=0.49)).description


def test_without_an_int8_model_nothing_passes() -> None:
    rows = rows_with(0.6).filter(pl.col("runtime") != INT8)
    for verdict in (beats_floors(rows), beats_tfidf(rows)):
        assert not verdict.passed
        assert "quantized_classifier" in verdict.description


def test_the_graph_can_read_a_leaderboard_without_heavy_imports() -> None:
    code = (
        "import sys, hf_assets.classifiers.evaluation.rules;"
        "print({'torch', 'sklearn', 'onnxruntime', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("rule", [beats_floors, beats_tfidf])
@pytest.mark.parametrize(("rows", "few"), [(16, True), (99, True), (100, False), (None, False)])
def test_a_threshold_of_few_rows_is_said_beside_the_score(
    rule: Callable[[pl.DataFrame], RuleResult], rows: int | None, few: bool
) -> None:
    found = rule(rows_with(0.6).with_columns(threshold_rows=pl.lit(rows, pl.Int64)))
    assert found.passed
    assert ("Its threshold rests on" in found.description) is few
    assert (f"{rows} rows with labels" in found.description) is few
    # A table of an earlier version lacks the column.
    assert "rests" not in rule(rows_with(0.6).drop("threshold_rows")).description
