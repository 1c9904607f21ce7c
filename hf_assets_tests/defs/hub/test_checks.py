"""Checks: what fails a day, what stops those that come after it, and what is only counted."""

import json
import threading
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import dagster as dg
import pytest

from hf_assets.defs.common import check_factory
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.hub.quality import rules
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import RAW, TABLES, Make, checks, days_ago, failures, made

HALF_A_LISTING = GeneratedHub(700, 600, seed=4)


def row(at: int, **fields: Any) -> dict[str, Any]:
    """A model or a Space as a listing serves it."""
    return {
        "_id": f"65{at:022x}",
        "id": f"author/{at}",
        "createdAt": "2025-01-01T00:00:00.000Z",
        "likes": at,
        "private": False,
        **fields,
    }


def recorded(folder: Path, **rows: list[dict[str, Any]]) -> RecordedHub:
    """A Hub of those `models` and `spaces`."""
    for kind, content in rows.items():
        (folder / f"{kind}.json").write_text(json.dumps(content))
    return RecordedHub(folder / "models.json", folder / "spaces.json")


def test_a_partial_snapshot_stops_all_that_follows(world: Make) -> None:
    world().capture(days_ago(2))
    hub = world(HALF_A_LISTING)
    hub.capture(days_ago(1))
    result = hub.materialize(*RAW, *TABLES, day=days_ago(1))
    verdict = checks(result)["raw_models", "not_partial"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.ERROR
    assert "partial snapshot" in verdict.description
    assert 600 < verdict.metadata["rows"].value < 700
    assert verdict.metadata["expected rows"].value > 1400
    assert checks(result)["raw_spaces", "not_partial"].passed
    assert made(result) == set(RAW)
    assert not result.success
    assert all(hub.lake.days(table) == [] for table in TABLES)


def test_half_of_yesterday_is_enough(world: Make) -> None:
    world(GeneratedHub(1000, 10, seed=1)).capture(days_ago(1))
    result = world(GeneratedHub(520, 10, seed=1)).materialize("raw_models")
    assert checks(result)["raw_models", "not_partial"].passed


def test_a_limited_capture_is_no_yardstick(world: Make) -> None:
    hub = world()
    hub.capture(days_ago(3))
    hub.capture(days_ago(1), max_rows=20)
    verdict = checks(hub.materialize("raw_models"))["raw_models", "not_partial"]
    assert verdict.passed
    assert verdict.metadata["expected rows"].value > 1400


def test_rows_served_twice_are_counted_and_kept_once(world: Make) -> None:
    faults = Faults(duplicates=[At(page=1, kind="models", value=0.4)])
    hub = world(None, faults)
    result = hub.materialize("raw_models", "models")
    doubled = checks(result)["raw_models", "doubled_rows"]
    assert not doubled.passed
    assert doubled.severity == dg.AssetCheckSeverity.WARN
    assert doubled.metadata["duplicates"].value == 400
    assert checks(result)["raw_models", "capture_complete"].metadata["distinct rows"].value == 1500
    assert hub.figures("models", "count: duplicates") == {today(): 400}
    assert hub.lake.read("models", today()).rows == 1500


def test_a_hub_without_rows_stops_all_that_follows(world: Make, tmp_path: Path) -> None:
    hub = world(recorded(tmp_path, models=[], spaces=[]))
    hub.capture(days_ago(1))
    result = hub.materialize(*RAW, "models", day=days_ago(1))
    verdict = checks(result)["raw_models", "capture_complete"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.ERROR
    assert "models" not in made(result)


@pytest.mark.heavy
def test_a_row_without_a_name_goes_to_quarantine_and_stops_nothing(world: Make) -> None:
    nameless = json.dumps(row(1, id="")).encode()
    hub = world(None, Faults(odd_rows={"models": [nameless]}))
    result = hub.materialize(*RAW, *TABLES)
    assert checks(result)["models", "required_columns"].passed
    assert checks(result)["models", "quarantine"].metadata["quarantined"].value == 1
    assert made(result) == {*RAW, *TABLES}


def test_a_table_without_rows_stops_what_follows(world: Make, tmp_path: Path) -> None:
    hub = world(recorded(tmp_path, models=[row(1, id="")], spaces=[row(2)]))
    result = hub.materialize(*RAW, *TABLES)
    verdict = checks(result)["models", "required_columns"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.ERROR
    assert made(result) == {*RAW, "models"}


@pytest.mark.heavy
def test_too_many_rows_in_quarantine_fail_the_check_and_stop_nothing(world: Make) -> None:
    odd = [b"17", b'{"_id": "65"}', b'{"id": "a/b"}']
    hub = world(None, Faults(odd_rows={"models": odd}))
    result = hub.materialize(*RAW, *TABLES)
    verdict = checks(result)["models", "quarantine"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.ERROR
    assert verdict.metadata["quarantined"].value == 3
    assert verdict.metadata["served"].value == 1503
    assert made(result) == {*RAW, *TABLES}
    assert hub.figures("models", "dagster/partition_row_count") == {today(): 1500}
    assert hub.figures("models", "count: quarantined") == {today(): 3}
    aside = hub.lake.read("models", today()).aside("quarantine")
    assert aside is not None
    assert aside["reason"].to_list() == ["a int, no object", "no id", "no _id"]


def test_an_odd_value_is_left_out_and_counted(world: Make) -> None:
    # An id of its own, in a week that the generated rows have left behind.
    odd = json.dumps(row(7, id="a/odd", likes=1.5, downloads=-4)).encode()
    hub = world(None, Faults(odd_rows={"models": [odd]}))
    result = hub.materialize("raw_models", "models")
    assert checks(result)["models", "quarantine"].passed
    assert hub.figures("models", "count: likes coerced to null") == {today(): 1}
    ranges = checks(result)["models", "ranges"]
    assert not ranges.passed
    assert ranges.severity == dg.AssetCheckSeverity.WARN
    assert ranges.metadata["downloads clipped to 0"].value == 1
    assert "downloads clipped to 0" in ranges.description


@pytest.mark.heavy
def test_a_column_that_goes_blank_is_seen(world: Make) -> None:
    day = world()
    day.capture(days_ago(1))
    assert day.materialize("models", day=days_ago(1)).success
    hub = world(None, Faults(refused_expand={"usedStorage"}))
    verdict = checks(hub.materialize("raw_models", "models"))["models", "null_rates"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.WARN
    assert f"used_storage: 100 % null, 0 % on {days_ago(1)}" in verdict.description
    assert "downloads" not in verdict.description


def test_null_rates_that_stay_pass(world: Make) -> None:
    hub = world()
    hub.capture(days_ago(1))
    assert hub.materialize("models", day=days_ago(1)).success
    verdict = checks(hub.materialize("raw_models", "models"))["models", "null_rates"]
    assert verdict.passed
    assert verdict.description == f"As on {days_ago(1)}."


@pytest.mark.heavy
def test_dangling_pairs_are_counted_and_many_are_told(world: Make, tmp_path: Path) -> None:
    models = [row(at) for at in range(4)]
    spaces = [
        row(10, models=["author/0", "author/1", "gone/1"]),
        row(11, models=["author/2", "gone/1", "gone/2"]),
        row(12, models=[]),
        row(13),
    ]
    hub = world(recorded(tmp_path, models=models, spaces=spaces))
    result = hub.materialize(*RAW, *TABLES)
    assert result.success
    verdict = checks(result)["enriched_spaces", "dangling_models"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.WARN
    assert verdict.metadata["pairs"].value == 6
    assert verdict.metadata["dangling pairs"].value == 3
    usage = hub.lake.read("model_usage", today()).frame.collect()
    assert {line["id"]: line["known"] for line in usage.iter_rows(named=True)} == {
        "author/0": True,
        "author/1": True,
        "author/2": True,
        "gone/1": False,
        "gone/2": False,
    }


def test_many_days_give_one_evaluation_that_names_those_that_fail(world: Make) -> None:
    whole, half = world(), world(HALF_A_LISTING)
    whole.capture(days_ago(4))
    half.capture(days_ago(3))
    whole.capture(days_ago(2))
    result = whole.materialize(*RAW, "models", days=(days_ago(4), days_ago(2)))
    evaluations = [
        one
        for one in result.get_asset_check_evaluations()
        if (one.asset_key.path[-1], one.check_name) == ("raw_models", "not_partial")
    ]
    (verdict,) = evaluations
    assert not verdict.passed
    assert verdict.description == "1 of 3 days fail"
    assert verdict.metadata["days"].value == 3
    assert verdict.metadata["failed"].value == 1
    said = str(verdict.metadata["results"].value)
    assert said.startswith(f"{days_ago(3)}: A partial snapshot: 6")
    assert len(said.splitlines()) == 1
    assert "models" not in made(result)
    assert set(failures(result)) == {"raw_models_not_partial"}


def test_days_are_checked_as_many_at_a_time_as_are_made(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = world()
    for count in (3, 2):
        hub.capture(days_ago(count))
    both, judge = threading.Barrier(2, timeout=60), rules.duplicate_rows

    def waits_for_the_other(capture: Any) -> RuleResult:
        both.wait()
        return judge(capture)

    monkeypatch.setattr(check_factory, "settings", lambda: Mock(days_at_once=2))
    monkeypatch.setattr(rules, "duplicate_rows", waits_for_the_other)
    result = hub.materialize("raw_models", days=(days_ago(3), days_ago(2)))
    verdict = checks(result)["raw_models", "doubled_rows"]
    assert verdict.description == "0 of 2 days fail"
    named = [line.split(": ")[0] for line in str(verdict.metadata["results"].value).splitlines()]
    assert named == [days_ago(3), days_ago(2)]


@pytest.mark.heavy
def test_many_days_that_pass_are_each_named(world: Make) -> None:
    hub = world()
    for count in (3, 2):
        hub.capture(days_ago(count))
    result = hub.materialize(*RAW, *TABLES, days=(days_ago(3), days_ago(2)))
    assert result.success
    for one in result.get_asset_check_evaluations():
        assert one.passed
        assert one.description == "0 of 2 days fail"
        said = str(one.metadata["results"].value).splitlines()
        assert [line.split(": ")[0] for line in said] == [days_ago(3), days_ago(2)]
        if one.check_name == "reconciliation":
            assert all("Compares recorded folders" in line for line in said)
        if one.check_name == "unread_columns":
            assert all("Every column was read." in line for line in said)
