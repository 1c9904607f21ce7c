"""The series of every repository in the graph: with their checks, and nothing waits for them."""

from pathlib import Path

import dagster as dg
import pytest

from hf_assets.hub.repository_days.reading import day_of, days_in
from hf_assets.hub.repository_days.schemas import KINDS, OF_MODELS
from hf_assets_tests.defs.conftest import Make, checks, failures, made
from hf_assets_tests.defs.trends.test_history import run
from hf_assets_tests.hub.repository_days.lake_of_days import DAYS, judge, rows_of, write_day
from hf_assets_tests.support.trends import days as numbered
from hf_assets_tests.support.trends.days import category, kept, model


def test_they_are_made_and_checked_in_one_run(world: Make) -> None:
    here = world()
    for day in DAYS:
        write_day(here.lake, day, rows_of(day))
    judge(here.lake, DAYS)
    result = run(here, *KINDS)
    assert not failures(result)
    assert made(result) == set(KINDS)
    found = checks(result)
    assert {
        (name, of) for name in KINDS for of in ("has_stored_days", "gives_newest_day_back")
    } == {*found}
    assert all(one.passed for one in found.values())
    event = here.materialized("model_days")["None"]
    assert event.metadata["count: days"].value == len(DAYS)
    # A day more is missing until they are made again.
    write_day(here.lake, "2026-02-07", rows_of("2026-02-07"))
    assert "2026-02-07" not in days_in(here.lake, "model_days")
    config = {"ops": {"model_days": {"config": {"full_refresh": True}}}}
    assert checks(run(here, "model_days", config=config))["model_days", "has_stored_days"].passed
    assert day_of(here.lake, "model_days", "2026-02-07") is not None


def test_without_day_quality_they_fail_alone(world: Make) -> None:
    here = world()
    write_day(here.lake, DAYS[0], rows_of(DAYS[0]))
    assert set(failures(run(here, "model_days"))) == {"model_days"}


def test_no_asset_waits_for_them() -> None:
    from hf_assets.definitions import defs

    graph = defs().resolve_asset_graph()
    for name in KINDS:
        assert not graph.get(dg.AssetKey(name)).child_keys


@pytest.mark.parametrize("broken", ["models", "model_days"])
def test_phases_figures_and_report_come_out_where_they_fail(world: Make, broken: str) -> None:
    here = world()
    kept(here.lake, {at: [category("text", 9), model(1, 9)] for at in range(3)})
    for at in range(3):
        write_day(here.lake, numbered.day(at).isoformat(), [{"hub_id": "id0001", "id": "a/m1"}])
    names = ("model_history", "model_days", "model_phases", "trend_figures", "insights_report")
    assert not failures(run(here, *names))
    assert "model_days" not in here.lake.read("model_phases", None).notes
    files = {
        "models": [here.lake.folder("models", numbered.day(2).isoformat()) / "data.parquet"],
        "model_days": here.lake.read("model_days", None).months,
    }
    for path in files[broken]:
        # Of a day nothing can be read; of a month its days, but not its rows.
        content = Path(path).read_bytes()
        Path(path).write_bytes(content[:-9] if broken == "models" else b"PAR1" + bytes(300)
                               + content[304:])  # fmt: skip
    result = run(here, *names)
    checks_of = {"model_days": {"model_phases_one_row_a_model"}, "models": set()}
    assert set(failures(result)) == {"model_days"} | checks_of[broken]
    assert made(result) >= {"model_phases", "trend_figures", "insights_report"}
    phases = here.materialized("model_phases")["None"]
    assert "not used" in str(phases.metadata["model_days"].value)
    assert here.lake.read("model_phases", None).frame.collect()["hub_id"].to_list() == ["id0001"]


def test_phases_do_not_lag_behind_the_days(world: Make) -> None:
    here = world()
    kept(here.lake, {at: [category("text", 9), model(1, 9)] for at in range(2)})
    rows = [{"hub_id": name, "id": f"a/{name}", "downloads": 9} for name in ("id0001", "other")]
    write_day(here.lake, numbered.day(1).isoformat(), rows)
    assert not failures(run(here, "model_history", "model_phases"))
    assert here.lake.read("model_phases", None).frame.collect()["hub_id"].to_list() == [
        "id0001", "other",
    ]  # fmt: skip


def test_a_changed_month_is_named_by_its_check(world: Make) -> None:
    here = world()
    for day in DAYS:
        write_day(here.lake, day, rows_of(day))
    judge(here.lake, DAYS)
    run(here, "model_days")
    (here.lake.folder("models", DAYS[2]) / "data.parquet").unlink()
    from hf_assets.hub.repository_days.rules import has_stored_days

    found = has_stored_days(here.lake, OF_MODELS)
    assert not found.passed
    assert DAYS[2] in found.description
