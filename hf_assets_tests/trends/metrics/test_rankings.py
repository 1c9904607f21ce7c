"""The rankings of a day, and its Spaces."""

from datetime import UTC, datetime

import polars as pl

from hf_assets.hub.tables import schemas
from hf_assets.storage.lake import Lake
from hf_assets.trends.metrics import sums
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.trends.metrics import (
    Row,
    assert_groups,
    frame_of,
    naive_groups,
    near,
    rows_of,
)


def test_the_top_models_of_a_day() -> None:
    rows: list[Row] = [
        {
            "id": f"m/{at:05d}",
            "hub_id": f"h{at}",
            "downloads": at % 700,
            "likes": at,
            "category": "gen" if at % 2 else None,
            "author": f"u{at % 1200}",
            "created_at": datetime(2026, 1, 1 + at % 28, 23, 59, tzinfo=UTC),
        }
        for at in range(3000)
    ]
    frame = frame_of(rows)
    found = frame.filter(pl.col("dimension") == "model")
    wanted = sorted(rows, key=lambda row: (-row["downloads"], row["id"]))[:1000]
    columns = ["key", "hub_id", "downloads", "likes", "category", "created"]
    assert found.select(columns).rows() == [
        (
            *(row[name] for name in ("id", "hub_id", "downloads", "likes", "category")),
            row["created_at"].date(),
        )
        for row in wanted
    ]
    assert found["rank"].to_list() == list(range(1, 1001))
    assert set(found["rows"]) == {1}
    of_all = sum(row["downloads"] for row in rows)
    assert near(found["share_downloads"][0], wanted[0]["downloads"] / of_all, 1e-6)
    authors = rows_of(frame, "author")
    assert len(authors) == 1001
    assert authors[sums.OTHER]["rows"] == 3000 - sum(
        row["rows"] for key, row in authors.items() if key != sums.OTHER
    )


def test_models_of_which_the_hub_does_not_say_come_last() -> None:
    rows = [
        {"id": f"m/{at:02d}", "downloads": None if at % 2 else at, "hub_id": f"{at}"}
        for at in range(8)
    ]
    found = frame_of(rows).filter(pl.col("dimension") == "model")
    assert found["key"].to_list() == [f"m/{at:02d}" for at in (6, 4, 2, 0, 1, 3, 5, 7)]


def test_without_any_downloads_models_are_ranked_by_name() -> None:
    rows = [{"id": f"m/{at:05d}", "hub_id": f"{at}"} for at in reversed(range(1500))]
    found = frame_of(rows).filter(pl.col("dimension") == "model")
    assert found["key"].to_list() == [f"m/{at:05d}" for at in range(1000)]


# Spaces


def test_spaces_by_sdk_and_by_number_of_models() -> None:
    spaces = [
        {"id": "a/1", "sdk": "gradio", "likes": 3, "trending_score": 0.5, "n_models": 2},
        {"id": "a/2", "sdk": "gradio", "likes": None, "trending_score": None, "n_models": 0},
        {"id": "a/3", "sdk": "static", "likes": 1, "trending_score": 1.5, "n_models": 0},
        {"id": "a/4", "sdk": None, "likes": None, "trending_score": None, "n_models": 11},
    ]
    frame = frame_of([], spaces)
    assert_groups(rows_of(frame, "sdk"), naive_groups(spaces, "sdk", ("likes", "trending_score")))
    found = rows_of(frame, "models_per_space")
    assert {key: row["rows"] for key, row in found.items()} == {"0": 2, "2": 1, "11": 1}
    assert {key: row["share_rows"] for key, row in found.items()} == {
        "0": 0.5,
        "2": 0.25,
        "11": 0.25,
    }


def test_a_source_without_spaces_says_nothing_of_them(lake: Lake) -> None:
    models = pl.LazyFrame([{"id": "a/b", "hub_id": "1"}], schema=schemas.MODELS.schema)
    none = pl.LazyFrame(schema=schemas.MODEL_USAGE.schema)
    stored = lake.write(DAILY_METRICS, DAY, daily_metrics(models, None, none, [], DAY))
    assert (stored.notes["models"], stored.notes["Spaces"]) == (1, None)
    dimensions = set(stored.frame.collect()["dimension"])
    assert not dimensions & {"sdk", "models_per_space"}
    assert not [name for name in dimensions if name.startswith("usage")]


def test_spaces_whose_models_the_hub_refused_to_tell_are_no_zero() -> None:
    frame = frame_of([], [{"id": "a/1", "sdk": "gradio", "n_models": None}])
    totals = {key: row["rows"] for key, row in rows_of(frame, "usage_total").items()}
    assert totals == {"Spaces": 1, "Spaces with models": None, "models used": None, "pairs": None}
