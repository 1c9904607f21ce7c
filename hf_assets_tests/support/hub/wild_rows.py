"""Rows as no Hub should serve them, and what may be left of each value: a reference by hand."""

import json
import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from hf_assets.hub.client.wire import Kind

LEFT_OUT = object()


def text(value: Any) -> Any:
    fits = isinstance(value, str) and not any(0xD800 <= ord(one) < 0xE000 for one in value)
    return value if fits else LEFT_OUT


def count(value: Any) -> Any:
    fits = type(value) is int and -(2**63) <= value < 2**63
    return value if fits else LEFT_OUT


def score(value: Any) -> Any:
    if type(value) not in (int, float):
        return LEFT_OUT
    try:
        return float(value) if math.isfinite(float(value)) else LEFT_OUT
    except OverflowError:
        return LEFT_OUT


def flag(value: Any) -> Any:
    return value if isinstance(value, bool) else LEFT_OUT


def gate(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else text(value)


def each(item: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def fits(value: Any) -> Any:
        if not isinstance(value, list):
            return LEFT_OUT
        kept = [item(one) for one in value]
        return LEFT_OUT if LEFT_OUT in kept else kept

    return fits


def parts(required: bool = False, **known: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An object, of which the known keys are kept."""

    def fits(value: Any) -> Any:
        if not isinstance(value, dict) or (required and not value.keys() >= known.keys()):
            return LEFT_OUT
        if any(text(key) is LEFT_OUT for key in value):
            return LEFT_OUT  # a key that is no text costs its object
        kept = {
            key: None if value.get(key) is None and not required else check(value.get(key))
            for key, check in known.items()
        }
        return LEFT_OUT if LEFT_OUT in kept.values() else kept

    return fits


TOTAL = parts(total=count)
FITS: dict[Kind, dict[str, Callable[[Any], Any]]] = {
    "models": {
        **dict.fromkeys(("author", "createdAt", "lastModified"), text),
        **dict.fromkeys(("pipeline_tag", "library_name"), text),
        **dict.fromkeys(("downloads", "downloadsAllTime", "likes", "usedStorage"), count),
        "trendingScore": score,
        "tags": each(text),
        "gated": gate,
        "private": flag,
        "safetensors": TOTAL,
        "gguf": TOTAL,
        "baseModels": parts(relation=text, models=each(parts(required=True, id=text))),
    },
    "spaces": {
        **dict.fromkeys(("author", "createdAt", "lastModified", "sdk"), text),
        **dict.fromkeys(("likes", "usedStorage"), count),
        "trendingScore": score,
        "runtime": parts(stage=text, hardware=parts(current=text, requested=text)),
        "private": flag,
        **dict.fromkeys(("tags", "models", "datasets"), each(text)),
    },
    "datasets": {
        **dict.fromkeys(("author", "createdAt", "lastModified"), text),
        **dict.fromkeys(("downloads", "downloadsAllTime", "likes"), count),
        **dict.fromkeys(("usedStorage", "mainSize"), count),
        "trendingScore": score,
        "tags": each(text),
        "gated": gate,
        **dict.fromkeys(("private", "disabled"), flag),
    },
}


def reading(kind: Kind, row: Any) -> tuple[dict[str, Any] | None, set[str]]:
    """What must be left of a row (None: put aside) and the names of the values left out."""
    if not isinstance(row, dict):
        return None, set()
    if any(text(row.get(key)) in (LEFT_OUT, "") for key in ("_id", "id")):
        return None, set()
    kept, out = {"_id": row["_id"], "id": row["id"]}, set()
    for name, fits in FITS[kind].items():
        value = None if row.get(name) is None else fits(row[name])
        if value is LEFT_OUT:
            out.add(name)
        kept[name] = None if value is LEFT_OUT else value
    return kept, out


characters = st.characters() | st.characters(categories=["Cs"]) | st.sampled_from('"\\/|<>&\0\n')
texts = st.text(characters, max_size=8) | st.sampled_from(
    ["", "license:mit", "base_model:a/b", "base_model:finetune:a/b", "auto", "true", "../../x",
     "task_categories:a", "task_categories:", "language:en", "en", "size_categories:n<1K",
     "size_categories:10K<n<100K", "modality:text", "format:json",
     "2022-03-02T23:29:04.000Z", "2024-02-30T00:00:00.000Z", "2024-01-01", "1e5", "null"]
)  # fmt: skip
numbers = (
    st.integers(-10, 10**9)
    | st.floats()
    | st.sampled_from([2**63, 2**63 - 1, -(2**63), -(2**63) - 1, 2**64, 10**30, 10**400, 3.0, -0.0])
)
scalars = st.none() | st.booleans() | numbers | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        texts | st.sampled_from(["total", "stage", "current", "relation", "models", "id"]),
        inner,
        max_size=3,
    ),
    max_leaves=6,
)  # fmt: skip
total = st.fixed_dictionaries({}, optional={"total": anything, "parameters": anything})
likely: dict[str, st.SearchStrategy[Any]] = {
    "tags": st.lists(texts, max_size=4),
    "models": st.lists(texts, max_size=4),
    "safetensors": total,
    "gguf": total,
    "baseModels": st.fixed_dictionaries(
        {},
        optional={
            "relation": anything,
            "models": st.lists(st.fixed_dictionaries({"id": texts}), max_size=3) | anything,
        },
    ),
    "runtime": st.fixed_dictionaries(
        {},
        optional={
            "stage": anything,
            "hardware": anything
            | st.fixed_dictionaries({}, optional={"current": anything, "requested": anything}),
        },
    ),
    "likes": numbers,
    "downloads": numbers,
    "trendingScore": numbers,
    "gated": st.booleans() | texts,
    "private": st.booleans(),
    "disabled": st.booleans(),
    "mainSize": numbers,
}


def wild_rows(kind: Kind) -> st.SearchStrategy[Any]:
    fields = {name: likely.get(name, texts) | anything for name in FITS[kind]}
    row = st.fixed_dictionaries(
        {"_id": texts, "id": texts}, optional={**fields, "somethingNew": anything}
    )
    bare = st.dictionaries(st.sampled_from(["_id", "id", "likes", "tags"]), anything)
    return row | row | bare | anything


def as_json(value: Any, ascii_only: bool = True) -> bytes:
    written = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
    try:
        return written.encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()
