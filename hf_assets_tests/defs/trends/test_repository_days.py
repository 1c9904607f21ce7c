"""The series of every repository in the graph: with their checks, and nothing waits for them."""

import dagster as dg

from hf_assets.hub.repository_days.reading import day_of, days_in
from hf_assets.hub.repository_days.schemas import KINDS, OF_MODELS
from hf_assets_tests.defs.conftest import Make, checks, failures, made
from hf_assets_tests.defs.trends.test_history import run
from hf_assets_tests.hub.repository_days.lake_of_days import DAYS, judge, rows_of, write_day


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


def test_no_figure_and_no_report_waits_for_them() -> None:
    from hf_assets.definitions import defs

    graph = defs().resolve_asset_graph()
    for name in KINDS:
        after = graph.get(dg.AssetKey(name)).child_keys
        assert not {key.path[-1] for key in after} & {
            *("histories", "trend_figures", "insights_report", "published_lake")
        }


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
