"""Days that others recorded, through the graph: their rows and sums are known exactly."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.hub.capture_store.files import MARKER
from hf_assets.storage.lake import Lake
from hf_assets_tests.defs.conftest import RAW, TABLES, World, observatory
from hf_assets_tests.defs.hub.test_days import judge, quality_of
from hf_assets_tests.support.defs.backfill import recover_days
from hf_assets_tests.support.hub.captures import ROOT

# Rows of 2026-08-07 to 2026-08-16.
TOP_ROWS = [531, 531, 530, 530, 529, 531, 530, 531, 531, 527]
# These archives have no Spaces: nothing without rows is called made.
OF_SPACES = {"raw_spaces", "enriched_spaces", "model_usage", "uses", "used_by"}
OF_MODELS = {*RAW, *TABLES, "daily_changes"} - OF_SPACES
# Checks that would say that a real file was not read as it is.
UNTRUE = {"models.reconciliation", "raw_models.unread_columns"}
GAPS = {
    *("2024-06-22", "2024-08-08", "2024-08-10", "2024-09-06", "2024-09-08"),
    *("2025-03-15", "2025-04-03", "2025-10-29", "2026-04-01"),
}


def recorded(archive: Path) -> Path:
    if not archive.is_dir():
        pytest.skip(f"there is no {archive.name} in HF_ASSETS_REAL_DATA")
    return archive


def backfill(lake: Lake, archive: Path, first_day: str, first: str, last: str) -> dict[str, Any]:
    """What one run of `past_days` in a new process made."""
    switches = {
        "HF_ASSETS_DATA": str(lake.root),
        "HF_ASSETS_ARCHIVE": str(archive),
        "HF_ASSETS_FIRST_DAY": first_day,
    }
    command = [sys.executable, "-m", "hf_assets_tests.support.defs.backfill", first, last]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **switches},
        capture_output=True,
        text=True,
        check=True,
    )
    print(
        {name: done for name, done in json.loads(done.stdout).items() if name in ("seconds", "cpu")}
    )
    return json.loads(done.stdout)


def sums(lake: Lake, day: str) -> tuple[int, int, int]:
    """Rows, downloads and likes of a day."""
    frame = lake.read("models", day).frame
    return frame.select(pl.len(), pl.col("downloads", "likes").sum()).collect().row(0)


@pytest.fixture(scope="module")
def top_models(
    real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, dict[str, Any]]]:
    """The world of a folder of ten days, and what one run over them made."""
    archive = recorded(real_data / "hub-top-models-daily-2026-08")
    with observatory(tmp_path_factory.mktemp("top") / "lake") as make:
        yield make(archive=archive), recover_days("2026-08-05", "2026-08-17")


@pytest.mark.heavy
def test_ten_days_of_the_top_models(top_models: tuple[World, dict[str, Any]]) -> None:
    lake, told = top_models[0].lake, top_models[1]
    days = [f"2026-08-{day:02}" for day in range(7, 17)]
    assert told["success"]
    assert lake.days("raw_models", MARKER) == lake.days("daily_changes") == days
    assert told["made"] == dict.fromkeys(OF_MODELS, days)
    assert not UNTRUE & set(told["failed"])
    assert [sums(lake, day)[0] for day in days] == TOP_ROWS
    assert sums(lake, days[0])[1:] == (2_071_003_854, 704_621)
    assert sums(lake, days[-1])[1:] == (2_141_236_043, 718_648)
    assert sums(lake, days[1])[1] == sums(lake, days[0])[1] != sums(lake, days[2])[1]
    for day in days:
        stored = lake.read("models", day)
        facts = stored.provenance["raw_models"]
        assert (facts["source"], facts["file"]) == ("folder", f"{day}.json")
        assert facts["time_known"]
        assert stored.notes["quarantined"] == stored.notes["nulled"] == 0
        assert lake.read("daily_metrics", day).notes["Spaces"] is None


@pytest.mark.heavy
def test_real_lists_of_a_folder_become_judged_days(
    top_models: tuple[World, dict[str, Any]],
) -> None:
    hub, told = top_models
    assert judge(hub).success
    found = quality_of(hub)
    assert next(iter(found)) == "2026-08-07"
    assert all(row["spaces"] is None and row["source"] == "folder" for row in found.values())
    assert found["2026-08-08"]["flags"] == ["stalled", "short"]  # 17 hours after the last
    assert found["2026-08-09"]["flags"] == []
    assert found["2026-08-07"]["downloads"] == 2_071_003_854
    assert dt.date(2026, 8, 7) == found["2026-08-08"]["before"]
    assert "day_quality" not in told["made"]


@pytest.mark.release
@pytest.mark.heavy
def test_two_years_of_one_list_in_one_run(real_data: Path, lake: Lake) -> None:
    archive = recorded(real_data / "hub-transformersjs-daily")
    told = backfill(lake, archive, "2024-05-08", "2024-05-08", "2026-05-07")
    assert told["success"]
    made = told["made"]
    assert set(made) == OF_MODELS
    assert not UNTRUE & set(told["failed"])
    for asset in OF_MODELS:
        assert len(made[asset]) == len(set(made[asset])) == 721
        assert (min(made[asset]), max(made[asset])) == ("2024-05-08", "2026-05-07")
    every = {
        f"{day}" for day in pl.date_range(pl.date(2024, 5, 8), pl.date(2026, 5, 7), eager=True)
    }
    assert every - set(made["models"]) == GAPS
    assert sums(lake, "2024-05-08")[1] == 21_482_908
    assert sums(lake, "2026-05-07")[1] == 38_270_367
    assert sum(lake.read("models", day).rows for day in made["models"]) == 111_873
    first, second = (
        lake.read("models", day).frame.select("id", "downloads").sort("id").collect()
        for day in ("2024-05-08", "2024-05-09")
    )
    assert first.equals(second), "2024-05-09 repeats 2024-05-08 whole"
