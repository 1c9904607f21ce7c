"""The series in the graph: made from what the lake has, in one run, with their checks."""

from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.hub.quality.schemas import MILESTONES
from hf_assets.storage.lake import iso
from hf_assets_tests.defs.conftest import TABLES, Make, World, checks, days_ago, failures, made
from hf_assets_tests.support.trends.days import category, changes, kept, model

# Their rows are of models or ages.
UNDATED = {"model_phases", "adoption_history"}
HISTORIES = (
    *("category_history", "library_history", "license_history", "author_history"),
    *("family_history", "model_history", "model_phases", "adoption_history", "space_usage_history"),
    "used_by_history",
    *("concentration_history", "lifecycle"),
)


def run(world: World, *assets: str, config: Any = None) -> dg.ExecuteInProcessResult:
    job = world.definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=world.instance,
        asset_selection=[dg.AssetKey(name) for name in assets],
        raise_on_error=False,
        run_config=config,
    )


def test_all_series_in_one_run(world: Make) -> None:
    here = world()
    days = (0, 1, 3)  # a gap is no error
    kept(here.lake, {at: [category("text", 9), model(1, 9)] for at in days}, untrusted=[1])
    for number, before in ((0, None), (1, 0), (3, 1)):
        counted = {"dimension": "compared", "key": "rows", "rows": 5}
        changes(here.lake, number, [counted], before)
    result = run(here, *HISTORIES)
    assert not failures(result)
    assert made(result) == set(HISTORIES)
    found = checks(result)
    assert found["category_history", "grows_with_days"].passed
    assert all(one.passed for one in found.values()), found
    for name in HISTORIES:
        assert "day" in here.lake.read(name, None).frame.collect_schema() or name in UNDATED
    event = here.materialized("category_history")["None"]
    assert event.metadata["count: days"].value == 3
    assert event.metadata["last day"].value == "2025-03-04"
    # A day more is in the series only when they are made again.
    kept(here.lake, {at: [category("text", 9)] for at in (*days, 4)})
    assert not checks(run(here, "library_history"))[
        "library_history", "shares_add_up"
    ].metadata.get("missing")
    assert run(here, "category_history").success


def test_full_refresh_rebuilds_every_month_and_answers_to_its_old_name(world: Make) -> None:
    here = world()
    kept(here.lake, {0: [category("text", 9)]})
    changes(here.lake, 0, [{"dimension": "compared", "key": "rows", "rows": 5}])

    def rebuilt(**config: bool) -> int:
        steps = {name: {"config": config} for name in ("histories", "lifecycle")}
        result = run(here, "category_history", "lifecycle", config={"ops": steps})
        assert not failures(result)
        found = {here.lake.read(name, None).notes["months made"]
                 for name in ("category_history", "lifecycle")}  # fmt: skip
        return found.pop() if len(found) == 1 else -1

    assert rebuilt() == 1
    assert rebuilt() == rebuilt(full_refresh=False) == 0
    assert rebuilt(full_refresh=True) == 1
    with pytest.warns(FutureWarning, match="`anew` is now `full_refresh`"):
        assert rebuilt(anew=True) == 1
    with pytest.warns(FutureWarning, match="`anew` is now `full_refresh`"):
        assert rebuilt(anew=False) == 0


def test_a_missing_day_quality_is_named(world: Make) -> None:
    here = world()
    kept(here.lake, {0: [category("text", 9)]})
    here.lake.read("day_quality", None).path.unlink()
    said = failures(run(here, "category_history", "lifecycle"))
    assert all("there is no day_quality: materialise it first" in one for one in said.values())
    assert len(said) == 2
    assert "no model_history" in "".join(failures(run(here, "model_phases")).values())


@pytest.mark.heavy
def test_from_listings_to_series(world: Make) -> None:
    here = world()
    names = [days_ago(count) for count in range(7, -1, -1)]
    for name in names:
        here.capture(name)
    assert here.materialize(*TABLES, "daily_changes", days=(names[0], names[-1])).success
    result = run(here, "day_quality", *HISTORIES)
    assert not failures(result)
    assert {key for key, one in checks(result).items() if not one.passed} <= {
        ("day_quality", "days_trusted")
    }

    def read(name: str) -> pl.DataFrame:
        return here.lake.read(name, None).frame.collect()

    models = here.lake.read("models", names[-1])
    last = read("category_history").filter(pl.col("day") == iso(names[-1]))
    assert last["rows"].sum() == models.rows
    assert last["share_downloads"].cast(pl.Float64).sum() == pytest.approx(1)
    assert read("model_history").group_by("day").len()["len"].max() == 1000
    assert read("model_history")["growth_7"].drop_nulls().is_finite().all()
    assert read("model_history")["created"].null_count() == 0
    assert set(read("license_history")["of"]) == {"license", "group", "against_base"}
    assert set(read("space_usage_history")["of"]) == {"model", "sdk", "total"}
    uses = read("used_by_history")
    kinds = {"edges", "training_data", "model", "dataset", "paper"}
    assert (set(uses["of"]), uses["day"].n_unique()) == (kinds, len(names))
    assert uses.filter(of="training_data")["share_models"].is_between(0.01, 0.99).all()
    assert read("concentration_history")["top_1_percent"].null_count() == 0
    assert read("concentration_history")["turnover_7"].count() > 0
    assert read("lifecycle")["created"].sum() > 0
    adopted = read("adoption_history")
    assert set(adopted["milestone"]) == set(MILESTONES)
    assert adopted["share"].is_between(0, 1).all()
    assert read("model_phases").height >= 1000
