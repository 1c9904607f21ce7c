"""Spaces with the categories of their models; ids that attack are data."""

import re
from itertools import count as counting
from pathlib import Path
from typing import Any

import pytest

from hf_assets.hub.tables import schemas
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import (
    Row,
    hub_id,
    made_models,
    made_spaces,
    model,
    recorded,
)

HOSTILE = [
    "../../etc/passwd",
    "..\\..\\windows",
    "/etc/passwd",
    "<script>alert(1)</script>",
    "a|b",
    "]()",
    "[x](javascript:alert(1))",
    "`rm -rf /`",
    "${HOME}",
    "{{ 7*7 }}",
    "a\nb/c\r\nd",
    "\x00\x01\x1b[31m",
    "\u202egnp.exe",
    "名前/模型",
    "🤗/🤗",
    "e\u0301/é",
    "a" * 10_000,
    "'; DROP TABLE models; --",
    "null",
    " ",
]


def test_hostile_ids_are_data(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    texts = {"author": "<b>", "pipeline_tag": "../x", "library_name": "a|b", "tags": HOSTILE}
    number = counting()
    models = [model(next(number)) | {"id": name} | texts for name in HOSTILE]
    spaces = [
        model(next(number)) | {"id": name, "models": HOSTILE, "sdk": "]()"} for name in HOSTILE
    ]
    served = hub(recorded(tmp_path / "hub", models, spaces))
    stored = made_models(lake, served)
    frame = stored.frame.collect()
    assert sorted(frame["id"]) == sorted(HOSTILE)
    assert frame["tags"].to_list() == [HOSTILE] * len(HOSTILE)
    assert frame["category"].unique().to_list() == ["../x"]
    enriched = made_spaces(lake, served, stored).frame.collect()
    assert sorted(enriched["id"]) == sorted(HOSTILE)
    assert enriched["models"].to_list() == [HOSTILE] * len(HOSTILE)
    assert enriched["categories"].to_list() == [["../x"]] * len(HOSTILE)
    made_of = {path.name for path in lake.root.rglob("*") if path.is_dir()}
    assert {name for name in made_of if not re.fullmatch(r"\d{8}T.*Z", name)} == {
        *("raw_models", "raw_spaces", "models", "enriched_spaces", f"day={DAY}"),
    }


def space(number: int, **fields: Any) -> Row:
    return {"_id": hub_id(number), "id": f"user{number % 2}/space-{number}", **fields}


@pytest.fixture
def two(hub: ServeHub, lake: Lake, tmp_path: Path) -> Any:
    def two(models: list[Row], spaces: list[Row]) -> tuple[StoredTable, StoredTable]:
        served = hub(recorded(tmp_path / "hub", models, spaces))
        stored = made_models(lake, served)
        return stored, made_spaces(lake, served, stored)

    return two


def test_spaces_know_what_their_models_are(two: Any) -> None:
    models = [
        model(1, pipeline_tag="text-generation") | {"id": "a/gen"},
        model(2, pipeline_tag="text-generation") | {"id": "a/gen2"},
        model(3, pipeline_tag="fill-mask") | {"id": "a/mask"},
        model(4) | {"id": "a/none"},
    ]
    spaces = [
        space(1, models=["a/gen", "a/mask", "a/gen2", "a/gen"], datasets=["d/d", "d/d"]),
        space(2, models=["a/none", "gone/model"]),
        space(3, models=[]),
        space(4),
    ]
    _, stored = two(models, spaces)
    columns = ["models", "categories", "n_models", "datasets", "n_datasets"]
    assert stored.frame.sort("hub_id").select(columns).collect().rows() == [
        (["a/gen", "a/mask", "a/gen2"], ["fill-mask", "text-generation"], 3, ["d/d"], 1),
        (["a/none", "gone/model"], [], 2, [], 0),
        ([], [], 0, [], 0),
        ([], [], 0, [], 0),
    ]
    assert stored.notes["pairs"] == 5
    assert stored.notes["dangling pairs"] == 1
    assert stored.frame.collect_schema() == schemas.ENRICHED_SPACES.schema


def test_space_runtimes(two: Any) -> None:
    runtimes = [
        {"stage": "RUNNING", "hardware": {"current": "t4", "requested": "a10g"}},
        {"stage": "SLEEPING", "hardware": {"current": None, "requested": "a10g"}},
        {"stage": "BUILDING"},
        {"hardware": {"current": "cpu"}},
        None,
        "RUNNING",
    ]
    _, stored = two([], [space(number, runtime=one) for number, one in enumerate(runtimes)])
    assert stored.frame.sort("hub_id").select("stage", "hardware").collect().rows() == [
        ("RUNNING", "t4"),
        ("SLEEPING", "a10g"),
        ("BUILDING", None),
        (None, "cpu"),
        (None, None),
        (None, None),
    ]
    assert stored.notes["nulled runtime"] == 1


def test_an_empty_hub_makes_empty_tables(two: Any) -> None:
    models, spaces = two([], [])
    assert models.frame.collect().schema == schemas.MODELS.schema
    assert spaces.frame.collect().schema == schemas.ENRICHED_SPACES.schema
    assert (models.rows, spaces.rows) == (0, 0)
    assert spaces.notes["pairs"] == 0
