"""Parquet columns of any type: what says the same is rewritten, what does not fit is named."""

import datetime as dt
import decimal
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.archive import arrow_rows, base
from hf_assets.hub.archive.arrow_rows import ArrowRows
from hf_assets.hub.archive.base import ArchivedPage
from hf_assets.hub.archive.values import is_absent
from hf_assets.hub.client.rows import parse_page
from hf_assets.hub.client.wire import Kind

AT = dt.datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=dt.UTC)
TEXT_AT = "2024-05-06T07:08:09.123Z"
IDS = {"_id": ["1", "2", "3"], "id": ["a/x", "a/y", "b/z"]}


def read(path: Path, table: pa.Table, kind: Kind = "models", **options: Any) -> list[ArchivedPage]:
    pq.write_table(table, path / "rows.parquet", **options)
    with pq.ParquetFile(path / "rows.parquet") as file:
        return list(ArrowRows(file, kind).pages())


def columns(path: Path, **found: Any) -> ArrowRows:
    pq.write_table(pa.table(found), path / "rows.parquet")
    return ArrowRows(pq.ParquetFile(path / "rows.parquet"), "models")


def parsed(pages: list[ArchivedPage], kind: Kind = "models") -> tuple[list[dict[str, Any]], list]:
    frames = [parse_page(kind, number, page.body) for number, page in enumerate(pages)]
    rows = [row for frame, _ in frames for row in frame.to_dicts()]
    return rows, [one for _, odd in frames for one in odd]


