"""Any rows and cells are counted: the same in every format, and never an error."""

import csv
import io
import json
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hf_assets.hub.archive.base import KINDS
from hf_assets.hub.reconciliation.counts import counted
from hf_assets_tests.support.hub.reconciliation import (
    Rows,
    as_csv,
    numpy_print,
    put,
)
from hf_assets_tests.support.hub.wild_rows import wild_rows

few = hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TAGS = st.lists(
    st.sampled_from(["x", "license:mit", "it's", 'a "b"', "base_model:a/b", "é, x", "\\"]),
    max_size=4,
)
CLEAN = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["a/x", "a/y", "b/z", "c/w"]),
            "likes": st.none() | st.integers(0, 2**40),
            "downloads_all_time": st.none() | st.integers(0, 2**40),
            "tags": st.none() | TAGS,
            "gated": st.sampled_from([None, "auto", "manual", "false"]),
            "createdAt": st.sampled_from([None, "2024-01-02T03:04:05.000Z"]),
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: row["id"],
)


@few
@given(CLEAN)
def test_every_format_counts_the_same(tmp_path: Path, rows: Rows) -> None:
    wide = pl.Schema(
        {**dict.fromkeys(rows[0], pl.String), "tags": pl.List(pl.String)}
        | dict.fromkeys(("likes", "downloads_all_time"), pl.Float64)
    )
    files = [
        put(tmp_path / "a.json", json.dumps({"more": [1, {}], "models": rows})),
        put(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows))),
        put(tmp_path / "python.csv", as_csv(rows, lambda tags: tags)),
        put(tmp_path / "numpy.csv", as_csv(rows, numpy_print)),
        put(tmp_path / "json.csv", as_csv(rows, lambda tags: tags and json.dumps(tags))),
        put(tmp_path / "a.parquet", pl.DataFrame(rows, schema=wide).to_arrow()),
    ]
    for path in files:
        counts = counted(path, "models", "", many=False)
        assert counts["rows"] == counts["distinct"] == len(rows), path
        fields = counts["fields"]
        for name, field_ in (("likes", "likes"), ("downloads_all_time", "downloadsAllTime")):
            assert fields[field_]["sum"] == sum(row[name] or 0 for row in rows), path
            assert fields[field_]["values"] == sum(row[name] is not None for row in rows), path
        every = [row["tags"] or [] for row in rows]
        assert fields["tags"]["items"] == sum(map(len, every)), path
        assert fields["tags"]["rows"] == sum(map(bool, every)), path
        assert fields["tags"]["licences"] == sum("license:mit" in tags for tags in every), path
        assert fields["bases"]["rows"] == sum("base_model:a/b" in tags for tags in every), path
        assert fields["gated"]["values"] == sum(row["gated"] is not None for row in rows), path
        assert all(one.get("invalid", 0) == 0 for one in fields.values()), path


@few
@given(st.data())
def test_no_row_is_an_error(tmp_path: Path, data: st.DataObject) -> None:
    for kind in KINDS:
        rows = data.draw(st.lists(wild_rows(kind), max_size=4))
        path = put(tmp_path / "a.json", json.dumps(rows))
        counts = counted(path, kind, "", many=False)
        assert "uncounted" not in counts, counts
        assert counts["rows"] <= len(rows)


@few
@given(st.lists(st.lists(st.text("[]'\",.\\ab \n{}:", max_size=12), min_size=2, max_size=2)))
def test_no_cell_is_an_error(tmp_path: Path, cells: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["id", "tags", "safetensors"], *(["a/x", *row] for row in cells)])
    counts = counted(put(tmp_path / "a.csv", out.getvalue()), "models", "", many=False)
    assert "uncounted" not in counts, counts
    assert counts["rows"] == len(cells)
