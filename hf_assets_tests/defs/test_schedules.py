"""Schedules: today's capture with all that follows, and days that were captured and not made."""

import dataclasses
import datetime as dt
import shutil

import dagster as dg
import pytest

from hf_assets.defs.partitions import daily
from hf_assets.defs.resources import LakeResource
from hf_assets.defs.schedules import stretches, unfilled_days
from hf_assets.demo.generator import GeneratedHub
from hf_assets.lake import today
from hf_assets_tests.defs.conftest import (
    RANGE_END,
    RANGE_START,
    RAW,
    TABLES,
    Make,
    World,
    days_ago,
    made,
)


@dataclasses.dataclass
class Tick:
    """What a schedule asks for at a moment, or why for nothing."""

    requests: list[dg.RunRequest]
    skipped: str | None

    @property
    def stretches(self) -> list[tuple[str, str]]:
        return [(one.tags[RANGE_START], one.tags[RANGE_END]) for one in self.requests]


def tick(world: World, name: str, at: dt.datetime | None = None) -> Tick:
    repository = world.definitions.get_repository_def()
    schedule = repository.get_schedule_def(name)
    context = dg.build_schedule_context(
        instance=world.instance,
        scheduled_execution_time=at or dt.datetime.now(dt.UTC),
        repository_def=repository,
        resources={"lake": repository.get_top_level_resources()["lake"]},
    )
    said = schedule.evaluate_tick(context)
    return Tick(list(said.run_requests or []), said.skip_message)


def execute(world: World, name: str, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """The run that a schedule's request describes, of the schedule's own job."""
    repository = world.definitions.get_repository_def()
    job = repository.get_job(repository.get_schedule_def(name).job_name)
    return job.execute_in_process(
        instance=world.instance,
        partition_key=request.partition_key,
        tags=dict(request.tags),
        raise_on_error=False,
    )


EVERY = ("daily_capture", "fill_derived_days", "nightly_questions", "nightly_datasets")


@pytest.mark.parametrize("name", EVERY)
def test_nothing_runs_by_itself_in_a_clone(world: Make, name: str) -> None:
    schedule = world().definitions.get_repository_def().get_schedule_def(name)
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.execution_timezone == "UTC"
    assert schedule.description


@pytest.mark.parametrize(
    ("name", "asset", "day"),
    [
        # A day of questions is asked for when it is over; Kaggle's list shows only what is now.
        ("nightly_questions", "new_questions", "2026-02-28"),
        ("nightly_datasets", "new_datasets", "2026-03-01"),
    ],
)
def test_new_texts_are_fetched_for_their_day(world: Make, name: str, asset: str, day: str) -> None:
    hub = world()
    (request,) = tick(hub, name, dt.datetime(2026, 3, 1, 1, 15, tzinfo=dt.UTC)).requests
    assert (request.partition_key, request.run_key) == (day, day)
    repository = hub.definitions.get_repository_def()
    job = repository.get_job(repository.get_schedule_def(name).job_name)
    assert [key.path[-1] for key in job.asset_layer.selected_asset_keys] == [asset]


def test_daily_capture_takes_in_the_whole_graph(world: Make) -> None:
    repository = world().definitions.get_repository_def()
    job = repository.get_job(repository.get_schedule_def("daily_capture").job_name)
    assert {key.path[-1] for key in job.asset_layer.selected_asset_keys} == {
        *RAW,
        *TABLES,
        "snapshot_figures",
    }


def test_filling_takes_in_all_but_the_captures(world: Make) -> None:
    repository = world().definitions.get_repository_def()
    job = repository.get_job(repository.get_schedule_def("fill_derived_days").job_name)
    assert {key.path[-1] for key in job.asset_layer.selected_asset_keys} == {
        *TABLES,
        "snapshot_figures",
    }


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-20T03:00:00+00:00", "2026-11-20"),
        ("2026-11-20T00:00:00+00:00", "2026-11-20"),
        ("2026-11-20T23:59:59+00:00", "2026-11-20"),
    ],
)
def test_daily_capture_asks_for_the_day_of_the_tick(world: Make, moment: str, day: str) -> None:
    (request,) = tick(world(), "daily_capture", dt.datetime.fromisoformat(moment)).requests
    assert request.partition_key == day
    assert request.run_key == day


def test_the_run_of_daily_capture_makes_today(world: Make) -> None:
    hub = world()
    (request,) = tick(hub, "daily_capture").requests
    assert request.partition_key == today()
    result = execute(hub, "daily_capture", request)
    assert result.success
    assert made(result) == {*RAW, *TABLES, "snapshot_figures"}
    assert all(list(hub.materialized(asset)) == [today()] for asset in made(result))
    assert len(list(result.get_asset_check_evaluations())) == len(hub.declared)


def test_nothing_to_fill_is_said(world: Make) -> None:
    hub = world()
    said = tick(hub, "fill_derived_days")
    assert said.requests == []
    assert "every captured day" in str(said.skipped)
    assert not hub.root.exists()


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
        assert made(result) == {*TABLES, "snapshot_figures"}
    assert len(hub.pages) == asked
    for asset in (*TABLES, "snapshot_figures"):
        assert sorted(hub.materialized(asset)) == [days_ago(count) for count in (6, 5, 3)]
    assert tick(hub, "fill_derived_days").requests == []

    # A table that is lost is made again; so are figures.
    shutil.rmtree(hub.lake.folder("top_models", days_ago(5)))
    assert tick(hub, "fill_derived_days").stretches == [(days_ago(5), days_ago(5))]
    shutil.rmtree(hub.lake.folder("snapshot_figures", days_ago(6)))
    assert tick(hub, "fill_derived_days").stretches == [(days_ago(6), days_ago(5))]


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
