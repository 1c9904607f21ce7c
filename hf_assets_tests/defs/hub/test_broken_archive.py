"""A broken archive stops no capture of today, and is an error for the days that need it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import Make, World, days_ago, failures
from hf_assets_tests.support.defs.archives import left_out, partitions, recorded
from hf_assets_tests.support.defs.schedules import tick

RAW = ("raw_models", "raw_spaces")


def missing_folder(world: Make, tmp_path: Path) -> World:
    return world(GeneratedHub(300, 100, seed=4), archive=tmp_path / "no such folder")


def no_name(world: Make, tmp_path: Path) -> World:
    return world(GeneratedHub(300, 100, seed=4), archive=Path("a dataset or what"))


def missing_dataset(world: Make, tmp_path: Path) -> World:
    return world(GeneratedHub(300, 100, seed=4), archive=Path("nobody/nothing"))


def nonsense(world: Make, tmp_path: Path) -> World:
    """A folder whose every file is broken."""
    for day in (1, 2):
        (tmp_path / f"{days_ago(day)}.json").write_text('{"models": [')
    return world(GeneratedHub(300, 100, seed=4), archive=tmp_path)


BROKEN = pytest.mark.parametrize("broken", [missing_folder, no_name, missing_dataset, nonsense])


@BROKEN
def test_today_is_captured_without_a_word_of_the_archive(
    world: Make, tmp_path: Path, broken: Callable[..., World]
) -> None:
    hub = broken(world, tmp_path)
    assert hub.materialize(*RAW).success
    assert partitions(hub, "raw_models") == [today()]


@BROKEN
@pytest.mark.parametrize("door", ["materialize", "recover"])
@pytest.mark.heavy
def test_past_days_fail_after_today_was_captured(
    world: Make, tmp_path: Path, monkeypatch: Any, broken: Callable[..., World], door: str
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    hub = broken(world, tmp_path)
    span = (days_ago(2), today())
    if door == "materialize":
        result = hub.materialize(*RAW, days=span)
    else:
        result = hub.definitions.resolve_job_def("past_days").execute_in_process(
            instance=hub.instance,
            asset_selection=[dg.AssetKey(name) for name in RAW],
            tags={
                "dagster/asset_partition_range_start": span[0],
                "dagster/asset_partition_range_end": span[1],
            },
            raise_on_error=False,
        )
    for name in RAW:
        assert hub.lake.root.joinpath(name).exists()
        assert today() in {path.name[-10:] for path in (hub.root / name).iterdir()}
    if door == "recover":
        # Every day is named with its reason, and the others are made.
        assert result.success
    else:
        assert not result.success
        said = "\n".join(failures(result).values())
        words = {missing_dataset: "nobody/nothing", nonsense: days_ago(1)}
        assert words.get(broken, "HF_ASSETS_ARCHIVE=") in said


def test_stored_days_are_rebuilt_without_the_archive(world: Make, tmp_path: Path) -> None:
    hub = missing_folder(world, tmp_path)
    hub.capture(days_ago(1))
    assert hub.materialize(*RAW, day=days_ago(1)).success
    assert hub.recover(days_ago(1), days_ago(1)).success


def test_captured_days_are_rebuilt_while_the_archive_gives_no_answer(
    world: Make, tmp_path: Path, monkeypatch: Any
) -> None:
    """They have no datasets, which the archive may have."""
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    recorded(tmp_path, days_ago(1))
    hub = world(GeneratedHub(300, 100, seed=4), archive=tmp_path)
    hub.capture(days_ago(1))

    def down(*_: object) -> None:
        raise ArchiveError("the archive is down", permanent=False)

    monkeypatch.setattr(RecordedDays, "find", down)
    result = hub.recover(days_ago(1), days_ago(1))
    assert result.success, failures(result)
    assert partitions(hub, "daily_metrics") == [days_ago(1)]
    assert left_out(hub, "raw_datasets") == {days_ago(1): "the archive is down"}
    # A day that was never captured is asked for again.
    assert set(failures(hub.recover(days_ago(2), days_ago(2)))) == {*RAW}


@pytest.mark.parametrize("broken", [missing_folder, no_name])
def test_the_schedule_skips_and_says_why(
    world: Make, tmp_path: Path, broken: Callable[..., World]
) -> None:
    said = tick(broken(world, tmp_path), "recover_past_days")
    assert said.requests == []
    assert "The archive cannot be read: HF_ASSETS_ARCHIVE=" in str(said.skipped)
