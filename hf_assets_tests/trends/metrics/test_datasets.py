"""The datasets of a day, against DuckDB over the same file, and against counts by hand."""

from collections.abc import Iterable
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.tables import schemas
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets.trends.metrics.datasets import OF_LISTS, OF_ONE, datasets_metrics
from hf_assets.trends.metrics.rules import sums_agree
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.trends.datasets import hub_datasets, metrics_of, store_datasets
from hf_assets_tests.support.trends.metrics import (
    SUMS,
    Row,
    naive_concentration,
    near,
    rows_of,
    total,
    values_of,
)

COUNTERS = ("rows", "downloads", "downloads_all_time", "likes")


@pytest.fixture
def stored(lake: Lake) -> StoredTable:
    return store_datasets(lake, hub_datasets(5_000, DAY), DAY)


def asked(query: str, stored: StoredTable) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query.replace("DATA", f"'{stored.path}'")).fetchall()


def test_each_dimension_is_what_duckdb_counts(lake: Lake, stored: StoredTable) -> None:
    frame = metrics_of(lake, stored, DAY).frame.collect()
    sums = "count(*), sum(downloads), sum(downloads_all_time), sum(likes)"
    for column, dimension in OF_LISTS.items():
        # A dataset once in each of its keys, and once under null where it has none.
        of_key = f"""
            SELECT key, {sums} FROM (
                SELECT * EXCLUDE keys,
                    unnest(CASE WHEN len(keys) > 0 THEN keys ELSE [NULL] END) AS key
                FROM (SELECT *, list_distinct({column}) AS keys FROM DATA)
            ) GROUP BY key
        """
        _same(frame, dimension, asked(of_key, stored))
    for column, dimension in OF_ONE.items():
        _same(frame, dimension, asked(f"SELECT {column}, {sums} FROM DATA GROUP BY 1", stored))
    everything = asked(f"SELECT 'datasets', {sums} FROM DATA", stored)
    _same(frame, "dataset_total", everything)


def _same(frame: pl.DataFrame, dimension: str, wanted: Iterable[tuple[Any, ...]]) -> None:
    found = rows_of(frame, dimension)
    named = {key: row for key, row in found.items() if key != "(other)"}
    by_key = {key: tuple(counts) for key, *counts in wanted}
    assert named
    assert {key: tuple(row[name] for name in COUNTERS) for key, row in named.items()} == {
        key: by_key[key] for key in named
    }
    rest = [by_key[key] for key in by_key.keys() - named.keys()]
    if rest:
        other = found["(other)"]
        assert tuple(other[name] for name in COUNTERS) == tuple(
            total(list(counts)) for counts in zip(*rest, strict=True)
        )
    else:
        assert "(other)" not in found


def test_the_rankings_are_those_of_duckdb(lake: Lake, stored: StoredTable) -> None:
    frame = metrics_of(lake, stored, DAY).frame.collect()
    best = asked(
        "SELECT hub_id, id, downloads, task_categories[1], created_at::DATE FROM DATA "
        "ORDER BY downloads DESC NULLS LAST, id LIMIT 1000", stored
    )  # fmt: skip
    found = frame.filter(dimension="dataset").sort("rank")
    assert found.select("hub_id", "key", "downloads", "category", "created").rows() == best
    assert found["rank"].to_list() == list(range(1, 1001))
    authors = asked(
        "SELECT author, sum(downloads), count(*) FROM DATA WHERE author IS NOT NULL GROUP BY 1 "
        "ORDER BY 2 DESC NULLS LAST, 3 DESC, 1 LIMIT 300", stored
    )  # fmt: skip
    found = frame.filter(pl.col("rank").is_not_null(), dimension="dataset_author").sort("rank")
    assert found.select("key", "downloads", "rows").rows() == authors


def test_shares_are_of_all_datasets(lake: Lake, stored: StoredTable) -> None:
    frame = metrics_of(lake, stored, DAY).frame.collect()
    ((count, downloads),) = asked("SELECT count(*), sum(downloads) FROM DATA", stored)
    for dimension in (*OF_LISTS.values(), *OF_ONE.values(), "dataset_author"):
        for key, row in rows_of(frame, dimension).items():
            if key == "(other)" and dimension in OF_LISTS.values():
                assert row["share_rows"] is row["share_downloads"] is None
                continue
            assert near(row["share_rows"], row["rows"] / count, 1e-6)
            assert near(row["share_downloads"], row["downloads"] / downloads, 1e-6)
    tasks = rows_of(frame, "dataset_task").values()
    assert sum(row["share_rows"] for row in tasks) > 1.05
    sizes = rows_of(frame, "dataset_size").values()
    assert sum(row["share_rows"] for row in sizes) == pytest.approx(1)


