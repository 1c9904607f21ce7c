"""Objects of the Hub's client, other spellings, and columns that are not read."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from huggingface_hub.hf_api import ModelInfo, SpaceInfo

from hf_assets_tests.support.hub.scrape_formats import (
    AT,
    BASES,
    CSV,
    JSON,
    JSONL,
    TAGS,
    as_csv,
    every_format,
)
from hf_assets_tests.support.hub.scrapes import DAY, read, scrape

MODEL = {
    "_id": "621ffdc036468d709f17434d",
    "id": "ada/one",
    "author": "ada",
    "createdAt": AT,
    "lastModified": "2024-05-06T07:08:09.000Z",
    "downloads": 5,
    "downloadsAllTime": 50,
    "likes": 2,
    "trendingScore": 1.5,
    "pipeline_tag": "fill-mask",
    "library_name": "transformers",
    "tags": TAGS,
    "gated": "auto",
    "private": False,
    "safetensors": {"parameters": {"F32": 7}, "total": 7},
    "gguf": {"total": 9, "architecture": "llama"},
    "baseModels": BASES,
    "usedStorage": 12,
    "cardData": {"license": "mit"},
    "siblings": [{"rfilename": "a.txt"}],
    "modelId": "ada/one",
}
SPACE = {
    "_id": "621ffdc036468d709f17434e",
    "id": "ada/space",
    "author": "ada",
    "createdAt": AT,
    "lastModified": AT,
    "likes": 2,
    "trendingScore": 1,
    "sdk": "gradio",
    "runtime": {"stage": "RUNNING", "hardware": {"current": "cpu-basic", "requested": "t4-small"}},
    "tags": TAGS,
    "private": False,
    "models": ["a/x", "b/y"],
    "datasets": ["c/z"],
    "usedStorage": 12,
}
OTHERS = ("siblings", "card_data", "cardData")


def as_lines(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row, default=str) for row in rows)


@pytest.mark.parametrize("made", [vars, dataclasses.asdict], ids=["vars", "asdict"])
@pytest.mark.parametrize("kind", ["models", "spaces"])
@pytest.mark.parametrize("end", [".json", ".jsonl", ".csv", ".parquet"])
def test_objects_of_the_client_are_what_the_hub_served(
    tmp_path: Path, made: Any, kind: Any, end: str
) -> None:
    source = MODEL if kind == "models" else SPACE
    info = (ModelInfo if kind == "models" else SpaceInfo)(**json.loads(json.dumps(source)))
    row = made(info)
    name = f"{kind}_{DAY}{end}"
    if end == ".parquet":
        plain = {key: one for key, one in row.items() if key not in OTHERS}
        plain = {key: dict(one) if isinstance(one, dict) else one for key, one in plain.items()}
        runtime = plain.get("runtime")
        if runtime is not None and not isinstance(runtime, dict):
            plain["runtime"] = vars(runtime)
        pl.DataFrame([plain]).write_parquet(tmp_path / name)
        found = read(tmp_path, kind)
    else:
        text = {".json": f"[{as_lines([row])}]", ".jsonl": as_lines([row]), ".csv": as_csv([row])}
        found = scrape(tmp_path, name, text[end], kind)
    straight = scrape(tmp_path / "hub", f"{kind}_{DAY}.json", json.dumps([source]), kind)
    (kept,), (wanted,) = found.rows, straight.rows
    for time in ("createdAt", "lastModified"):
        kept[time] = kept[time].replace("05Z", "05.000Z").replace("09Z", "09.000Z")
    if made is dataclasses.asdict:
        assert kept.pop("_id") == f"name:{source['id']}"
        wanted.pop("_id")
    assert kept == wanted
    assert found.odd == []
    assert found.day.unread == {}


def test_two_spellings_of_a_field_are_one(tmp_path: Path) -> None:
    rows = [
        {"id": "a/1", "downloads_all_time": 1, "downloadsAllTime": 2},
        {"id": "a/2", "downloads_all_time": 3, "downloadsAllTime": None},
        {"id": "a/3", "downloads_all_time": None, "downloadsAllTime": None},
    ]
    for found in every_format(tmp_path, rows):
        assert found.column("downloadsAllTime") == [2, 3, None]
        assert found.day.unread == {}


@pytest.mark.parametrize("name", ["model_id", "modelId", "Model ID", "repo_id", "ID"])
def test_other_names_of_the_id(tmp_path: Path, name: str) -> None:
    for found in every_format(tmp_path, [{name: "a/x", "likes": 1}]):
        assert [(row["id"], row["_id"]) for row in found.rows] == [("a/x", "name:a/x")]


def test_a_column_that_looks_like_a_field_is_named_in_every_format(tmp_path: Path) -> None:
    rows = [{"id": "a/x", "downloads_30d": 5, "like": 2, "tag": "x", "sha": "1", "note": "n",
             "created": AT, "mask_token": "m", "model_index": "i"}]  # fmt: skip
    for found in every_format(tmp_path, rows):
        assert found.day.unread == {
            "downloads_30d": "not read, though it looks like `downloads`",
            "like": "not read, though it looks like `likes`",
            "tag": "not read, though it looks like `tags`",
            "created": "not read, though it looks like `createdAt`",
        }


def test_a_column_like_a_field_that_is_there_is_no_loss(tmp_path: Path) -> None:
    rows = [{"id": "a/x", "likes": 2, "likes_7d": 1, "downloads": 3, "downloads_30d": 3}]
    for found in every_format(tmp_path, rows):
        assert found.day.unread == {}


def test_a_column_without_a_readable_value_is_named_in_every_format(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": f"a/{n}", "downloads": "many", "private": "yes", "likes": 1} for n in range(3)
    ]
    rows[0]["downloads"] = None
    for found in every_format(tmp_path, rows):
        assert found.day.unread == {
            "downloads": 'none of its 2 values is what the Hub serves: "many"',
            "private": 'none of its 3 values is what the Hub serves: "yes"',
        }
        assert found.day.seen == {"id", "likes"}


def test_a_column_is_read_though_its_first_page_is_not(tmp_path: Path) -> None:
    lines = [{"id": f"a/{n}", "tags": "x"} for n in range(4000)] + [{"id": "a/4000", "tags": ["t"]}]
    found = scrape(tmp_path, JSONL, as_lines(lines))
    assert found.day.unread == {}
    assert found.day.seen == {"id", "tags"}
    assert len(found.odd) == 4000


@pytest.mark.parametrize("name", [JSON, JSONL, CSV])
def test_a_hostile_number_of_columns_is_bounded(tmp_path: Path, name: str) -> None:
    row = {"id": "a/x", **{f"likes{n}": n for n in range(1500)}, "downloads": 5}
    text = {CSV: as_csv([row]), JSON: json.dumps([row]), JSONL: json.dumps(row)}[name]
    found = scrape(tmp_path, name, text)
    assert found.rows[0]["downloads"] == 5
    assert found.day.seen == {"id", "downloads"}
    assert 900 < len(found.day.unread) <= 1000


def test_a_name_of_a_column_is_told_short_and_clean(tmp_path: Path) -> None:
    names = ["likes\n<b>", "x" * 300, "downloads\x1b[31m" + "y" * 70]
    found = scrape(tmp_path, JSON, json.dumps([{"id": "a/x", **dict.fromkeys(names, 1)}]))
    assert set(found.day.unread) == {"likes?<b>", "downloads?[31m" + "y" * 70}