@pytest.mark.parametrize(
    ("name", "column", "expected"),
    [
        ("downloads", pa.array([1, None, 3], pa.int32()), [1, None, 3]),
        ("downloads", pa.array([1.0, None, 3e15]), [1, None, 3 * 10**15]),
        ("downloads", pa.array(["1", "", None]).cast(pa.large_string()), [1, None, None]),
        ("downloads", pa.array([1, 2, 3], pa.decimal128(38, 0)), [1, 2, 3]),
        ("downloads", pa.array([1, 2, 3]).cast(pa.decimal128(38, 3)), [1, 2, 3]),
        ("downloads", pa.nulls(3), [None] * 3),
        ("trendingScore", pa.array([1, None, 3], pa.int64()), [1.0, None, 3.0]),
        ("trendingScore", pa.array([0.5, None, 3], pa.float32()), [0.5, None, 3.0]),
        (
            "createdAt",
            pa.array([AT, None, AT], pa.timestamp("ns", "UTC")),
            [TEXT_AT, None, TEXT_AT],
        ),
        ("createdAt", pa.array([AT.replace(tzinfo=None)] * 3, pa.timestamp("us")), [TEXT_AT] * 3),
        ("createdAt", pa.array([AT] * 3, pa.timestamp("ms", "Asia/Seoul")), [TEXT_AT] * 3),
        ("createdAt", pa.array([AT.date()] * 3), ["2024-05-06T00:00:00.000Z"] * 3),
        (
            "createdAt",
            pa.array(["2024-05-06 07:08:09.123+00:00", TEXT_AT, None]),
            [TEXT_AT, TEXT_AT, None],
        ),
        ("pipeline_tag", pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        ("gated", pa.array([True, False, None]), ["true", "false", None]),
        ("gated", pa.array(["False", "auto", None]), ["false", "auto", None]),
        ("private", pa.array([True, False, None]), [True, False, None]),
        ("private", pa.array(["True", "false", None]), [True, False, None]),
        ("tags", pa.array([["a"], [], None]), [["a"], [], None]),
        ("tags", pa.array([["a"], ["b"], None], pa.large_list(pa.string())), [["a"], ["b"], None]),
        ("tags", pa.array([["a"], ["b"], None], pa.list_(pa.string(), 1)), [["a"], ["b"], None]),
        ("tags", pa.array(['["a"]', "['b', 'c']", None]), [["a"], ["b", "c"], None]),
        (
            "safetensors",
            pa.array(
                [{"total": 7, "parameters": {"F32": 7}}, {"total": None, "parameters": None}, None]
            ),
            [{"total": 7}, {"total": None}, None],
        ),
        (
            "safetensors",
            pa.array(['{"total": 7, "parameters": {"F32": 7}}', "null", None]),
            [{"total": 7}, None, None],
        ),
        (
            "gguf",
            pa.array([{"total": 7.0}, {"total": None}, None]),
            [{"total": 7}, {"total": None}, None],
        ),
        (
            "baseModels",
            pa.array(
                [
                    {"relation": "merge", "models": [{"_id": "9", "id": "q/r"}]},
                    {"relation": None, "models": []},
                    None,
                ]
            ),
            [
                {"relation": "merge", "models": [{"id": "q/r"}]},
                {"relation": None, "models": []},
                None,
            ],
        ),
        (
            "baseModels",
            pa.array(['{"relation": "merge", "models": [{"id": "q/r"}]}', None, None]),
            [{"relation": "merge", "models": [{"id": "q/r"}]}, None, None],
        ),
    ],
)
def test_the_same_in_another_type(tmp_path: Path, name: str, column: Any, expected: Any) -> None:
    rows, odd = parsed(read(tmp_path, pa.table(IDS | {name: column})))
    assert [row[name] for row in rows] == expected
    assert odd == []
    assert [row["_id"] for row in rows] == IDS["_id"]


@pytest.mark.parametrize(
    ("name", "column", "expected", "reasons"),
    [
        ("downloads", pa.array([1.5, 2.0, math.nan]), [None, 2, None], {"got `float`"}),
        ("downloads", pa.array([2.0**63, 2.0, math.inf]), [None, 2, None], {"got `float`"}),
        (
            "downloads",
            pa.array([2**64 - 1, 2, 3], pa.uint64()),
            [None, 2, 3],
            {"9223372036854775807"},
        ),
        (
            "downloads",
            pa.array([decimal.Decimal("1.5"), decimal.Decimal("2.0"), None], pa.decimal128(9, 1)),
            [None, 2, None],
            {"got `float`"},
        ),
        ("downloads", pa.array(["1.5e0", "2", "<b>"]), [None, 2, None], {"got `str`"}),
        (
            "trendingScore",
            pa.array([math.nan, 2.0, -math.inf]),
            [None, 2.0, None],
            {"not a finite"},
        ),
        ("private", pa.array(["yes", "true", ""]), [None, True, None], {"got `str`"}),
        (
            "tags",
            pa.array(["a, b", "[1]", '["c"]']),
            [None, None, ["c"]],
            {"got `str`", "got `int`"},
        ),
        ("tags", pa.array([["a", None], ["b"], None]), [None, ["b"], None], {"got `null`"}),
        (
            "safetensors",
            pa.array([{"total": 1.5}, {"total": 2.0}, None]),
            [None, {"total": 2}, None],
            {"got `float`"},
        ),
        ("safetensors", pa.array(["{", '{"total": "x"}', None]), [None, None, None], {"got `str`"}),
    ],
)
def test_a_value_that_does_not_fit_is_named_and_the_rest_is_kept(
    tmp_path: Path, name: str, column: Any, expected: Any, reasons: set[str]
) -> None:
    rows, odd = parsed(read(tmp_path, pa.table(IDS | {name: column})))
    assert [row[name] for row in rows] == expected
    assert {one.field for one in odd} == {name}
    for reason in reasons:
        assert any(reason in one.reason for one in odd), odd


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("downloads", pa.array([True, False, None])),
        ("downloads", pa.array([[1], [2], None])),
        ("createdAt", pa.array([dt.time(1), None, None])),
        ("tags", pa.array([[1], [2], None])),
        ("tags", pa.array([{"a": 1}, None, None])),
        ("author", pa.array([b"a", b"\xff", None])),
        ("private", pa.array([[1], [0], None])),
        ("safetensors", pa.array([{"other": 1}, None, None])),
        ("safetensors", pa.array([{"total": "1"}, None, None])),
        ("gguf", pa.array([[("total", 1)], None, None], pa.map_(pa.string(), pa.int64()))),
        ("trendingScore", pa.array([dt.timedelta(1), None, None])),
    ],
)
def test_a_column_that_no_value_of_can_fit_is_left_out_and_named(
    tmp_path: Path, name: str, column: Any
) -> None:
    rows = columns(tmp_path, **IDS, **{name: column})
    assert name not in rows.seen
    assert str(column.type)[:5] in rows.unread[name]
    kept, odd = parsed(list(rows.pages()))
    assert (kept[0][name], odd) == (None, [])


