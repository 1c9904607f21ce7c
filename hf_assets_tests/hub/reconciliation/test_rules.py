"""A recorded file against the table made of it: right tables pass, each known fault is seen.

The faults are those that readers once had. Each is put into a table by hand, beside the file that
showed it: the check must see it whatever the readers make of that file today.
"""

import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.capture.from_archive import find_day, from_archive
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.manifest import CaptureManifest
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.rows import Kind
from hf_assets.hub.reconciliation.counts import counted
from hf_assets.hub.reconciliation.rules import reconciled
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets_tests.support.hub.captures import edited, first_manifest
from hf_assets_tests.support.hub.wild_rows import wild_rows

DAY = "2025-06-01"
SHA = "5" * 64
CREATED = datetime(2024, 1, 1, tzinfo=UTC)
Rows = list[dict[str, Any]]
few = hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def put(path: Path, content: Any) -> Path:
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_text(content, newline="")
    return path


def capture_of(counts: dict[str, Any], kind: Kind = "models", **facts: Any) -> Capture:
    """A capture that says what a recovery says, and no more."""
    said = {"source": "folder", "sha256": SHA, "counted": counts, **facts}
    said["ask"] = {"kind": kind, "filter": [], "max_rows": None}
    return Capture(Path(), CaptureManifest.of(first_manifest(**said)))


def table(lake: Lake, rows: Rows, kind: Kind = "models", **notes: Any) -> StoredTable:
    """A stored day with these rows; columns left out are null."""
    schema = schemas.MODELS if kind == "models" else schemas.ENRICHED_SPACES
    named = [{"hub_id": f"name:{row['id']}", **row} for row in rows]
    frame = pl.DataFrame(named, schema=schema.schema, orient="row")
    made = TableWrite([frame.with_columns(day=pl.lit(iso(DAY)))], notes=notes)
    made.provenance = {f"raw_{kind}": {"sha256": SHA}}
    return lake.write(schema, DAY, made)


def verdict(
    lake: Lake,
    path: Path,
    rows: Rows,
    kind: Kind = "models",
    day: str = "",
    facts: dict[str, Any] | None = None,
    notes: dict[str, Any] | None = None,
) -> RuleResult:
    counts = json.loads(json.dumps(counted(path, kind, day, many=bool(day))))
    return reconciled(
        table(lake, rows, kind, **(notes or {})), capture_of(counts, kind, **(facts or {}))
    )


PRINTED = """\
_id,id,downloads,tags
aa01,ada/one,5000,['transformers' 'license:mit' 'base_model:finetune:ada/two']
aa02,ada/two,900,"['transformers' 'license:apache-2.0' 'text-generation' 'en'
 'region:us']"
"""
BASE = [{"id": "ada/two", "relation": "finetune"}]
PRINTED_RIGHT: Rows = [
    {
        "id": "ada/one",
        "downloads": 5000,
        "license": "mit",
        "tags": ["transformers", "license:mit", "base_model:finetune:ada/two"],
        "base_models": BASE,
    },
    {
        "id": "ada/two",
        "downloads": 900,
        "license": "apache-2.0",
        "tags": ["transformers", "license:apache-2.0", "text-generation", "en", "region:us"],
    },
]


def texts_of(rows: Rows, **texts: list[str]) -> pa.Table:
    """Rows as Parquet whose lists are texts."""
    plain = [{name: row[name] for name in ("id", "downloads")} for row in rows]
    frame = pl.DataFrame(plain).with_columns(pl.Series(n, t) for n, t in texts.items())
    return frame.to_arrow()


GLUED = [
    row | {"tags": ["".join(row["tags"])], "license": None, "base_models": None}
    for row in PRINTED_RIGHT
]
PRINTS = [
    "['transformers' 'license:mit' 'base_model:finetune:ada/two']",
    "array(['transformers', 'license:apache-2.0', 'text-generation', 'en',\n       'region:us'],"
    " dtype='<U18')",
]
TIMES = json.dumps(
    [{"id": "a/x", "createdAt": 1704067200000}, {"id": "a/y", "createdAt": 1704067200000.0}]
)