def test_models_and_datasets_do_not_touch_each_other(lake: Lake, stored: StoredTable) -> None:
    without, found = metrics_of(lake, None, DAY), metrics_of(lake, stored, DAY)
    assert "datasets" not in without.notes
    assert found.notes["datasets"] == 5_000
    of_models = ~pl.col("dimension").str.starts_with("dataset")
    of_models &= ~pl.col("key").str.contains("^dataset(s|_authors)/").fill_null(False)
    mine = found.frame.filter(of_models).collect()
    assert mine.equals(without.frame.collect())
    assert found.provenance["raw_datasets"] == {"sha256": DAY}
    assert sums_agree(found, lake.write(schemas.MODELS, DAY, _empty()), stored).passed
    groups = pq.read_metadata(found.path)
    sizes = [groups.row_group(at).num_rows for at in range(groups.num_row_groups)]
    assert sizes[-2:] == [1_000, 301]  # a reader of the rest skips the rankings


def _empty() -> TableWrite:
    return TableWrite([])


def test_sums_of_datasets_that_were_rebuilt_differ(lake: Lake, stored: StoredTable) -> None:
    metrics = metrics_of(lake, stored, DAY)
    models = lake.write(schemas.MODELS, DAY, _empty())
    fewer = store_datasets(lake, hub_datasets(4_999, DAY), DAY)
    result = sums_agree(metrics, models, fewer)
    assert not result.passed
    assert "dataset_size has 5,000 of 4,999 datasets" in result.description


a_dataset = st.fixed_dictionaries(
    {
        "downloads": st.none() | st.integers(0, 10**9),
        "likes": st.none() | st.integers(0, 5),
        "downloads_all_time": st.none() | st.integers(0, 9),
        "trending_score": st.none() | st.sampled_from([0.0, 0.5]),
        "author": st.none() | st.sampled_from(["u", "v"]),
        "size_category": st.none() | st.sampled_from(["n<1K", ""]),
        "task_categories": st.none() | st.lists(st.sampled_from(["qa", "ner", ""]), max_size=4),
    }
)


@settings(max_examples=25)
@given(drawn=st.lists(a_dataset, max_size=15))
def test_any_datasets_are_counted_as_by_hand(drawn: list[Row]) -> None:
    rows = [{"id": f"d/{at}", "hub_id": f"{at}", **row} for at, row in enumerate(drawn)]
    parts = datasets_metrics(pl.LazyFrame(rows, schema=schemas.HUB_DATASETS.schema))
    shape = pl.LazyFrame(schema=DAILY_METRICS.schema)
    frame = pl.concat([shape, *parts], how="diagonal_relaxed").collect()
    by_task: dict[str | None, list[Row]] = {}
    for row in rows:
        for task in set(row["task_categories"] or [None]):
            by_task.setdefault(task, []).append(row)
    found = rows_of(frame, "dataset_task")
    assert {key: row["rows"] for key, row in found.items()} == {
        key: len(group) for key, group in by_task.items()
    }
    for key, group in by_task.items():
        for name in SUMS:
            assert near(found[key][name], total([row[name] for row in group]))
    assert rows_of(frame, "dataset_total")["datasets"]["rows"] == len(rows)
    held = [int(row["downloads"]) for row in rows if row["downloads"] is not None]
    wanted = naive_concentration("datasets", held)
    values = {key: value for key, value in values_of(frame, "concentration").items()
              if key.startswith("datasets/")}  # fmt: skip
    assert values.keys() == wanted.keys()
    assert all(near(values[key], wanted[key], 1e-7) for key in wanted)
    described = values_of(frame, "dataset_describe")
    assert described["downloads/count"] == len(held)


@pytest.mark.heavy
def test_a_day_of_many_datasets_adds_at_most_70_kilobytes(lake: Lake) -> None:
    stored = store_datasets(lake, hub_datasets(200_000, DAY), DAY)
    without = metrics_of(lake, None, DAY).bytes
    assert metrics_of(lake, stored, DAY).bytes - without <= 70_000
