"""What of a recorded file says its rows, their columns and their day, under whatever name."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.reconciliation.rules import reconciled
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.reconciliation import recovered
from hf_assets_tests.support.hub.scrapes import DAY, read, scrape

ONE = {"id": "a/s", "likes": 1, "models": ["m/1"]}


@pytest.mark.parametrize("rows", [[ONE], [ONE, ONE | {"id": "a/t", "likes": 2}]])
@pytest.mark.parametrize("name", [f"spaces_{DAY}.json", "spaces.json"])
def test_an_object_with_an_id_is_a_row_whatever_it_lists(
    tmp_path: Path, lake: Lake, rows: list[Any], name: str
) -> None:
    rows = [row | {"day": DAY} for row in rows]
    (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read(tmp_path, "spaces")
    assert [row["id"] for row in found.rows] == [row["id"] for row in rows]
    assert found.column("models") == [["m/1"]] * len(rows)
    stored, capture = recovered(lake, tmp_path, "spaces")
    said = reconciled(stored, capture)
    assert said.passed, said.description
    assert said.metadata["rows, file"] == len(rows)


def test_an_object_of_lists_is_none(tmp_path: Path) -> None:
    content = {"date": DAY, "models": [{"id": "a/x"}], "spaces": [ONE]}
    (tmp_path / f"models_{DAY}.json").write_text(json.dumps(content))
    assert read(tmp_path).column("id") == ["a/x"]
    assert read(tmp_path, "spaces").column("id") == ["a/s"]


@pytest.mark.parametrize("end", ["csv", "json", "parquet"])
def test_the_table_s_own_names_are_read(tmp_path: Path, lake: Lake, end: str) -> None:
    row = {"hub_id": "65a", "id": "a/x", "category": "fill-mask", "library": "spacy"}
    path = tmp_path / f"models_{DAY}.{end}"
    if end == "parquet":
        pq.write_table(pa.Table.from_pylist([row]), path)
    elif end == "json":
        path.write_text(json.dumps([row]))
    else:
        path.write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    stored, capture = recovered(lake, tmp_path, "models")
    frame = stored.frame.select("hub_id", "id", "category", "library").collect()
    assert frame.row(0) == tuple(row.values())
    assert capture.unread == {}
    said = reconciled(stored, capture)
    assert said.passed, said.description
    assert said.metadata["numbers compared"] == 3


def test_columns_that_the_tables_make_themselves_are_named(tmp_path: Path) -> None:
    content = "id,license,parameters\na/x,mit,5\n"
    assert scrape(tmp_path, f"models_{DAY}.csv", content).day.unread == {
        "license": "not read: the tables take it from `tags`",
        "parameters": "not read: the tables take it from `safetensors` or `gguf`",
    }
    more = "id,license,parameters,tags,gguf\na/x,mit,5,['license:mit'],{'total': 5}\n"
    assert scrape(tmp_path, f"models_{DAY}.csv", more).day.unread == {}


@pytest.mark.parametrize("name", ["model_name", "name", "Model"])
def test_a_column_that_may_hold_ids_is_hinted_at(tmp_path: Path, name: str) -> None:
    said = f"no column `id`.*: rename `{name}` if its values are `author/name`"
    with pytest.raises(ArchiveError, match=said):
        scrape(tmp_path / "csv", f"models_{DAY}.csv", f"{name},likes\na/x,1\n")
    folder = tmp_path / "parquet"
    folder.mkdir()
    pq.write_table(pa.table({name: ["a/x"]}), folder / f"models_{DAY}.parquet")
    with pytest.raises(ArchiveError, match=said):
        read(folder)


DAYS = ["2025-06-01", "2025-06-02"]
LATER = 1748736000000


def put_rows(folder: Path, end: str, rows: list[dict[str, Any]]) -> None:
    path = folder / f"models.{end}"
    if end == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif end == "json":
        path.write_text(json.dumps(rows))
    elif end == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = [",".join(map(str, row.values())) for row in rows]
        path.write_text("\n".join([",".join(rows[0]), *lines, ""]))


@pytest.mark.parametrize("end", ["csv", "json", "jsonl", "parquet"])
@pytest.mark.parametrize("name", ["repo_id", "Model ID", "modelId", "ID"])
def test_ids_of_any_name_show_what_a_date_is(tmp_path: Path, end: str, name: str) -> None:
    put_rows(tmp_path, end, [{"date": day, name: "a/x", "downloads": 5} for day in DAYS])
    assert RecordedDays(tmp_path).days() == set(DAYS)
    assert read(tmp_path, day=DAYS[1]).column("downloads") == [5]


@pytest.mark.parametrize("end", ["csv", "json", "jsonl", "parquet"])
def test_a_date_that_is_a_time_of_any_name_is_no_day(tmp_path: Path, end: str) -> None:
    rows = [{"date": day, "id": "a/x", "Created At": f"{day} 01:02:03"} for day in DAYS]
    put_rows(tmp_path, end, rows)
    with pytest.raises(ArchiveError, match="it is the day of `Created At`"):
        RecordedDays(tmp_path).days()


@pytest.mark.parametrize("end", ["csv", "json", "jsonl", "parquet"])
@pytest.mark.parametrize("scale", [1000, 1, 0.001, 1e-6], ids=["us", "ms", "s", "ks"])
def test_a_day_may_be_a_number_as_times_are(
    tmp_path: Path, lake: Lake, end: str, scale: float
) -> None:
    days = [int(LATER * scale), int((LATER + 86_400_000) * scale)]
    put_rows(tmp_path, end, [{"id": "a/x", "likes": at, "day": day} for at, day in enumerate(days)])
    if scale == 1e-6:
        with pytest.raises(ArchiveError, match="no day in day"):
            RecordedDays(tmp_path).days()
        return
    assert RecordedDays(tmp_path).days() == set(DAYS)
    assert read(tmp_path, day=DAYS[1]).column("likes") == [1]
    stored, capture = recovered(lake, tmp_path, "models", DAYS[1])
    assert reconciled(stored, capture).description.startswith("1 rows and")
