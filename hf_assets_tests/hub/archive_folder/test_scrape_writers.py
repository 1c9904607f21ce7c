"""The same rows, written by the tools that people have, are read as the same or named."""

import csv
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_assets.hub.archive.values import is_absent
from hf_assets.hub.client.wire import WIRE_SCHEMA
from hf_assets_tests.support.hub.scrapes import DAY, Scrape, read

pd = pytest.importorskip("pandas")

Rows = list[dict[str, Any]]
TIME = dt.datetime(2010, 1, 1, tzinfo=dt.UTC), dt.datetime(2099, 1, 1, tzinfo=dt.UTC)

words = st.sampled_from(
    ["en", "license:mit", "it's", 'a"b', "a, b", "x y", "[z]", "None", "1", "é"]
)
texts = words | st.text("ab1 ,'\"\\[]{}:.\n\t😀", max_size=6)
counts = st.none() | st.integers(0, 2**53)
moments = st.integers(0, int((TIME[1] - TIME[0]).total_seconds()) * 1000 - 1).map(
    lambda one: TIME[0] + dt.timedelta(milliseconds=one)
)
row = st.fixed_dictionaries(
    {
        "downloads": counts,
        "likes": st.integers(0, 2**53),
        # pandas writes ten digits to JSON.
        "trendingScore": st.none() | st.integers(-4000, 4000).map(lambda one: one / 4),
        "pipeline_tag": st.none() | st.sampled_from(["fill-mask", "text-generation"]),
        "private": st.booleans(),
        "gated": st.sampled_from([None, False, True, "auto", "manual"]),
        "tags": st.none() | st.lists(texts, max_size=4),
        "safetensors": st.none() | st.fixed_dictionaries({"total": st.integers(0, 2**53)}),
        "createdAt": moments,
        "lastModified": st.none() | moments,
    }
)


def numbered(rows: Rows) -> Rows:
    return [{"id": f"a/{number}", **one} for number, one in enumerate(rows)]


def plain(rows: Rows) -> Rows:
    """Times as texts, as no format but Arrow's has them otherwise."""
    return [
        {key: str(one) if isinstance(one, dt.datetime) else one for key, one in row.items()}
        for row in rows
    ]


def arrays(rows: Rows) -> Any:
    frame = pd.DataFrame(rows)
    frame["tags"] = [None if one is None else np.array(one, dtype=object) for one in frame["tags"]]
    return frame


def nested(rows: Rows) -> Any:
    frame = pd.DataFrame(rows)
    frame["tags"] = [
        None if one is None else [np.array(one, dtype=object)] for one in frame["tags"]
    ]
    return frame


def written_by_csv(rows: Rows, path: Path) -> None:
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def of_texts(rows: Rows) -> pa.Table:
    """Parquet of a table where everything was made a text."""
    said = [{key: None if one is None else str(one) for key, one in row.items()} for row in rows]
    return pa.Table.from_pylist(said)


def unmixed(rows: Rows) -> Rows:
    """A column of one type, as Arrow wants it."""
    return [row | {"gated": None if row["gated"] is None else str(row["gated"])} for row in rows]


def by_duckdb(rows: Rows, path: Path) -> None:
    source = path.with_suffix(".source")
    source.write_text(json.dumps(plain(rows)))
    table: Any = duckdb.sql(f"select * from read_json('{source}', format='array')")
    write = table.write_csv if path.suffix == ".csv" else table.write_parquet
    write(str(path))


