"""Recorded days that stood still are found."""

import json
from pathlib import Path

import polars as pl

from hf_assets.hub.quality import day_quality
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.days import compare, judge, recorded_lists, store_day


def test_real_lists_of_august_2026_stood_still_on_the_eighth(lake: Lake, real_data: Path) -> None:
    paths = sorted((real_data / "hub-top-models-daily-2026-08").glob("*.json"))
    for path in paths:
        told = json.loads(path.read_text())
        listed = pl.DataFrame(told["models"], infer_schema_length=None)
        models = listed.select(
            *("id", "likes", "downloads"),
            hub_id="name:" + pl.col("id"),
            created_at=pl.col("createdAt").str.to_datetime(time_zone="UTC", time_unit="ms"),
            floor_dated=pl.lit(value=False),
        ).to_dicts()
        facts = {"source": "folder", "file": path.name, "identity": "name",
                 "finished": told["fetched_at"]}  # fmt: skip
        store_day(lake, path.stem, models, **facts)
    compare(lake)
    found = judge(lake)
    assert [row["models"] for row in found.values()] == [
        531, 531, 530, 530, 529, 531, 530, 531, 531, 527
    ]  # fmt: skip
    assert found["2026-08-08"]["unchanged_share"] == 1.0
    assert found["2026-08-08"]["stalled"]
    assert not found["2026-08-08"]["trusted"]
    assert found["2026-08-09"]["unchanged_share"] == 0.0
    assert found["2026-08-09"]["trusted"]
    assert found["2026-08-07"]["downloads"] == 2_071_003_854
    assert found["2026-08-16"]["downloads"] == 2_141_236_043
    assert [day for day, row in found.items() if not row["trusted"]] == ["2026-08-08", "2026-08-13"]


def test_real_lists_of_2024_begin_with_a_repeated_day(lake: Lake, real_data: Path) -> None:
    listed = recorded_lists(real_data)
    days = listed["day"].unique().sort().to_list()[:9]
    for day in days:
        models = listed.filter(day=day).select("id", "downloads", hub_id="name:" + pl.col("id"))
        facts = {"source": "folder", "file": "daily.csv.gz", "identity": "name",
                 "time_known": False}  # fmt: skip
        store_day(lake, day, models.to_dicts(), **facts)
    compare(lake)
    found = judge(lake)
    assert found["2024-05-08"]["downloads"] == 21_482_908
    assert found["2024-05-09"]["unchanged_share"] == 1.0
    assert found["2024-05-09"]["flags"] == ["stalled"]
    assert found["2024-05-08"]["trusted"]
    assert [day for day, row in found.items() if row["stalled"]] == ["2024-05-09", "2024-05-14"]


def test_a_real_day_that_stood_still_is_found_when_the_day_before_it_comes_later(
    lake: Lake, real_data: Path
) -> None:
    listed = recorded_lists(real_data)
    for day in ("2024-05-10", "2024-05-09", "2024-05-08"):
        models = listed.filter(day=day).select("id", "downloads", hub_id="name:" + pl.col("id"))
        facts = {"source": "folder", "file": "daily.csv.gz", "identity": "name"}
        store_day(lake, day, models.to_dicts(), **facts)
        compare(lake, day)
    found = judge(lake)
    assert [row["flags"] for row in found.values()] == [[], ["stale"], ["stale"]]
    assert [row["trusted"] for row in found.values()] == [True, False, False]
    assert day_quality.stale_days(lake, ["2024-05-08"]) == ["2024-05-09", "2024-05-10"]
    compare(lake, "2024-05-09", "2024-05-10")
    assert [row["flags"] for row in judge(lake).values()] == [[], ["stalled"], []]
