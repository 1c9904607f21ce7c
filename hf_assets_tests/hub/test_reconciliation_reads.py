"""Recorded files that people have, against the tables that the readers themselves make of them."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from hf_assets.hub import reconciliation
from hf_assets.hub.capture import Capture
from hf_assets.hub.reconciliation import reconciled
from hf_assets.hub.reconciliation_counts import counted
from hf_assets.hub.rows import Kind
from hf_assets.lake import Lake, Stored
from hf_assets.verdict import Verdict
from hf_assets_tests.hub.test_reconciliation import DAY, put, recovered, verdict


def made(
    lake: Lake, folder: Path, name: str, content: Any, kind: Kind = "models"
) -> tuple[Stored, Capture, Verdict]:
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
    assert (said.passed, said.warn) == (False, True)
    assert said.says == f"{column} could not be counted: none of its 1 values is clear."


def test_a_score_beyond_all_scores_is_compared(tmp_path: Path, lake: Lake) -> None:
    stored, _, said = made(lake, tmp_path, f"{DAY}.csv", "id,trendingScore\na/x,1e15\na/y,2\n")
    assert stored.frame.collect()["trending_score"].to_list() == [1e15, 2.0]
    assert said.figures["compared"]
    assert said.says.endswith("numbers agree."), said.says


def test_a_file_without_rows_has_every_count(tmp_path: Path, lake: Lake) -> None:
    path = put(tmp_path / "a.jsonl", "")
    counts = counted(path, "models", "", many=False)
    full = counted(put(tmp_path / "b.jsonl", '{"id": "a/x"}'), "models", "", many=False)
    assert counts.keys() == full.keys()
    said = verdict(lake, path, [{"id": "a/x"}])
    assert said.says == "rows: 0 in the file, 1 in the table."


def test_whatever_goes_wrong_is_a_warning(
    tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(stored: Stored, fields: Any) -> Any:
        del stored, fields
        raise pl.exceptions.InvalidOperationError("no such thing")

    path = put(tmp_path / "a.jsonl", '{"id": "a/x"}')
    monkeypatch.setattr(reconciliation, "_of_table", broken)
    said = verdict(lake, path, [{"id": "a/x"}])
    assert (said.passed, said.warn) == (False, True)
    assert said.says == (
        "The file and the table could not be compared (InvalidOperationError: no such thing): "
        "compare them by hand."
    )
    assert said.figures == {"compared": False}


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
    assert said.passed, said.says
    assert capture.facts["unread"] == {}


def test_names_may_be_words_for_nothing(tmp_path: Path, lake: Lake) -> None:
    content = "id,author\nNULL,NA\nNA,N/A\n\\N,NULL\na/x,\\N\n"
    stored, _, said = made(lake, tmp_path, f"{DAY}.csv", content)
    authors = dict(stored.frame.select("id", "author").collect().iter_rows())
    assert authors == {"NULL": "NA", "NA": "N/A", "\\N": None, "a/x": "a"}
    assert said.passed, said.says


def test_a_typed_value_of_parquet_is_absent_alike(tmp_path: Path, lake: Lake) -> None:
    times = ["\\N", "2024-01-01"]
    content = pa.table({"id": ["a/x", "a/y"], "likes": ["NA", "3"], "createdAt": times})
    stored, _, said = made(lake, tmp_path, f"{DAY}.parquet", content)
    assert stored.frame.collect()["likes"].to_list() == [None, 3]
    assert stored.notes["nulled"] == 0
    assert said.passed, said.says
