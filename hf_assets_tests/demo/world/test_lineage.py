"""Families of a generated Hub: what cards say of bases, and what the Hub makes of it."""

import datetime as dt
from collections import Counter
from typing import Any

import msgspec
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import Where
from hf_assets.demo.world.vocabulary import QUANTISERS, UNLISTED_MODELS

DAY = dt.date(2026, 11, 20)
FIELDS = frozenset(("_id", "id", "author", "tags", "baseModels", "createdAt", "gguf"))
Models = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def models() -> Models:
    listing = GeneratedHub(20_000, 0, day=DAY).listing("models", "createdAt", Where())
    rows = map(msgspec.json.decode, listing.page(0, listing.total, FIELDS)[0])
    return {row["id"]: row for row in rows}


def bases(row: dict[str, Any]) -> list[str]:
    """Those that the tags name, in their order."""
    named = (tag.split(":") for tag in row["tags"] if tag.startswith("base_model:"))
    return [parts[1] for parts in named if len(parts) == 2]


def relations(row: dict[str, Any]) -> set[str]:
    named = (tag.split(":") for tag in row["tags"] if tag.startswith("base_model:"))
    return {parts[1] for parts in named if len(parts) == 3}


def depth(models: Models, name: str, above: tuple[str, ...] = ()) -> int:
    """Generations from the root; -1 in a circle."""
    named = bases(models[name]) if name in models and name not in above else []
    if name in above:
        return -1
    return 1 + depth(models, named[0], (*above, name)) if named else 0


def test_families_have_several_generations(models: Models) -> None:
    depths = Counter(depth(models, name) for name in models)
    assert 0.25 < 1 - depths[0] / len(models) < 0.45
    assert depths[1] > depths[2] > depths[3] > depths[4] > 0
    derived = [row for row in models.values() if bases(row)]
    by_relation = Counter(relation for row in derived for relation in relations(row))
    assert set(by_relation) == {"finetune", "adapter", "quantized", "merge"}
    assert min(by_relation.values()) > 200
    # A quantised model of a finetune of a root.
    assert any(
        relations(row) == {"quantized"}
        and (parent := models.get(bases(row)[0]))
        and relations(parent) == {"finetune"}
        and depth(models, row["id"]) == 2
        for row in derived
    )


def test_merges_have_several_bases(models: Models) -> None:
    many = [row for row in models.values() if len(bases(row)) > 1]
    assert {len(bases(row)) for row in many} == {2, 3}
    assert all(relations(row) <= {"merge"} for row in many)
    assert all(len(set(bases(row))) == len(bases(row)) for row in many)


def test_what_families_have_that_they_should_not(models: Models) -> None:
    derived = [row for row in models.values() if bases(row)]
    missing = [base for row in derived for base in bases(row) if base not in models]
    assert 0.02 < len(missing) / len(derived) < 0.1
    assert set(missing) & set(UNLISTED_MODELS)
    assert set(missing) - set(UNLISTED_MODELS)  # deleted, or called otherwise since
    assert any(row["id"] in bases(row) for row in derived)
    assert any(
        base != row["id"] and row["id"] in bases(models[base])
        for row in derived
        for base in bases(row)
        if base in models
    )
    assert any(not relations(row) for row in derived)


def test_the_hub_knows_the_bases_that_it_lists(models: Models) -> None:
    for row in models.values():
        found = row.get("baseModels")
        if found is None:
            continue
        names = [base["id"] for base in found["models"]]
        assert names
        assert all(models[base["id"]]["_id"] == base["_id"] for base in found["models"])
        assert relations(row) == {found["relation"]}
        # A card names a base as it was called then.
        assert len(names) <= len(bases(row))
    named = [row for row in models.values() if bases(row)]
    without = [row for row in named if "baseModels" not in row]
    assert 0.03 < len(without) / len(named) < 0.1
    assert all(not set(bases(row)) & set(models) or not relations(row) for row in without)


def test_quantisers_and_their_formats(models: Models) -> None:
    theirs = [row for row in models.values() if row["author"] in QUANTISERS]
    quantised = [row for row in models.values() if relations(row) == {"quantized"}]
    assert 0.2 < len(theirs) / len(quantised) < 0.5
    assert all("-GGUF" in row["id"] or "4" in row["id"] or "-AWQ" in row["id"] for row in theirs)
    for tag, mark in (("awq", "-AWQ"), ("gptq", "-GPTQ"), ("mlx", "-mlx-4bit")):
        of_tag = [row for row in quantised if tag in row["tags"] and mark in row["id"]]
        assert of_tag
        assert all("4-bit" in row["tags"] for row in of_tag)
    assert sum("-GGUF" in row["id"] for row in quantised) > 0.5 * len(quantised)


def test_a_base_that_is_gone_is_gone_from_what_the_hub_knows() -> None:
    hub = GeneratedHub(6_000, 0, day=DAY, sized_on=DAY)
    for day in (DAY - dt.timedelta(400), DAY, DAY + dt.timedelta(400)):
        hub.day = day
        listing = hub.listing("models", "createdAt", Where())
        rows = [msgspec.json.decode(row) for row in listing.page(0, listing.total, FIELDS)[0]]
        there = {row["_id"]: row["id"] for row in rows}
        known = [base for row in rows for base in row.get("baseModels", {}).get("models", ())]
        assert known
        assert all(there[base["_id"]] == base["id"] for base in known)
