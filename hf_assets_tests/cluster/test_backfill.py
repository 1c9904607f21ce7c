"""A backfill that a person begins in the UI, on Ray: where it runs, and in how many runs."""

from typing import Any

import pytest

from hf_assets.hub.capture_store.store import RAW
from hf_assets.storage.lake import Lake
from hf_assets_tests.cluster.conftest import DAYS_PER_RUN, MONTH
from hf_assets_tests.support.cluster.cluster import RANGE_END, RANGE_START, Cluster
from hf_assets_tests.support.cluster.past import TABLES, Past, differing

pytestmark = [pytest.mark.heavy, pytest.mark.release]


def tags_of(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["tags"]}


def test_a_backfill_is_cut_into_runs_and_series_follow_them(
    running_cluster: Cluster, made_month: Past, lake: Lake
) -> None:
    wanted = [*RAW, *TABLES, "day_quality"]
    began = running_cluster.backfill(wanted, made_month.days)
    runs = running_cluster.end_of_backfill(began)
    *parts, series = runs
    ranges = [(tags_of(run)[RANGE_START], tags_of(run)[RANGE_END]) for run in parts]
    assert sorted(ranges) == made_month.spans(MONTH // DAYS_PER_RUN)
    assert {running_cluster.node_of(run["runId"]) for run in parts} == {
        "ray-worker-1",
        "ray-worker-2",
    }
    assert [key["path"] for key in series["assetSelection"]] == [["day_quality"]]
    assert series["startTime"] >= max(run["endTime"] for run in parts)
    assert differing(lake, made_month) == []
    quality = lake.read("day_quality", None).frame.collect()
    assert [str(day) for day in quality["day"]] == made_month.days
    assert not quality["stale"].any()
    assert quality["trusted"].all()
