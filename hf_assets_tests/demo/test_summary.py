"""The demo's summary: what it says of checks that fail, and of what was reused."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from hf_assets.classifiers.drift.table import DRIFT, DriftRecord, Since, drift_table
from hf_assets.classifiers.evaluation.results import TFIDF
from hf_assets.classifiers.quality import LARGEST_LOSS
from hf_assets.classifiers.records import GraphMeasurement, QuantizationRecord
from hf_assets.demo import summary
from hf_assets.demo.past import Past
from hf_assets.demo.steps import BASE_MODEL
from hf_assets.storage.json_files import write_record
from hf_assets.storage.lake import Lake, TableWrite

PAST = Past(dt.date(2026, 11, 20), 60)


def quantized(data: Path, loss: float, tfidf: float) -> None:
    """The folders of an int8 graph with that loss, and of a leaderboard it is on with 0.6."""
    chain = data / "classifiers" / "questions"
    folder = chain / BASE_MODEL / "quantized"
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    (folder / "onnx" / "model_quantized.onnx").write_bytes(b"a graph!!")
    (folder / "config.json").write_text(json.dumps({"threshold": 0.3}))
    record = QuantizationRecord(
        chosen="int8",
        threshold=0.3,
        bytes=9,
        loss=loss,
        max_loss=0.02,
        texts=80,
        fp32=GraphMeasurement("fp32", 9, 1.0),
    )
    write_record(folder / "quantization.json", record)
    rows = [
        {"model": BASE_MODEL, "strategy": "head", "runtime": "int8", "micro_f1": 0.6},
        {"model": TFIDF, "strategy": None, "runtime": "numpy", "micro_f1": tfidf},
    ]
    more = {
        "validation_micro_f1": 0.6,
        "micro_f1_low": 0.5,
        "micro_f1_high": 0.7,
        "macro_f1": 0.5,
        "size_bytes": 9,
    }
    (chain / "leaderboard").mkdir(exist_ok=True)
    pl.DataFrame([row | more for row in rows]).write_parquet(
        chain / "leaderboard" / "leaderboard.parquet"
    )


def drifted(data: Path, since: Since) -> None:
    """The table of drift, with what came in all."""
    rows = pl.DataFrame(schema=DRIFT.schema)
    write = TableWrite([rows], record=DriftRecord(since=since))
    Lake(data).write(drift_table("questions"), None, write)


def test_checks_that_fail_on_purpose_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quantized(tmp_path, LARGEST_LOSS, 0.5)
    drifted(tmp_path, Since())
    summary.failing(tmp_path, PAST, labels=True)
    said = capsys.readouterr().out
    for check, days in PAST.failing.items():
        assert f"  {check:<42}  {', '.join(days)}\n" in said
    for line in PAST.on_purpose:
        assert line in said
    assert "chance" not in said


def test_scores_that_chance_decides_are_named_where_they_warn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quantized(tmp_path, LARGEST_LOSS + 1e-4, 0.6)
    drifted(tmp_path, Since(texts=30, first="2026-11-16", distance=0.4, noise=0.2))
    summary.failing(tmp_path, None, labels=True)
    said = capsys.readouterr().out
    assert "questions/quantized_classifier: int8_loss   int8 loses 0.31 points" in said
    assert "questions/leaderboard: beats_tfidf          Words alone do as well" in said
    assert "questions/drift: not_drifted                30 texts since 2026-11-16: label" in said
    summary.failing(tmp_path, None, labels=False)
    summary.failing(tmp_path, Past(PAST.day, 3), labels=False)
    assert capsys.readouterr().out == ""


def test_what_was_reused_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    summary.reused({"a": False, "b": False}, "demo")
    assert capsys.readouterr().out == ""
    summary.reused({"a": True, "b": False}, "demo")
    assert "Reused: 1 of 2 steps" in capsys.readouterr().out
    summary.reused({"a": True, "b": True}, "demo")
    assert "Reused: all of it" in (said := capsys.readouterr().out)
    assert "`demo --fresh`" in said


@pytest.mark.parametrize("stored", [0, 2])
def test_a_backfill_says_how_many_days_it_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stored: int
) -> None:
    days = ["2026-11-01", "2026-11-02", "2026-11-03"]
    for day in days[:stored]:
        (tmp_path / "models" / f"day={day}").mkdir(parents=True)
        (tmp_path / "models" / f"day={day}" / "data.parquet").touch()
    summary.backfilled(tmp_path, days)
    said = capsys.readouterr().out
    assert f"{stored} of 3 days are stored" in said
    assert "capture_today" in said
