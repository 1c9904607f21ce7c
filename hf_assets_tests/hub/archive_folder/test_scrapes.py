"""Scrapes that people have: read as what they say, or left out and named."""

import csv
import dataclasses
import datetime as dt
import gzip
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub.hf_api import ModelInfo, SpaceInfo

from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.scrapes import DAY, Scrape, read, scrape

CSV, JSON, JSONL, PARQUET = (
    f"models_{DAY}{end}" for end in (".csv", ".json", ".jsonl", ".parquet")
)
AT = "2024-01-02T03:04:05.000Z"
TAGS = ["transformers", "license:apache-2.0", "text-generation", "en", "region:us", "it's"]


def as_csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def every_format(folder: Path, rows: list[dict[str, Any]], kind: Any = "models") -> list[Scrape]:
    """The same rows, of texts and numbers, in each format."""
    stem = f"{kind}_{DAY}"
    found = [
        scrape(folder / "csv", f"{stem}.csv", as_csv(rows), kind),
        scrape(folder / "json", f"{stem}.json", json.dumps(rows), kind),
        scrape(folder / "jsonl", f"{stem}.jsonl", "\n".join(map(json.dumps, rows)), kind),
    ]
    (folder / "parquet").mkdir(parents=True)
    table = pl.DataFrame(rows, infer_schema_length=None).to_arrow()
    pq.write_table(table, folder / "parquet" / f"{stem}.parquet")
    return [*found, read(folder / "parquet", kind)]


# What stood in the cases


def test_lists_as_numpy_prints_them(tmp_path: Path) -> None:
    text = (
        "_id,id,author,downloads,likes,tags,pipeline_tag,createdAt\n"
        "aa01,ada/one,ada,5000,3,['transformers' 'license:mit' 'base_model:finetune:ada/two'],"
        "text-generation,2024-01-01T00:00:00.000Z\n"
        "aa02,ada/two,ada,900,1,\"['transformers' 'license:apache-2.0' 'text-generation' 'en'\n"
        " 'region:us']\",text-generation,2024-01-02T00:00:00.000Z\n"
    )
    found = scrape(tmp_path, CSV, text)
    assert found.column("tags") == [
        ["transformers", "license:mit", "base_model:finetune:ada/two"],
        ["transformers", "license:apache-2.0", "text-generation", "en", "region:us"],
    ]
    assert found.odd == []


def test_cells_that_no_list_can_be_read_from_are_named_and_cost_nothing_else(
    tmp_path: Path,
) -> None:
    text = (
        "id,downloads,tags,createdAt\n"
        f"ada/one,5,\"{{'a', 'b'}}\",{AT}\n"
        f"ada/two,6,\"['a', 'b', ...]\",{AT}\n"
        f"ada/three,7,\"[b'a']\",{AT}\n"
    )
    found = scrape(tmp_path, CSV, text)
    (tmp_path / "models_2025-06-02.csv").write_text("id,tags\nada/one,\"['a']\"\n")
    assert found.column("id") == ["ada/one", "ada/two", "ada/three"]
    assert found.column("downloads") == [5, 6, 7]
    assert found.column("tags") == [None] * 3
    assert found.named == [(0, "tags"), (1, "tags"), (2, "tags")]
    assert found.odd[1].value == "\"['a', 'b', ...]\""
    assert "tags" not in found.day.seen
    assert found.day.unread == {
        "tags": "none of its 3 values is what the Hub serves: \"{'a', 'b'}\""
    }
    assert read(tmp_path, day="2025-06-02").column("tags") == [["a"]]


def test_counters_that_became_floats(tmp_path: Path) -> None:
    rows = [
        {"id": "ada/one", "downloads": 5000.0, "likes": 3.0, "createdAt": AT},
        {"id": "ada/two", "downloads": None, "likes": 4.0, "createdAt": AT},
    ]
    for found in every_format(tmp_path, rows):
        assert found.column("downloads") == [5000, None]
        assert found.column("likes") == [3, 4]
        assert found.odd == []
        assert {"downloads", "likes"} <= found.day.seen


