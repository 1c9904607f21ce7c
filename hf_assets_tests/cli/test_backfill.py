"""`hf-assets backfill` as a process over the embedded Hub, and the range that Dagster refuses."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from hf_assets.demo.hub_stats.app import HubStats
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.runner import home, process
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.conftest import ServeHub

pytestmark = pytest.mark.heavy


def run(command: list[str], data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    ours = ("HF_ASSETS_", "DAGSTER_HOME")
    own = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environ = own | home.environment(data) | variables
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=600)


@pytest.mark.release
@pytest.mark.heavy
def test_days_and_then_the_series_over_all_days(hub: ServeHub, tmp_path: Path) -> None:
    world = GeneratedHub(200, 60, seed=2, day=date.fromisoformat(today()))
    served = hub(world, archive=HubStats(world))
    days = [f"{date.fromisoformat(today()) - timedelta(back)}" for back in (3, 2)]
    command = [sys.executable, "-m", "hf_assets.cli.main", "backfill", "...".join(days)]
    done = run(command, tmp_path, HF_ENDPOINT=served.url)
    assert done.returncode == 0, done.stderr[-3000:]
    lake = Lake(tmp_path)
    assert lake.days("daily_metrics") == days
    assert lake.read("day_quality", None).rows == len(days)
    assert (tmp_path / "insights_report").is_dir()


@pytest.mark.release
def test_dagster_refuses_a_range_of_days_with_assets_over_all_days(tmp_path: Path) -> None:
    """The docs say so; where Dagster has learnt it, one command is enough."""
    assets = f'group:"trends" or {process.OVER_DAYS}'
    done = run(process.launch(assets=assets, days="2026-11-01...2026-11-02"), tmp_path)
    assert done.returncode == 1
    assert "Partition ranges with the CLI require all selected assets to have" in done.stderr
