"""Printed lists, numbers, times and gates: read in every format, or named."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.scrape_formats import (
    AT,
    BASES,
    CSV,
    KEPT_BASES,
    PARQUET,
    TAGS,
    every_format,
)
from hf_assets_tests.support.hub.scrapes import DAY, read


@pytest.mark.parametrize(
    "printed",
    [
        str(np.array(TAGS)),
        str(np.array(TAGS, dtype=object)),
        repr(np.array(TAGS)),
        repr(np.array(TAGS, dtype=object)),
        str([np.array(TAGS, dtype=object)]),
        str([np.str_(tag) for tag in TAGS]),
        str(TAGS),
        json.dumps(TAGS),
        "[transformers, 'license:apache-2.0', text-generation, en, 'region:us', 'it\\'s']",
    ],
)
def test_a_printed_list_is_that_list_in_every_format(tmp_path: Path, printed: str) -> None:
    rows = [{"id": "a/x", "tags": printed}, {"id": "a/y", "tags": "[]"}]
    for found in every_format(tmp_path, rows):
        assert found.column("tags") == [TAGS, []]
        assert found.odd == []
    rows = [{"id": "a/x", "models": printed, "datasets": printed}]
    for found in every_format(tmp_path / "of", rows, "spaces"):
        assert found.column("models") == found.column("datasets") == [TAGS]


@pytest.mark.parametrize(
    "printed",
    [
        str(np.array(["x"] * 2000)),
        "['x', ...]",
        "[... ]",
        "['x', 'y",
        "{'x', 'y'}",
        "[{'x'}]",
        "('x', 'y')",
        "[('x', 'y')]",
        "[b'x']",
        "['x', 5]",
        "[['x'], ['y']]",
        "[{'x': ['y']}]",
        "{['x']: 'y'}",
        "['x' 'y', 'z']",
        "x, y",
        "[1 2]",
        "[" * 3000,
    ],
)
def test_what_is_no_list_of_texts_is_left_out_and_named_in_every_format(
    tmp_path: Path, printed: str
) -> None:
    rows = [{"id": "a/w", "tags": "['a']"}, {"id": "a/x", "tags": printed}, {"id": "a/y"}]
    for found in every_format(tmp_path, rows):
        assert found.column("tags") == [["a"], None, None]
        assert found.named == [(1, "tags")]
        assert found.day.unread == {}  # one value of it was read
    rows = [{"id": "a/x", "models": printed}]
    for found in every_format(tmp_path / "of", rows, "spaces"):
        assert found.column("models") == [None]
        assert found.named == [(0, "models")]
        assert "its only value is not" in found.day.unread["models"]
        assert "models" not in found.day.seen


@pytest.mark.parametrize("name", ["baseModels", "base_models"])
@pytest.mark.parametrize(
    ("printed", "wanted"),
    [
        (json.dumps(BASES), KEPT_BASES),
        (str(BASES), KEPT_BASES),
        (str({**BASES, "models": np.array(BASES["models"])}), KEPT_BASES),
        ("['q/r' 's/t']", {"relation": None, "models": [{"id": "q/r"}, {"id": "s/t"}]}),
    ],
)
def test_printed_base_models(tmp_path: Path, name: str, printed: str, wanted: Any) -> None:
    for found in every_format(tmp_path, [{"id": "a/x", name: printed}]):
        assert found.column("baseModels") == [wanted]
        assert found.odd == []


def test_bases_without_a_relation_leave_it_to_the_tags(tmp_path: Path) -> None:
    rows = [
        {"id": "a/x", "base_models": ["q/r"], "tags": ["base_model:merge:q/r"]},
        {"id": "a/y", "base_models": ["q/r"], "tags": ["en"]},
    ]
    bare = {"relation": None, "models": [{"id": "q/r"}]}
    for found in every_format(tmp_path, rows):
        assert found.column("baseModels") == [None, bare]


def test_no_number_is_no_value_in_any_format(tmp_path: Path) -> None:
    nan = float("nan")
    rows = [{"id": "a/x", "downloads": nan, "trendingScore": nan}, {"id": "a/y", "downloads": 3.0}]
    for found in every_format(tmp_path, rows):
        assert found.column("downloads") == [None, 3]
        assert found.column("trendingScore") == [None, None]
        assert found.odd == []
        assert found.day.unread == {}


def test_infinity_is_a_value_that_cannot_be(tmp_path: Path) -> None:
    rows = [{"id": "a/x", "trendingScore": float("inf")}, {"id": "a/y", "trendingScore": 3.5}]
    for found in every_format(tmp_path, rows):
        assert found.column("trendingScore") == [None, 3.5]
        assert found.named == [(0, "trendingScore")]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (1704164645, AT),
        (1704164645000, AT),
        (1704164645000.0, AT),
        (1704164645000000, AT),
        (1704164645000000000, AT),
        ("1704164645000", AT),
        ("1.704164645e+12", AT),
        ("2024-01-02 03:04:05+00:00", "2024-01-02T03:04:05Z"),
        ("2024-01-02 03:04:05+00", AT),
        ("2024-01-02T04:04:05.000+01:00", AT),
        ("2024-01-01 22:04:05-0500", AT),
        ("2024-01-02 03:04:05 UTC", AT),
        ("2024-01-02 03:04:05.000000001", AT),
        ("2024-01-02T03:04:05", AT),
        ("2024-01-02", "2024-01-02T00:00:00.000Z"),
        ("NaT", None),
    ],
)
@pytest.mark.parametrize("name", ["createdAt", "last_modified"])
def test_times_in_every_format(tmp_path: Path, said: Any, wanted: str | None, name: str) -> None:
    wire = {"createdAt": "createdAt", "last_modified": "lastModified"}[name]
    for found in every_format(tmp_path, [{"id": "a/x", name: said}, {"id": "a/y"}]):
        assert found.column(wire) == [wanted, None]
        assert found.odd == []
        zoneless = isinstance(said, str) and said.endswith(("5", "01", "02"))
        assert found.day.facts.get("times_without_zone") == ([wire] if zoneless else None)


@pytest.mark.parametrize(
    "said", [5, 20240102, 99999999999, "yesterday", "01/02/2024", "2024-02-30"]
)
def test_what_is_no_time_is_not_made_one(tmp_path: Path, lake: Lake, said: Any) -> None:
    for at, found in enumerate(every_format(tmp_path, [{"id": "a/x", "createdAt": said}])):
        assert "createdAt" in found.day.unread
        assert "createdAt" not in found.day.seen
        store, day = CaptureStore(lake, "raw_models"), f"2025-06-0{at + 1}"
        capture = from_archive(store, day, "models", found.day, lambda: dt.datetime.now(dt.UTC))
        made = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
        assert made.frame.collect()["created_at"].to_list() == [None]
        aside = made.aside("quarantine")
        assert aside is not None
        assert aside["field"].to_list() == ["createdAt"]
        assert capture.unread.keys() == {"createdAt"}


def test_times_of_arrow_without_a_zone_are_said(tmp_path: Path) -> None:
    at = dt.datetime(2024, 1, 2, 3, 4, 5)
    table = pa.table(
        {"id": ["a/x"], "createdAt": [at], "lastModified": [at.replace(tzinfo=dt.UTC)]}
    )
    pq.write_table(table, tmp_path / PARQUET)
    found = read(tmp_path)
    assert (found.rows[0]["createdAt"], found.rows[0]["lastModified"]) == (AT, AT)
    assert found.day.facts["times_without_zone"] == ["createdAt"]


def test_a_gate_that_says_only_that_it_is_one(tmp_path: Path) -> None:
    rows = [{"id": f"a/{n}", "gated": gate} for n, gate in enumerate([True, False, True])]
    for found in every_format(tmp_path, rows):
        assert found.column("gated") == ["true", "false", "true"]
        assert found.odd == []


def test_a_mixed_column_as_duckdb_writes_it(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a/1", "gated": False},
        {"id": "a/2", "gated": "auto"},
        {"id": "a/3"},
    ]
    rows += [{"id": "a/4", "gated": "manual", "tags": ["a", "b"]}, {"id": "a/5", "gated": True}]
    source = tmp_path / "source.json"
    source.write_text(json.dumps(rows))
    for name in (CSV, PARQUET):
        table: Any = duckdb.sql(f"select * from read_json('{source}')")
        table.write_csv(str(tmp_path / CSV))
        if name == PARQUET:
            (tmp_path / CSV).unlink()
            table.write_parquet(str(tmp_path / PARQUET))
            assert str(pq.read_schema(tmp_path / PARQUET).field("gated").type) == (
                "extension<arrow.json>"
            )
        found = read(tmp_path)
        assert found.column("gated") == ["false", "auto", None, "manual", "true"]
        assert found.column("tags") == [None, None, None, ["a", "b"], None]
        assert found.odd == []


def test_any_column_may_be_of_parquets_json_type(tmp_path: Path) -> None:
    said = {
        "id": ['"a/x"', '"a/y"'],
        "downloads": ["5.0", "null"],
        "tags": ['["a"]', '"oops"'],
        "safetensors": ['{"total": 7}', None],
        "pipeline_tag": ['"fill-mask"', "3"],
        "createdAt": ["1704164645000", None],
    }
    arrays = {name: pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts))
              for name, texts in said.items()}  # fmt: skip
    pq.write_table(pa.table(arrays), tmp_path / PARQUET)
    found = read(tmp_path)
    assert found.column("id") == ["a/x", "a/y"]
    assert found.column("downloads") == [5, None]
    assert found.column("tags") == [["a"], None]
    assert found.column("safetensors") == [{"total": 7}, None]
    assert found.column("pipeline_tag") == ["fill-mask", None]
    assert found.column("createdAt") == [AT, None]
    assert found.named == [(1, "pipeline_tag"), (1, "tags")]
