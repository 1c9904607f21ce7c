"""A recorded file against its table: what is compared, what is not, and what is remarked."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.hub.reconciliation.counts import counted
from hf_assets.hub.reconciliation.rules import reconciled
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.captures import edited
from hf_assets_tests.support.hub.reconciliation import (
    Rows,
    capture_of,
    put,
    table,
    verdict,
)


@pytest.mark.parametrize(
    ("cell", "stored"),
    [("['a', 'b', ...]", ["a", "b", "Ellipsis"]), ("['a' 'b' ... 'z']", ["a"]),
     ("['a', Ellipsis]", ["a", "Ellipsis"])],
)  # fmt: skip
def test_a_list_that_was_cut_off_is_no_list(
    tmp_path: Path, lake: Lake, cell: str, stored: list[str]
) -> None:
    path = put(tmp_path / "a.csv", f'id,tags\na/x,"{cell}"\n')
    left_out = verdict(lake, path, [{"id": "a/x"}])
    assert (left_out.passed, left_out.severity) == (False, "WARN")
    assert left_out.description == "tags of 1 rows are cut off in the file."
    taken = verdict(lake, path, [{"id": "a/x", "tags": stored}])
    assert (taken.passed, taken.severity) == (False, "ERROR")
    assert f"tags in all: 0 in the file, {len(stored)} in the table" in taken.description


@pytest.mark.parametrize("cell", ["{'a', 'b'}", "[b'a']", "a b c", "[1, 2]", "['a"])
def test_what_is_no_list_could_not_be_counted(tmp_path: Path, lake: Lake, cell: str) -> None:
    path = put(tmp_path / "a.csv", f'id,tags\na/x,"{cell}"\n')
    said = verdict(lake, path, [{"id": "a/x"}])
    assert (said.passed, said.severity) == (False, "WARN")
    assert said.description == "tags could not be counted: none of its 1 values is clear."
    # A reader that knows more than this one is not called wrong.
    assert verdict(lake, path, [{"id": "a/x", "tags": ["a", "b"]}]).passed


def test_no_number_is_no_invalid_value(tmp_path: Path, lake: Lake) -> None:
    path = put(tmp_path / "a.json", '[{"id": "a/x", "likes": NaN}, {"id": "a/y", "likes": 1}]')
    rows = [{"id": "a/x"}, {"id": "a/y", "likes": 1}]
    assert verdict(lake, path, rows).passed
    named = verdict(lake, path, rows, notes={"nulled likes": 1})
    assert (named.passed, named.severity) == (False, "WARN")
    assert named.description == "1 likes are named as invalid, and the file has 0."
    odd = put(tmp_path / "b.json", '[{"id": "a/x", "likes": 1.5}, {"id": "a/y", "likes": 1}]')
    assert verdict(lake, odd, rows, notes={"nulled likes": 1}).passed


def test_a_column_date_without_any_id_twice_is_remarked(tmp_path: Path, lake: Lake) -> None:
    lines = "id,date,likes\na/x,2025-01-03,10\na/y,2025-01-04,3\n"
    rows = [{"id": "a/x", "likes": 10}]
    said = verdict(lake, put(tmp_path / "a.csv", lines), rows, day="2025-01-03")
    assert (said.passed, said.severity) == (False, "WARN")
    assert said.description.startswith(
        "the column `date` was taken for the day, and no id is on two days"
    )
    twice = put(tmp_path / "b.csv", lines + "a/x,2025-01-04,11\n")
    assert verdict(lake, twice, rows, day="2025-01-03").passed
    assert verdict(
        lake, put(tmp_path / "c.csv", lines.replace("date", "day")), rows, day="2025-01-03"
    ).passed


def test_json_lines_are_told_by_what_they_are(tmp_path: Path, lake: Lake) -> None:
    lines = '{"id": "a/x", "likes": 1}\n\n\ufeff{"id": "a/y", "likes": NaN}\n'
    rows = [{"id": "a/x", "likes": 1}, {"id": "a/y"}]
    for name in ("a.jsonl", "a.json"):
        assert verdict(lake, put(tmp_path / name, lines), rows).passed


def test_two_spellings_of_a_field_are_one(tmp_path: Path, lake: Lake) -> None:
    lines = "id,downloads_all_time,downloadsAllTime\na/x,1,2\na/y,3,\n"
    rows = [{"id": "a/x", "downloads_all_time": 2}, {"id": "a/y", "downloads_all_time": 3}]
    assert verdict(lake, put(tmp_path / "a.csv", lines), rows).passed


def test_each_day_of_a_file_is_counted_by_itself(tmp_path: Path, lake: Lake) -> None:
    rows: Rows = [
        {"day": f"2025-01-0{n % 3 + 1}", "id": f"a/{n % 7}", "likes": n} for n in range(20)
    ]
    frame = pl.DataFrame(rows)
    put(tmp_path / "a.csv", frame.write_csv())
    put(tmp_path / "a.jsonl", frame.write_ndjson())
    put(tmp_path / "a.json", json.dumps(rows))
    put(tmp_path / "a.parquet", frame.with_columns(pl.col("day").str.to_datetime()).to_arrow())
    for path in tmp_path.glob("a.*"):
        for day in ("2025-01-01", "2025-01-03"):
            of_day = [row for row in rows if row["day"] == day]
            counts = counted(path, "models", day, many=True)
            assert counts["rows"] == len(of_day)
            assert counts["distinct"] == len({row["id"] for row in of_day})
            assert counts["fields"]["likes"]["sum"] == sum(row["likes"] for row in of_day)
            assert counts["repeated"] is True
        assert "uncounted" in counted(path, "models", "2025-01-09", many=True)


def test_rows_that_come_twice_may_lose_either(tmp_path: Path, lake: Lake) -> None:
    path = put(tmp_path / "a.csv", "id,likes,tags\na/x,3,\"['a']\"\na/x,5,\na/y,1,\n")
    for likes, tags in ((3, ["a"]), (5, None)):
        rows = [{"id": "a/x", "likes": likes, "tags": tags}, {"id": "a/y", "likes": 1}]
        assert verdict(lake, path, rows).passed
    assert not verdict(lake, path, [{"id": "a/x", "likes": 5}]).passed
    assert not verdict(lake, path, [{"id": "a/x", "likes": 9}, {"id": "a/y", "likes": 1}]).passed


def test_values_that_the_tables_bend_are_bent_here(tmp_path: Path, lake: Lake) -> None:
    path = put(tmp_path / "a.csv", "id,likes,downloads\na/x,-4,1e3\na/y,99999999999999999999,2.5\n")
    rows = [{"id": "a/x", "likes": 0, "downloads": 1000}, {"id": "a/y"}]
    notes = {"clipped likes": 1, "nulled likes": 1, "nulled downloads": 1}
    assert verdict(lake, path, rows, notes=notes).passed


def test_a_file_that_cannot_be_counted_says_so(tmp_path: Path, lake: Lake) -> None:
    for name, content in {
        "a.parquet": b"PAR1",
        "b.json": '{"models": 3}',
        "c.json": '[{"id": "a/x"}',
        "d.jsonl": "{",
        "e.csv.gz": gzip.compress(b"id\na/x\n")[:-9],
        "f.csv": "id,likes\na/x,1\na/y\n",
    }.items():
        said = verdict(lake, put(tmp_path / name, content), [{"id": "a/x"}])
        assert (said.passed, said.severity) == (False, "WARN"), name
        assert said.description.startswith("The file could not be counted ("), name
    assert "uncounted" in counted(tmp_path / "gone.csv", "models", "", many=False)


def test_what_cannot_be_compared_passes_and_says_why(lake: Lake) -> None:
    stored = table(lake, [{"id": "a/x"}])
    capture = capture_of({"uncounted": "x"})

    def says(**facts: Any) -> str:
        other = edited(capture, **facts)
        if "gone" in facts:
            other = edited(capture, counted=None)
        said = reconciled(stored, other)
        assert said.passed
        return said.description

    assert says(source="hub-stats").startswith("Compares recorded folders")
    assert says(absent_kind="No models.") == "No models."
    assert "an earlier capture" in says(sha256="6" * 64)
    assert "`refetch`" in says(gone=True)
    assert "no longer there" in reconciled(stored, None).description
    thin = table(lake, [{"id": "a/x"}], thinned="2025-07-01")
    assert "thinned" in reconciled(thin, capture).description
