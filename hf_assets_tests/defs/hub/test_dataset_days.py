"""Days with datasets beside days of before: both are complete, filled, recovered and rebuilt."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub.night import captured
from hf_assets.defs.hub.schedules import LATER, days_with_datasets, unfilled_days
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.retention import Ages, thin
from hf_assets.storage.lake import TableWrite, today
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.defs.conftest import RAW, TABLES, Make, World, checks, days_ago, failures, made
from hf_assets_tests.support.defs.archives import left_out, partitions
from hf_assets_tests.support.defs.schedules import execute, tick

ALL: tuple[Kind, ...] = ("models", "spaces", "datasets")
SMALL = GeneratedHub(300, 100, seed=4)
NEW = {"hub_datasets"}
AGAIN = (*LATER, "daily_metrics")


def of_datasets(folder: Path, *days: str) -> Path:
    """A folder with datasets of those days."""
    folder.mkdir(exist_ok=True)
    rows = [{"id": f"a/d{at}", "downloads": at, "tags": ["task_categories:t"]} for at in range(30)]
    for day in days:
        (folder / f"datasets-{day}.json").write_text(json.dumps(rows))
    return folder


def lake_of(hub: World) -> LakeResource:
    return LakeResource(root=str(hub.root))


def test_ranges_with_datasets_and_without_are_runs_of_their_own(world: Make) -> None:
    hub = world(SMALL)
    for count in (6, 5):
        hub.capture(days_ago(count))
    for count in (4, 3):
        hub.capture(days_ago(count), ALL)
    hub.capture(days_ago(1), ("datasets",))
    said = tick(hub, "fill_derived_days")
    assert said.stretches == [
        (days_ago(4), days_ago(3)),
        (days_ago(6), days_ago(5)),
        (days_ago(1), days_ago(1)),
    ]
    assert len({request.run_key for request in said.requests}) == 3
    every, others, datasets = (
        {key.path[-1] for key in request.asset_selection or ()} for request in said.requests
    )
    assert every == set()
    assert others >= {*TABLES, "daily_changes"}
    assert datasets == NEW
    assert not others & NEW


@pytest.mark.heavy
def test_no_range_fails_for_days_without_datasets(world: Make) -> None:
    hub = world(SMALL)
    hub.capture(days_ago(3))
    hub.capture(days_ago(2), ALL)
    hub.capture(days_ago(1), ("datasets",))
    for request in tick(hub, "fill_derived_days").requests:
        result = execute(hub, "fill_derived_days", request)
        assert result.success, failures(result)
    assert partitions(hub, "models") == [days_ago(3), days_ago(2)]
    assert partitions(hub, "hub_datasets") == [days_ago(2), days_ago(1)]
    assert tick(hub, "fill_derived_days").requests == []
    assert all(
        checks(result)["hub_datasets", name].passed
        for name in ("required_columns", "quarantine", "ranges", "reconciliation")
    )


def earlier_day(world: Make, day: str) -> World:
    """A captured day as an earlier version left it."""
    hub = world(SMALL)
    hub.capture(day)
    assert hub.materialize(*TABLES, "daily_changes", "snapshot_figures", day=day).success
    for name in LATER:
        shutil.rmtree(hub.lake.folder(name, day))
    return hub


@pytest.mark.heavy
def test_a_day_of_an_earlier_version_gets_the_later_tables_and_keeps_the_others(
    world: Make,
) -> None:
    day = days_ago(2)
    hub = earlier_day(world, day)
    kept = [hub.lake.folder(name, day) / "data.parquet" for name in {*TABLES} - {*AGAIN}]
    before = [path.read_bytes() for path in kept]
    (request,) = tick(hub, "fill_derived_days").requests
    assert {key.path[-1] for key in request.asset_selection or ()} == {*AGAIN, "snapshot_figures"}
    result = execute(hub, "fill_derived_days", request)
    assert result.success, failures(result)
    assert [path.read_bytes() for path in kept] == before
    assert tick(hub, "fill_derived_days").requests == []


@pytest.mark.heavy
@pytest.mark.parametrize("lost", [("families", "edges"), ("datasets",)])
def test_aggregates_that_lack_a_stored_table_are_made_again(
    world: Make, lost: tuple[str, ...]
) -> None:
    """As a run over many days leaves them that was cut off before its last step."""
    hub, day = world(SMALL), days_ago(2)
    hub.capture(day, ALL)
    tables = ("hub_datasets", *TABLES, "daily_changes", "snapshot_figures")
    assert hub.materialize(*tables, day=day).success
    assert tick(hub, "fill_derived_days").requests == []
    stored = hub.lake.read("daily_metrics", day)
    notes = {name: value for name, value in stored.notes.items() if name not in lost}
    write = TableWrite([stored.frame.collect()], notes, dict(stored.provenance))
    hub.lake.write(DAILY_METRICS, day, write)
    (request,) = tick(hub, "fill_derived_days").requests
    assert execute(hub, "fill_derived_days", request).success
    assert {*lost} <= hub.lake.notes("daily_metrics", day).keys()
    assert tick(hub, "fill_derived_days").requests == []


@pytest.mark.heavy
def test_a_thinned_day_of_an_earlier_version_is_left_alone(world: Make) -> None:
    day = days_ago(2)
    hub = earlier_day(world, day)
    assert list(thin(hub.lake, [day], today(), Ages(tables=1, pages=None)))
    assert tick(hub, "fill_derived_days").requests == []


def test_a_table_of_datasets_that_is_missing_is_filled(world: Make) -> None:
    hub = world(SMALL)
    hub.capture(days_ago(2), ALL)
    assert days_with_datasets(lake_of(hub)) == {days_ago(2)}
    assert hub.materialize(*TABLES, "daily_changes", "snapshot_figures", day=days_ago(2)).success
    # Only its datasets are missing; what follows of them is made with them.
    assert unfilled_days(lake_of(hub)) == [days_ago(2)]
    (request,) = tick(hub, "fill_derived_days").requests
    assert request.asset_selection is None
    assert hub.materialize("hub_datasets", day=days_ago(2)).success
    assert unfilled_days(lake_of(hub)) == []


@pytest.mark.heavy
def test_datasets_of_a_thinned_day_are_filled_by_themselves(world: Make) -> None:
    hub, day = world(SMALL), days_ago(2)
    hub.capture(day)
    assert hub.materialize(*TABLES, "daily_changes", "snapshot_figures", day=day).success
    assert list(thin(hub.lake, [day], today(), Ages(tables=1, pages=1)))
    thinned = {name: hub.lake.folder(name, day) / "data.parquet" for name in TABLES}
    before = {name: path.read_bytes() for name, path in thinned.items()}
    hub.capture(day, ("datasets",))
    (request,) = tick(hub, "fill_derived_days").requests
    assert [key.path[-1] for key in request.asset_selection or ()] == ["hub_datasets"]
    result = execute(hub, "fill_derived_days", request)
    assert result.success
    assert made(result) == NEW
    assert {name: path.read_bytes() for name, path in thinned.items()} == before


def test_past_days_leaves_out_the_days_without_datasets(world: Make) -> None:
    hub = world(SMALL)
    for count in (3, 2):
        hub.capture(days_ago(count))
    result = hub.recover(days_ago(3), days_ago(2))
    assert result.success, failures(result)
    assert partitions(hub, "daily_metrics") == [days_ago(3), days_ago(2)]
    assert partitions(hub, "hub_datasets") == partitions(hub, "raw_datasets") == []
    reasons = left_out(hub, "raw_datasets")
    assert set(reasons) == {days_ago(3), days_ago(2)}
    assert "Never captured" in reasons[days_ago(2)]


def test_a_plain_run_of_a_day_without_datasets_says_what_can_be_done(world: Make) -> None:
    hub = world(SMALL)
    hub.capture(days_ago(2))
    result = hub.materialize("raw_models", "raw_datasets", "models", day=days_ago(2))
    assert set(failures(result)) == {"raw_datasets"}
    assert "launch the job `past_days`" in failures(result)["raw_datasets"]
    assert "models" in made(result)


def test_datasets_of_captured_days_come_from_the_archive(
    world: Make, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("HF_ASSETS_RECOVER_DAYS", "2")
    folder = of_datasets(tmp_path / "days", *(days_ago(count) for count in (5, 4, 3, 2)))
    hub = world(SMALL, archive=folder)
    for count in (5, 4, 3, 1):
        hub.capture(days_ago(count))
    # Day 2 lacks everything and goes first; the archive has nothing of day 1.
    said = tick(hub, "recover_past_days")
    assert said.stretches == [(days_ago(3), days_ago(2))]
    job = hub.definitions.get_repository_def().get_job("past_days")
    for request in said.requests:
        assert job.execute_in_process(instance=hub.instance, tags=request.tags).success
    assert partitions(hub, "hub_datasets") == [days_ago(3), days_ago(2)]
    assert hub.figures("raw_datasets", "source") == dict.fromkeys(
        (days_ago(3), days_ago(2)), "folder"
    )
    assert partitions(hub, "models") == [days_ago(3)]  # day 2 has datasets alone
    assert hub.lake.read("hub_datasets", days_ago(3)).rows == 30
    said = tick(hub, "recover_past_days")
    assert said.stretches == [(days_ago(5), days_ago(4))]


def test_an_archive_without_datasets_is_asked_for_nothing_more(world: Make, tmp_path: Path) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    (folder / f"{days_ago(2)}.json").write_text(json.dumps([{"id": "a/x", "downloads": 1}]))
    hub = world(SMALL, archive=folder)
    hub.capture(days_ago(2))
    assert RecordedDays(folder).find("models", days_ago(2))
    assert "has none of the missing days" in str(tick(hub, "recover_past_days").skipped)


def test_today_is_captured_with_all_listings_only(world: Make) -> None:
    hub = world(SMALL)
    assert hub.materialize(*RAW).success
    assert not captured(lake_of(hub), today())
    config = {"raw_datasets": {"max_rows": 20, "sort": "downloads"}}
    assert hub.materialize("raw_datasets", config=config).success
    assert not captured(lake_of(hub), today())  # a trial
    result = hub.materialize("raw_datasets", "hub_datasets")
    assert result.success
    assert captured(lake_of(hub), today())
    assert hub.lake.read("hub_datasets", today()).rows == SMALL.total("datasets")
    assert checks(result)["raw_datasets", "capture_complete"].passed
