"""Ordinary days agree with their tables, whatever the format and the types."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage
from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.reconciliation.counts import counted
from hf_assets.hub.reconciliation.rules import reconciled
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.support.hub.reconciliation import (
    CREATED,
    DAY,
    Rows,
    as_csv,
    put,
    recovered,
)

MERGED = [{"id": "b/c"}, {"id": "d/e"}]
ORDINARY: Rows = [
    {
        "_id": f"65{at:022x}",
        "id": f"a/{at}",
        "createdAt": "2025-01-01T00:00:00.000Z",
        "lastModified": "2025-01-02T00:00:00.000Z",
        "downloads": 7 * at,
        "likes": at,
        "trendingScore": 2.8000000000000003 * at,
        "pipeline_tag": [None, "", "fill-mask"][at % 3],
        "tags": [["license:mit"], [], None, ["base_model:merge:b/c", "x"]][at % 4],
        "gated": [False, "auto", "manual", None][at % 4],
        "private": at % 5 == 0,
        "safetensors": [None, {"total": at, "parameters": {"F16": at}}][at % 2],
        "gguf": [{"total": 2 * at}, None, None][at % 3],
        "baseModels": [None, {"relation": "merge", "models": MERGED}][at % 2],
        "usedStorage": 10**15 + at,
    }
    for at in range(40)
]  # fmt: skip


@pytest.mark.parametrize("name", [f"{DAY}.json", f"{DAY}.jsonl", f"{DAY}.csv", f"{DAY}.parquet"])
def test_an_ordinary_day_agrees_whatever_its_format(tmp_path: Path, lake: Lake, name: str) -> None:
    frame = pl.DataFrame(
        [row | {"gated": row["gated"] and str(row["gated"])} for row in ORDINARY],
        infer_schema_length=None,
    )
    content: Any = {
        "json": json.dumps(ORDINARY),
        "jsonl": "\n".join(map(json.dumps, ORDINARY)),
        "csv": as_csv(ORDINARY, lambda tags: tags),
        "parquet": frame.to_arrow(),
    }[name.split(".")[-1]]
    folder = tmp_path / "days"
    folder.mkdir()
    put(folder / name, content)
    stored, capture = recovered(lake, folder, "models")
    said = reconciled(stored, capture)
    assert said.passed, said.description
    assert said.metadata["numbers compared"] > 20
    assert capture.unread == {}


def test_an_ordinary_day_of_spaces_agrees(tmp_path: Path, lake: Lake) -> None:
    rows = [
        {"id": f"a/{at}", "likes": at, "sdk": "gradio", "models": ["m/x", "m/y", "m/x"][: at % 4],
         "datasets": None, "tags": ["license:mit"], "private": False}
        for at in range(9)
    ]  # fmt: skip
    (tmp_path / "days").mkdir()
    put(tmp_path / "days" / f"spaces_{DAY}.json", json.dumps(rows))
    stored, capture = recovered(lake, tmp_path / "days", "spaces")
    said = reconciled(stored, capture)
    assert said.passed, said.description


DATASETS = [
    {"id": f"a/{at}", "downloads": at, "downloadsAllTime": 10 * at, "likes": at % 3,
     "trendingScore": at / 2, "tags": ["license:mit", "language:en"][: at % 3],
     "gated": ["auto", "manual", False][at % 3], "private": at == 3, "disabled": at in (4, 5),
     "mainSize": 2**40 + at, "usedStorage": -1 if at == 6 else 7,
     "createdAt": f"2024-01-0{at + 1}T00:00:00.000Z"}
    for at in range(9)
]  # fmt: skip


@pytest.mark.parametrize("suffix", ["json", "csv", "parquet"])
def test_an_ordinary_day_of_datasets_agrees(tmp_path: Path, lake: Lake, suffix: str) -> None:
    folder = tmp_path / "days"
    folder.mkdir()
    rows = [row | {"gated": str(row["gated"]).lower()} for row in DATASETS]
    content = {
        "json": lambda: json.dumps({"datasets": DATASETS}),
        "csv": lambda: as_csv(rows, json.dumps),
        "parquet": lambda: pl.DataFrame(rows).to_arrow(),
    }[suffix]()
    put(folder / f"datasets_{DAY}.{suffix}", content)
    stored, capture = recovered(lake, folder, "datasets")
    said = reconciled(stored, capture)
    assert said.passed, said.description
    assert said.metadata["numbers compared"] > 20
    assert capture.unread == {}
    assert stored.frame.select("used_storage").collect()["used_storage"].to_list().count(0) == 1


FAULTS = {
    "main_size": (0, "sum of mainSize: 9,895,604,650,020 in the file"),
    "disabled": (False, "disabled rows: 2 in the file, 0 in the table"),
    "downloads": (1, "sum of downloads: 36 in the file, 9 in the table"),
    "tags": ([], "rows with a licence: 6 in the file, 0 in the table"),
}


@pytest.mark.parametrize("column", FAULTS)
def test_a_changed_column_of_datasets_is_an_error(tmp_path: Path, lake: Lake, column: str) -> None:
    (tmp_path / "days").mkdir()
    put(tmp_path / "days" / f"datasets_{DAY}.json", json.dumps(DATASETS))
    stored, capture = recovered(lake, tmp_path / "days", "datasets")
    value, words = FAULTS[column]
    frame = stored.frame.collect().to_dicts()
    changed = pl.DataFrame(
        [row | {column: value, "license": row["license"] if value != [] else None}
         for row in frame],
        schema=schemas.HUB_DATASETS.schema,
    )  # fmt: skip
    write = TableWrite([changed], provenance=stored.provenance)
    said = reconciled(lake.write(schemas.HUB_DATASETS, DAY, write), capture)
    assert (said.passed, said.severity) == (False, "ERROR")
    assert words in said.description


def test_a_column_that_no_reader_took_is_unread(tmp_path: Path, lake: Lake) -> None:
    path = put(tmp_path / "a.csv", "id,Trending Score,LIKES,sha\na/x,4,1,0\n")
    row = {"_id": "name:a/x", "id": "a/x", "likes": 1}
    page = ArchivedPage(json.dumps([row]).encode(), ["name:a/x"])
    noon = datetime.fromisoformat(f"{DAY}T12:00:00+00:00")
    found = ArchivedDay("a.csv", noon, {"source": "folder"}, lambda: iter([page]))
    found.path, found.seen = path, {"_id", "id", "likes"}
    capture = from_archive(CaptureStore(lake, "raw_models"), DAY, "models", found, lambda: noon)
    reason = "looks like `trendingScore` and was not read"
    assert capture.unread == {"Trending Score": reason}
    stored = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    said = reconciled(stored, capture)
    assert (said.passed, said.severity) == (False, "WARN")
    assert said.description == (
        "sum of trendingScore in millionths: 4,000,000 in the file, 0 in the table; "
        "rows with trendingScore: 1 in the file, 0 in the table."
    )


ODD_TYPES: dict[str, pl.Series] = {
    "bool": pl.Series([True, None]),
    "date": pl.Series([date(2024, 1, 1), None]),
    "datetime": pl.Series([CREATED, None]),
    "time": pl.Series([None, CREATED.time()]),
    "binary": pl.Series([b"\xff", None]),
    "decimal": pl.Series(["1.50", None]).cast(pl.Decimal(9, 2)),
    "category": pl.Series(["a", None], dtype=pl.Categorical),
    "float32": pl.Series([1.5, float("nan")], dtype=pl.Float32),
    "uint64": pl.Series([2**64 - 1, 1], dtype=pl.UInt64),
    "nothing": pl.Series([None, None], dtype=pl.Null),
    "numbers": pl.Series([[1, 2], None]),
    "lists": pl.Series([[["a"]], None]),
    "empty lists": pl.Series([[], None], dtype=pl.List(pl.Null)),
    "array": pl.Series([["a", "b"], None], dtype=pl.Array(pl.String, 2)),
    "objects": pl.Series([{"total": "x", "models": None}, None]),
    "lists of objects": pl.Series([[{"id": "a"}], None]),
}


@pytest.mark.parametrize("name", ODD_TYPES)
def test_no_type_of_a_column_is_an_error(tmp_path: Path, name: str) -> None:
    fields: tuple[tuple[Kind, tuple[str, ...]], ...] = (
        ("models", ("_id", "likes", "tags", "gguf", "createdAt", "gated", "baseModels")),
        ("spaces", ("id", "sdk", "models", "private", "trendingScore")),
        ("datasets", ("_id", "mainSize", "disabled", "tags", "gated", "lastModified")),
    )  # fmt: skip
    for kind, names in fields:
        for field_ in names:
            columns = {"modelId": ["a/x", "a/y"], field_: ODD_TYPES[name]}
            path = put(tmp_path / "a.parquet", pl.DataFrame(columns).to_arrow())
            counts = counted(path, kind, "", many=False)
            assert "uncounted" not in counts, (field_, counts)
            assert counts["rows"] == 2 or field_ == "id"
