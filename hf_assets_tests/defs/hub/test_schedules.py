"""Schedules: today's capture with all that follows, and days that were captured and not made."""

import datetime as dt
import shutil

import dagster as dg
import pytest

from hf_assets.defs.common.partitions import daily
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub.schedules import PRESENT_ONLY, stretches, unfilled_days
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.retention import Ages, thin
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import (
    RAW,
    TABLES,
    Make,
    days_ago,
    made,
)
from hf_assets_tests.support.defs.declared import PICTURES, SERIES
from hf_assets_tests.support.defs.schedules import execute, tick

FOLLOWING = {"daily_changes", "predicted_categories", "snapshot_figures"}
OF_DATASETS = {"raw_datasets", "hub_datasets"}
# The lake is published where a setting names a repository.
OVER_DAYS = {"day_quality", *SERIES, *PICTURES} - {"published_lake"}
EVERY = (
    *("daily_capture", "fill_derived_days", "recover_past_days"),
    *("nightly_questions", "nightly_datasets"),
)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_runs_by_itself_in_a_clone(world: Make, name: str) -> None:
    schedule = world().definitions.get_repository_def().get_schedule_def(name)
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.execution_timezone == "UTC"
    assert schedule.description


def test_daily_capture_takes_in_the_whole_graph(world: Make) -> None:
    repository = world().definitions.get_repository_def()
    assert repository.get_schedule_def("daily_capture").job_name == "capture_today"
    job = repository.get_job("capture_today")
    assert {key.path[-1] for key in job.asset_layer.selected_asset_keys} == {
        *RAW,
        *TABLES,
        *OF_DATASETS,
        *PRESENT_ONLY,
        *FOLLOWING,
        *OVER_DAYS,
    }


def test_filling_takes_in_all_but_the_captures(world: Make) -> None:
    repository = world().definitions.get_repository_def()
    job = repository.get_job(repository.get_schedule_def("fill_derived_days").job_name)
    assert {key.path[-1] for key in job.asset_layer.selected_asset_keys} == {
        *TABLES,
        "hub_datasets",
        *FOLLOWING,
    }


@pytest.mark.parametrize("clock", ["03:00:00", "00:00:00", "23:59:59"])
def test_daily_capture_asks_for_the_day_of_the_tick(world: Make, clock: str) -> None:
    moment = dt.datetime.fromisoformat(f"{today()}T{clock}+00:00")
    (request,) = tick(world(), "daily_capture", moment).requests
    assert request.partition_key == today()
    assert request.run_key == today()


def test_daily_capture_asks_for_no_day_that_it_slept_through(world: Make) -> None:
    moment = dt.datetime.fromisoformat(f"{days_ago(1)}T03:00:00+00:00")
    said = tick(world(), "daily_capture", moment)
    assert said.requests == []
    assert f"{days_ago(1)} is over" in str(said.skipped)


@pytest.mark.release
@pytest.mark.heavy
def test_the_run_of_daily_capture_makes_today(world: Make) -> None:
    hub = world()
    (request,) = tick(hub, "daily_capture").requests
    assert request.partition_key == today()
    result = execute(hub, "daily_capture", request)
    assert result.success
    # The embedded Hub has no router of inference providers: what is made of it is skipped.
    code = {name for name in PRESENT_ONLY if "provider" not in name}
    over_days = {name for name in OVER_DAYS if "provider" not in name}
    daily_ones = {*RAW, *TABLES, *OF_DATASETS, *FOLLOWING, *code}
    assert made(result) == daily_ones | over_days
    assert all(list(hub.materialized(asset)) == [today()] for asset in daily_ones)
    ran = {(one.asset_key.path[0], one.check_name) for one in result.get_asset_check_evaluations()}
    assert ran >= hub.declared


def test_nothing_to_fill_is_said(world: Make) -> None:
    hub = world()
    said = tick(hub, "fill_derived_days")
    assert said.requests == []
    assert "every complete day" in str(said.skipped)
    assert not hub.root.exists()


