"""Recorded files that people have, against the tables that the readers themselves make of them."""

import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.reconciliation import rules
from hf_assets.hub.reconciliation.counts import counted
from hf_assets.hub.reconciliation.rules import reconciled
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.support.hub.reconciliation import DAY, put, recovered, verdict


def made(
    lake: Lake, folder: Path, name: str, content: Any, kind: Kind = "models"
) -> tuple[StoredTable, Capture, RuleResult]:
    """The table of a day of one file, its capture, and what the check says of both."""
    days = folder / "days"
    days.mkdir(exist_ok=True)
    put(days / name, content)
    stored, capture = recovered(lake, days, kind)
    return stored, capture, reconciled(stored, capture)


@pytest.mark.parametrize("items", [[[{"name": "a"}]], [[["a", "b"]]], [[1, 2]]])
@pytest.mark.parametrize(("kind", "column"), [("models", "tags"), ("spaces", "models")])
def test_lists_of_something_else_are_not_counted(
    tmp_path: Path, lake: Lake, items: list[Any], kind: Kind, column: str
) -> None:
    content = pa.table({"id": ["a/x"], column: pa.array(items)})
    path = put(tmp_path / "a.parquet", content)
    counts = counted(path, kind, "", many=False)["fields"][column]
    assert counts["invalid"] == 1
    assert {counts[one] for one in ("items", "rows", "largest", "licences")} == {0}
    said = verdict(lake, path, [{"id": "a/x"}], kind)
    assert (said.passed, said.severity) == (False, "WARN")
    assert said.description == f"{column} could not be counted: none of its 1 values is clear."


def test_a_score_beyond_all_scores_is_compared(tmp_path: Path, lake: Lake) -> None:
    stored, _, said = made(lake, tmp_path, f"{DAY}.csv", "id,trendingScore\na/x,1e15\na/y,2\n")
    assert stored.frame.collect()["trending_score"].to_list() == [1e15, 2.0]
    assert said.metadata["compared"]
    assert said.description.endswith("numbers agree."), said.description


def test_a_file_without_rows_has_every_count(tmp_path: Path, lake: Lake) -> None:
    path = put(tmp_path / "a.jsonl", "")
    counts = counted(path, "models", "", many=False)
    full = counted(put(tmp_path / "b.jsonl", '{"id": "a/x"}'), "models", "", many=False)
    assert counts.keys() == full.keys()
    said = verdict(lake, path, [{"id": "a/x"}])
    assert said.description == "rows: 0 in the file, 1 in the table."