WRITERS: dict[str, tuple[str, Callable[[Rows, Path], Any]]] = {
    "json": (".json", lambda rows, path: path.write_text(json.dumps(plain(rows)))),
    "json lines": (
        ".jsonl",
        lambda rows, path: path.write_text("\n".join(map(json.dumps, plain(rows)))),
    ),
    "csv": (".csv", written_by_csv),
    "pandas csv": (".csv", lambda rows, path: pd.DataFrame(rows).to_csv(path)),
    "pandas csv of arrays": (".csv", lambda rows, path: arrays(rows).to_csv(path)),
    "pandas csv of nested arrays": (".csv", lambda rows, path: nested(rows).to_csv(path)),
    "pandas json": (".json", lambda rows, path: pd.DataFrame(rows).to_json(
            path, orient="records", date_format="epoch"
        )),
    "pandas json in nanoseconds": (
        ".json",
        lambda rows, path: pd.DataFrame(rows).to_json(
            path, orient="records", date_format="epoch", date_unit="ns"
        ),
    ),
    "pandas json lines, ISO": (
        ".jsonl",
        lambda rows, path: pd.DataFrame(rows).to_json(
            path, orient="records", lines=True, date_format="iso"
        ),
    ),
    "pandas parquet": (
        ".parquet",
        lambda rows, path: pd.DataFrame(unmixed(rows)).to_parquet(path),
    ),
    "polars parquet": (
        ".parquet",
        lambda rows, path: pl.DataFrame(
            unmixed(rows), infer_schema_length=None
        ).write_parquet(path),
    ),
    "arrow parquet": (
        ".parquet",
        lambda rows, path: pq.write_table(pa.Table.from_pylist(unmixed(rows)), path),
    ),
    "arrow parquet of texts": (".parquet", lambda rows, path: pq.write_table(of_texts(rows), path)),
    "duckdb csv": (".csv", by_duckdb),
    "duckdb parquet": (".parquet", by_duckdb),
}  # fmt: skip


def wanted(name: str, value: Any) -> Any:
    if name == "gated" and isinstance(value, bool):
        return str(value).lower()
    return value


def moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None


def check(found: Scrape, rows: Rows) -> None:
    named = set(found.named)
    assert found.column("id") == [row["id"] for row in rows]
    for at, (kept, row) in enumerate(zip(found.rows, rows, strict=True)):
        for name, value in row.items():
            have = moment(kept[name]) if name in ("createdAt", "lastModified") else kept[name]
            if (at, name) in named:
                assert have is None
            else:
                assert have == wanted(name, value), (name, have, value)


# What these tools write of a list that nobody can read for sure, is named; all else is read.
NAMED = {"duckdb csv": {"tags"}}


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, min_size=1, max_size=4).map(numbered))
def test_what_a_tool_wrote_is_read_back(tmp_path: Path, writer: str, rows: Rows) -> None:
    end, write = WRITERS[writer]
    write(rows, tmp_path / f"models_{DAY}{end}")
    found = read(tmp_path)
    check(found, rows)
    assert {name for _, name in found.named} <= NAMED.get(writer, set())


scraps = st.text("[](){}'\"\\,.:=ab1N \n", max_size=10) | st.sampled_from(
    ["['a' 'b']", "['a', ...]", "{'a'}", "[b'a']", "array(['a'])", "{'total': nan}", "1e400", "-0",
     "{'models': [{'id': ['a']}]}", "{[1]: 2}", "[[[]]]", "{'total': {1}}", "2024-13-01 00:00"]
)  # fmt: skip
cells = st.dictionaries(st.sampled_from([*WIRE_SCHEMA["models"]][2:]), scraps, min_size=1)


@pytest.mark.parametrize("writer", ["csv", "json lines", "arrow parquet"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(cells, min_size=1, max_size=3).map(numbered))
def test_no_text_in_any_cell_takes_more_than_itself(
    tmp_path: Path, writer: str, rows: Rows
) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    rows = [{name: row.get(name) for name in columns} for row in rows]
    end, _ = WRITERS[writer]
    path = tmp_path / f"models_{DAY}{end}"
    if writer == "csv":
        written_by_csv(rows, path)
    elif writer == "json lines":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    found = read(tmp_path)
    assert found.column("id") == [row["id"] for row in rows]
    for at, row in enumerate(rows):
        for name, text in row.items():
            if found.rows[at][name] is None and not is_absent(name, text or ""):
                assert (at, name) in found.named
