"""The schedule that asks for archived days, and in which order they may come."""

import json
from pathlib import Path
from typing import Any

import pytest

from hf_assets.defs.common.events import DEFERRED
from hf_assets_tests.defs.conftest import (
    Make,
    days_ago,
)
from hf_assets_tests.defs.hub.test_days import judge, quality_of
from hf_assets_tests.support.defs.archives import day_of, partitions, recorded, served
from hf_assets_tests.support.defs.schedules import tick


@pytest.mark.heavy
def test_the_schedule_asks_for_the_newest_missing_days(world: Make, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_ASSETS_RECOVER_DAYS", "3")
    hub = served(world, gaps={day_of(2)}, readme_only={day_of(4)})
    hub.capture(days_ago(1))
    hub.capture(days_ago(3), kinds=("models",))
    said = tick(hub, "recover_past_days")
    # 1 is captured, 2 and 4 are in no archive; 3 lacks its Spaces.
    assert said.stretches == [(days_ago(6), days_ago(5)), (days_ago(3), days_ago(3))]
    repository = hub.definitions.get_repository_def()
    job = repository.get_job("past_days")
    assert repository.get_schedule_def("recover_past_days").job_name == job.name
    assert job.tags[DEFERRED] == "true"
    for request in said.requests:
        assert job.execute_in_process(instance=hub.instance, tags=request.tags).success
    assert partitions(hub, "raw_models") == [days_ago(n) for n in (6, 5, 3)]
    assert hub.figures("raw_models", "source")[days_ago(3)] == "captured"
    assert hub.figures("raw_spaces", "source")[days_ago(3)] == "hub-stats"
    assert tick(hub, "recover_past_days").stretches == [(days_ago(9), days_ago(7))]


def test_the_schedule_says_why_it_asks_for_nothing(world: Make, tmp_path: Path) -> None:
    assert "No archive is set" in str(tick(world(), "recover_past_days").skipped)
    hub = world(archive=recorded(tmp_path / "days", days_ago(1)))
    assert hub.recover(days_ago(1), days_ago(1)).success
    assert "has none of the missing days" in str(tick(hub, "recover_past_days").skipped)


@pytest.mark.heavy
def test_one_broken_day_does_not_stop_the_schedule(world: Make, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "days", *(days_ago(n) for n in range(1, 6)))
    (folder / f"{days_ago(2)}.json").write_text('{"models": [')
    recorded(folder / "again", days_ago(4))
    hub = world(archive=folder)
    stretches = [(days_ago(n), days_ago(n)) for n in (5, 3, 1)]
    assert tick(hub, "recover_past_days").stretches == stretches
    for day, _ in stretches:
        assert hub.recover(day, day).success
    assert "has none of the missing days" in str(tick(hub, "recover_past_days").skipped)


@pytest.mark.heavy
def test_a_stall_is_found_whatever_the_order_of_the_days(world: Make, tmp_path: Path) -> None:
    """The newest days first, as the schedule does: day 2 stands still since day 3."""
    folder, days = tmp_path / "days", [days_ago(n) for n in range(8, 0, -1)]
    folder.mkdir()
    for at, day in enumerate(days):
        moved = 100 * (at - (at >= 6))
        rows = [{"id": f"a/m{n}", "downloads": 20_000 + 500 * n + moved} for n in range(40)]
        (folder / f"{day}.json").write_text(json.dumps({"models": rows}))
    hub = world(archive=folder)
    assert hub.recover(days[6], days[7]).success
    assert hub.lake.notes("daily_changes", days[6])["before"] is None
    assert hub.recover(days[0], days[5]).success
    assert hub.lake.notes("daily_changes", days[6])["before"] == days[5]
    assert tick(hub, "fill_derived_days").requests == []
    assert judge(hub).success
    found = quality_of(hub)
    assert [row["flags"] for row in found.values()] == [[]] * 6 + [["stalled"], []]
    assert [row["trusted"] for row in found.values()] == [True] * 6 + [False, True]