def test_names_of_the_official_client(tmp_path: Path) -> None:
    text = (
        ",id,author,last_modified,created_at,private,gated,downloads,downloads_all_time,likes,"
        "library_name,tags,pipeline_tag,trending_score,safetensors\n"
        "0,ada/one,ada,2025-05-03 02:24:43+00:00,2024-01-03 02:24:41+00:00,False,False,46600,63019,"
        "165,transformers,\"['transformers', 'license:mit']\",text-generation,50,"
        "\"SafeTensorsInfo(parameters={'F16': 1551120640}, total=1551120640)\"\n"
        "1,ada/two,ada,2025-05-03 02:24:43+00:00,2024-02-03 02:24:41+00:00,False,auto,600,7019,16,"
        "transformers,['transformers'],,5,\n"
    )
    found = scrape(tmp_path, CSV, text)
    assert found.odd == []
    assert found.day.unread == {}
    one, two = found.rows
    assert one["createdAt"] == "2024-01-03T02:24:41Z"
    assert one["lastModified"] == "2025-05-03T02:24:43Z"
    assert (one["downloadsAllTime"], one["trendingScore"]) == (63019, 50.0)
    assert one["safetensors"] == {"total": 1551120640}
    assert (one["gated"], two["gated"]) == ("false", "auto")
    assert two["safetensors"] is None


def test_a_header_that_was_appended_with_the_rows(tmp_path: Path) -> None:
    text = "id,downloads,likes\nada/one,5,1\nid,downloads,likes\nada/two,6,2\n"
    for content in (text, text.replace("\nid,", "\n\ufeffid,")):
        found = scrape(tmp_path, CSV, content)
        assert found.column("id") == ["ada/one", "ada/two"]
        assert found.column("likes") == [1, 2]
        assert found.day.facts["repeated_header_lines"] == 1
    many = text.replace("id,", "day,id,").replace("\nada", f"\n{DAY},ada")
    (tmp_path / CSV).unlink()
    assert scrape(tmp_path, "all.csv", many).column("id") == ["ada/one", "ada/two"]


@pytest.mark.parametrize("header", ["id,likes,downloads", "id,downloads,trendingScore"])
def test_another_header_in_the_midst_of_a_file_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(ArchiveError, match=rf"{CSV} .*line 3: another header"):
        scrape(tmp_path, CSV, f"id,downloads,likes\nada/one,5,1\n{header}\nada/two,6,2\n")


@pytest.mark.parametrize("name", [CSV, JSON, JSONL, f"{CSV}.gz", f"{JSON}.gz", f"{JSONL}.gz"])
def test_a_mark_of_byte_order_is_no_text(tmp_path: Path, name: str) -> None:
    row = '{"id": "ada/one", "downloads": 5}'
    text = {".csv": "id,downloads\nada/one,5\n", ".json": f"[{row}]", ".jsonl": row}
    body = b"\xef\xbb\xbf" + text[Path(name.removesuffix(".gz")).suffix].encode()
    found = scrape(tmp_path, name, gzip.compress(body) if name.endswith(".gz") else body)
    assert [(row["id"], row["downloads"]) for row in found.rows] == [("ada/one", 5)]


def test_json_lines_put_together_have_a_mark_each(tmp_path: Path) -> None:
    one = '\ufeff{"id": "ada/one"}\n'
    assert scrape(tmp_path, JSONL, one + one.replace("one", "two")).column("id") == [
        "ada/one",
        "ada/two",
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_json_lines_under_the_name_of_json(tmp_path: Path, count: int) -> None:
    lines = "".join(f'{{"id": "a/{n}", "likes": {n}.0}}\n' for n in range(count))
    assert scrape(tmp_path, JSON, lines).column("likes") == list(range(count))
    many = lines.replace("{", f'{{"day": "{DAY}", ')
    (tmp_path / JSON).unlink()
    if count > 1:
        assert scrape(tmp_path, "all.json", many).column("likes") == list(range(count))
        (tmp_path / "models_2025-06-02.json").write_text(lines.replace('1"', ""))
        with pytest.raises(ArchiveError, match=r"models_2025-06-02.json .*line 2: Expecting"):
            read(tmp_path, day="2025-06-02")


@pytest.mark.parametrize("name", [CSV, JSONL])
def test_utf_16_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="line 1: UTF-16: save it as UTF-8"):
        scrape(tmp_path, name, '{"id": "ada/one"}\n'.encode("utf-16"))


# A column `date`


