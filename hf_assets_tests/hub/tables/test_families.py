"""Families of models, against a walk from each model to its root by hand."""

from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hf_assets.hub.tables import families as module
from hf_assets.hub.tables import schemas
from hf_assets.hub.tables.families import RELATIONS, UNKNOWN, families
from hf_assets.hub.tables.forest import cut_cycles, on_cycles, roots
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import Row

NAMES = [f"a/{letter}" for letter in "bcdefghijk"]
# Named as bases, and never listed.
GONE = ["gone/x", "gone/y"]
a_base = st.fixed_dictionaries(
    {
        "id": st.sampled_from([*NAMES, *GONE]) | st.sampled_from([None, ""]),
        "relation": st.sampled_from([*RELATIONS, None, "distilled"]),
    }
)
a_model = st.fixed_dictionaries(
    {
        "id": st.sampled_from(NAMES),
        "base_models": st.none() | st.lists(a_base, max_size=4),
        "downloads": st.none() | st.integers(0, 99),
        "license": st.sampled_from([None, "mit"]),
    }
)


def models_of(drawn: list[Row]) -> list[Row]:
    """With identities, in another order than by age."""
    return [row | {"hub_id": f"{7 * at % 16:02x}"} for at, row in enumerate(drawn)]


def made(rows: list[Row]) -> tuple[dict[str, Row], dict[str, Any]]:
    """The rows of the table by `hub_id`, and its notes."""
    write = families(pl.LazyFrame(rows, schema=schemas.MODELS.schema), DAY)
    empty = pl.DataFrame(schema=schemas.FAMILIES.schema)
    frame = pl.concat([empty, *(part.select(empty.columns) for part in write.frames)])
    assert frame["hub_id"].is_unique().all()
    return {row["hub_id"]: row for row in frame.iter_rows(named=True)}, write.all_notes()


def chosen(row: Row, owner: dict[str, str]) -> list[tuple[str, str | None]]:
    """The distinct bases that a model names, with relations: best first."""
    seen: dict[str, str | None] = {}
    for base in row["base_models"] or []:
        if base["id"]:
            seen.setdefault(base["id"], base["relation"])
    seen = {name: given for name, given in seen.items() if owner.get(name) != row["hub_id"]}
    return sorted(seen.items(), key=lambda one: one[0] not in owner)


def walked(rows: list[Row]) -> tuple[dict[str, Row], dict[str, int]]:
    """The same rows, each found by a walk along its bases; and the counts."""
    owner: dict[str, str] = {}
    for row in sorted(rows, key=lambda one: one["hub_id"]):
        owner.setdefault(row["id"], row["hub_id"])
    bases = {row["hub_id"]: chosen(row, owner) for row in rows}
    # The base of each, by identity; one that is not listed is its own name.
    step = {one: owner.get(found[0][0], found[0][0]) for one, found in bases.items() if found}
    cycles = set()
    for one in step:
        path = [one]
        while path[-1] in step and step[path[-1]] not in path:
            path.append(step[path[-1]])
        if step.get(path[-1]) in path:
            cycles.add(frozenset(path[path.index(step[path[-1]]) :]))
    cut = {min(cycle) for cycle in cycles}

    def top(one: str) -> tuple[str, int]:
        steps = 0
        while one in step and one not in cut:
            one, steps = step[one], steps + 1
        return one, steps

    names = {row["hub_id"]: row for row in rows}
    derivatives = Counter(
        owner[name]
        for one, found in bases.items()
        for name, _ in found
        if owner.get(name, one) != one
    )
    found: dict[str, Row] = {}
    for row in rows:
        one, mine = row["hub_id"], bases[row["hub_id"]]
        if not mine and not derivatives[one]:
            continue
        root, depth = top(one)
        relation = (mine[0][1] if mine[0][1] in RELATIONS else UNKNOWN) if mine else None
        found[one] = {
            "relation": relation,
            "n_bases": len(mine),
            "base": mine[0][0] if mine else None,
            "base_listed": mine[0][0] in owner if mine else None,
            "root": names[root]["id"] if root in names else root,
            "root_id": root if root in names else None,
            "root_license": names[root]["license"] if root in names else None,
            "n_roots": len({top(owner.get(name, name))[0] for name, _ in mine}) or 1,
            "depth": depth,
            "on_cycle": any(one in cycle for cycle in cycles),
            "derivatives": derivatives[one],
            "downloads": row["downloads"],
            "license": row["license"],
        }
    with_base = [row for row in found.values() if row["base"]]
    counts = {
        "rows": len(found),
        "models": len(rows),
        "with a base": len(with_base),
        "families": len({row["root_id"] or row["root"] for row in with_base}),
        "bases not listed": len(
            {name for mine in bases.values() for name, _ in mine if name not in owner}
        ),
        "with no listed base": sum(not row["base_listed"] for row in with_base),
        "with several bases": sum(row["n_bases"] > 1 for row in with_base),
        "on a cycle": sum(len(cycle) for cycle in cycles if len(cycle) > 1),
        "cycles": sum(len(cycle) > 1 for cycle in cycles),
        "naming themselves": sum(
            row["hub_id"] in [owner.get(one["id"]) for one in row["base_models"] or []]
            for row in rows
        ),
        "deepest": max((row["depth"] for row in found.values()), default=0),
    }
    return found, counts


