"""The demo's summary: what it says of checks that fail, and of what was reused."""

import datetime as dt
from pathlib import Path

import pytest

from hf_assets.classifiers.quality import LARGEST_LOSS
from hf_assets.classifiers.records import GraphMeasurement, QuantizationRecord
from hf_assets.demo import summary
from hf_assets.demo.past import Past
from hf_assets.demo.steps import BASE_MODEL
from hf_assets.storage.json_files import write_record

PAST = Past(dt.date(2026, 11, 20), 60)
INT8 = "questions/quantized_classifier: int8_loss"


def quantized(data: Path, loss: float) -> None:
    folder = data / "classifiers" / "questions" / BASE_MODEL / "quantized"
    folder.mkdir(parents=True, exist_ok=True)
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


def test_checks_that_fail_on_purpose_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quantized(tmp_path, LARGEST_LOSS)
    summary.failing(tmp_path, PAST, labels=True)
    said = capsys.readouterr().out
    for check, days in PAST.failing.items():
        assert f"  {check:<30}  {', '.join(days)}\n" in said
    for line in PAST.on_purpose:
        assert line in said
    assert "int8_loss" not in said


def test_a_loss_that_the_demo_allows_is_named_where_it_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quantized(tmp_path, LARGEST_LOSS + 1e-4)
    summary.failing(tmp_path, None, labels=True)
    said = capsys.readouterr().out
    assert f"{INT8}  80 texts cannot tell 0.3 points" in said
    assert "up to 2 may be lost" in said
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
