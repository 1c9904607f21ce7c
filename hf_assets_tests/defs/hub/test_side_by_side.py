"""Listings of today side by side in one run: one pacer, and each with its own failures."""

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.defs.hub import raw
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.client.pacing import pacer_for
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import Make, World, checks, days_ago, failures, made
from hf_assets_tests.defs.test_processes import PATIENCE, Command
from hf_assets_tests.support.defs import launch
from hf_assets_tests.support.hub.captures import model, open_capture, recorded

LISTINGS = ("raw_models", "raw_spaces", "raw_datasets")
SIZES = {"models": 3500, "spaces": 2500, "datasets": 1500}


@pytest.fixture(autouse=True)
def _a_pacer_of_its_own() -> None:
    pacer_for.cache_clear()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster's retries do not wait their minute."""
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)


def source() -> GeneratedHub:
    return GeneratedHub(SIZES["models"], SIZES["spaces"], datasets=SIZES["datasets"], seed=4)


def rows(world: World) -> dict[str, int]:
    """Rows of today's captures."""
    found = {asset: open_capture(world.lake.folder(asset, today())) for asset in LISTINGS}
    return {asset: capture.rows for asset, capture in found.items() if capture}


def asked(world: World) -> Counter[str]:
    """Pages asked for, by listing."""
    return Counter(one.path.removeprefix("/api/") for one in world.app.state.requests)


def lines(world: World, result: dg.ExecuteInProcessResult, step: str) -> list[str]:
    """The log of a step."""
    records = world.instance.all_logs(result.run_id)
    return [record.user_message for record in records if record.step_key == step]


def test_three_listings_are_under_way_at_once(world: Make) -> None:
    hub = world(source(), Faults(latency=0.15))
    result = hub.materialize(*LISTINGS)
    assert result.success
    assert made(result) == {*LISTINGS}
    assert hub.app.state.under_way.most_listings == 3
    assert rows(hub) == {f"raw_{kind}": count for kind, count in SIZES.items()}
    assert asked(hub) == {"models": 4, "spaces": 3, "datasets": 2}
    assert all(result.passed for result in checks(result).values())
    # One step asked; the other two found their captures.
    said = {step: "\n".join(lines(hub, result, step)) for step in LISTINGS}
    talked = [step for step in LISTINGS if "pages, " in said[step]]
    assert len(talked) == 1
    assert "captured at the same time" in said[talked[0]]
    for kind, count in SIZES.items():
        assert f"raw_{kind}: {-(-count // 1000)} pages, {count:,} rows" in said[talked[0]]
    seen = {
        event.asset_observation_data.asset_observation.asset_key.path[-1]
        for event in result.all_events
        if event.event_type_value == "ASSET_OBSERVATION"
    }
    assert seen == {*LISTINGS}


@pytest.mark.heavy
def test_only_what_a_run_is_to_capture_is_asked_for(world: Make) -> None:
    hub = world(source())
    assert hub.materialize("raw_models").success
    assert asked(hub) == {"models": 4}
    assert hub.materialize("raw_models", "raw_spaces").success
    assert asked(hub) == {"models": 4, "spaces": 3}
    assert hub.materialize(*LISTINGS).success
    assert asked(hub) == {"models": 4, "spaces": 3, "datasets": 2}


@pytest.mark.heavy
def test_each_listing_has_its_own_config(world: Make) -> None:
    hub = world(source())
    config: dict[str, dict[str, Any]] = {
        "raw_spaces": {"max_rows": 120},
        "raw_datasets": {"filter": ["language:en"]},
    }
    assert hub.materialize(*LISTINGS, config=config).success
    found = rows(hub)
    assert (found["raw_models"], found["raw_spaces"]) == (3500, 120)
    assert 0 < found["raw_datasets"] < 1500
    again = hub.materialize(*LISTINGS, config=config | {"raw_models": {"refetch": True}})
    assert again.success
    assert asked(hub)["models"] == 8
    assert asked(hub)["spaces"] == 1


@pytest.mark.heavy
def test_a_wrong_config_fails_its_own_step_alone(world: Make) -> None:
    hub = world(source())
    result = hub.materialize(*LISTINGS, config={"raw_spaces": {"sort": "downloads"}})
    assert {*failures(result)} == {"raw_spaces"}
    assert made(result) == {"raw_models", "raw_datasets"}