def test_a_date_of_its_own_in_each_row_is_no_day_of_capture(tmp_path: Path) -> None:
    text = "id,author,date,downloads\na/1,a,2025-01-03,5\na/2,a,2025-01-04,7\na/3,a,2025-02-11,9\n"
    (tmp_path / "models.csv").write_text(text)
    with pytest.raises(ArchiveError, match=r"models.csv: column `date` is not taken for the day"):
        RecordedDays(tmp_path).days()
    (tmp_path / CSV).write_text("id\na/1\n")
    folder = RecordedDays(tmp_path)
    assert folder.days() == {DAY}
    (passed, said) = folder.remarks(DAY)
    assert "models.csv passed over" in passed
    assert "rename the column `day`" in said


def dated(name: str, folder: Path, rows: list[dict[str, Any]]) -> RecordedDays:
    if name == "all.parquet":
        pq.write_table(pl.DataFrame(rows).to_arrow(), folder / name)
    elif name == "all.csv":
        (folder / name).write_text(as_csv(rows))
    else:
        lines = [json.dumps(row) for row in rows]
        text = "\n".join(lines) if name == "all.jsonl" else f"[{','.join(lines)}]"
        (folder / name).write_text(text)
    return RecordedDays(folder)


EVERY_NAME = pytest.mark.parametrize("name", ["all.csv", "all.json", "all.jsonl", "all.parquet"])


@EVERY_NAME
@pytest.mark.parametrize("time", ["createdAt", "last_modified"])
def test_the_date_of_a_time_of_the_row_is_no_day_of_capture(
    tmp_path: Path, name: str, time: str
) -> None:
    rows = [
        {"id": f"a/{n}", "date": "2025-01-03", time: f"2025-01-03T0{n}:00:00Z"} for n in range(3)
    ]
    with pytest.raises(ArchiveError, match=f"for it is the day of `{time}`"):
        dated(name, tmp_path, rows).days()


@EVERY_NAME
@pytest.mark.parametrize("column", ["date", "Date"])
def test_the_same_models_on_each_date_are_captures_and_that_is_said(
    tmp_path: Path, name: str, column: str
) -> None:
    days = ["2025-01-03", "2025-01-04", "2025-02-11"]
    rows = [{"model_id": f"a/{n}", column: day} for day in days for n in range(4)]
    folder = dated(name, tmp_path, rows)
    assert folder.days() == set(days)
    (said,) = folder.remarks("2020-01-01")
    assert f"{name}: column `{column}` is taken for the day of capture" in said
    assert len(read(tmp_path, day=days[1]).rows) == 4


@EVERY_NAME
def test_a_column_day_is_the_day_without_a_word(tmp_path: Path, name: str) -> None:
    rows = [{"id": f"a/{n}", "day": f"2025-01-0{n}", "date": "2024-01-01"} for n in range(1, 4)]
    folder = dated(name, tmp_path, rows)
    assert folder.days() == {"2025-01-01", "2025-01-02", "2025-01-03"}
    assert folder.remarks("2020-01-01") == []


# Lists and objects that were printed


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


BASES = {"relation": "finetune", "models": [{"_id": "9", "id": "q/r"}]}
KEPT_BASES = {"relation": "finetune", "models": [{"id": "q/r"}]}


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


# Numbers and times


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


# gated


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


# The client's objects


MODEL = {
    "_id": "621ffdc036468d709f17434d",
    "id": "ada/one",
    "author": "ada",
    "createdAt": AT,
    "lastModified": "2024-05-06T07:08:09.000Z",
    "downloads": 5,
    "downloadsAllTime": 50,
    "likes": 2,
    "trendingScore": 1.5,
    "pipeline_tag": "fill-mask",
    "library_name": "transformers",
    "tags": TAGS,
    "gated": "auto",
    "private": False,
    "safetensors": {"parameters": {"F32": 7}, "total": 7},
    "gguf": {"total": 9, "architecture": "llama"},
    "baseModels": BASES,
    "usedStorage": 12,
    "cardData": {"license": "mit"},
    "siblings": [{"rfilename": "a.txt"}],
    "modelId": "ada/one",
}
SPACE = {
    "_id": "621ffdc036468d709f17434e",
    "id": "ada/space",
    "author": "ada",
    "createdAt": AT,
    "lastModified": AT,
    "likes": 2,
    "trendingScore": 1,
    "sdk": "gradio",
    "runtime": {"stage": "RUNNING", "hardware": {"current": "cpu-basic", "requested": "t4-small"}},
    "tags": TAGS,
    "private": False,
    "models": ["a/x", "b/y"],
    "datasets": ["c/z"],
    "usedStorage": 12,
}


