"""No odd row costs a page, and nothing that a page says is silently changed."""

import json
import math
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hf_assets.hub.client import rows
from hf_assets.hub.client.invalid_values import QUARANTINE_SCHEMA, InvalidValue, quarantine_frame
from hf_assets.hub.client.rows import decoded_ids, parse_page, row_ids
from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind
from hf_assets_tests.support.hub.wild_rows import FITS, as_json, reading, wild_rows

KINDS: list[Kind] = ["models", "spaces", "datasets"]


def same(found: Any, wanted: Any) -> bool:
    """Equal, and of the same type: 1 is not 1.0, and not true."""
    if isinstance(wanted, float):
        return (
            isinstance(found, float)
            and math.copysign(1, found) == math.copysign(1, wanted)
            and (found == wanted)
        )
    if isinstance(wanted, dict):
        return wanted.keys() == found.keys() and all(
            same(found[key], wanted[key]) for key in wanted
        )
    return type(found) is type(wanted) and found == wanted


def without_empty(value: Any) -> Any:
    """An object all of whose known keys are null says as much as null."""
    if isinstance(value, dict):
        value = {key: without_empty(one) for key, one in value.items()}
        return None if all(one is None for one in value.values()) else value
    return value


def check(kind: Kind, served: list[Any], body: bytes) -> None:
    frame, odd = parse_page(kind, 7, body)
    assert frame.schema == WIRE_SCHEMA[kind]
    ids, decoded = decoded_ids(kind, body)
    assert ids == row_ids(body)
    assert not (decoded and odd)
    again = parse_page(kind, 7, body, decoded)
    assert again[0].equals(frame)
    assert again[1] == odd
    found_rows = iter(frame.iter_rows(named=True))
    for at, row in enumerate(served):
        kept, left_out = reading(kind, row)
        named = [one for one in odd if one.row == at]
        assert all(one.page == 7 and one.reason and one.value for one in named)
        if kept is None:
            assert [one.field for one in named] == [None], row
        else:
            assert sorted(str(one.field) for one in named) == sorted(left_out)
            found = next(found_rows)
            for name, wanted in kept.items():
                have = found[name]
                assert same(without_empty(have), without_empty(wanted)), (name, have, wanted)
    assert next(found_rows, None) is None
    assert len(row_ids(body)) == len(served)
    assert quarantine_frame(odd).height == len(odd)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data(), ascii_only=st.booleans())
def test_any_row_is_read_as_it_was_served_or_named(
    kind: Kind, data: st.DataObject, ascii_only: bool
) -> None:
    served = data.draw(st.lists(wild_rows(kind), max_size=4))
    body = as_json(served, ascii_only)
    check(kind, json.loads(body), body)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_one_wild_value_costs_no_other(kind: Kind, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FITS[kind])))
    wild = {**data.draw(wild_rows(kind).filter(lambda row: isinstance(row, dict)))}
    plain = {"_id": "a", "id": "b/c", "likes": 3, "tags": ["x"]}
    served = [plain, {**plain, name: wild.get(name, [])}, plain]
    body = as_json(served)
    check(kind, json.loads(body), body)


PLAIN = {"_id": "5f1", "id": "a/b", "likes": 5}

