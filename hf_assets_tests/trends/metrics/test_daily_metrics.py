"""The aggregates of a day, against the same figures counted by hand."""

import statistics
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.storage.lake import Lake
from hf_assets.trends.metrics import daily_metrics as metrics
from hf_assets.trends.metrics import sums
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.support.trends.metrics import (
    SUMS,
    Row,
    assert_groups,
    frame_of,
    naive_concentration,
    naive_correlation,
    naive_groups,
    naive_ranks,
    near,
    rows_of,
    values_of,
)

a_model = st.fixed_dictionaries(
    {
        "downloads": st.none() | st.integers(0, 50) | st.integers(0, 10**12),
        "downloads_all_time": st.none() | st.integers(0, 9),
        "likes": st.none() | st.integers(0, 5),
        "trending_score": st.none() | st.sampled_from([0.0, 0.5, 2.75]),
        "category": st.none() | st.sampled_from(["gen", "mask", ""]),
        "library": st.none() | st.sampled_from(["a", "b"]),
        "license": st.none() | st.just("mit"),
        "author": st.none() | st.sampled_from(["u", "v", "w"]),
        "year": st.none() | st.integers(2022, 2026),
        "floor_dated": st.none() | st.booleans(),
    }
)


@settings(max_examples=25)
@given(drawn=st.lists(a_model, min_size=1, max_size=20))
def test_the_aggregates_are_those_counted_by_hand(drawn: list[Row]) -> None:
    rows: list[Row] = [
        {"id": f"m/{at:02d}", "hub_id": f"{at}", **row} for at, row in enumerate(drawn)
    ]
    frame = frame_of(rows)
    assert frame.schema == DAILY_METRICS.schema
    assert frame["day"].unique().to_list() == [date(2026, 11, 20)]
    for column in ("category", "library", "license"):
        assert_groups(rows_of(frame, column), naive_groups(rows, column))
    for row in rows:
        said = None if row["year"] is None else str(row["year"])
        row["shown_year"] = metrics.FLOOR_KEY if row["floor_dated"] else said
    assert_groups(rows_of(frame, "year"), naive_groups(rows, "shown_year"))

    downloads = [row["downloads"] for row in rows if row["downloads"] is not None]
    by_author = naive_groups([row for row in rows if row["author"] is not None], "author")
    held = [row["downloads"] for row in by_author.values() if row["downloads"] is not None]
    found = values_of(frame, "concentration")
    wanted = naive_concentration("downloads", downloads) | naive_concentration("authors", held)
    assert found.keys() == wanted.keys()
    assert all(near(found[key], wanted[key], 1e-7) for key in wanted), (found, wanted)

    correlations = values_of(frame, "correlation")
    for one, other in (("likes", "trending_score"), ("likes", "downloads"),
                       ("trending_score", "downloads")):  # fmt: skip
        pairs = [
            (row[one], row[other])
            for row in rows
            if row[one] is not None and row[other] is not None
        ]
        ranked = list(
            zip(naive_ranks([a for a, _ in pairs]), naive_ranks([b for _, b in pairs]), strict=True)
        )
        assert near(correlations[f"pearson/{one}/{other}"], naive_correlation(pairs), 1e-6)
        assert near(correlations[f"spearman/{one}/{other}"], naive_correlation(ranked), 1e-6)

    described = values_of(frame, "describe")
    for name in metrics.POPULARITY:
        said = [row[name] for row in rows if row[name] is not None]
        assert described[f"{name}/count"] == len(said)
        if said:
            quartiles = np.quantile(said, [0.25, 0.5, 0.75])
            wanted = {
                "mean": statistics.fmean(said),
                "std": statistics.stdev(said) if len(said) > 1 else None,
                "min": min(said),
                "25%": quartiles[0],
                "50%": quartiles[1],
                "75%": quartiles[2],
                "max": max(said),
            }
            assert all(near(described[f"{name}/{key}"], wanted[key], 1e-7) for key in wanted)
        else:
            assert {described[f"{name}/{key}"] for key in ("mean", "std", "min", "max")} == {None}


