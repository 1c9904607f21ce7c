"""Concentration, Spaces and rules over many days; a real past, and the series' totals in it."""

import csv
import datetime as dt
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.hub.tables.schemas import ENRICHED_SPACES, MODELS
from hf_assets.storage.lake import Lake
from hf_assets.trends.metrics.concentration import concentration
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets.trends.series import schemas
from hf_assets.trends.series.concentration_history import concentration_history
from hf_assets.trends.series.key_history import author_history, category_history
from hf_assets.trends.series.model_history import model_history
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.phases import phases_of
from hf_assets.trends.series.rules import grows_with_days, shares_add_up
from hf_assets.trends.series.usage_history import space_usage_history, used_by_history
from hf_assets_tests.support.trends.days import (
    category,
    column,
    day,
    frame_of,
    judge,
    kept,
    model,
    verdict,
)

Row = dict[str, Any]


def held(of: str, downloads: list[int]) -> list[Row]:
    found = concentration(pl.Series(downloads))
    return [{"dimension": "concentration", "key": f"{of}/{key}", "value": value}
            for key, value in found]  # fmt: skip


def test_concentration_of_a_constructed_day(lake: Lake) -> None:
    past = kept(lake, {0: held("downloads", [50, 30, 20]) + held("authors", [80, 20])})
    found = {row["of"]: row for row in frame_of(concentration_history(past)).to_dicts()}
    models, authors = found["models"], found["authors"]
    # Gini: 2 (1 x 20 + 2 x 30 + 3 x 50) / (3 x 100) - 4/3.
    assert models["gini"] == pytest.approx(0.2)
    assert models["hhi"] == pytest.approx(2_500 + 900 + 400)
    assert models["effective_number"] == pytest.approx(1 / 0.38)
    assert (models["top_1"], models["top_10"], models["top_1_percent"]) == (0.5, 1, 0.5)
    assert authors["top_1"] == 0.8
    assert authors["hhi"] == pytest.approx(6_800)


def test_concentration_is_spread_and_an_old_day_needs_no_effective_number(lake: Lake) -> None:
    days = {at: held("downloads", [50 + 10 * at, 50 - 10 * at]) for at in range(3)}
    days[0] = [row for row in days[0] if "effective" not in row["key"]]
    past = kept(lake, days, untrusted=[1])
    made = concentration_history(past)
    assert column(made, "top_1") == {0: 0.5, 1: pytest.approx(0.6), 2: pytest.approx(0.7)}
    assert column(made, "effective_number")[0] == pytest.approx(2)


def test_turnover_is_of_the_first_hundred(lake: Lake) -> None:
    def first(begin: int) -> list[Row]:
        ranked = [model(begin + at, 1_000 - at, rank=at + 1) for at in range(150)]
        authors = [{"dimension": "author", "key": f"a{at}", "rank": at + 1} for at in range(100)]
        return ranked + authors + held("downloads", [2, 1]) + held("authors", [1])

    past = kept(lake, {at: first(at) for at in (0, 7, 8, 20, 35)}, untrusted=[8])
    frame = frame_of(concentration_history(past))
    models = frame.filter(pl.col("of") == "models")
    assert column(models, "turnover_7") == {
        0: None, 7: pytest.approx(0.07), 8: None, 20: pytest.approx(0.13), 35: None,
    }  # fmt: skip
    assert column(models, "turnover_28")[35] == pytest.approx(0.28)
    authors = frame.filter(pl.col("of") == "authors")
    assert column(authors, "turnover_7")[7] == 0