def base(*names: str, relation: str | None = "finetune") -> list[Row]:
    return [{"id": name, "relation": relation} for name in names]


def model(name: str, *bases: str, **more: Any) -> Row:
    return {"id": name, "base_models": base(*bases), "downloads": 1, "license": None, **more}


@settings(max_examples=100)
@given(drawn=st.lists(a_model, max_size=16))
# A chain into a cycle of two; a model that names itself and a missing one; names that are shared.
@example(drawn=[model("a/b", "a/c"), model("a/c", "a/b"), model("a/d", "a/b")])
@example(drawn=[model("a/b", "a/b", "gone/x"), model("a/b"), model("a/c", "a/b", "a/d")])
@example(drawn=[model(NAMES[at], NAMES[at + 1]) for at in range(9)])
def test_families_are_those_of_a_walk(drawn: list[Row]) -> None:
    rows = models_of(drawn)
    found, notes = made(rows)
    wanted, counts = walked(rows)
    assert {one: {name: row[name] for name in wanted.get(one, row)} for one, row in found.items()} \
        == wanted  # fmt: skip
    assert {name: notes[name] for name in counts} == counts
    relations = Counter(row["relation"] for row in wanted.values() if row["relation"])
    assert {name: count for name, count in notes["relations"].items() if count} == relations


def test_a_read_in_parts_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    rows = models_of([model(f"a/{at}", *(f"a/{one}" for one in rng.integers(0, 16, at % 3)))
                      for at in range(16)])  # fmt: skip
    whole = made(rows)
    monkeypatch.setattr(module, "ROW_GROUP", 3)
    assert made(rows) == whole


@given(parent=st.lists(st.integers(0, 29), min_size=30, max_size=30))
def test_pointer_doubling_is_a_walk(parent: list[int]) -> None:
    pointers = np.array(parent)
    cycling = on_cycles(pointers)
    back = set()
    for one in range(30):
        at, steps = parent[one], 1
        while at != one and steps < 31:
            at, steps = parent[at], steps + 1
        if at == one and parent[one] != one:
            back.add(one)
    assert cycling.tolist() == sorted(back)
    # The oldest is the one with the highest number.
    cut = cut_cycles(pointers, cycling, np.arange(len(cycling))[::-1])
    root, depth = roots(cut)
    for one in range(30):
        at, steps = one, 0
        while cut[at] != at:
            at, steps = int(cut[at]), steps + 1
            assert steps < 31, "a cycle is left"
        assert (root[one], depth[one]) == (at, steps)
    assert (cut == pointers).sum() == 30 - len({root[one] for one in cycling.tolist()})


def test_a_long_chain_takes_few_steps() -> None:
    """A hundred thousand generations: a walk for each would take 5 billion steps."""
    size = 100_000
    parent = np.maximum(np.arange(size) - 1, 0)
    root, depth = roots(parent)
    assert not root.any()
    assert depth.tolist() == list(range(size))
    ring = np.roll(np.arange(size), 1)
    cycling = on_cycles(ring)
    assert len(cycling) == size
    root, depth = roots(cut_cycles(ring, cycling, np.arange(size)))
    assert not root.any()
    assert depth[-1] == size - 1


def test_relation_is_that_to_the_chosen_base() -> None:
    bases = [*base("gone/x", relation="merge"), *base("a/c", relation="quantized")]
    found, notes = made(models_of([model("a/b", base_models=bases), model("a/c")]))
    assert found["00"]["base"] == "a/c"
    assert found["00"]["relation"] == "quantized"
    assert found["00"]["n_roots"] == 2
    assert notes["with several relations"] == 1


def test_a_stored_day(lake: Lake) -> None:
    rows = models_of([model("a/b"), model("a/c", "a/b", downloads=7), model("a/d")])
    write = families(pl.LazyFrame(rows, schema=schemas.MODELS.schema), DAY)
    stored = lake.write(schemas.FAMILIES, DAY, write)
    assert stored.frame.collect_schema() == schemas.FAMILIES.schema
    assert stored.frame.select("id", "root", "downloads").collect().rows() == [
        ("a/b", "a/b", 1),
        ("a/c", "a/b", 7),
    ]
    assert stored.notes["models"] == 3
