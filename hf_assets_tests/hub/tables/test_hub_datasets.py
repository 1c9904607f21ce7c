"""Captures → `hub_datasets`: typed, with what its tags say, and nothing invented."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.client import listing
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake, StoredTable, iso
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import (
    Row,
    captured,
    hub_id,
    made_datasets,
    recorded,
    rows_of,
)
from hf_assets_tests.support.hub.datasets import RECORDED, dataset

Made = Callable[..., StoredTable]


@pytest.fixture
def made(hub: ServeHub, lake: Lake, tmp_path: Path) -> Made:
    """`hub_datasets` of rows written by hand, by way of HTTP, a capture and Parquet."""

    def made(*rows: Row, **faults: Any) -> StoredTable:
        source = recorded(tmp_path / "hub", datasets=rows)
        return made_datasets(lake, hub(source, Faults(**faults)))

    return made


def column(stored: StoredTable, name: str) -> list[Any]:
    return stored.frame.collect().sort("hub_id")[name].to_list()


def test_a_complete_row(made: Made) -> None:
    stored = made(RECORDED[0])
    assert stored.frame.collect_schema() == schemas.HUB_DATASETS.schema
    (row,) = stored.frame.collect().iter_rows(named=True)
    assert row == {
        "day": date(2026, 11, 20),
        "hub_id": hub_id(1),
        "id": "answers/squares",
        "author": "answers",
        "created_at": datetime(2022, 3, 2, 23, 29, 22, tzinfo=UTC),
        "last_modified": datetime(2024, 3, 4, 13, 54, 37, tzinfo=UTC),
        "floor_dated": True,
        "downloads": 45_678,
        "downloads_all_time": 1_234_567,
        "likes": 251,
        "trending_score": 2.0,
        "task_categories": ["question-answering"],
        "languages": ["en"],
        "size_category": "10K<n<100K",
        "modalities": ["text"],
        "formats": ["parquet"],
        "license": "cc-by-4.0",
        "tags": RECORDED[0]["tags"],
        "gated": "false",
        "private": False,
        "disabled": False,
        "used_storage": 102_400_000,
        "main_size": 16_278_203,
    }
    assert stored.notes["rows"] == stored.notes["served"] == stored.notes["floor dated"] == 1
    assert stored.notes["nulled"] == stored.notes["quarantined"] == 0


def test_what_the_hub_does_not_say_stays_null(made: Made) -> None:
    stored = made({"_id": hub_id(1), "id": "squares"})
    (row,) = stored.frame.collect().iter_rows(named=True)
    said = {name: value for name, value in row.items() if value is not None}
    assert said == {"day": date(2026, 11, 20), "hub_id": hub_id(1), "id": "squares"}
    assert "without category" not in stored.notes


TAGS = [
    (["task_categories:a", "x", "task_categories:b"], ["a", "b"]),
    (["task_categories:b", "task_categories:a", "task_categories:b"], ["b", "a"]),
    (["task_categories:"], []),
    (["task_categories:task_categories:a"], ["task_categories:a"]),
    (["Task_Categories:a", "my_task_categories:a", " task_categories:a"], []),
    (["task_categories:  A b", "task_categories:日本"], ["  A b", "日本"]),
    ([], []),
    (None, None),
]


OF_TAGS = {
    "task_categories": "task_categories:",
    "languages": "language:",
    "modalities": "modality:",
    "formats": "format:",
}


def test_lists_are_what_follows_the_prefix_of_a_tag_each_once(made: Made) -> None:
    cases = [(name, *case) for name in OF_TAGS for case in TAGS]

    def of(name: str, texts: list[str] | None) -> list[str] | None:
        return texts and [text.replace("task_categories:", OF_TAGS[name]) for text in texts]

    stored = made(*(dataset(at, tags=of(name, tags)) for at, (name, tags, _) in enumerate(cases)))
    rows = stored.frame.collect().sort("hub_id").to_dicts()
    for row, (name, _, values) in zip(rows, cases, strict=True):
        assert row[name] == of(name, values), (name, row["tags"])
        assert all(not row[other] for other in OF_TAGS if other != name)


def test_a_bare_tag_is_no_language(made: Made) -> None:
    """`no`, `it` and `en` are words of a tag, too: the Hub marks languages."""
    stored = made(dataset(1, "en", "no", "language:fr", "languages:de", "language_creators:found"))
    assert column(stored, "languages") == [["fr"]]
    assert "en" in column(stored, "tags")[0]


def test_the_first_of_several_size_categories_counts_and_any_stays_as_written(made: Made) -> None:
    sizes = [
        (["size_categories:n<1K", "size_categories:1M<n<10M"], "n<1K"),
        (["size_categories:", "size_categories:1K<n<10K"], "1K<n<10K"),
        (["size_categories:unknown"], "unknown"),
        (["size_categories:10k<N<100k "], "10k<N<100k "),
        (["size_categories:"], None),
        ([], None),
    ]
    stored = made(*(dataset(number, *tags) for number, (tags, _) in enumerate(sizes)))
    assert column(stored, "size_category") == [size for _, size in sizes]


def test_negative_counters_are_clipped_and_counted(made: Made) -> None:
    stored = made(
        dataset(1, downloads=-5, downloadsAllTime=-1, likes=-1, mainSize=-1, usedStorage=-9),
        dataset(2, downloads=-1, trendingScore=-0.5, mainSize=7),
    )
    assert column(stored, "downloads") == [0, 0]
    assert column(stored, "main_size") == [0, 7]
    clipped = {name: count for name, count in stored.notes.items() if "clipped" in name}
    assert clipped == {
        "clipped downloads": 2,
        "clipped downloadsAllTime": 1,
        "clipped likes": 1,
        "clipped trendingScore": 1,
        "clipped usedStorage": 1,
        "clipped mainSize": 1,
    }


def test_gates_and_dates_that_are_none_are_null_and_named(made: Made) -> None:
    stored = made(
        *(dataset(at, gated=gate) for at, gate in enumerate([False, "auto", "manual", "perhaps"])),
        dataset(4, lastModified="yesterday"),
    )
    assert column(stored, "gated") == ["false", "auto", "manual", None, None]
    assert (stored.notes["nulled gated"], stored.notes["nulled lastModified"]) == (1, 1)
    quarantine = stored.aside("quarantine")
    assert quarantine is not None
    assert sorted(quarantine["field"]) == ["gated", "lastModified"]


def test_a_dataset_served_twice_is_one_row_and_one_without_identity_none(
    hub: ServeHub, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 3)
    served = hub(recorded(tmp_path / "hub", datasets=[dataset(at) for at in range(9)]))
    odd = [dataset(20, likes="many"), {"_id": "x"}, dataset(20), dataset(20)]
    served.faults.odd_rows["datasets"] = [json.dumps(row).encode() for row in odd]
    stored = made_datasets(lake, served)
    assert stored.rows == 10
    assert (stored.notes["doubled"], stored.notes["quarantined"]) == (2, 1)
    assert stored.notes["nulled likes"] == 1


def test_a_field_that_the_hub_refuses_is_null_and_named(
    hub: ServeHub, lake: Lake, tmp_path: Path
) -> None:
    source = recorded(tmp_path / "hub", datasets=RECORDED)
    served = hub(source, Faults(refused_expand={"mainSize", "usedStorage"}))
    capture = captured(lake, served, "datasets")
    assert set(capture.manifest.refused) == {"mainSize", "usedStorage"}
    assert "mainSize" not in capture.manifest.fields
    stored = made_datasets(lake, served)
    assert column(stored, "main_size") == [None] * len(RECORDED)
    assert column(stored, "downloads")[0] == 45_678


def test_the_table_says_where_it_comes_from(made: Made) -> None:
    assert set(made(*RECORDED).provenance) == {"raw_datasets"}


def test_tasks_of_a_recorded_listing_agree_with_duckdb(made: Made, tmp_path: Path) -> None:
    """Rows, downloads and all-time downloads of each task, by SQL over the listing's JSON."""
    stored = made(*RECORDED)
    table = stored.frame.select("task_categories", "downloads", "downloads_all_time").explode(
        "task_categories"
    )
    ours = (
        table.filter(pl.col("task_categories").is_not_null())
        .group_by(task="task_categories")
        .agg(pl.len(), pl.col("downloads").sum(), pl.col("downloads_all_time").sum())
        .sort("task")
        .collect()
        .rows()
    )
    (tmp_path / "listing.json").write_text(json.dumps(RECORDED))
    theirs = duckdb.execute(
        f"""
        WITH tags AS (
            SELECT DISTINCT id, downloads, downloadsAllTime, unnest(tags) AS tag
            FROM read_json('{tmp_path}/listing.json')
        )
        SELECT substr(tag, 17) AS task, count(*), coalesce(sum(downloads), 0),
               coalesce(sum(downloadsAllTime), 0)
        FROM tags WHERE tag LIKE 'task\\_categories:_%' ESCAPE '\\' GROUP BY task ORDER BY task
        """
    ).fetchall()
    assert ours == theirs
    assert ours[-1] == ("text-generation", 2, 912, 9_000)
    assert len(ours) == 4


def test_a_generated_hub_is_the_same_in_the_table(
    hub: ServeHub, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts of the pages themselves, by plain Python."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 70)
    monkeypatch.setattr(cleaning, "BATCH_PAGES", 3)
    served = hub(GeneratedHub(30, 10, seed=9, day=iso(DAY), datasets=600))
    stored = made_datasets(lake, served)
    rows = list(rows_of(captured(lake, served, "datasets")))
    assert stored.rows == len(rows) == 600
    frame = stored.frame.collect()
    for name, prefix in (("task_categories", "task_categories:"), ("languages", "language:")):
        wanted = Counter(
            tag.removeprefix(prefix)
            for row in rows
            for tag in set(row["tags"])
            if tag.startswith(prefix)
        )
        found = frame[name].explode().drop_nulls().value_counts().rows()
        assert dict(found) == wanted
        assert len(wanted) > 3
    assert frame["downloads"].sum() == sum(row["downloads"] for row in rows)
    assert frame["main_size"].sum() == sum(row.get("mainSize") or 0 for row in rows)
