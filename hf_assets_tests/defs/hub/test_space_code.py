"""Code of Spaces through the real graph: what today asks, what a past day has, what fails alone."""

import os
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
from huggingface_hub import constants

from hf_assets.defs.hub import space_code as code
from hf_assets.demo.hub_stats.app import HubStats
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.space_code.schemas import FINAL, RAW_SPACE_TREES
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, TableWrite, today
from hf_assets_tests.defs.conftest import Make, World, checks, days_ago, failures, made

CODE = ("raw_space_trees", "space_code", "space_code_figures")
LISTED = ("models", "enriched_spaces", "top_models")


@pytest.fixture(autouse=True)
def fast(unsynced: None) -> None:
    """Nothing here is about the disk."""


def listed(world: Make, **given: object) -> World:
    """A world whose listings of today are tables."""
    hub = world(GeneratedHub(300, 400, seed=4), **given)
    hub.capture(today())
    assert hub.materialize(*LISTED).success
    hub.app.state.requests.clear()
    return hub


def tree_requests(hub: World) -> list[str]:
    return [one.path for one in hub.app.state.requests if "/tree/" in one.path]


@pytest.mark.heavy
def test_today_is_asked_for_once(world: Make) -> None:
    hub = listed(world)
    result = hub.materialize(*CODE)
    assert result.success
    assert made(result) == {*CODE}
    assert tree_requests(hub)
    facts = hub.materialized("raw_space_trees")[today()].metadata
    assert facts["count: requests"].value == len(hub.app.state.requests)
    found = checks(result)
    assert {key for key in found if key[0] in CODE} == {
        ("space_code", "code_adds_up"),
        ("space_code", "reasons_known"),
        ("space_code", "spaces_answered"),
        ("space_code_figures", "figures_drawn"),
    }
    assert all(one.passed for one in found.values()), found
    gallery = hub.materialized("space_code_figures")[today()].metadata["gallery"].value
    assert str(gallery).count("data:image/png;base64,") == 1
    asked = len(tree_requests(hub))
    assert hub.materialize(*CODE).success
    reasons = hub.lake.read("raw_space_trees", today()).notes["reasons"]
    again = sum(count for reason, count in reasons.items() if reason not in FINAL)
    assert len(tree_requests(hub)) == asked + again


def test_a_past_day_fails_with_what_can_be_done_and_asks_nothing(world: Make) -> None:
    hub = world(GeneratedHub(60, 70, seed=4))
    result = hub.materialize(*CODE, day=days_ago(3))
    (why,) = failures(result).values()
    assert "the files of its Spaces were never asked for" in why
    assert "docs/space-code.md" in why
    assert not hub.app.state.requests
    assert not made(result)


def test_a_night_that_goes_on_past_midnight_does_without(world: Make) -> None:
    hub = world(GeneratedHub(60, 70, seed=4))
    hub.capture(days_ago(1))
    result = hub.materialize("raw_models", "raw_spaces", *LISTED, *CODE, day=days_ago(1))
    assert result.success, failures(result)
    assert made(result) == {"raw_models", "raw_spaces", *LISTED}
    assert not tree_requests(hub)


@pytest.mark.heavy
def test_a_hub_that_is_down_fails_alone(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = listed(world)
    before = hub.files
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    with monkeypatch.context() as down:
        down.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        down.setattr(code, "HubConnection", partial(HubConnection, retries=0))
        result = hub.materialize("model_usage", *CODE)
    assert {*failures(result)} == {"raw_space_trees"}
    assert made(result) == {"model_usage"}
    assert {*before} <= {*hub.files}
    assert hub.materialize(*CODE).success


@pytest.mark.heavy
def test_off_is_a_reason(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = listed(world)
    monkeypatch.setenv("HF_ASSETS_SPACE_CODE_REQUESTS", "0")
    settings.cache_clear()
    result = hub.materialize(*CODE)
    assert result.success
    assert not hub.app.state.requests
    found = checks(result)
    assert not found["space_code", "spaces_answered"].passed
    assert "not asked" in found["space_code", "spaces_answered"].description
    assert found["space_code", "reasons_known"].passed


@pytest.mark.heavy
def test_past_days_are_skipped_where_a_run_skips_days(world: Make) -> None:
    source = GeneratedHub(300, 200, seed=4)
    hub = world(source, archive=HubStats(source))
    result = hub.recover(days_ago(2), days_ago(1))
    assert result.success
    assert "enriched_spaces" in made(result)
    assert not made(result) & {*CODE}
    assert not tree_requests(hub)


@pytest.mark.heavy
def test_a_recorded_day_is_a_day(world: Make, tmp_path: Path) -> None:
    folder, day = tmp_path / "past", days_ago(4)
    folder.mkdir()
    (folder / f"space-files-{day}.csv").write_text(
        "name,size,n_files\na/1,2551,4\na/2,,1200\na/3,,\n"
    )
    hub = world(GeneratedHub(60, 70, seed=4), archive=folder)
    result = hub.materialize(*CODE, day=day)
    assert result.success, failures(result)
    assert made(result) == {*CODE}
    rows = hub.lake.read("space_code", day).frame.select("id", "n_files", "reason").collect()
    assert rows.rows() == [
        ("a/1", 4, None),
        ("a/2", 1200, "too many files"),
        ("a/3", None, "failed"),
    ]
    skipping = hub.recover(days_ago(5), day)
    assert skipping.success or "raw_space_trees" not in failures(skipping)
    assert os.listdir(hub.lake.folder("space_code_figures", day))


@pytest.mark.parametrize(("source", "again"), [("captured", False), ("folder", True)])
def test_a_captured_day_whose_listings_are_thinned_keeps_its_table(
    tmp_path: Path, source: str, *, again: bool
) -> None:
    """Made again without them, it would lose the models and categories of every Space."""
    lake, day = Lake(tmp_path), days_ago(90)
    write = TableWrite([], provenance={"raw_space_trees": {"source": source}})
    stored = {day: lake.write(RAW_SPACE_TREES, day, write)}
    make = code.space_code.op.compute_fn.decorated_fn  # ty: ignore[missing-union-attribute]
    assert (day in make(stored, {}, {}).make) is again
    assert day in make(stored, stored, stored).make