def test_only_what_the_tables_need_is_read(tmp_path: Path) -> None:
    runtime = {"stage": "RUNNING", "hardware": {"current": "a", "requested": None}, "junk": "x"}
    table = pa.table(
        {**IDS, "runtime": [runtime] * 3, "cardData": ["{}"] * 3, "siblings": [[]] * 3}
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    rows = ArrowRows(pq.ParquetFile(tmp_path / "rows.parquet"), "spaces")
    assert rows.columns == ["_id", "id", "runtime.stage", "runtime.hardware"]
    (row, *_), odd = parsed(list(rows.pages()), "spaces")
    assert row["runtime"] == {"stage": "RUNNING", "hardware": {"current": "a", "requested": None}}
    assert odd == []


def test_rows_without_the_hubs_identity_have_their_name(tmp_path: Path) -> None:
    (page,) = read(tmp_path, pa.table({"id": ["a/x", "", None, "b/<b>"]}))
    assert page.ids == ["name:a/x", None, None, "name:b/<b>"]
    rows, odd = parsed([page])
    assert [row["_id"] for row in rows] == ["name:a/x", "name:b/<b>"]
    assert [one.field for one in odd] == [None, None]
    (page,) = read(tmp_path, pa.table({"_id": ["7", None], "modelId": ["a/x", "a/y"]}))
    assert [row["id"] for row in json.loads(page.body)] == ["a/x", "a/y"]
    assert page.ids == ["7", "name:a/y"]


def test_an_id_that_is_no_text_is_no_id(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no column `id` of texts"):
        read(tmp_path, pa.table({"id": [1, 2]}))


def test_two_columns_of_a_name_are_neither(tmp_path: Path) -> None:
    table = pa.table([pa.array(["a/x"]), pa.array([1]), pa.array([2])], ["id", "likes", "likes"])
    pq.write_table(table, tmp_path / "rows.parquet")
    rows = ArrowRows(pq.ParquetFile(tmp_path / "rows.parquet"), "models")
    assert rows.unread == {"likes": "2 columns of that name"}
    assert parsed(list(rows.pages()))[0][0]["likes"] is None


def test_pages_are_cut_from_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_rows, "PAGE_ROWS", 4)
    table = pa.table({"id": [f"a/{n}" for n in range(15)]})
    pages = read(tmp_path, table, row_group_size=6)
    assert [len(page.ids) for page in pages] == [4, 2, 4, 2, 3]
    assert [one for page in pages for one in page.ids] == [f"name:a/{n}" for n in range(15)]
    assert base.PAGE_ROWS > 1000


@settings(max_examples=30)
@given(
    values=st.lists(
        st.one_of(
            st.none(),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(),
            st.text(max_size=20),
            st.sampled_from(["nan", "1.0", "٣", " 7", "+7", "9" * 30, "<script>", "a\x00b"]),
        ),
        min_size=1,
        max_size=8,
    )
)
@pytest.mark.parametrize("name", ["downloads", "trendingScore", "private", "tags", "createdAt"])
def test_no_text_column_is_bent(
    tmp_path_factory: pytest.TempPathFactory, name: str, values: list[Any]
) -> None:
    """A counter is the number that the text says, or it is named; nothing in between."""
    texts = [None if value is None else str(value) for value in values]
    texts = [text.encode(errors="replace").decode() if text else text for text in texts]
    table = pa.table(
        {"id": [f"a/{n}" for n in range(len(texts))], name: pa.array(texts, pa.string())}
    )
    rows, odd = parsed(read(tmp_path_factory.mktemp("rows"), table))
    named = {one.row for one in odd}
    for at, (row, text) in enumerate(zip(rows, texts, strict=True)):
        value = row[name]
        if text is None:
            assert value is None
        elif value is None:
            assert at in named or is_absent(name, text)
        elif name == "downloads":
            assert value == (int(float(text)) if "." in text else int(text))
        elif name == "trendingScore":
            assert value == float(text)
        elif name == "createdAt":
            assert value in (text, text.replace(" ", "T")) or value.endswith("Z")
