"""Days that nobody captured, made from an archive: by the job, by a plain run, by the schedule."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.defs.common.events import DEFERRED
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import (
    RANGE_END,
    RANGE_START,
    RAW,
    TABLES,
    Make,
    checks,
    days_ago,
    failures,
    made,
)
from hf_assets_tests.defs.hub.test_past_days import retries
from hf_assets_tests.support.defs.archives import day_of, left_out, partitions, recorded, served
from hf_assets_tests.support.hub.captures import open_capture

ALL = {*RAW, *TABLES}


def test_a_range_is_made_in_one_run_and_its_gaps_stay_gaps(world: Make) -> None:
    gap, untouched = days_ago(4), days_ago(3)
    hub = served(world, gaps={day_of(4)}, readme_only={day_of(3)})
    hub.capture(days_ago(2))
    before = {path: path.read_bytes() for path in hub.files}
    result = hub.recover(days_ago(6), days_ago(1))
    assert result.success
    there = [days_ago(count) for count in (6, 5, 2, 1)]
    for asset in ALL:
        assert partitions(hub, asset) == there, asset
    assert not hub.lake.folder("raw_models", gap).exists()
    assert not hub.lake.folder("raw_models", untouched).exists()
    # What was captured then stays what it is.
    assert {path: path.read_bytes() for path in before} == before
    assert hub.figures("raw_models", "source") == dict.fromkeys(there, "hub-stats") | {
        days_ago(2): "captured"
    }
    told = hub.figures("raw_models", "capture.json")[days_ago(1)]
    assert len(told["revision"]) == 40
    for table in TABLES:
        sources = hub.figures(table, "provenance")
        assert sources[days_ago(1)]["raw_models"]["revision"] == told["revision"]
        assert sources[days_ago(2)]["raw_models"]["source"] == "captured"


@pytest.mark.heavy
def test_left_out_days_are_named_once_with_their_reason(world: Make) -> None:
    hub = served(world, gaps={day_of(2)})
    hub.recover(days_ago(3), days_ago(1))
    said = left_out(hub, "raw_models")
    assert list(said) == [days_ago(2)]
    assert "Nor has the dataset cfahlgren1/hub-stats that day" in said[days_ago(2)]


@pytest.mark.release
@pytest.mark.heavy
def test_a_second_run_fetches_nothing_and_makes_the_same(world: Make) -> None:
    hub = served(world)
    span = (days_ago(3), days_ago(2))
    assert hub.recover(*span).success
    first = {day: hub.lake.read("models", day).frame.collect() for day in span}
    captures = {path: path.read_bytes() for path in hub.root.rglob("capture.json")}
    asked = sum(one.path.endswith(".parquet") for one in hub.app.state.requests)
    assert hub.recover(*span).success
    assert sum(one.path.endswith(".parquet") for one in hub.app.state.requests) == asked
    assert {path: path.read_bytes() for path in captures} == captures
    for day, frame in first.items():
        assert frame.equals(hub.lake.read("models", day).frame.collect())


@pytest.mark.release
@pytest.mark.heavy
def test_a_partial_revision_is_flagged_and_left_out_and_stops_no_other_day(world: Make) -> None:
    hub = served(world, partial={day_of(3), day_of(2)})
    result = hub.recover(days_ago(5), days_ago(1))
    assert result.success
    flagged = checks(result)["raw_models", "not_partial"]
    assert not flagged.passed
    assert flagged.severity == dg.AssetCheckSeverity.WARN
    said = str(flagged.metadata["results"].value)
    assert {line[:10] for line in said.splitlines()} == {days_ago(3), days_ago(2)}
    assert partitions(hub, "raw_models") == [days_ago(n) for n in (5, 4, 3, 2, 1)]
    for table in TABLES:
        assert partitions(hub, table) == [days_ago(n) for n in (5, 4, 1)], table
    # By itself the day is stopped.
    assert not hub.materialize(*RAW, "models", day=days_ago(3)).success


def test_a_plain_run_makes_an_archived_day(world: Make) -> None:
    hub = served(world, gaps={day_of(2)})
    result = hub.materialize(day=days_ago(3))
    assert result.success, failures(result)
    assert made(result) == {*ALL, "snapshot_figures"}
    assert partitions(hub, "models") == [days_ago(3)]
    failed = hub.materialize(*RAW, "models", days=(days_ago(3), days_ago(1)))
    said = failures(failed)["raw_models"]
    assert f"{days_ago(2)} is over and its models were never captured" in said
    assert "Nor has the dataset cfahlgren1/hub-stats that day" in said
    assert "launch the job `past_days`" in said
    assert retries(failed) == 0


def test_today_is_captured_live(world: Make, tmp_path: Path) -> None:
    hub = world(archive=recorded(tmp_path / "days", today(), days_ago(1)))
    assert hub.recover(days_ago(1), today()).success
    assert hub.figures("raw_models", "source") == {days_ago(1): "folder", today(): "captured"}
    assert hub.lake.read("models", today()).rows == 1500


def test_a_captured_day_is_never_replaced_by_an_archived_one(world: Make, tmp_path: Path) -> None:
    hub = world(archive=recorded(tmp_path / "days", days_ago(2), days_ago(1)))
    hub.capture(days_ago(1))
    hub.capture(days_ago(2), max_rows=30)
    before = {path: path.read_bytes() for path in hub.files}
    assert hub.materialize("raw_models", days=(days_ago(2), days_ago(1))).success
    config = {"raw_models": {"refetch": True}}
    result = hub.materialize("raw_models", day=days_ago(1), config=config)
    assert "were captured and cannot be fetched again" in failures(result)["raw_models"]
    assert {path: path.read_bytes() for path in hub.files} == before


def test_an_archived_day_is_made_anew_when_asked(world: Make, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "days", days_ago(1))
    hub = world(archive=folder)
    assert hub.materialize("raw_models", "models", day=days_ago(1)).success
    recorded(folder, days_ago(3), days_ago(2), days_ago(1))
    assert hub.materialize("raw_models", day=days_ago(1)).success
    assert hub.figures("raw_models", "dagster/partition_row_count") == {days_ago(1): 30}
    config = {"raw_models": {"refetch": True}}
    assert hub.materialize("raw_models", day=days_ago(1), config=config).success
    assert hub.figures("raw_models", "dagster/partition_row_count") == {days_ago(1): 32}
    assert len(list(hub.lake.folder("raw_models", days_ago(1)).glob("*/journal.jsonl"))) == 1


@pytest.mark.heavy
def test_what_a_killed_recovery_left_goes_with_the_next(world: Make, tmp_path: Path) -> None:
    hub = world(archive=recorded(tmp_path / "days", days_ago(1)))
    assert hub.materialize("raw_models", day=days_ago(1)).success
    folder = hub.lake.folder("raw_models", days_ago(1))
    # Killed before its last step: pages and a journal, and nothing that says that the day is there.
    (folder / "capture.json").unlink()
    (left,) = folder.glob("*/journal.jsonl")
    assert hub.lake.days("raw_models", "capture.json") == []
    assert hub.materialize("raw_models", "models", day=days_ago(1)).success
    (made,) = folder.glob("*/journal.jsonl")
    assert made != left
    assert hub.lake.read("models", days_ago(1)).rows == 30


@pytest.mark.heavy
def test_a_source_without_spaces_leaves_them_out_and_says_so(world: Make, tmp_path: Path) -> None:
    days = [days_ago(2), days_ago(1)]
    hub = world(archive=recorded(tmp_path / "days", *days))
    result = hub.recover(*days)
    assert result.success
    said = checks(result)
    for check in (("raw_spaces", "capture_complete"), ("enriched_spaces", "required_columns")):
        assert not said[check].passed
        assert said[check].severity == dg.AssetCheckSeverity.WARN
        assert "has the models of" in said[check].metadata["results"].value
    for day in days:
        assert hub.lake.read("enriched_spaces", day).rows == 0
        assert hub.lake.read("daily_metrics", day).notes["Spaces"] is None
        frame = hub.lake.read("models", day).frame.collect()
        assert frame["hub_id"].str.starts_with("name:").all()
        assert frame["trending_score"].null_count() == frame.height
    assert "trendingScore" in hub.figures("raw_models", "missing fields")[days[0]]
    # What has nothing in it is no partition; the run says which those are, and why.
    for asset in ("raw_spaces", "enriched_spaces", "model_usage"):
        assert partitions(hub, asset) == []
        said = left_out(hub, asset)
        assert list(said) == days
        assert said[days[0]] == f"The folder days has the models of {days[0]} and no Spaces."
    # Who asks for just that day has it, empty.
    assert hub.materialize("raw_spaces", "enriched_spaces", day=days[0]).success
    assert partitions(hub, "enriched_spaces") == days[:1]
    assert hub.figures("raw_spaces", "reason for no rows")[days[0]].startswith(
        "The folder days has"
    )
    assert "region" in hub.figures("raw_spaces", "missing fields")[days[0]]


@pytest.mark.heavy
def test_one_broken_file_is_named_and_stops_no_other_day(world: Make, tmp_path: Path) -> None:
    days = [days_ago(n) for n in (3, 2, 1)]
    folder = recorded(tmp_path / "days", *days)
    (folder / f"{days[1]}.json").write_text('{"models": [')
    hub = world(archive=folder)
    plain = hub.materialize("raw_models", days=(days[0], days[-1]))
    assert f"{days[1]}.json cannot be read" in failures(plain)["raw_models"]
    assert retries(plain) == 0
    assert hub.lake.days("raw_models", "capture.json") == [days[0], days[2]]
    assert hub.recover(days[0], days[-1]).success
    assert partitions(hub, "models") == [days[0], days[2]]
    alone = hub.materialize("raw_models", day=days[1])
    assert f"{days[1]}.json cannot be read" in failures(alone)["raw_models"]
    assert retries(alone) == 0
    nothing = hub.recover(days[1], days[1])
    assert f"{days[1]}.json cannot be read" in failures(nothing)["raw_models"]


@pytest.mark.heavy
def test_a_cell_that_no_reader_knows_stops_no_day(world: Make, tmp_path: Path) -> None:
    days = [days_ago(2), days_ago(1)]
    folder = recorded(tmp_path / "days", days[1])
    lines = [f"a/m{n},{n},\"{{'a', 'b'}}\"" for n in range(30)]
    folder.joinpath(f"{days[0]}.csv").write_text("\n".join(["id,likes,tags", *lines, ""]))
    hub = world(archive=folder)
    assert hub.recover(*days).success
    assert partitions(hub, "models") == days
    stored = hub.lake.read("models", days[0])
    assert stored.notes["nulled tags"] == stored.rows == 30
    assert stored.frame.select(pl.col("likes").sum()).collect().item() == sum(range(30))
    capture = open_capture(hub.lake.folder("raw_models", days[0]))
    assert capture is not None
    assert "none of its 30 values is" in capture.unread["tags"]


def test_an_archive_that_cannot_be_asked_fails_in_its_own_words(
    world: Make, tmp_path: Path
) -> None:
    hub = world(archive=tmp_path / "gone")
    said = failures(hub.materialize("raw_models", day=days_ago(1)))["raw_models"]
    assert "is no folder and no dataset's name: set it to" in said


def test_nobody_has_any_day_of_the_range(world: Make, tmp_path: Path) -> None:
    hub = world(archive=recorded(tmp_path / "days", days_ago(1)))
    result = hub.recover(days_ago(9), days_ago(8))
    assert not result.success
    assert "Never captured" in failures(result)["raw_models"]
    assert not made(result)


@pytest.mark.heavy
def test_figures_of_archived_days_say_where_they_are_from(world: Make, tmp_path: Path) -> None:
    days = [days_ago(2), days_ago(1)]
    hub = world(archive=recorded(tmp_path / "days", *days))
    assert hub.recover(*days).success
    job = hub.definitions.resolve_implicit_global_asset_job_def()
    tags = {RANGE_START: days_ago(4), RANGE_END: days[-1], DEFERRED: "true"}
    result = job.execute_in_process(
        instance=hub.instance, asset_selection=[dg.AssetKey("snapshot_figures")], tags=tags
    )
    assert result.success
    assert partitions(hub, "snapshot_figures") == days
    svg = next(hub.lake.folder("snapshot_figures", days[0]).glob("*.svg")).read_text()
    assert "a folder of recorded days" in svg


def test_the_run_says_once_what_the_folder_has_besides(
    world: Make, tmp_path: Path, capfd: Any
) -> None:
    folder = recorded(tmp_path / "days", "2023-05-01", "2023-05-02", days_ago(1))
    (folder / "package.json").write_text('{"name": "scraper"}')
    hub = world(archive=folder)
    assert hub.recover(days_ago(1), days_ago(1)).success
    said = capfd.readouterr().err
    for text in ("package.json passed over", "2 days of the folder days lie before 2024-07-29"):
        assert said.count(text) == 1


def test_a_capture_that_is_not_what_was_fetched_is_told_in_its_own_words(
    world: Make, tmp_path: Path
) -> None:
    hub = world(archive=recorded(tmp_path / "days", days_ago(1)))
    assert hub.materialize("raw_models", day=days_ago(1)).success
    (page,) = hub.lake.folder("raw_models", days_ago(1)).glob("*/*.zst")
    page.write_bytes(b"torn")
    failed = hub.materialize("models", day=days_ago(1))
    (event,) = failed.get_step_failure_events()
    told = event.step_failure_data.user_failure_data
    assert told is not None
    assert told.description is not None
    assert f"{page.name} cannot be read" in told.description
    assert "restore it, or capture the day again" in told.description
    assert retries(failed) == 0


@pytest.mark.heavy
def test_a_capture_whose_pages_were_dropped_is_left_out(world: Make, tmp_path: Path) -> None:
    days = [days_ago(2), days_ago(1)]
    hub = world(archive=recorded(tmp_path / "days", *days))
    assert hub.recover(*days).success
    kept = hub.lake.read("models", days[0]).path.read_bytes()
    for asset in RAW:
        capture = open_capture(hub.lake.folder(asset, days[0]))
        assert capture is not None
        facts = {**capture.manifest.plain(), "pages_dropped": days[1]}
        (capture.folder / "capture.json").write_text(json.dumps(facts))
        for page in capture.folder.glob("*/*.zst"):
            page.unlink()
    assert hub.recover(*days).success
    assert hub.lake.read("models", days[0]).path.read_bytes() == kept
    alone = hub.materialize("models", day=days[0])
    assert "were dropped on" in failures(alone)["models"]
