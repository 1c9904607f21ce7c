"""Captures → `models`: typed, and nothing invented."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.client import listing
from hf_assets.hub.client.rows import DECODER
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake, StoredTable, iso
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import (
    Row,
    by_id,
    captured,
    hub_id,
    made_models,
    made_spaces,
    model,
    recorded,
)


@pytest.fixture
def made(hub: ServeHub, lake: Lake, tmp_path: Path) -> Any:
    """`models` of rows written by hand, by way of HTTP, a capture and Parquet."""

    def made(*rows: Row, **faults: Any) -> StoredTable:
        return made_models(lake, hub(recorded(tmp_path / "hub", rows), Faults(**faults)))

    return made


def one(stored: StoredTable) -> Row:
    (row,) = stored.frame.collect().iter_rows(named=True)
    return row


def test_a_whole_row(made: Any) -> None:
    stored = made(
        {
            "_id": hub_id(1),
            "id": "google/bert",
            "author": "google",
            "createdAt": "2023-05-06T07:08:09.123Z",
            "lastModified": "2024-01-02T03:04:05.000Z",
            "downloads": 10,
            "downloadsAllTime": 1000,
            "likes": 7,
            "trendingScore": 2.8000000000000003,
            "pipeline_tag": "fill-mask",
            "library_name": "transformers",
            "tags": ["bert", "license:mit", "license:apache-2.0", "base_model:a/b"],
            "gated": "manual",
            "private": False,
            "safetensors": {"parameters": {"F32": 5}, "total": 5},
            "gguf": {"total": 9},
            "baseModels": {"relation": "finetune", "models": [{"_id": "x", "id": "google/base"}]},
            "usedStorage": 2**40,
        }
    )
    assert stored.frame.collect_schema() == schemas.MODELS.schema
    assert one(stored) == {
        "day": date(2026, 11, 20),
        "hub_id": hub_id(1),
        "id": "google/bert",
        "author": "google",
        "created_at": datetime(2023, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC),
        "last_modified": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        "year": 2023,
        "floor_dated": False,
        "downloads": 10,
        "downloads_all_time": 1000,
        "likes": 7,
        "trending_score": 2.8000000000000003,
        "category": "fill-mask",
        "library": "transformers",
        "license": "mit",
        "tags": ["bert", "license:mit", "license:apache-2.0", "base_model:a/b"],
        "gated": "manual",
        "private": False,
        "parameters": 5,
        "base_models": [{"id": "google/base", "relation": "finetune"}],
        "used_storage": 2**40,
    }
    assert stored.notes["rows"] == stored.notes["served"] == 1
    assert stored.notes["nulled"] == stored.notes["quarantined"] == stored.notes["doubled"] == 0
    assert stored.aside("quarantine") is None


def test_what_the_hub_does_not_say_stays_null(made: Any) -> None:
    stored = made({"_id": hub_id(1), "id": "gpt2"})
    said = {name: value for name, value in one(stored).items() if value is not None}
    assert said == {"day": date(2026, 11, 20), "hub_id": hub_id(1), "id": "gpt2"}
    assert stored.notes["nulled"] == 0
    assert stored.notes["without category"] == 1


def test_categories_are_never_invented(made: Any) -> None:
    stored = made(
        model(1, tags=["text-generation", "transformers"], library_name="transformers"),
        model(2, pipeline_tag="text-generation"),
        model(3, pipeline_tag="never-heard-of"),
        model(4, pipeline_tag=None),
    )
    found = stored.frame.collect().sort("hub_id")["category"].to_list()
    assert found == [None, "text-generation", "never-heard-of", None]
    assert stored.notes["without category"] == 2


AUTHORS = [
    ({"id": "a/b"}, "a"),
    ({"id": "a/b", "author": "other"}, "other"),
    ({"id": "gpt2"}, None),
    ({"id": "a/b/c"}, "a"),
    ({"id": "/b"}, None),
    ({"id": "/"}, None),
]


def test_the_author_is_served_or_the_first_part_of_the_id(made: Any) -> None:
    stored = made(*({"_id": hub_id(number), **row} for number, (row, _) in enumerate(AUTHORS)))
    authors = stored.frame.collect().sort("hub_id").select("id", "author").rows()
    assert authors == [(row["id"], author) for row, author in AUTHORS]


def test_negative_counters_are_clipped_and_counted(made: Any) -> None:
    stored = made(
        model(1, downloads=-5, downloadsAllTime=-1, likes=-(2**63), trendingScore=-0.5),
        model(2, downloads=-1, downloadsAllTime=3, likes=0, trendingScore=0),
        model(3, downloads=7, likes=2, trendingScore=1.5),
    )
    counters = ["downloads", "downloads_all_time", "likes", "trending_score"]
    assert stored.frame.sort("hub_id").select(counters).collect().rows() == [
        (0, 0, 0, 0.0),
        (0, 3, 0, 0.0),
        (7, None, 2, 1.5),
    ]
    clipped = {name: count for name, count in stored.notes.items() if "clipped" in name}
    assert clipped == {
        "clipped downloads": 2,
        "clipped downloadsAllTime": 1,
        "clipped likes": 1,
        "clipped trendingScore": 1,
    }


def test_the_floor_date_is_flagged(made: Any) -> None:
    stored = made(
        model(1) | {"createdAt": "2022-03-02T23:29:04.000Z"},
        model(2) | {"createdAt": "2022-03-02T23:29:05.000Z"},
        model(3) | {"createdAt": "2022-03-03T00:00:00.000Z"},
        {"_id": hub_id(4), "id": "x/y"},
    )
    frame = stored.frame.sort("hub_id").select("floor_dated", "year").collect()
    assert frame.rows() == [(True, 2022), (True, 2022), (False, 2022), (None, None)]
    assert stored.notes["floor dated"] == 2


def test_a_date_that_is_none_is_null_and_counted(made: Any) -> None:
    stored = made(
        model(1) | {"createdAt": "yesterday"},
        model(2) | {"createdAt": "2024-02-30T00:00:00.000Z"},
        model(3, lastModified="2024-13-01T00:00:00.000Z"),
        model(4, lastModified="2024-05-01T00:00:00Z"),
    )
    frame = by_id(stored)
    assert frame["author1/model-0001"]["created_at"] is None
    assert frame["author2/model-0002"]["created_at"] is None
    assert frame["author0/model-0003"]["last_modified"] is None
    assert frame["author1/model-0004"]["last_modified"] == datetime(2024, 5, 1, tzinfo=UTC)
    assert stored.notes["nulled createdAt"] == 2
    assert stored.notes["nulled lastModified"] == 1


LICENSES = [
    (["license:mit"], "mit"),
    (["x", "license:other", "license:mit"], "other"),
    (["License:mit", "a-license:mit"], None),
    (["license:"], ""),
    ([], None),
    (None, None),
]


def test_the_license_is_the_first_license_tag(made: Any) -> None:
    stored = made(*(model(number, tags=tags) for number, (tags, _) in enumerate(LICENSES)))
    licenses = stored.frame.collect().sort("hub_id")["license"].to_list()
    assert licenses == [name for _, name in LICENSES]


BASES = [
    (None, ["base_model:a/b"], [("a/b", None)]),
    (None, ["base_model:a/b", "base_model:finetune:a/b"], [("a/b", "finetune")]),
    (None, ["base_model:adapter:a/b", "base_model:c/d", "base_model:a/b"],
     [("a/b", "adapter"), ("c/d", None)]),
    (None, ["base_model:merge:a/b", "base_model:merge:c/d"], [("a/b", "merge"), ("c/d", "merge")]),
    (None, ["base_model:quantized:a/b"], [("a/b", "quantized")]),
    (None, ["base_model:unheard:a/b"], [("unheard:a/b", None)]),
    (None, ["base_model:"], None),
    (None, ["base_models:a/b", "x"], None),
    (None, None, None),
    ({"relation": "finetune", "models": [{"id": "a/b"}]}, ["base_model:adapter:c/d"],
     [("a/b", "finetune")]),
    ({"relation": "merge", "models": [{"id": "a/b"}, {"id": "c/d"}]}, None,
     [("a/b", "merge"), ("c/d", "merge")]),
    ({"models": [{"id": "a/b"}]}, None, [("a/b", None)]),
    ({"relation": "merge"}, ["base_model:finetune:c/d"], [("c/d", "finetune")]),
]  # fmt: skip


def test_base_models_are_served_or_read_from_tags(made: Any) -> None:
    stored = made(
        *(
            model(number, baseModels=served, tags=tags)
            for number, (served, tags, _) in enumerate(BASES)
        )
    )
    found = stored.frame.collect().sort("hub_id")["base_models"].to_list()
    for (served, tags, wanted), bases in zip(BASES, found, strict=True):
        as_pairs = bases and sorted((base["id"], base["relation"]) for base in bases)
        assert as_pairs == (wanted and sorted(wanted)), (served, tags)


PARAMETERS = [
    ({"safetensors": {"total": 5}, "gguf": {"total": 6}}, 5),
    ({"gguf": {"total": 6}}, 6),
    ({"safetensors": {"parameters": {"F32": 1}}, "gguf": {"total": 6}}, 6),
    ({"safetensors": {}}, None),
    ({"safetensors": None, "gguf": None}, None),
]


def test_parameters_are_of_safetensors_else_of_gguf(made: Any) -> None:
    stored = made(*(model(number, **fields) for number, (fields, _) in enumerate(PARAMETERS)))
    parameters = stored.frame.collect().sort("hub_id")["parameters"].to_list()
    assert parameters == [count for _, count in PARAMETERS]


def test_a_damaged_capture_makes_no_table(hub: ServeHub, lake: Lake) -> None:
    served = hub(GeneratedHub(50, 0, day=iso(DAY)))
    capture = captured(lake, served)
    before = made_models(lake, served)
    content = before.path.read_bytes()
    (page,) = capture.folder.glob("*/000000.json.zst")
    page.write_bytes(page.read_bytes()[:-20])
    with pytest.raises(CorruptCapture, match=re.escape(str(page))):
        lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    assert before.path.read_bytes() == content
    assert [path.name for path in before.path.parent.iterdir()] == ["data.parquet"]


def test_the_table_says_where_it_comes_from(hub: ServeHub, lake: Lake) -> None:
    served = hub(GeneratedHub(50, 20, day=iso(DAY)))
    models = made_models(lake, served)
    capture = captured(lake, served)
    assert models.provenance == {"raw_models": capture.provenance}
    assert models.provenance["raw_models"]["endpoint"] == served.url
    assert set(made_spaces(lake, served, models).provenance) == {"raw_spaces"}


def test_a_capture_records_which_pages_the_decoder_took(
    hub: ServeHub, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    rows = [model(1), model(2), model(3, likes="many"), model(4)]
    capture = captured(lake, hub(recorded(tmp_path / "hub", rows)))
    taken = [line.decoded for line in capture.records]
    assert sorted(taken, key=str) == sorted([None, DECODER["models"]], key=str)
    stored = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    assert stored.rows == 4
    assert stored.notes["nulled likes"] == 1
