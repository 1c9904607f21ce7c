"""The filters of the list of models: widgets of the address, and what they ask for."""

from dataclasses import fields
from typing import Any

import streamlit as st

from hf_assets.apps.explore import address
from hf_assets.apps.explore.components import links
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index.query import NONE_GIVEN, SIZES, SORTS, ModelQuery

SORT_NAMES = {
    "downloads": "downloads, 30 days",
    "downloads_all_time": "downloads, all time",
    "likes": "likes",
    "trending_score": "trending score",
    "created_at": "newest first",
    "parameters": "size",
}
LABELS = {
    "category": "Category",
    "library": "Library",
    "license": "Licence",
    "author": "Author",
    "size": "Size (parameters)",
    "gated": "Gated",
    "tag": "Tag",
    "language": "Language",
    "base_model": "Base model",
    "relation": "Relation to its base",
    "downloads": "Downloads",
    "likes": "Likes",
    "created": "Created",
}
# Of these the address takes any value, as no list has all of them.
_OPEN = ("category", "library", "license", "author", "tag", "language", "base_model")
SPANS = ("downloads", "likes", "created")


def asked_query(reader: LakeReader, day: str) -> ModelQuery:
    """What the widgets ask for, which is what the address says."""
    left, right = st.columns([3, 1])
    chosen: dict[str, Any] = {
        "search": address.text(left, "Search by name", "search", placeholder="llama gguf"),
        "sort": address.choice(
            right, "Sort by", "sort", SORTS, names=lambda name: SORT_NAMES[name]
        ),
    }
    # Closed: on a phone it fills two screens. What is set stands below it.
    with st.expander("Filters"):
        for at in range(0, len(LABELS) - len(SPANS), 5):
            names = [name for name in LABELS if name not in SPANS][at : at + 5]
            for place, name in zip(st.columns(len(names)), names, strict=True):
                chosen[name] = _values(place, reader, day, name)
        left, middle, right = st.columns(3)
        chosen["downloads"] = address.counters(left, LABELS["downloads"], "downloads")
        chosen["likes"] = address.counters(middle, LABELS["likes"], "likes")
        chosen["created"] = address.dates(right, LABELS["created"], "created")
    query = ModelQuery(**chosen)
    _chips(query)
    return query


def _values(place: Any, reader: LakeReader, day: str, name: str) -> tuple[str, ...]:
    options = [*SIZES, NONE_GIVEN] if name == "size" else reader.choices(day, name)
    typed = name in _OPEN
    said = "Type, or choose" if typed else "any"
    return address.several(
        place, LABELS[name], name, options, accept_new_options=typed, placeholder=said
    )


def _chips(query: ModelQuery) -> None:
    """Each filter that is set, as a link that removes it."""
    removals: list[tuple[str, str]] = []
    for field in fields(query):
        name = field.name
        if name not in LABELS:
            continue
        value = getattr(query, name)
        if name in SPANS:
            if value != (None, None):
                low, high = ("any" if bound is None else str(bound) for bound in value)
                removals.append((address.here(**{name: None, "rows": None}), _removal(
                    f"{LABELS[name]} {low} to {high}")))  # fmt: skip
            continue
        for one in value:
            rest = [other for other in value if other != one]
            removals.append(
                (address.here(**{name: rest, "rows": None}), _removal(f"{LABELS[name]}: {one}"))
            )
    if removals:
        nothing = dict.fromkeys((*LABELS, "rows"))
        links(*removals, (address.here(**nothing), "Remove all filters"))


def _removal(text: str) -> str:
    return f"{text} \N{MULTIPLICATION SIGN}"
