"""Datasets through the graph: listed by the embedded Hub, compared, aggregated, put into series."""

import json
from collections import Counter
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.quality.records import DayComparison
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import Make, World, checks, days_ago, failures, made

MODELS = ("models", "enriched_spaces", "top_models", "model_usage", "families")
COMPARED = ("daily_changes", "daily_metrics")
SERIES = ("dataset_history", "dataset_group_history", "concentration_history", "lifecycle")
CHECKS = {
    *("datasets_not_stalled", "datasets_not_rolled_back", "datasets_long_enough"),
    "datasets_same_columns",
}


def over_days(world: World, *assets: str) -> dg.ExecuteInProcessResult:
    """Assets without days, in one run."""
    job = world.definitions.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(name) for name in assets]
    return job.execute_in_process(
        instance=world.instance, asset_selection=keys, raise_on_error=False
    )


@pytest.fixture
def three_days(world: Make) -> World:
    """The first day, of an earlier version, has no datasets."""
    here = world(GeneratedHub(400, 150, seed=3, datasets=600))
    here.capture(days_ago(2))
    for day in (days_ago(1), today()):
        here.capture(day, ("models", "spaces", "datasets"))
    return here


def test_datasets_are_compared_aggregated_and_put_into_series(three_days: World) -> None:
    here, days = three_days, (days_ago(2), today())
    assert not failures(here.materialize(*MODELS, days=days))
    listed = here.materialize("hub_datasets", days=(days_ago(1), today()))
    assert not failures(listed)
    result = here.materialize(*COMPARED, days=days)
    assert not failures(result)
    assert made(result) == {*COMPARED}
    rules = checks(result)
    assert {name for asset, name in rules if asset == "daily_changes"} >= CHECKS
    assert all(rules["daily_changes", name].passed for name in CHECKS), rules
    assert rules["daily_metrics", "sums_agree"].passed
    lake = here.lake
    assert "datasets" not in lake.notes("daily_changes", days_ago(2))
    assert "datasets" not in lake.notes("daily_metrics", days_ago(2))
    own = DayComparison.read(lake.notes("daily_changes", today())).datasets
    assert own is not None
    assert own.baseline_day == days_ago(1)
    assert own.datasets == lake.read("hub_datasets", today()).rows
    assert not failures(over_days(here, "day_quality"))
    quality = lake.read("day_quality", None).frame.collect()
    assert quality["datasets_trusted"].to_list() == [None, True, True]
    assert quality["trusted"].to_list() == [True] * 3
    result = over_days(here, *SERIES)
    assert not failures(result)
    rules = checks(result)
    for name in ("dataset_history", "dataset_group_history"):
        assert rules[name, "grows_with_days"].passed, rules[name, "grows_with_days"].description
        assert lake.read(name, None).frame.select(pl.col("day").n_unique()).collect().item() == 2
    lives = lake.read("lifecycle", None).frame.sort("day").collect()
    assert lives["datasets"].to_list() == [None, *quality["datasets"].to_list()[1:]]


def test_datasets_by_task_are_those_that_the_hub_serves(three_days: World) -> None:
    """Counted from the rows as served, by neither polars nor the table's code."""
    here = three_days
    day = (today(), today())
    for assets in (MODELS, ("hub_datasets",), COMPARED):
        assert not failures(here.materialize(*assets, days=day))
    frame = here.lake.read("daily_metrics", today()).frame.collect()
    served = served_datasets(here)
    tasks: Counter[str | None] = Counter()
    downloads: Counter[str | None] = Counter()
    for row in served:
        tags = [tag for tag in row.get("tags") or [] if tag.startswith("task_categories:")]
        for task in {tag.partition(":")[2] for tag in tags} or {None}:
            tasks[task] += 1
            downloads[task] += row.get("downloads") or 0
    assert len(tasks) > 5
    found = frame.filter(dimension="dataset_task")
    assert dict(found.select("key", "rows").iter_rows()) == tasks
    assert dict(found.select("key", "downloads").iter_rows()) == downloads
    (total,) = frame.filter(dimension="dataset_total").to_dicts()
    assert (total["rows"], total["downloads"]) == (
        len(served),
        sum(row.get("downloads") or 0 for row in served),
    )


def served_datasets(world: World) -> list[dict[str, Any]]:
    """The rows of today's pages, each dataset once."""
    capture = CaptureStore(world.lake, "raw_datasets").complete(today())
    assert capture is not None
    pages = [json.loads(capture.page(number)) for number in capture.page_numbers()]
    return list({row["_id"]: row for page in pages for row in page}.values())