NAMED: dict[str, tuple[Kind, dict[str, Any], str, Any]] = {
    "safetensors without total": ("models", {"safetensors": {"x": {}}}, "", {"total": None}),
    "safetensors as a list": ("models", {"safetensors": []}, "safetensors", None),
    "runtime without stage": (
        "spaces",
        {"runtime": {"hardware": {"current": "t4"}}},
        "",
        {"stage": None, "hardware": {"current": "t4", "requested": None}},
    ),
    "runtime as text": ("spaces", {"runtime": "RUNNING"}, "runtime", None),
    "hardware as text": ("spaces", {"runtime": {"hardware": "cpu"}}, "runtime", None),
    "float in an integer field": ("models", {"downloads": 3.5}, "downloads", None),
    "whole float in an integer field": ("models", {"downloads": 3.0}, "downloads", None),
    "2**63": ("models", {"downloads": 2**63}, "downloads", None),
    "2**63 - 1": ("models", {"downloads": 2**63 - 1}, "", 2**63 - 1),
    "2**64 of storage": ("spaces", {"usedStorage": 2**64}, "usedStorage", None),
    "text in an integer field": ("models", {"downloads": "12"}, "downloads", None),
    "true in an integer field": ("models", {"downloads": True}, "downloads", None),
    "a scalar where a list belongs": ("models", {"tags": "nlp"}, "tags", None),
    "a model where models belong": ("spaces", {"models": "gpt2"}, "models", None),
    "null in a list": ("spaces", {"models": ["gpt2", None]}, "models", None),
    "number in a list": ("models", {"tags": ["a", 1]}, "tags", None),
    "one in a flag": ("models", {"private": 1}, "private", None),
    "text in a flag": ("models", {"private": "false"}, "private", None),
    "true gate": ("models", {"gated": True}, "", "true"),
    "false gate": ("models", {"gated": False}, "", "false"),
    "numbered gate": ("models", {"gated": 2}, "gated", None),
    "NaN": ("models", {"trendingScore": math.nan}, "trendingScore", None),
    "infinity": ("models", {"trendingScore": math.inf}, "trendingScore", None),
    "long float": ("models", {"trendingScore": 2.8000000000000003}, "", 2.8000000000000003),
    "half a surrogate": ("models", {"author": "a\ud800"}, "author", None),
    "half a surrogate in a list": ("models", {"tags": ["a", "\udfff"]}, "tags", None),
    "a whole pair": ("models", {"author": "\U0001f917"}, "", "\U0001f917"),
    "a zero character": ("models", {"author": "a\0b"}, "", "a\0b"),
    "text in a size": ("datasets", {"mainSize": "12"}, "mainSize", None),
    "size with a fraction": ("datasets", {"mainSize": 1.5}, "mainSize", None),
    "2**63 of size": ("datasets", {"mainSize": 2**63}, "mainSize", None),
    "one in disabled": ("datasets", {"disabled": 1}, "disabled", None),
    "gate of a dataset": ("datasets", {"gated": "manual"}, "", "manual"),
    "object in a dataset's tags": ("datasets", {"tags": [{"x": 1}]}, "tags", None),
    "base model without id": ("models", {"baseModels": {"models": [{}]}}, "baseModels", None),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_odd_values_by_name(name: str) -> None:
    kind, fields, left_out, value = NAMED[name]
    ((field, served),) = fields.items()
    body = as_json([PLAIN, {**PLAIN, **fields}])
    frame, odd = parse_page(kind, 3, body)
    assert [one.field for one in odd] == ([left_out] if left_out else [])
    assert same(frame[field][1], value)
    assert frame["likes"].to_list() == [5, 5]
    if left_out:
        (one,) = odd
        assert (one.page, one.row) == (3, 1)
        assert one.value == json.dumps(served)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (17, "a int, no object"),
        (None, "a NoneType, no object"),
        ("text", "a str, no object"),
        ([], "a list, no object"),
        ({}, "no _id"),
        ({"_id": "a"}, "no id"),
        ({"id": "a/b"}, "no _id"),
        ({"_id": None, "id": "a/b"}, "_id: Expected `str`, got `null`"),
        ({"_id": 5, "id": "a/b"}, "_id: Expected `str`, got `int`"),
        ({"_id": "", "id": "a/b"}, "_id: Expected `str` of length >= 1"),
        ({"_id": "a", "id": ""}, "id: Expected `str` of length >= 1"),
        ({"_id": "a", "id": ["a/b"]}, "id: Expected `str`, got `array`"),
        ({"_id": "a\ud800", "id": "a/b"}, "_id: 'utf-8' codec can't encode"),
    ],
)
def test_rows_without_identity_are_put_aside_with_their_reason(row: Any, reason: str) -> None:
    frame, odd = parse_page("models", 2, as_json([row, PLAIN]))
    assert frame["id"].to_list() == ["a/b"]
    (one,) = odd
    assert (one.page, one.row, one.field) == (2, 0, None)
    assert one.reason.startswith(reason)
    assert one.value == json.dumps(row)


def test_bytes_that_are_no_text_are_left_out_and_named() -> None:
    body = b'[{"_id":"a","id":"x/y","author":"caf\xe9","likes":4},{"_id":"b","id":"x/z"}]'
    frame, odd = parse_page("models", 0, body)
    assert frame.select("_id", "author", "likes").rows() == [("a", None, 4), ("b", None, None)]
    assert [(one.row, one.field) for one in odd] == [(0, "author")]


def test_a_number_too_large_for_json_readers_is_left_out_and_named() -> None:
    frame, odd = parse_page("models", 0, b'[{"_id":"a","id":"x/y","trendingScore":1e999}]')
    assert frame["trendingScore"].to_list() == [None]
    assert [(one.field, one.reason) for one in odd] == [("trendingScore", "not a finite number")]


@pytest.mark.parametrize("first", [b"1", b'"x"', b"null"])
@pytest.mark.parametrize("second", [b"2", b'"y"', b"null"])
def test_a_key_given_twice_is_one_of_the_two_or_named(first: bytes, second: bytes) -> None:
    body = b'[{"_id":"a","id":"x/y","likes":%s,"likes":%s}]' % (first, second)
    frame, odd = parse_page("models", 0, body)
    found = frame["likes"].to_list()
    assert found[0] in (json.loads(first), json.loads(second)) or [one.field for one in odd] == [
        "likes"
    ]


