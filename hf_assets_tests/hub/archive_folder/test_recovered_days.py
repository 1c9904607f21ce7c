"""Days of a folder as captures: hostile rows, text cells, provenance."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.recorded_folder import (
    DAY,
    ROWS,
    put,
)

Recover = Callable[..., Any]


@pytest.fixture
def recovered(tmp_path: Path, lake: Lake) -> Recover:
    def recovered(content: Any, name: str = f"{DAY}.json") -> Any:
        put(tmp_path / "days", name, content)
        found = RecordedDays(tmp_path / "days").find("models", DAY)
        assert found is not None
        clock = lambda: datetime(2026, 11, 20, tzinfo=UTC)  # noqa: E731
        return from_archive(CaptureStore(lake, "raw_models"), DAY, "models", found, clock)

    return recovered


HOSTILE: list[Any] = [
    {"id": "<img src=x onerror=alert(1)>", "downloads": float("nan"), "tags": ["<script>"]},
    {"id": "../../etc/passwd", "downloads": -5, "likes": 2**70},
    {"id": "a/" + "x" * 100_000, "pipeline_tag": "\x00", "author": "A" * 100_000},
    {"id": "a/half\ud800", "likes": 1},
    {"id": "a/ok", "downloads": "twelve", "createdAt": "yesterday"},
    {"id": 7},
    {"likes": 1},
    ["no", "object"],
    None,
]


def test_hostile_rows_are_named_and_the_others_kept(recovered: Recover, lake: Lake) -> None:
    capture = recovered(HOSTILE)
    assert capture.rows == 9
    made = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    frame = made.frame.collect()
    ids = [str(row["id"]) for row in HOSTILE[:3]] + ["a/ok"]
    assert sorted(frame["id"].to_list()) == sorted(ids)
    assert frame["downloads"].to_list().count(0) == 1
    assert made.notes["clipped downloads"] == 1
    assert made.notes["quarantined"] == 5
    aside = made.aside("quarantine")
    assert aside is not None
    assert {"downloads", "likes", "createdAt"} <= set(aside["field"].drop_nulls())
    assert not [path for path in lake.root.rglob("*") if "passwd" in path.name]


def test_text_cells_of_a_csv_are_read_as_what_they_say(recovered: Recover, lake: Lake) -> None:
    cells = [
        {"id": "a/1", "downloads": "12.0", "gated": "False", "private": "True", "tags": "['x']"},
        {"id": "a/2", "downloads": "nan", "gated": "auto", "private": "", "tags": '["x"]'},
        {"id": "a/3", "downloads": "1.5e0", "gated": "no", "private": "perhaps", "tags": "x, y"},
        {"id": "a/4", "downloads": "9" * 25, "gated": "", "private": "2", "tags": "open('x')"},
        {"id": "a/5", "createdAt": "2024-01-02 03:04:05+00:00", "safetensors": "{'total': 9}"},
    ]  # fmt: skip
    names = list(dict.fromkeys(name for row in cells for name in row))
    folder = lake.root.parent / "days"
    folder.mkdir()
    with (folder / f"{DAY}.csv").open("w") as out:
        writer = csv.DictWriter(out, names, restval="")
        writer.writeheader()
        writer.writerows(cells)
    capture = recovered((folder / f"{DAY}.csv").read_bytes(), f"{DAY}.csv")
    made = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    frame = made.frame.collect().sort("id")
    assert frame["downloads"].to_list() == [12, None, None, None, None]
    assert frame["gated"].to_list() == ["false", "auto", None, None, None]
    assert frame["private"].to_list() == [True, None, None, None, None]
    assert frame["tags"].to_list() == [["x"], ["x"], None, None, None]
    assert frame["parameters"].to_list() == [None] * 4 + [9]
    assert frame["created_at"].drop_nulls().to_list() == [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)]
    assert made.notes["nulled downloads"] == 2
    assert made.notes["nulled private"] == 2
    assert made.notes["nulled tags"] == 2


def test_a_recovered_day_says_where_it_is_from(recovered: Recover, lake: Lake) -> None:
    capture = recovered({"models": ROWS, "fetched_at": f"{DAY}T21:41:45+09:00"})
    facts = capture.manifest.plain()
    assert (capture.source, facts["identity"], facts["total"]) == ("folder", "name", None)
    assert facts["started"] == facts["finished"] == "2026-08-07T12:41:45+00:00"
    assert facts["fields"] == ["createdAt", "downloads", "likes", "tags"]
    assert "trendingScore" in facts["absent"]
    stored = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    told = stored.provenance["raw_models"]
    assert (told["source"], told["file"], told["time_known"]) == ("folder", f"{DAY}.json", True)
    assert told["file_sha256"] == facts["file_sha256"]
    assert stored.frame.select(pl.col("trending_score").is_null().all()).collect().item()


def test_what_a_broken_day_began_does_not_stay(recovered: Recover, lake: Lake) -> None:
    with pytest.raises(ArchiveError, match="line 4001"):
        recovered("\n".join(['{"id": "a"}'] * 4000 + ["{"]), f"{DAY}.jsonl")
    assert list(lake.folder("raw_models", DAY).rglob("*.zst")) == []