@pytest.mark.heavy
def test_a_run_for_each_stretch_of_days_that_lack_a_table(world: Make) -> None:
    hub = world()
    for count in (6, 5, 3):
        hub.capture(days_ago(count))
    hub.capture(days_ago(9), kinds=("models",))
    said = tick(hub, "fill_derived_days")
    requests = said.requests
    assert said.stretches == [(days_ago(6), days_ago(5)), (days_ago(3), days_ago(3))]
    assert len({request.run_key for request in requests}) == 2
    assert all(request.partition_key is None for request in requests)

    asked = len(hub.pages)
    for request in requests:
        result = execute(hub, "fill_derived_days", request)
        assert result.success
        assert made(result) == {*TABLES, *FOLLOWING}
    assert len(hub.pages) == asked
    for asset in (*TABLES, "snapshot_figures"):
        assert sorted(hub.materialized(asset)) == [days_ago(count) for count in (6, 5, 3)]
    assert tick(hub, "fill_derived_days").requests == []

    # A table that is lost is made again; so are figures.
    shutil.rmtree(hub.lake.folder("top_models", days_ago(5)))
    assert tick(hub, "fill_derived_days").stretches == [(days_ago(5), days_ago(5))]
    shutil.rmtree(hub.lake.folder("daily_changes", days_ago(6)))
    assert tick(hub, "fill_derived_days").stretches == [(days_ago(6), days_ago(5))]
    shutil.rmtree(hub.lake.folder("snapshot_figures", days_ago(6)))
    assert tick(hub, "fill_derived_days").stretches == [(days_ago(6), days_ago(5))]


@pytest.mark.release
@pytest.mark.heavy
def test_a_day_that_is_compared_with_no_neighbour_is_compared_again(world: Make) -> None:
    hub = world()
    lake, day = hub.lake, days_ago(3)
    for count in (5, 3):
        hub.capture(days_ago(count))
    for request in tick(hub, "fill_derived_days").requests:
        assert execute(hub, "fill_derived_days", request).success
    old = lake.folder("daily_changes", day) / "data.parquet"
    then = old.read_bytes()
    hub.capture(days_ago(4))
    (request,) = tick(hub, "fill_derived_days").requests
    assert execute(hub, "fill_derived_days", request).success
    assert lake.notes("daily_changes", day)["before"] == days_ago(4)
    assert tick(hub, "fill_derived_days").requests == []  # the run has seen to it

    # As a run of before, or one that was killed, left it. And the day was made small since.
    old.write_bytes(then)
    assert day in {one.day for one in thin(lake, [day], today(), Ages(tables=1, pages=1))}
    models = (lake.folder("models", day) / "data.parquet").read_bytes()
    said = tick(hub, "fill_derived_days")
    assert said.stretches == [(day, day)]
    result = execute(hub, "fill_derived_days", said.requests[0])
    assert result.success
    # Nothing but the comparison: rows and pages of an old day may be gone for good.
    assert made(result) == {"daily_changes"}
    assert (lake.folder("models", day) / "data.parquet").read_bytes() == models
    assert lake.notes("daily_changes", day)["before"] == days_ago(4)
    # Once is enough, though nobody has judged the days yet.
    assert tick(hub, "fill_derived_days").requests == []


@pytest.mark.heavy
def test_a_day_that_a_blocking_check_stopped_is_not_filled_behind_its_back(world: Make) -> None:
    whole = world()
    whole.capture(days_ago(3))
    half = world(GeneratedHub(600, 600, seed=4))
    half.capture(days_ago(2))
    stopped = half.materialize(day=days_ago(2))
    assert not stopped.success
    assert made(stopped) == set(RAW)
    assert tick(half, "fill_derived_days").stretches == [(days_ago(3), days_ago(3))]


def test_a_day_filled_once_is_asked_for_again_only_on_another_day(world: Make) -> None:
    hub = world()
    hub.capture(days_ago(2))
    now = dt.datetime.now(dt.UTC)
    keys = [
        [request.run_key for request in tick(hub, "fill_derived_days", at).requests]
        for at in (now, now, now + dt.timedelta(days=1))
    ]
    assert keys[0] == keys[1] != keys[2]


def test_stretches() -> None:
    assert list(stretches([])) == []
    days = ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-03", "2024-01-01"]
    assert list(stretches(sorted(days))) == [
        ("2026-01-30", "2026-02-01"),
        ("2026-02-03", "2026-02-03"),
    ]
    keys = daily.get_partition_keys()
    assert list(stretches(keys)) == [(keys[0], keys[-1])]


def test_an_empty_lake_lacks_nothing(world: Make) -> None:
    hub = world()
    lake = LakeResource(root=str(hub.root))
    assert unfilled_days(lake) == []
    hub.capture(days_ago(2), kinds=("models",))
    assert unfilled_days(lake) == []
    hub.capture(days_ago(2), kinds=("spaces",))
    assert unfilled_days(lake) == [days_ago(2)]