@dataclass(frozen=True)
class Fault:
    """A file, the right table, the wrong one, and what the check says of that.

    Args:
        warns: the run itself names what it left out: a warning, no error.
    """

    name: str
    content: Any
    right: Rows
    wrong: Rows
    says: tuple[str, ...]
    warns: bool = False
    notes: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    kind: Kind = "models"
    right_notes: dict[str, Any] = field(default_factory=dict)


FAULTS = {
    "numpy prints glued into one tag": Fault(
        "a.csv",
        PRINTED,
        PRINTED_RIGHT,
        GLUED,
        (
            "tags in all: 8 in the file, 2 in the table",
            "rows with a licence: 2 in the file, 0 in the table",
            "rows with a base model: 1 in the file, 0 in the table",
        ),
    ),
    "the same prints in a column of Parquet": Fault(
        "a.parquet",
        texts_of(PRINTED_RIGHT, tags=PRINTS),
        PRINTED_RIGHT,
        GLUED,
        ("tags in all: 8 in the file, 2 in the table",),
    ),
    "the same prints in JSON lines": Fault(
        "a.jsonl",
        "\n".join(
            json.dumps({"id": row["id"], "downloads": row["downloads"], "tags": text})
            for row, text in zip(PRINTED_RIGHT, PRINTS, strict=True)
        ),
        PRINTED_RIGHT,
        GLUED,
        ("tags in all: 8 in the file, 2 in the table",),
    ),
    "prints of what Spaces use": Fault(
        "spaces.csv",
        "id,likes,models\na/s,1,\"['a/x' 'b/y' 'a/x']\"\n",
        [{"id": "a/s", "likes": 1, "models": ["a/x", "b/y"]}],
        [{"id": "a/s", "likes": 1, "models": ["a/xb/ya/x"]}],
        ("models in all: 2 in the file, 1 in the table",),
        kind="spaces",
    ),
    "a list without a comma": Fault(
        "a.csv",
        "id,tags\na/x,\"['a' 'license:mit', 'c']\"\n",
        [{"id": "a/x", "tags": ["a", "license:mit", "c"], "license": "mit"}],
        [{"id": "a/x", "tags": ["alicense:mit", "c"]}],
        ("tags in all: 3 in the file, 2 in the table", "rows with a licence: 1"),
    ),
    "licences that the file does not have": Fault(
        "a.csv",
        "id,tags\na/x,\"['x', 'a license:mit b']\"\n",
        [{"id": "a/x", "tags": ["x", "a license:mit b"]}],
        [{"id": "a/x", "tags": ["x", "a license:mit b"], "license": "mit b"}],
        ("rows with a licence: 0 in the file, 1 in the table",),
    ),
    "counters that JSON writes as floats": Fault(
        "a.jsonl",
        '{"id":"a/x","downloads":5000.0,"likes":3.0}\n{"id":"a/y","downloads":null,"likes":4.0}\n',
        [{"id": "a/x", "downloads": 5000, "likes": 3}, {"id": "a/y", "likes": 4}],
        [{"id": "a/x"}, {"id": "a/y"}],
        ("sum of downloads: 5,000 in the file, 0 in the table", "sum of likes: 7 in the file"),
        warns=True,
        notes={"nulled downloads": 1, "nulled likes": 2},
    ),
    "counters lost without a word": Fault(
        "a.csv",
        "id,likes\na/x,3.0\na/y,4\n",
        [{"id": "a/x", "likes": 3}, {"id": "a/y", "likes": 4}],
        [{"id": "a/x", "likes": 3}, {"id": "a/y"}],
        ("sum of likes: 7 in the file, 3 in the table", "rows with likes: 2 in the file, 1 in"),
    ),
    "field names of the client, unread": Fault(
        "a.csv",
        ",id,created_at,downloads_all_time,trending_score\n"
        "0,a/x,2024-01-03 02:24:41+00:00,63019,50\n1,a/y,2024-02-03 02:24:41+00:00,7019,0.5\n",
        [
            {"id": "a/x", "created_at": CREATED, "downloads_all_time": 63019, "trending_score": 50},
            {"id": "a/y", "created_at": CREATED, "downloads_all_time": 7019, "trending_score": 0.5},
        ],
        [{"id": "a/x"}, {"id": "a/y"}],
        (
            "rows with createdAt: 2 in the file, 0 in the table",
            "sum of downloadsAllTime: 70,038 in the file, 0 in the table",
            "sum of trendingScore in millionths: 50,500,000 in the file, 0 in the table",
        ),
    ),
    "unread columns that the run names": Fault(
        "a.csv",
        "id,created_at\na/x,2024-01-03\n",
        [{"id": "a/x", "created_at": CREATED}],
        [{"id": "a/x"}],
        ("rows with createdAt: 1 in the file, 0 in the table",),
        warns=True,
        unread={"created_at": "any reason"},
    ),
    "a header in the middle": Fault(
        "a.csv",
        "id,downloads,likes\na/x,5,1\nid,downloads,likes\n\ufeffid,downloads,likes\na/y,6,2\n",
        [{"id": "a/x", "downloads": 5, "likes": 1}, {"id": "a/y", "downloads": 6, "likes": 2}],
        [
            {"id": "a/x", "downloads": 5, "likes": 1},
            {"id": "id"},
            {"id": "a/y", "downloads": 6, "likes": 2},
        ],
        ("rows: 2 in the file, 3 in the table",),
        notes={"nulled downloads": 1, "nulled likes": 1},
    ),
    "rows lost": Fault(
        "a.json",
        json.dumps({"models": [{"id": "a/x"}, {"id": "a/y"}, {"id": ""}], "spaces": [{}]}),
        [{"id": "a/x"}, {"id": "a/y"}],
        [{"id": "a/x"}],
        ("rows: 2 in the file, 1 in the table",),
        notes={"quarantined": 1},
        right_notes={"quarantined": 1},
    ),
    "rows put aside that have a name": Fault(
        "a.jsonl",
        '{"model_id": "a/x", "likes": 3}\n{"model_id": "a/y", "likes": 4}\n',
        [{"id": "a/x", "likes": 3}, {"id": "a/y", "likes": 4}],
        [{"id": "a/x", "likes": 3}],
        ("rows: 2 in the file, 1 in the table",),
        warns=True,
        notes={"quarantined": 1},
    ),
    "gated in DuckDB's JSON type": Fault(
        "a.parquet",
        pa.table(
            {
                "id": ["a/x", "a/y", "a/z"],
                "gated": pa.array(['"auto"', "false", None], pa.json_(pa.utf8())),
            }
        ),
        [{"id": "a/x", "gated": "auto"}, {"id": "a/y", "gated": "false"}, {"id": "a/z"}],
        [{"id": "a/x"}, {"id": "a/y"}, {"id": "a/z"}],
        ("rows with gated: 2 in the file, 0 in the table",),
        warns=True,
        unread={"gated": "a column of extension<arrow.json>"},
    ),
    "gated as true": Fault(
        "a.json",
        '[{"id": "a/x", "gated": true}, {"id": "a/y", "gated": false}]',
        [{"id": "a/x", "gated": "auto"}, {"id": "a/y", "gated": "false"}],
        [{"id": "a/x"}, {"id": "a/y", "gated": "false"}],
        ("rows with gated: 2 in the file, 1 in the table",),
        warns=True,
        notes={"nulled gated": 1},
    ),
    "times in milliseconds": Fault(
        "a.json",
        TIMES,
        [{"id": "a/x", "created_at": CREATED}, {"id": "a/y", "created_at": CREATED}],
        [{"id": "a/x"}, {"id": "a/y"}],
        ("rows with createdAt: 2 in the file, 0 in the table",),
        warns=True,
        notes={"nulled createdAt": 2},
    ),
    "a model's weights": Fault(
        "a.csv",
        "id,safetensors,gguf\na/x,\"{'total': 7, 'parameters': {'F16': 7}}\",\n"
        'a/y,,"{""total"": 5}"\na/z,,\n',
        [{"id": "a/x", "parameters": 7}, {"id": "a/y", "parameters": 5}, {"id": "a/z"}],
        [{"id": "a/x", "parameters": 7}, {"id": "a/y"}, {"id": "a/z"}],
        ("sum of parameters: 12 in the file, 7 in the table",),
    ),
    "bases in their own field": Fault(
        "a.jsonl",
        json.dumps({"id": "a/x", "baseModels": {"relation": "merge", "models": [{"id": "b/y"}]}})
        + "\n"
        + json.dumps({"id": "a/y", "baseModels": {"models": []}, "tags": ["base_model:b/y"]}),
        [
            {"id": "a/x", "base_models": [{"id": "b/y", "relation": "merge"}]},
            {
                "id": "a/y",
                "tags": ["base_model:b/y"],
                "base_models": [{"id": "b/y", "relation": None}],
            },
        ],
        [{"id": "a/x"}, {"id": "a/y", "tags": ["base_model:b/y"]}],
        ("rows with a base model: 2 in the file, 0 in the table",),
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each_fault_is_seen_and_the_right_table_passes(
    tmp_path: Path, lake: Lake, fault: Fault
) -> None:
    path = put(tmp_path / fault.name, fault.content)
    right = verdict(lake, path, fault.right, fault.kind, notes=fault.right_notes)
    assert right.passed, right.description
    assert "numbers agree" in right.description
    facts = {"unread": fault.unread}
    wrong = verdict(lake, path, fault.wrong, fault.kind, facts=facts, notes=fault.notes)
    assert not wrong.passed
    assert (wrong.severity == "WARN") is fault.warns
    for words in fault.says:
        assert words in wrong.description, wrong.description


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


def numpy_print(tags: list[str] | None) -> str | None:
    return None if tags is None else "[" + "\n ".join(map(repr, tags)) + "]"


def as_csv(rows: Rows, write: Callable[[Any], Any]) -> str:
    out = io.StringIO()
    lines = csv.DictWriter(out, list(rows[0]))
    lines.writeheader()
    lines.writerows(row | {"tags": write(row["tags"])} for row in rows)
    return out.getvalue()


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
@given(st.lists(wild_rows("models"), max_size=4), st.lists(wild_rows("spaces"), max_size=4))
def test_no_row_is_an_error(tmp_path: Path, models: list[Any], spaces: list[Any]) -> None:
    for kind, rows in (("models", models), ("spaces", spaces)):
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


def recovered(lake: Lake, folder: Path, kind: Kind, day: str = DAY) -> tuple[StoredTable, Capture]:
    """A day by the readers themselves."""
    found = find_day(RecordedDays(folder), kind, day)
    assert found is not None
    noon = datetime.fromisoformat(f"{DAY}T12:00:00+00:00")
    capture = from_archive(CaptureStore(lake, f"raw_{kind}"), day, kind, found, lambda: noon)
    no_models = pl.LazyFrame(schema={"id": pl.String, "category": pl.String})
    made = (
        cleaning.models(capture, day)
        if kind == "models"
        else cleaning.enriched_spaces(capture, no_models, day)
    )
    schema = schemas.MODELS if kind == "models" else schemas.ENRICHED_SPACES
    return lake.write(schema, day, made), capture


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
    )  # fmt: skip
    for kind, names in fields:
        for field_ in names:
            columns = {"modelId": ["a/x", "a/y"], field_: ODD_TYPES[name]}
            path = put(tmp_path / "a.parquet", pl.DataFrame(columns).to_arrow())
            counts = counted(path, kind, "", many=False)
            assert "uncounted" not in counts, (field_, counts)
            assert counts["rows"] == 2 or field_ == "id"