def test_usage_by_spaces(lake: Lake) -> None:
    def spaces(uses: int) -> list[Row]:
        total = {"dimension": "usage_total"}
        return [
            {"dimension": "usage_model", "key": "a/m", "rank": 1, "rows": uses, "value": 7.0,
             "likes": 3, "category": "text"},
            {"dimension": "sdk", "key": "gradio", "rank": 1, "rows": 60, "likes": 9},
            {"dimension": "sdk", "key": None, "rank": 2, "rows": 20},
            {**total, "key": "Spaces", "rows": 80},
            {**total, "key": "Spaces with models", "rows": 40},
            {**total, "key": "models used", "rows": 500},
        ]  # fmt: skip

    # A day whose source has no Spaces has no rows, and not none of everything.
    past = kept(lake, {0: spaces(20), 1: [category("text", 1)], 7: spaces(40)})
    stored = lake.write(schemas.SPACE_USAGE_HISTORY, None, space_usage_history(past))
    frame = stored.frame.collect()
    used = frame.filter(pl.col("of") == "model")
    assert column(used, "share") == {0: 0.25, 7: 0.5}
    assert column(used, "growth_7") == {0: None, 7: 1}
    assert used.row(0, named=True) | {"day": None} == {
        "day": None, "of": "model", "key": "a/m", "category": "text", "spaces": 20, "authors": 7,
        "likes": 3, "share": 0.25, "growth_7": None, "growth_28": None, "source": "captured",
        "trusted": True,
    }  # fmt: skip
    first = frame.filter(pl.col("day") == day(0), pl.col("of") != "model")
    shares = {(of, key): share for of, key, share in first.select("of", "key", "share").rows()}
    assert shares == {
        ("sdk", "gradio"): 0.75, ("sdk", None): 0.25, ("total", "Spaces"): 1,
        ("total", "Spaces with models"): 0.5, ("total", "models used"): None,
    }  # fmt: skip


def test_uses_over_days(lake: Lake) -> None:
    def uses(models: int) -> list[Row]:
        return [
            category("text", 1000, rows=200),
            {"dimension": "edges", "key": "model-dataset", "rows": 3 * models, "value": 9.0},
            {"dimension": "training_data", "key": "all", "rows": models, "downloads": 250},
            {"dimension": "training_data_category", "key": "text", "rows": models},
            {"dimension": "used_dataset", "key": "a/d", "rank": 1, "rows": models, "value": 7.0,
             "downloads": 100},
            {"dimension": "used_paper", "key": "2305.18290", "rank": 1, "rows": 4},
        ]  # fmt: skip

    # A day of an earlier version has no rows, and not no uses; an untrusted day is interpolated.
    days = {0: [category("text", 1)], 1: uses(20), 4: uses(0), 8: uses(41)}
    stored = lake.write(
        schemas.USED_BY_HISTORY, None, used_by_history(kept(lake, days, untrusted=[4]))
    )
    frame = stored.frame.collect()
    share = frame.filter(of="training_data")
    assert column(share, "share_models") == pytest.approx({1: 0.1, 4: 0.145, 8: 0.205})
    assert column(share, "share_downloads") == {1: 0.25, 4: 0.25, 8: 0.25}
    dataset = frame.filter(of="dataset")
    assert column(dataset, "models") == pytest.approx({1: 20, 4: 29, 8: 41})
    assert column(dataset, "growth_7")[8] == pytest.approx(1.05)
    assert dataset.row(0, named=True) | {"day": None} == {
        "day": None, "of": "dataset", "key": "a/d", "edges": None, "models": 20, "spaces": 7,
        "downloads": 100, "share_models": pytest.approx(0.1), "share_downloads": pytest.approx(0.1),
        "growth_7": None, "growth_28": None, "source": "captured", "trusted": True,
    }  # fmt: skip
    edges = frame.filter(of="edges")
    assert column(edges, "edges") == pytest.approx({1: 60, 4: 87, 8: 123})
    assert edges["models"].null_count() == 3
    paper = frame.filter(of="paper")
    assert (paper["spaces"].null_count(), paper["growth_7"].null_count()) == (3, 3)


def test_the_rules(lake: Lake) -> None:
    past = kept(lake, {at: [category("a", 5), category("b", 5)] for at in (0, 1)})
    stored = lake.write(schemas.CATEGORY_HISTORY, None, category_history(past))
    days = lake.days("daily_metrics")
    assert grows_with_days(stored, days).passed
    verdict = grows_with_days(stored, [*days[1:], "2025-03-09"])
    assert not verdict.passed
    assert "2025-03-09" in verdict.description
    assert "2025-03-01" in verdict.description
    assert shares_add_up(stored).passed
    frame = stored.frame.collect().with_columns(share_rows=pl.lit(0.6))
    frame.write_parquet(stored.path)
    assert not shares_add_up(lake.read("category_history", None)).passed


# A real past


def remember(lake: Lake, days: Iterator[tuple[dt.date, list[Row]]]) -> None:
    """Days of `daily_metrics` of those models."""
    nothing = pl.LazyFrame(schema={"id": pl.String, "spaces": pl.Int64, "authors": pl.Int64,
                                   "likes": pl.Int64, "category": pl.String})  # fmt: skip
    for when, rows in days:
        models = pl.LazyFrame(
            [{"hub_id": f"name:{row['id']}", **row} for row in rows], schema=dict(MODELS.schema)
        )
        made = daily_metrics(models, None, nothing, [], when.isoformat())
        lake.write(DAILY_METRICS, when.isoformat(), made)
    assert ENRICHED_SPACES.name not in [path.name for path in lake.root.iterdir()]


