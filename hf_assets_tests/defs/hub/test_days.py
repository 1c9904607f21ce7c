"""Days beside each other through the real graph: what is compared, told, and stopped by nothing."""

import datetime as dt
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.defs.hub import quality
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.quality.comparing import compare_day
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import (
    RAW,
    TABLES,
    Make,
    World,
    checks,
    days_ago,
    failures,
)
from hf_assets_tests.support.hub.days import compare, model, store_day

OF_A_DAY = ("not_stalled", "not_rolled_back", "long_enough", "no_gap_before", "same_columns")
OF_DATASETS = (
    *("datasets_not_stalled", "datasets_not_rolled_back"),
    *("datasets_long_enough", "datasets_same_columns"),
)


def noon(day: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T12:00:00+00:00")


def judge(hub: World) -> dg.ExecuteInProcessResult:
    """A run that makes `day_quality`, which has no partition."""
    job = hub.definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=hub.instance,
        asset_selection=[dg.AssetKey("day_quality")],
        raise_on_error=False,
    )


def quality_of(hub: World) -> dict[str, dict[str, Any]]:
    rows = hub.lake.read("day_quality", None).frame.collect().to_dicts()
    return {str(row["day"]): row for row in rows}


def larger(number: int) -> list[dict[str, Any]]:
    """Thirty models whose counters have moved on by that many days."""
    return [model(at, downloads=20_000 + number) for at in range(30)]


@pytest.fixture
def five_days(world: Make) -> World:
    """Day 5 to day 1 before today: a stall on day 3, nothing on day 2."""
    hub = world()
    for number, moved in ((5, 1), (4, 2), (3, 2), (1, 3)):
        store_day(hub.lake, days_ago(number), larger(moved))
    store_day(hub.lake, days_ago(4), [*larger(2), model(99, created_at=noon(days_ago(4)))])
    assert hub.materialize("daily_changes", days=(days_ago(5), days_ago(3))).success
    assert hub.materialize("daily_changes", day=days_ago(1)).success
    return hub


@pytest.mark.heavy
def test_days_are_compared_with_the_stored_day_before_them(five_days: World) -> None:
    before = {day: five_days.lake.notes("daily_changes", day)["before"]
              for day in five_days.lake.days("daily_changes")}  # fmt: skip
    assert before == {
        days_ago(5): None,
        days_ago(4): days_ago(5),
        days_ago(3): days_ago(4),
        days_ago(1): days_ago(3),
    }
    events = five_days.materialized("daily_changes")
    assert events.keys() == before.keys()
    told = [events[day].metadata for day in (days_ago(4), days_ago(3))]
    assert [one["count: created"].value for one in told] == [1, 0]
    assert [one["count: deleted"].value for one in told] == [0, 1]
    assert [one["count: renamed"].value for one in told] == [0, 0]


@pytest.mark.heavy
def test_a_stall_and_a_gap_are_told_and_stop_nothing(five_days: World) -> None:
    result = five_days.materialize("daily_changes", days=(days_ago(5), days_ago(3)))
    verdict = checks(result)["daily_changes", "not_stalled"]
    assert not verdict.passed
    assert verdict.severity == dg.AssetCheckSeverity.WARN
    said = verdict.metadata["results"].value
    assert f"{days_ago(3)}: Stalled: 100 % of" in said
    assert days_ago(4) not in said.split(":")[0]
    assert checks(result)["daily_changes", "no_gap_before"].passed

    result = five_days.materialize("daily_changes", day=days_ago(1))
    gap = checks(result)["daily_changes", "no_gap_before"]
    assert gap.description == f"Missing: {days_ago(2)}; compared with {days_ago(3)}."
    assert checks(result)["daily_changes", "not_stalled"].passed
    assert {name for _, name in checks(result)} == {*OF_A_DAY, *OF_DATASETS}

    result = judge(five_days)
    assert result.success
    found = quality_of(five_days)
    assert [row["flags"] for row in found.values()] == [[], [], ["stalled"], ["gap"], []]
    assert found[days_ago(3)]["unchanged_share"] == 1.0
    trusted = checks(result)["day_quality", "days_trusted"]
    assert not trusted.passed
    assert trusted.severity == dg.AssetCheckSeverity.WARN
    assert f"{days_ago(2)} (gap)" in trusted.description
    assert checks(result)["day_quality", "nothing_stale"].passed