OTHERS = ("siblings", "card_data", "cardData")


def as_lines(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row, default=str) for row in rows)


@pytest.mark.parametrize("made", [vars, dataclasses.asdict], ids=["vars", "asdict"])
@pytest.mark.parametrize("kind", ["models", "spaces"])
@pytest.mark.parametrize("end", [".json", ".jsonl", ".csv", ".parquet"])
def test_objects_of_the_client_are_what_the_hub_served(
    tmp_path: Path, made: Any, kind: Any, end: str
) -> None:
    source = MODEL if kind == "models" else SPACE
    info = (ModelInfo if kind == "models" else SpaceInfo)(**json.loads(json.dumps(source)))
    row = made(info)
    name = f"{kind}_{DAY}{end}"
    if end == ".parquet":
        plain = {key: one for key, one in row.items() if key not in OTHERS}
        plain = {key: dict(one) if isinstance(one, dict) else one for key, one in plain.items()}
        runtime = plain.get("runtime")
        if runtime is not None and not isinstance(runtime, dict):
            plain["runtime"] = vars(runtime)
        pl.DataFrame([plain]).write_parquet(tmp_path / name)
        found = read(tmp_path, kind)
    else:
        text = {".json": f"[{as_lines([row])}]", ".jsonl": as_lines([row]), ".csv": as_csv([row])}
        found = scrape(tmp_path, name, text[end], kind)
    straight = scrape(tmp_path / "hub", f"{kind}_{DAY}.json", json.dumps([source]), kind)
    (kept,), (wanted,) = found.rows, straight.rows
    for time in ("createdAt", "lastModified"):
        kept[time] = kept[time].replace("05Z", "05.000Z").replace("09Z", "09.000Z")
    if made is dataclasses.asdict:
        assert kept.pop("_id") == f"name:{source['id']}"
        wanted.pop("_id")
    assert kept == wanted
    assert found.odd == []
    assert found.day.unread == {}


def test_two_spellings_of_a_field_are_one(tmp_path: Path) -> None:
    rows = [
        {"id": "a/1", "downloads_all_time": 1, "downloadsAllTime": 2},
        {"id": "a/2", "downloads_all_time": 3, "downloadsAllTime": None},
        {"id": "a/3", "downloads_all_time": None, "downloadsAllTime": None},
    ]
    for found in every_format(tmp_path, rows):
        assert found.column("downloadsAllTime") == [2, 3, None]
        assert found.day.unread == {}


@pytest.mark.parametrize("name", ["model_id", "modelId", "Model ID", "repo_id", "ID"])
def test_other_names_of_the_id(tmp_path: Path, name: str) -> None:
    for found in every_format(tmp_path, [{name: "a/x", "likes": 1}]):
        assert [(row["id"], row["_id"]) for row in found.rows] == [("a/x", "name:a/x")]


# Columns that were not read


def test_a_column_that_looks_like_a_field_is_named_in_every_format(tmp_path: Path) -> None:
    rows = [{"id": "a/x", "downloads_30d": 5, "like": 2, "tag": "x", "sha": "1", "note": "n",
             "created": AT, "mask_token": "m", "model_index": "i"}]  # fmt: skip
    for found in every_format(tmp_path, rows):
        assert found.day.unread == {
            "downloads_30d": "not read, though it looks like `downloads`",
            "like": "not read, though it looks like `likes`",
            "tag": "not read, though it looks like `tags`",
            "created": "not read, though it looks like `createdAt`",
        }


def test_a_column_like_a_field_that_is_there_is_no_loss(tmp_path: Path) -> None:
    rows = [{"id": "a/x", "likes": 2, "likes_7d": 1, "downloads": 3, "downloads_30d": 3}]
    for found in every_format(tmp_path, rows):
        assert found.day.unread == {}


