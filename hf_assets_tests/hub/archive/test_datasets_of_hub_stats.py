"""Datasets of hub-stats: their own file, its eras, and days on which a file is not there."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_assets.hub.capture.from_archive import find_day, from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.listing import FIELDS, ListingQuery
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import Clock, Serve
from hf_assets_tests.support.hub.past_hub import DAY, NOW, Past
from hf_assets_tests.support.hub.recorded_folder import table
from hf_assets_tests.support.hub.strict_archive import Strict, reader


def test_a_day_is_what_the_hub_listed_then(
    past: Callable[..., Past], lake: Lake, tmp_path: Path
) -> None:
    world = past()
    capture = world.recover(lake, "datasets", DAY)
    facts = capture.manifest.plain()
    assert (facts["source"], facts["file"]) == ("hub-stats", "datasets.parquet")
    assert set(facts["fields"]) | set(facts["absent"]) == set(FIELDS["datasets"])
    assert facts["absent"] == ["usedStorage"]
    assert facts.get("unread", {}) == {}
    made = cleaning.hub_datasets(capture, DAY)
    ours = lake.write(schemas.HUB_DATASETS, DAY, made).frame.collect().sort("hub_id")
    assert ours.height > 300

    world.hub.day = dt.date.fromisoformat(DAY)
    live = Lake(tmp_path / "live")
    listed = world.server.capturer(
        Clock(dt.datetime.fromisoformat(capture.manifest.committed))
    ).get_or_capture(CaptureStore(live, "raw_datasets"), DAY, ListingQuery.everything("datasets"))
    made = cleaning.hub_datasets(listed, DAY)
    theirs = live.write(schemas.HUB_DATASETS, DAY, made).frame.collect().sort("hub_id")
    known = theirs.join(ours.select("hub_id"), on="hub_id", how="semi")
    assert known.height == ours.height
    # The archive's cron and the listing are hours apart: counters may differ, and little else.
    for name in (
        *("hub_id", "id", "author", "created_at", "floor_dated", "license", "tags", "gated"),
        *("task_categories", "languages", "size_category", "modalities", "formats", "private"),
    ):
        assert known[name].equals(ours[name]), name


@pytest.mark.parametrize(
    ("day", "absent"),
    [
        ("2024-09-30", {"trendingScore", "downloadsAllTime", "mainSize"}),
        ("2025-02-25", {"downloadsAllTime", "mainSize"}),
        (DAY, set()),
    ],
)
def test_eras(past: Callable[..., Past], lake: Lake, day: str, absent: set[str]) -> None:
    capture = past().recover(lake, "datasets", day)
    assert set(capture.manifest.absent) - {"usedStorage"} == absent
    made = cleaning.hub_datasets(capture, day)
    frame = lake.write(schemas.HUB_DATASETS, day, made).frame.collect()
    assert (frame["main_size"].null_count() == frame.height) is ("mainSize" in absent)
    assert frame["downloads"].null_count() == 0


ROWS = [
    {"_id": "1", "id": "a/x", "downloads": 5, "tags": ["task_categories:t", "language:en"],
     "gated": "auto", "private": False, "disabled": True, "mainSize": 7.0,
     "cardData": '{"license": "mit"}', "description": "Long", "sha": "0", "siblings": ["a.csv"]},
]  # fmt: skip


def only(name: str, rows: list[dict] = ROWS) -> Strict:
    """A revision with a single file."""
    strict = Strict(table(rows))
    strict.paths[0]["path"] = name
    return strict


def test_a_file_of_datasets_alone_is_a_day_of_datasets(serve: Serve, lake: Lake) -> None:
    strict = only("datasets.parquet")
    archive = reader(serve, strict)
    found = find_day(archive, "datasets", DAY)
    assert found is not None
    assert "absent_kind" not in found.facts
    for kind, words in (("models", "models"), ("spaces", "Spaces")):
        absent = find_day(archive, kind, DAY)
        assert absent is not None
        said = absent.facts["absent_kind"]
        assert said == f"The dataset o/d has the datasets of {DAY} and no {words}."
        assert list(absent.read()) == []


def test_a_day_without_the_file_of_datasets_is_a_day_without_datasets(
    serve: Serve, lake: Lake
) -> None:
    archive = reader(serve, only("models.parquet"))
    absent = find_day(archive, "datasets", DAY)
    assert absent is not None
    capture = from_archive(CaptureStore(lake, "raw_datasets"), DAY, "datasets", absent, lambda: NOW)
    assert capture.absent_kind == f"The dataset o/d has the models of {DAY} and no datasets."
    assert (capture.rows, capture.manifest.complete) == (0, True)
    stored = lake.write(schemas.HUB_DATASETS, DAY, cleaning.hub_datasets(capture, DAY))
    assert stored.rows == 0
    assert find_day(archive, "datasets", "2026-11-12") is None


def test_values_of_other_types_are_read_and_columns_without_use_are_not(
    serve: Serve, lake: Lake
) -> None:
    found = find_day(reader(serve, only("datasets.parquet")), "datasets", DAY)
    assert found is not None
    capture = from_archive(CaptureStore(lake, "raw_datasets"), DAY, "datasets", found, lambda: NOW)
    assert capture.unread == {}
    assert set(capture.manifest.fields) == {
        *("downloads", "tags", "gated", "private", "disabled", "mainSize"),
    }
    made = cleaning.hub_datasets(capture, DAY)
    (row,) = lake.write(schemas.HUB_DATASETS, DAY, made).frame.collect().iter_rows(named=True)
    assert (row["main_size"], row["gated"], row["disabled"]) == (7, "auto", True)
    assert (row["task_categories"], row["languages"]) == (["t"], ["en"])