def test_an_excerpt_of_a_huge_value_is_short() -> None:
    huge = {**PLAIN, "tags": "x" * 10_000_000}
    (one,) = parse_page("models", 0, as_json([huge]))[1]
    assert len(one.value) == 500


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_page_is_an_empty_frame(kind: Kind) -> None:
    frame, odd = parse_page(kind, 0, b"[]")
    assert (frame.height, frame.schema, odd) == (0, WIRE_SCHEMA[kind], [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_odd_rows_alone_is_an_empty_frame(kind: Kind) -> None:
    frame, odd = parse_page(kind, 0, b'[1,{"id":"a"}]')
    assert (frame.height, frame.schema, len(odd)) == (0, WIRE_SCHEMA[kind], 2)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b'{"error":"x"}', b"[", b"[1", b"<html>", b"[] x"]
)
def test_a_body_that_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        row_ids(body)


@settings(max_examples=25)
@given(st.lists(wild_rows("models"), max_size=3))
@example([{"_id": {"$oid": "5"}}, {"_id": [1]}, {"_id": 2**70}, {}, 3])
def test_row_ids_names_each_row(served: list[Any]) -> None:
    body = as_json(served)
    ids = row_ids(body)
    wanted = [row.get("_id") if isinstance(row, dict) else None for row in json.loads(body)]
    assert json.dumps(ids) == json.dumps(wanted)


def test_the_odd_rows_are_a_table() -> None:
    frame = quarantine_frame(
        [InvalidValue(1, 2, None, "no id", "{}"), InvalidValue(1, 3, "likes", "a float", "1.5")]
    )
    assert frame.schema == QUARANTINE_SCHEMA
    assert frame["field"].to_list() == [None, "likes"]
    assert quarantine_frame([]).schema == QUARANTINE_SCHEMA


@pytest.mark.parametrize("kind", KINDS)
def test_the_two_readers_know_the_same_fields(kind: Kind) -> None:
    assert set(WIRE_SCHEMA[kind]) == {"_id", "id", *FITS[kind]}
    frame, _ = parse_page(kind, 0, msgspec.json.encode([{**PLAIN, "id": "c"}]))
    assert frame.filter(pl.col("id") == "c").height == 1


def test_an_identity_that_is_no_text_costs_its_row_alone() -> None:
    body = b'[{"_id":"a\xff","id":"x/y"},{"_id":"b","id":"x/z"}]'
    assert len(row_ids(body)) == 2
    frame, (odd,) = parse_page("models", 4, body)
    assert frame["_id"].to_list() == ["b"]
    assert (odd.page, odd.row, odd.id, odd.field) == (4, 0, "x/y", None)
    assert odd.reason.startswith("_id: 'utf-8' codec can't encode")


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"_id": "a", "id": "x/y", "likes": "5"}, "x/y"),
        ({"_id": "a", "id": 5}, "a"),
        ({"id": "x/\ud800y"}, "x/?y"),
        ({"_id": 5, "id": ["x"]}, None),
        (17, None),
    ],
)
def test_what_does_not_fit_is_named(row: Any, name: str | None) -> None:
    _, (odd,) = parse_page("models", 0, as_json([row]))
    assert odd.id == name
    assert quarantine_frame([odd])["id"].to_list() == [name]


# Deeper than Python reads: such a page is cut into rows.
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 200_000, "never closed"),
        (b"[" + DEEP + b"," + b"[" * 5000, "never closed"),
        (b'[{"_id":"a","id":"x/y"},' + b'{"a":' * 200_000, "never closed"),
        (b"[" + DEEP + b',"a', "text without end"),
        # Tried from each quote again, this takes ten minutes.
        (b"[" + DEEP + b',"' + b'\\"' * 300_000, "text without end"),
        (b"[" + DEEP + b"] [1]", "after the list"),
        (b'{"a":' + DEEP + b"}", "no list of rows"),
        (b"[" + DEEP + b",nonsense]", "Expecting value"),
    ],
)
def test_a_deep_page_that_is_no_list_is_refused_and_no_empty_one(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        row_ids(body)


def test_a_deep_row_costs_no_other_row() -> None:
    text = b'{"_id":"c","id":"a\\"],[\\\\","likes":3}'
    body = b' [ {"_id":"a","id":"x/y"} , ' + DEEP + b"," + text + b" ] "
    assert row_ids(body) == ["a", None, "c"]
    frame, (odd,) = parse_page("models", 0, body)
    assert frame["id"].to_list() == ["x/y", 'a"],[\\']
    assert odd.row == 1
    assert odd.value.startswith('"nested too deep:  [[[')


def test_a_page_that_this_decoder_took_is_not_decoded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = as_json([PLAIN])
    _, decoded = decoded_ids("models", body)
    monkeypatch.delitem(rows._PAGE, "models")
    assert parse_page("models", 0, body, decoded)[0].height == 1
    with pytest.raises(KeyError):
        parse_page("models", 0, body)


@pytest.mark.parametrize("decoded", [None, "another", rows.DECODER["spaces"]])
def test_what_another_decoder_took_is_decoded(decoded: str | None) -> None:
    _, (odd,) = parse_page("models", 0, as_json([{**PLAIN, "likes": 3.5}]), decoded)
    assert odd.field == "likes"


def test_rows_of_an_unknown_kind_have_ids_alone() -> None:
    assert decoded_ids("papers", as_json([PLAIN])) == (row_ids(as_json([PLAIN])), None)