@pytest.mark.heavy
def test_a_day_filled_in_later_is_told_to_be_stale(five_days: World) -> None:
    store_day(five_days.lake, days_ago(2), larger(3))
    compare(five_days.lake, days_ago(2))
    result = judge(five_days)
    stale = checks(result)["day_quality", "nothing_stale"]
    assert f"daily_changes of {days_ago(1)} again" in stale.description
    assert not quality_of(five_days)[days_ago(1)]["trusted"]
    assert five_days.materialize("daily_changes", day=days_ago(1)).success
    assert checks(judge(five_days))["day_quality", "nothing_stale"].passed


@pytest.mark.heavy
def test_a_day_filled_in_later_is_compared_with_and_nothing_is_stale(five_days: World) -> None:
    before = five_days.materialized("daily_changes")
    store_day(five_days.lake, days_ago(2), larger(3))
    result = five_days.materialize("daily_changes", day=days_ago(2))
    assert result.success
    # In the run of the day that came between, and told of under the day that it is of.
    after = five_days.materialized("daily_changes")
    assert after.keys() == before.keys() | {days_ago(2)}
    assert five_days.lake.notes("daily_changes", days_ago(1))["before"] == days_ago(2)
    assert [after[days_ago(n)] == before[days_ago(n)] for n in (5, 4, 3, 1)] == [
        True, True, True, False
    ]  # fmt: skip
    assert checks(judge(five_days))["day_quality", "nothing_stale"].passed
    # Days 1 and 2 have the counters of day 1: it is the later of them that stood still.
    found = quality_of(five_days)
    assert [found[days_ago(n)]["flags"] for n in (2, 1)] == [[], ["stalled"]]


def test_day_quality_of_an_empty_lake(world: Make) -> None:
    hub = world()
    result = judge(hub)
    assert result.success
    assert hub.lake.read("day_quality", None).rows == 0


def test_changes_of_a_day_without_models_fail_and_say_what_to_do(world: Make) -> None:
    (said,) = failures(world().materialize("daily_changes", day=days_ago(1))).values()
    assert f"there is no models for {days_ago(1)}: materialise models of that day first" in said


def test_a_day_of_an_earlier_version_has_aggregates_without_uses(world: Make) -> None:
    """Its tables lack `uses`: all other numbers are made, and a later run adds these."""
    here = world(GeneratedHub(300, 100, seed=3))
    earlier = [name for name in TABLES if name not in ("uses", "used_by")]
    assert here.materialize(*RAW, *earlier).success
    before = here.lake.read("daily_metrics", today())
    assert "edges" not in before.notes
    rows = before.frame.collect()
    assert here.materialize("uses", "used_by", "daily_metrics").success
    after = here.lake.read("daily_metrics", today())
    assert after.notes["edges"] == here.lake.read("uses", today()).rows > 100
    found = after.frame.collect().filter(~pl.col("dimension").str.contains("^(edges|train|used_)"))
    assert found.equals(rows)
    # Nor has the day a listing of datasets: nobody knows which of them are listed.
    known = here.lake.read("uses", today()).frame.filter(kind="model-dataset").collect()["known"]
    assert len(known) == known.null_count() > 0


def another_run_stores(
    hub: World, monkeypatch: pytest.MonkeyPatch, day: str, number: int
) -> list[str]:
    """While the first day is compared, another run stores that day's models; the compared days."""
    compared: list[str] = []

    def beside(lake: Any, now: Any, *baselines: Any) -> Any:
        write = compare_day(lake, now, *baselines)
        if not compared:
            store_day(hub.lake, day, larger(number))
        compared.append(now.day)
        return write

    monkeypatch.setattr(quality, "compare_day", beside)
    return compared


def test_a_day_whose_neighbour_comes_meanwhile_is_compared_again(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = world()
    for number, moved in ((5, 1), (3, 3), (2, 4)):
        store_day(hub.lake, days_ago(number), larger(moved))
    compared = another_run_stores(hub, monkeypatch, days_ago(4), 2)
    assert hub.materialize("daily_changes", days=(days_ago(3), days_ago(2))).success
    # The day after it alone, once.
    assert compared == [days_ago(3), days_ago(2), days_ago(3)]
    before = {day: hub.lake.notes("daily_changes", day)["before"]
              for day in hub.lake.days("daily_changes")}  # fmt: skip
    assert before == {days_ago(3): days_ago(4), days_ago(2): days_ago(3)}
    assert hub.materialized("daily_changes").keys() == before.keys()


def test_what_comes_meanwhile_and_is_no_neighbour_changes_nothing(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = world()
    for number, moved in ((4, 1), (3, 2)):
        store_day(hub.lake, days_ago(number), larger(moved))
    compared = another_run_stores(hub, monkeypatch, days_ago(1), 4)
    assert hub.materialize("daily_changes", days=(days_ago(4), days_ago(3))).success
    assert compared == [days_ago(4), days_ago(3)]