def judged(lake: Lake, stalled: set[str]) -> Past:
    days = [dt.date.fromisoformat(one) for one in lake.days("daily_metrics")]
    judge(
        lake,
        (
            verdict(1) | {"day": one, "before": days[at - 1] if at else None, "source": "folder",
                          "hours": None, "trusted": one.isoformat() not in stalled}
            for at, one in enumerate(days)
        ),
    )  # fmt: skip
    return Past(lake)


def most_liked(folder: Path) -> Iterator[tuple[dt.date, list[Row]]]:
    for path in sorted((folder / "hub-top-models-daily-2026-08").glob("*.json")):
        yield dt.date.fromisoformat(path.stem), [
            {"id": row["id"], "author": row["id"].partition("/")[0], "likes": row["likes"],
             "downloads": row["downloads"], "category": row["pipeline_tag"],
             "library": row["library_name"],
             "created_at": dt.datetime.fromisoformat(row["createdAt"])}
            for row in json.loads(path.read_bytes())["models"]
        ]  # fmt: skip


def test_ten_real_days_of_which_one_is_a_stall(real_data: Path, lake: Lake) -> None:
    remember(lake, most_liked(real_data))
    past = judged(lake, {"2026-08-08"})
    made = frame_of(category_history(past))
    sums = {
        when.isoformat(): (rows, downloads, likes)
        for when, rows, downloads, likes in made.group_by("day")
        .agg(pl.col("rows", "downloads", "likes").sum())
        .sort("day")
        .iter_rows()
    }
    trusted = {when: found for when, found in sums.items() if when != "2026-08-08"}
    assert [rows for rows, _, _ in trusted.values()] == [
        531,
        530,
        530,
        529,
        531,
        530,
        531,
        531,
        527,
    ]
    assert trusted["2026-08-07"][1:] == (2_071_003_854, 704_621)
    assert trusted["2026-08-16"][1:] == (2_141_236_043, 718_648)
    # The stall served the day before again; the series has the middle of its neighbours.
    middle = (sums["2026-08-07"][1] + sums["2026-08-09"][1]) / 2
    assert sums["2026-08-08"][1] == pytest.approx(middle)
    by_model = frame_of(model_history(past)).filter(pl.col("id") == "openai-community/gpt2")
    level = dict(by_model.select(pl.col("day").cast(pl.String), "downloads").iter_rows())
    assert level["2026-08-08"] == (level["2026-08-07"] + level["2026-08-09"]) / 2


def transformersjs(folder: Path) -> Iterator[tuple[dt.date, list[Row]]]:
    days: dict[str, list[Row]] = defaultdict(list)
    path = folder / "hub-transformersjs-daily" / "daily.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            days[row["day"]].append(
                {"id": row["id"], "author": row["author"], "downloads": int(row["downloads"]),
                 "likes": int(row["likes"]), "category": row["pipeline_tag"]}
            )  # fmt: skip
    for when, rows in sorted(days.items()):
        yield dt.date.fromisoformat(when), rows


@pytest.mark.release
@pytest.mark.heavy
def test_two_real_years(real_data: Path, lake: Lake) -> None:
    remember(lake, transformersjs(real_data))
    past = judged(lake, {"2024-05-09"})
    made = frame_of(category_history(past))
    sums = dict(made.group_by("day").agg(pl.col("downloads").sum()).iter_rows())
    assert len(sums) == 721
    assert sums[dt.date(2024, 5, 8)] == 21_482_908
    assert sums[dt.date(2026, 5, 7)] == 38_270_367
    assert lake.write(schemas.AUTHOR_HISTORY, None, author_history(past)).rows > 10_000
    models = lake.write(schemas.MODEL_HISTORY, None, model_history(past))
    assert models.rows >= 111_873 - 10
    lives = phases_of(models.frame.collect())
    assert lives.height == 276
    assert lives["phase"].drop_nulls().is_in(list(schemas.PHASES)).all()
    assert (lives["half_life"].drop_nulls() > 0).all()
    past_peak = lives["peak_to_plateau"].drop_nulls()
    assert len(past_peak) > 100
    assert (past_peak >= 1).all()