@pytest.mark.parametrize("kind", [pytest.param("models", marks=pytest.mark.heavy), "datasets"])
def test_a_listing_that_fails_leaves_the_others_captured(
    world: Make, at_once: None, kind: str
) -> None:
    faults = Faults(cursor_loop=[At(page=1, times=FOREVER, kind=kind)])
    hub = world(source(), faults)
    result = hub.materialize(*LISTINGS)
    others = {*LISTINGS} - {f"raw_{kind}"}
    assert {*failures(result)} == {f"raw_{kind}"}
    assert made(result) == others
    assert {*rows(hub)} == others
    # Resumed by its step, once the Hub is well; the others are not asked for again.
    before = asked(hub)
    faults.cursor_loop.clear()
    assert hub.materialize(*LISTINGS).success
    assert rows(hub)[f"raw_{kind}"] == SIZES[kind]
    assert {*(asked(hub) - before)} == {kind}


@pytest.mark.heavy
def test_at_midnight_the_others_are_of_the_same_day(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, day, beside = world(source()), today(), raw._beside

    def midnight(*arguments: Any) -> Any:
        monkeypatch.setattr(raw, "today", lambda: days_ago(-1))
        return beside(*arguments)

    monkeypatch.setattr(raw, "_beside", midnight)
    result = hub.materialize("raw_models", "raw_spaces", day=day)
    assert {*rows(hub)} == {"raw_models", "raw_spaces"}
    said = [line for step in LISTINGS for line in lines(hub, result, step)]
    assert not [line for line in said if "left to its own step" in line]


@pytest.mark.heavy
def test_the_limit_is_one_for_all(world: Make) -> None:
    hub = world(source(), Faults(rate_limit=(4, 1.0), latency=0.02))
    assert hub.materialize(*LISTINGS).success
    assert {one.status for one in hub.app.state.requests} == {200}
    assert rows(hub) == {f"raw_{kind}": count for kind, count in SIZES.items()}


@pytest.mark.heavy
def test_past_days_of_a_range_have_their_own_source(world: Make) -> None:
    hub = world(source())
    hub.capture(days_ago(1))
    hub.app.state.requests.clear()
    result = hub.materialize("raw_models", "raw_spaces", days=(days_ago(1), today()))
    assert result.success
    assert asked(hub) == {"models": 4, "spaces": 3}


@pytest.mark.heavy
def test_killed_amid_three_listings_a_run_goes_on_with_each(world: Make, tmp_path: Path) -> None:
    hub = world(source(), Faults(latency=0.5))
    command = Command(hub.root, tmp_path / "home", hub.url)
    process = command.open(sys.executable, "-m", launch.__name__, *LISTINGS)
    try:
        ends = time.monotonic() + PATIENCE
        while not all([*(hub.root / asset).rglob("*.json.zst")] for asset in LISTINGS):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < ends
            time.sleep(0.01)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert sum(rows(hub).values()) < sum(SIZES.values())
    hub.faults.latency = 0.0
    assert hub.materialize(*LISTINGS).success
    assert rows(hub) == {f"raw_{kind}": count for kind, count in SIZES.items()}
    asked_twice = Counter(f"{one.path}?{one.query}" for one in hub.app.state.requests)
    # Pages that were under way at the kill.
    assert asked_twice.total() - len(asked_twice) <= len(LISTINGS)


@pytest.mark.heavy
def test_a_hub_that_has_no_datasets_makes_its_day(world: Make, tmp_path: Path) -> None:
    """As a recorded Hub of models and Spaces."""
    models = [model(number, downloads=number) for number in range(1, 40)]
    hub = world(recorded(tmp_path, models, models))
    result = hub.materialize(*LISTINGS, "models", "enriched_spaces", "hub_datasets")
    assert result.success
    assert made(result) == {*LISTINGS, "models", "enriched_spaces", "hub_datasets"}
    assert rows(hub) == {"raw_models": 39, "raw_spaces": 39, "raw_datasets": 0}
    assert hub.lake.read("hub_datasets", today()).rows == 0
    failed = {name: one for name, one in checks(result).items() if not one.passed}
    assert {name[0] for name in failed} <= {"raw_datasets", "hub_datasets"}
    assert {one.severity for one in failed.values()} == {dg.AssetCheckSeverity.WARN}
    assert failed["raw_datasets", "capture_complete"].description == (
        "The Hub has no datasets, by its own count."
    )