def test_keys_are_ranked_by_downloads_then_rows_then_name() -> None:
    said = [("b", 5), ("a", 5), ("c", 9), ("b", 0), (None, None), ("d", None)]
    rows = [
        {"id": f"m/{at}", "category": category, "downloads": downloads}
        for at, (category, downloads) in enumerate(said)
    ]
    found = frame_of(rows).filter(pl.col("dimension") == "category").sort("rank")
    assert found["rank"].to_list() == [1, 2, 3, 4, 5]
    assert found["key"].to_list()[:3] == ["c", "b", "a"]
    assert set(found["key"].to_list()[3:]) == {None, "d"}
    assert found["downloads"].to_list() == [9, 5, 5, None, None]


def test_keys_past_the_most_are_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"id": f"m/{at}", "library": f"lib-{at:04d}", "downloads": 1000 - at, "likes": None}
        for at in range(sums.MOST_KEYS + 50)
    ]
    found = rows_of(frame_of(rows), "library")
    assert len(found) == sums.MOST_KEYS + 1
    other = found[sums.OTHER]
    assert (other["rows"], other["rank"], other["likes"]) == (50, None, None)
    assert other["downloads"] == sum(1000 - at for at in range(sums.MOST_KEYS, len(rows)))
    assert sum(row["rows"] for row in found.values()) == len(rows)
    assert near(sum(row["share_downloads"] for row in found.values()), 1.0, 1e-5)


# Edges


def test_an_empty_day_has_metrics(lake: Lake) -> None:
    frame = frame_of([])
    assert frame.schema == DAILY_METRICS.schema
    assert set(frame["dimension"]) <= {"describe", "correlation", "usage_total"}
    assert frame["value"].drop_nulls().to_list() == [0.0, 0.0, 0.0]  # the counts


def test_a_day_of_nulls_has_metrics() -> None:
    frame = frame_of([{"id": None}] * 3, [{"id": None}] * 2)
    assert rows_of(frame, "category")[None]["rows"] == 3
    for name in (*SUMS, "share_downloads", "share_likes"):
        assert rows_of(frame, "category")[None][name] is None
    assert set(values_of(frame, "correlation").values()) == {None}
    assert values_of(frame, "concentration") == {}


def test_a_day_without_downloads_has_no_concentration() -> None:
    frame = frame_of([{"id": "a", "downloads": 0}, {"id": "b", "downloads": 0}])
    assert values_of(frame, "concentration") == {}
    assert rows_of(frame, "category")[None]["share_downloads"] is None


@pytest.mark.parametrize(
    ("downloads", "gini", "hhi"),
    [([5], 0.0, 10_000.0), ([5, 5, 5, 5], 0.0, 2_500.0), ([0, 0, 0, 8], 0.75, 10_000.0)],
)
def test_concentration_at_its_ends(downloads: list[int], gini: float, hhi: float) -> None:
    found = values_of(frame_of([{"id": str(one), "downloads": one} for one in downloads]),
                      "concentration")  # fmt: skip
    assert all(key.startswith("downloads/") for key in found)  # nobody's: no authors
    assert near(found["downloads/gini"], gini)
    assert near(found["downloads/hhi"], hhi)
    assert near(found["downloads/effective_number"], 10_000 / hhi)


def test_correlations_at_their_ends() -> None:
    rows = [
        {"id": str(at), "likes": at, "downloads": at**3, "trending_score": -float(at)}
        for at in range(10)
    ]
    found = values_of(frame_of(rows), "correlation")
    assert near(found["spearman/likes/downloads"], 1.0)
    assert near(found["pearson/likes/trending_score"], -1.0)
    assert 0.8 < (found["pearson/likes/downloads"] or 0) < 0.99