def test_whatever_goes_wrong_is_a_warning(
    tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(stored: StoredTable, fields: Any) -> Any:
        del stored, fields
        raise pl.exceptions.InvalidOperationError("no such thing")

    path = put(tmp_path / "a.jsonl", '{"id": "a/x"}')
    monkeypatch.setattr(rules, "_table_numbers", broken)
    said = verdict(lake, path, [{"id": "a/x"}])
    assert (said.passed, said.severity) == (False, "WARN")
    assert said.description == (
        "The file and the table could not be compared (InvalidOperationError: no such thing): "
        "compare them by hand."
    )
    assert said.metadata == {"compared": False}


ABSENT = ["", "NULL", "null", "None", "NONE", "NaN", "nat", "<NA>", "\\N", "NA", "n/a", " N/A "]


@pytest.mark.parametrize("cell", ABSENT)
def test_an_absent_value_is_none_however_it_is_written(
    tmp_path: Path, lake: Lake, cell: str
) -> None:
    columns = "pipeline_tag,library_name,likes,createdAt,private,tags,gated,trendingScore"
    content = f"id,{columns}\na/x{f',{cell}' * 8}\na/y,fill-mask,x,3,2024-01-01,true,['t'],auto,1\n"
    stored, capture, said = made(lake, tmp_path, f"{DAY}.csv", content)
    frame = stored.frame.collect()
    names = ("category", "library", "likes", "created_at", "private", "tags", "gated")
    assert {name: frame[name].to_list()[0] for name in names} == dict.fromkeys(names)
    assert frame.select(names[:3]).row(1) == ("fill-mask", "x", 3)
    assert said.passed, said.description
    assert capture.unread == {}


def test_names_may_be_words_for_nothing(tmp_path: Path, lake: Lake) -> None:
    content = "id,author\nNULL,NA\nNA,N/A\n\\N,NULL\na/x,\\N\n"
    stored, _, said = made(lake, tmp_path, f"{DAY}.csv", content)
    authors = dict(stored.frame.select("id", "author").collect().iter_rows())
    assert authors == {"NULL": "NA", "NA": "N/A", "\\N": None, "a/x": "a"}
    assert said.passed, said.description


def test_a_typed_value_of_parquet_is_absent_alike(tmp_path: Path, lake: Lake) -> None:
    times = ["\\N", "2024-01-01"]
    content = pa.table({"id": ["a/x", "a/y"], "likes": ["NA", "3"], "createdAt": times})
    stored, _, said = made(lake, tmp_path, f"{DAY}.parquet", content)
    assert stored.frame.collect()["likes"].to_list() == [None, 3]
    assert stored.notes["nulled"] == 0
    assert said.passed, said.description


BASED = {"id": "a/x", "tags": ["base_model:a/y"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [("base_models", []), ("baseModels", {}), ("baseModels", None), ("base_models", "[]"),
     ("baseModels", {"models": []}), ("baseModels", {"relation": "finetune", "models": []}),
     ("baseModels", {"relation": "finetune", "models": None})],
)  # fmt: skip
@pytest.mark.parametrize("end", ["json", "jsonl", "parquet"])
def test_bases_in_tags_count_where_the_field_says_none(
    tmp_path: Path, lake: Lake, field: str, value: Any, end: str
) -> None:
    rows = [BASED | {field: value}, {"id": "a/z", field: value}]
    content: Any = json.dumps(rows) if end == "json" else "\n".join(map(json.dumps, rows))
    if end == "parquet":
        if value == {}:
            return
        content = pa.Table.from_pylist(rows)
    stored, _, said = made(lake, tmp_path, f"{DAY}.{end}", content)
    (first,) = stored.frame.filter(pl.col("id") == "a/x").collect()["base_models"].to_list()
    assert first == [{"id": "a/y", "relation": None}]
    assert said.passed, said.description


def test_weights_that_the_run_names_as_unread_are_a_warning(tmp_path: Path, lake: Lake) -> None:
    content = pa.table({"id": ["a/x"], "safetensors": pa.array([7], pa.int64())})
    _, capture, said = made(lake, tmp_path, f"{DAY}.parquet", content)
    assert capture.unread == {"safetensors": "a column of int64"}
    assert (said.passed, said.severity) == (False, "WARN")
    assert "sum of parameters: 7 in the file, 0 in the table" in said.description


@pytest.mark.parametrize(
    ("cell", "total"),
    [("{'chat_template': 'total: 3', 'total': 9}", 9), ("{'total': 9, 'x': 'total: 3'}", 9),
     ('{"a": "\\"total\\": 3", "total": 9}', 9), ("Info(total=9, x='total=3')", 9),
     ("{'chat_template': 'total: 3'}", None), ("9", None)],
)  # fmt: skip
def test_a_total_in_a_text_is_no_total(
    tmp_path: Path, lake: Lake, cell: str, total: int | None
) -> None:
    quoted = cell.replace('"', '""')
    stored, _, said = made(lake, tmp_path, f"{DAY}.csv", f'id,gguf\na/x,"{quoted}"\n')
    assert stored.frame.collect()["parameters"].to_list() == [total]
    assert said.passed or said.severity == "WARN", said.description
    assert said.passed or total is None, said.description


@pytest.mark.parametrize("name", ["likes", "usedStorage", "downloads"])
def test_counters_with_an_exponent_are_read(tmp_path: Path, lake: Lake, name: str) -> None:
    content = f"id,{name}\na/x,1e+05\na/y,12345\na/z,2.5e3\na/w,1E3\na/v,1.5e0\na/u,1e-2\n"
    stored, _, said = made(lake, tmp_path, f"{DAY}.csv", content)
    column = "used_storage" if name == "usedStorage" else name
    found = dict(stored.frame.select("id", column).collect().iter_rows())
    wanted = {"a/x": 100_000, "a/y": 12345, "a/z": 2500, "a/w": 1000, "a/v": None, "a/u": None}
    assert found == wanted
    assert stored.notes[f"nulled {name}"] == 2
    assert said.passed, said.description


@pytest.mark.parametrize(
    "end", ["csv", "json", "parquet", "text parquet", "float csv", "letters csv"]
)
def test_private_may_be_zero_or_one(tmp_path: Path, lake: Lake, end: str) -> None:
    rows = [
        {"id": "a/x", "private": 1},
        {"id": "a/y", "private": 0},
        {"id": "a/z", "private": None},
    ]
    contents = {
        "csv": "id,private\na/x,1\na/y,0\na/z,\n",
        "letters csv": "id,private\na/x,t\na/y,f\na/z,\n",
        "float csv": "id,private\na/x,1.0\na/y,0.0\na/z,\n",
        "json": json.dumps(rows),
        "parquet": pa.Table.from_pylist(rows),
        "text parquet": pa.table({"id": ["a/x", "a/y", "a/z"], "private": ["1", "0", None]}),
    }
    name = f"{DAY}.{end.split()[-1]}"
    stored, capture, said = made(lake, tmp_path, name, contents[end])
    frame = stored.frame.collect()
    found = dict(frame.select("id", "private").iter_rows())
    assert found == {"a/x": True, "a/y": False, "a/z": None}
    assert capture.unread == {}
    assert said.passed, said.description
    assert said.metadata["numbers compared"] >= 3


def test_private_is_nothing_between_zero_and_one(tmp_path: Path, lake: Lake) -> None:
    content = '[{"id": "a/x", "private": 2}, {"id": "a/y", "private": 0.5}]'
    stored, _, said = made(lake, tmp_path, f"{DAY}.json", content)
    assert stored.frame.collect()["private"].to_list() == [None, None]
    assert said.passed or said.severity == "WARN", said.description


TAGS = ["time series", "license:mit", "ünï", "100", "true", "1.5", "base_model:a/b", "a, b", "it's"]


@pytest.mark.parametrize("tags", [TAGS, TAGS[:2], TAGS[1:], ["en"], ["license:mit", "100"]])
def test_lists_of_duckdb_are_read_and_counted(tmp_path: Path, lake: Lake, tags: list[str]) -> None:
    (tmp_path / "days").mkdir()
    path = tmp_path / "days" / f"{DAY}.csv"
    rows = pl.DataFrame({"id": ["a/x", "a/y"], "tags": [tags, ["fr", "de"]]}).to_arrow()  # noqa: F841
    duckdb.sql(f"COPY (SELECT * FROM rows) TO '{path}' (HEADER)")
    stored, capture = recovered(lake, tmp_path / "days", "models")
    assert stored.frame.sort("id").collect()["tags"].to_list() == [tags, ["fr", "de"]]
    said = reconciled(stored, capture)
    assert said.passed, said.description
    lost = verdict(lake, path, [{"id": "a/x"}, {"id": "a/y"}])
    assert not lost.passed


def test_what_spaces_use_counts_once_in_lists_of_duckdb(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", 'id,models\na/x,"[m/x, m/y, m/x, NULL]"\n')
    assert counted(path, "spaces", "", many=False)["fields"]["models"]["items"] == 2
