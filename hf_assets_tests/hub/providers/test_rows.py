"""The router's answer as rows: what fits is kept, what does not is named."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.hub.providers.rows import OddValue, RouterError, offers
from hf_assets_tests.support.hub.routers import model, offer

ONE = model("thinkingmachines/Inkling", offer("together", 4.05), offer("groq"))


def _rows(*models: Any) -> tuple[list[dict[str, Any]], list[OddValue]]:
    return offers(json.dumps({"object": "list", "data": models}))


def test_every_offer_is_a_row_with_its_values() -> None:
    rows, odd = _rows(ONE)
    assert odd == []
    assert [row["provider"] for row in rows] == ["together", "groq"]
    assert rows[0] == {
        "model": "thinkingmachines/Inkling", "provider": "together", "status": "live",
        "price_input": 4.05 / 3, "price_output": 4.05, "free": False, "context_length": 131_072,
        "first_token_latency": 218.6, "throughput": 110.1, "tools": True,
        "structured_output": False, "by_author": False, "created": 1_753_000_000_000,
        "input_modalities": ["text"], "output_modalities": ["text"],
    }  # fmt: skip
    assert rows[1]["price_output"] is None


def test_a_bare_list_of_models_is_read_as_well() -> None:
    assert offers(json.dumps([ONE])) == _rows(ONE)


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"pricing": {"input": "0.1", "output": 1.0}}, "price_input", '"0.1"'),
        ({"pricing": {"input": -1, "output": 1.0}}, "price_input", "-1"),
        ({"pricing": {"input": True, "output": 1.0}}, "price_input", "true"),
        ({"pricing": 3}, "price_input", "3"),
        ({"context_length": 1.5}, "context_length", "1.5"),
        ({"context_length": 2**63}, "context_length", str(2**63)),
        ({"supports_tools": "yes"}, "tools", '"yes"'),
        ({"status": {"state": "live"}}, "status", '{"state":"live"}'),
    ],
)
def test_a_value_of_another_type_is_null_and_named(change: Any, field: str, value: str) -> None:
    rows, odd = _rows(model("a/b", offer("groq", 3.0) | change))
    assert rows[0][field] is None
    first = odd[0]
    assert (first.id, first.provider, first.field, first.value) == ("a/b", 0, field, value)


@pytest.mark.parametrize("absent", ["pricing", "status", "context_length", "supports_tools"])
def test_an_absent_value_is_null_and_not_odd(absent: str) -> None:
    served = {name: value for name, value in offer("groq", 3.0).items() if name != absent}
    rows, odd = _rows(model("a/b", served))
    assert len(rows) == 1
    assert odd == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (7, "a model without an id"),
        ({"providers": []}, "a model without an id"),
        ({"id": "", "providers": []}, "a model without an id"),
        ({"id": "a/b"}, "no list of providers"),
        (model("a/b", {"status": "live"}), "an offer without a provider"),
        (model("a/b", offer("groq"), offer("groq", 1.0)), "the same provider again"),
    ],
)
def test_a_row_without_a_name_is_put_aside(row: Any, reason: str) -> None:
    rows, odd = _rows(row, ONE)
    assert [one["model"] for one in rows if one["model"] != "a/b"] == [ONE["id"]] * 2
    assert len(odd) == 1
    assert odd[0].field is None
    assert odd[0].reason.startswith(reason)


def test_a_model_that_is_listed_twice_has_each_offer_once() -> None:
    again = model("a/b", offer("groq"), offer("novita"))
    rows, odd = _rows(model("a/b", offer("groq", 1.0)), again)
    assert [(one["model"], one["provider"]) for one in rows] == [("a/b", "groq"), ("a/b", "novita")]
    assert [(one.model, one.provider, one.id) for one in odd] == [(1, 0, "a/b")]


@pytest.mark.parametrize(
    "body", [b"<html>", b'{"error": "x"}', b"3", b'{"data": {"a": 1}}', b"\xff", b"", b"[" * 5000]
)
def test_another_shape_is_refused_with_its_beginning(body: bytes) -> None:
    with pytest.raises(RouterError, match="the router's answer is no") as refused:
        offers(body)
    assert refused.value.permanent
    assert len(str(refused.value)) < 600


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_VALUES = {name: _JSON for name in offer("x", 1.0) if name != "provider"}
_PROVIDER = {"provider": st.sampled_from(["a", "b"]) | _JSON}
_OFFERS = st.lists(st.fixed_dictionaries(_PROVIDER, optional=_VALUES), max_size=4)
_NAMED = {"id": st.text(max_size=3) | _JSON, "providers": _OFFERS | _JSON}
_MODELS = st.lists(
    st.fixed_dictionaries(_NAMED, optional={"created": _JSON, "architecture": _JSON}), max_size=3
)


@given(_MODELS)
def test_whatever_comes_every_offer_is_a_row_or_named(models: list[dict[str, Any]]) -> None:
    rows, odd = offers(msgspec.json.encode(models))
    served = sum(
        len(one["providers"])
        for one in models
        if isinstance(one["id"], str) and one["id"] and isinstance(one["providers"], list)
    )
    aside = [one for one in odd if one.field is None and one.provider is not None]
    assert len(rows) + len(aside) == served
    assert all(isinstance(row["price_input"], float | None) for row in rows)
    assert len({(row["model"], row["provider"]) for row in rows}) <= len(rows)