def test_a_column_without_a_readable_value_is_named_in_every_format(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": f"a/{n}", "downloads": "many", "private": "yes", "likes": 1} for n in range(3)
    ]
    rows[0]["downloads"] = None
    for found in every_format(tmp_path, rows):
        assert found.day.unread == {
            "downloads": 'none of its 2 values is what the Hub serves: "many"',
            "private": 'none of its 3 values is what the Hub serves: "yes"',
        }
        assert found.day.seen == {"id", "likes"}


def test_a_column_is_read_though_its_first_page_is_not(tmp_path: Path) -> None:
    lines = [{"id": f"a/{n}", "tags": "x"} for n in range(4000)] + [{"id": "a/4000", "tags": ["t"]}]
    found = scrape(tmp_path, JSONL, as_lines(lines))
    assert found.day.unread == {}
    assert found.day.seen == {"id", "tags"}
    assert len(found.odd) == 4000


@pytest.mark.parametrize("name", [JSON, JSONL, CSV])
def test_a_hostile_number_of_columns_is_bounded(tmp_path: Path, name: str) -> None:
    row = {"id": "a/x", **{f"likes{n}": n for n in range(1500)}, "downloads": 5}
    text = {CSV: as_csv([row]), JSON: json.dumps([row]), JSONL: json.dumps(row)}[name]
    found = scrape(tmp_path, name, text)
    assert found.rows[0]["downloads"] == 5
    assert found.day.seen == {"id", "downloads"}
    assert 900 < len(found.day.unread) <= 1000


def test_a_name_of_a_column_is_told_short_and_clean(tmp_path: Path) -> None:
    names = ["likes\n<b>", "x" * 300, "downloads\x1b[31m" + "y" * 70]
    found = scrape(tmp_path, JSON, json.dumps([{"id": "a/x", **dict.fromkeys(names, 1)}]))
    assert set(found.day.unread) == {"likes?<b>", "downloads?[31m" + "y" * 70}


# A broken file and its neighbours


def test_a_broken_file_of_many_days_takes_no_other_with_it(tmp_path: Path) -> None:
    (tmp_path / CSV).write_text("id\na/x\n")
    (tmp_path / "all.csv").write_text("day,id\nyesterday,a/x\n")
    (tmp_path / "settings.json").write_text("{")
    folder = RecordedDays(tmp_path)
    assert folder.days() == {DAY}
    assert read(tmp_path).column("id") == ["a/x"]
    with pytest.raises(ArchiveError, match=r"all.csv cannot be read: line 2: no day in day") as no:
        folder.find("models", "2025-06-02")
    assert no.value.permanent
    assert sum("cannot be read" in one for one in folder.remarks(DAY)) == 2


def test_whatever_a_file_makes_its_reader_raise_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Any:
        raise TypeError("unhashable type: 'list'")

    monkeypatch.setattr("hf_assets.hub.archive.row_reader.RowReader.row", fails)
    for name in (CSV, JSON, JSONL):
        (tmp_path / name).unlink(missing_ok=True)
        text = "id\na/x\n" if name == CSV else '[{"id": "a/x"}]'
        with pytest.raises(ArchiveError, match=rf"{name} cannot be read: unhashable") as raised:
            scrape(tmp_path / name, name, text if name != JSONL else text[1:-1])
        assert raised.value.permanent


def test_a_number_of_thousands_of_digits_costs_its_value_alone(tmp_path: Path) -> None:
    found = scrape(tmp_path, JSON, f'[{{"id": "a/x", "likes": {"9" * 5000}, "downloads": 5}}]')
    assert found.column("downloads") == [5]
    assert found.named == [(0, "likes")]


def test_a_real_listing_through_numpys_prints(tmp_path: Path, real_data: Path) -> None:
    served = json.loads((real_data / "hub-models-2025-12" / "models.json").read_text())
    straight = scrape(tmp_path / "hub", JSON, json.dumps(served))
    printed = [row | {"tags": str(np.array(row["tags"], dtype=object))} for row in served]
    found = scrape(tmp_path / "csv", CSV, as_csv(printed))
    # numpy cuts the print of a list of more than a thousand short: one model of them all has more.
    long = [at for at, row in enumerate(served) if len(row["tags"]) > 1000]
    assert len(long) == 1
    assert found.named == [(at, "tags") for at in long]
    straight.rows[long[0]]["tags"] = None
    assert found.rows == straight.rows
