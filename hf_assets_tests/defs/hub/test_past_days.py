"""Past days: rebuilt from what was captured then, and never made up from what is now."""

from typing import Any

import dagster as dg
import pytest

from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import (
    RAW,
    TABLES,
    Make,
    World,
    days_ago,
    failures,
    made,
)


def retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.event_type_value == "STEP_UP_FOR_RETRY" for event in result.all_events)


def rows(world: World, asset: str) -> dict[str, int]:
    """Rows that each day's materialisation tells of."""
    return world.figures(asset, "dagster/partition_row_count")


def test_a_past_day_without_capture_fails_for_good_and_writes_nothing(world: Make) -> None:
    hub = world()
    result = hub.materialize(day=days_ago(1))
    assert not result.success
    said = failures(result)
    assert set(said) == set(RAW)
    for asset, kind in zip(RAW, ("models", "spaces"), strict=True):
        assert f"{days_ago(1)} is over and its {kind} were never captured" in said[asset]
        assert "Choose a day that was captured" in said[asset]
        assert "daily_capture" in said[asset]
    assert retries(result) == 0
    began = {e.step_key for e in result.all_events if e.event_type_value == "STEP_START"}
    assert began == set(RAW)
    assert not made(result)
    assert not hub.pages
    assert not hub.root.exists()


def test_a_derived_day_without_capture_says_so(world: Make) -> None:
    hub = world()
    result = hub.materialize("models", day=days_ago(1))
    (said,) = failures(result).values()
    assert f"raw_models was not captured on {days_ago(1)}" in said
    assert "choose days that have a capture" in said
    assert retries(result) == 0
    assert not hub.root.exists()


def test_a_derived_day_names_the_table_it_lacks(world: Make) -> None:
    hub = world()
    hub.capture(days_ago(1))
    result = hub.materialize("top_models", day=days_ago(1))
    (said,) = failures(result).values()
    assert f"there is no models for {days_ago(1)}: materialise models of that day first" in said
    assert hub.lake.days("top_models") == []


@pytest.mark.heavy
def test_refetch_of_a_past_day_is_refused_and_harms_nothing(world: Make) -> None:
    hub = world()
    hub.capture(days_ago(1))
    before = {path: path.read_bytes() for path in hub.files}
    asked = len(hub.pages)
    result = hub.materialize(
        "raw_models", day=days_ago(1), config={"raw_models": {"refetch": True}}
    )
    (said,) = failures(result).values()
    assert "cannot be fetched again" in said
    assert "without `refetch`" in said
    assert len(hub.pages) == asked
    assert {path: path.read_bytes() for path in hub.files} == before


def test_a_limited_past_day_is_used_as_it_is(world: Make) -> None:
    hub = world()
    hub.capture(days_ago(1), max_rows=30)
    assert hub.materialize("raw_models", "models", day=days_ago(1)).success
    assert rows(hub, "models") == {days_ago(1): 30}


@pytest.mark.heavy
def test_a_range_of_captured_days_is_rebuilt_in_one_run(world: Make) -> None:
    hub = world()
    days = [days_ago(5), days_ago(4)]
    for day in days:
        hub.capture(day)
    asked = len(hub.pages)
    result = hub.materialize(days=(days[0], days[-1]))
    assert result.success
    assert len(hub.pages) == asked

    stored = {day: hub.lake.read("models", day).rows for day in days}
    assert len(set(stored.values())) == 2
    assert rows(hub, "models") == stored
    assert rows(hub, "raw_models") == stored
    for table in TABLES:
        assert rows(hub, table) == {day: hub.lake.read(table, day).rows for day in days}
        sources = hub.figures(table, "provenance").values()
        assert len({facts["raw_models"]["sha256"] for facts in sources}) == 2
    for table in ("models", "enriched_spaces"):
        assert all(day in path for day, path in hub.figures(table, "path").items())
        for day, event in hub.materialized(table).items():
            preview: Any = event.metadata["preview"]
            assert {record.data["day"] for record in preview.records} == {day}

    galleries = hub.figures("snapshot_figures", "gallery")
    assert list(galleries) == days
    assert len(set(galleries.values())) == 2
    assert all(day in path for day, path in hub.figures("snapshot_figures", "path").items())


@pytest.mark.heavy
def test_a_single_run_writes_what_a_run_a_day_writes(world: Make) -> None:
    hub = world()
    days = [days_ago(count) for count in (3, 2)]
    for day in days:
        hub.capture(day)
    assert hub.materialize(*TABLES, days=(days[0], days[-1])).success
    together = {
        (table, day): hub.lake.read(table, day).frame.collect() for table in TABLES for day in days
    }
    for day in days:
        assert hub.materialize(*TABLES, day=day).success
    for (table, day), frame in together.items():
        assert frame.equals(hub.lake.read(table, day).frame.collect()), (table, day)


def test_one_day_without_capture_fails_a_range_and_names_itself(world: Make) -> None:
    hub = world()
    hub.capture(days_ago(3))
    hub.capture(days_ago(1))
    before = hub.files
    result = hub.materialize(*RAW, *TABLES, days=(days_ago(3), days_ago(1)))
    for said in failures(result).values():
        assert days_ago(2) in said
        assert days_ago(3) not in said
    assert not made(result)
    derived = hub.materialize("models", days=(days_ago(3), days_ago(1)))
    assert days_ago(2) in failures(derived)["models"]
    assert hub.files == before


@pytest.mark.heavy
@pytest.mark.parametrize("kind", ["models", "spaces"])
def test_a_damaged_page_fails_its_table_and_leaves_the_old_one(world: Make, kind: str) -> None:
    hub = world()
    hub.capture(days_ago(1))
    assert hub.materialize(*TABLES, day=days_ago(1)).success
    table = {"models": "models", "spaces": "enriched_spaces"}[kind]
    before = hub.lake.read(table, days_ago(1)).path.read_bytes()
    page = next(hub.lake.folder(f"raw_{kind}", days_ago(1)).glob("*/000000.json.zst"))
    page.write_bytes(page.read_bytes()[:-100])
    result = hub.materialize(table, day=days_ago(1))
    assert not result.success
    assert "000000.json.zst" in failures(result)[table]
    assert hub.lake.read(table, days_ago(1)).path.read_bytes() == before
    assert not list(hub.root.rglob("*.tmp"))


@pytest.mark.heavy
def test_today_and_yesterday_in_one_run(world: Make) -> None:
    hub = world()
    hub.capture(days_ago(1))
    asked = len(hub.pages)
    assert hub.materialize(*RAW, *TABLES, days=(days_ago(1), today())).success
    assert len(hub.pages) == asked + 3
    assert rows(hub, "raw_models") == {
        days_ago(1): hub.lake.read("models", days_ago(1)).rows,
        today(): 1500,
    }
