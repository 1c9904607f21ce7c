"""Which models stand first for a tag, and which ones Spaces use."""

from collections import defaultdict
from typing import Any, get_args

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.tables import schemas, usage
from hf_assets.storage.lake import Lake, StoredTable, iso
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import Row, made_models, made_spaces, table_of
from hf_assets_tests.support.hub.serving import serving

SORTS = get_args(usage.Sort)


def models_frame(rows: list[Row]) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=schemas.MODELS.schema)


def plain_sort(rows: list[Row], tags: tuple[str, ...], count: int, sort: str) -> list[tuple]:
    """tag, rank, id, figure, by_category, by_tag: everything sorted, by hand."""
    wanted = []
    for tag in tags:
        found = [
            row for row in rows if row.get("category") == tag or tag in (row.get("tags") or [])
        ]
        found.sort(key=lambda row: (row.get(sort) is None, -(row.get(sort) or 0), row["id"]))
        wanted += [
            (tag, rank, row["id"], row.get(sort), row.get("category") == tag,
             tag in (row.get("tags") or []))
            for rank, row in enumerate(found[:count], 1)
        ]  # fmt: skip
    return wanted


def chosen(
    rows: list[Row], tags: tuple[str, ...], count: int, sort: Any = "likes"
) -> tuple[list[tuple], dict[str, Any]]:
    made = usage.top_models(models_frame(rows), DAY, tags=tags, count=count, sort=sort)
    frame = pl.concat(made.frames)
    frame = frame.select("tag", "rank", "id", sort, "by_category", "by_tag")
    return frame.rows(), made.notes


ROWS: list[Row] = [
    {"id": "a/both", "likes": 5, "category": "gen", "tags": ["gen", "x"]},
    {"id": "b/category", "likes": 9, "category": "gen", "tags": ["x"]},
    {"id": "c/tag", "likes": 7, "category": "mask", "tags": ["gen"]},
    {"id": "d/tag-alone", "likes": 5, "category": None, "tags": ["gen"]},
    {"id": "e/neither", "likes": 99, "category": "mask", "tags": ["x", "generation"]},
    {"id": "f/unsaid", "likes": None, "category": "gen", "tags": None},
    {"id": "a/tie", "likes": 5, "category": "gen", "tags": []},
]


def test_a_model_counts_by_category_or_by_tag_and_both_are_shown() -> None:
    found, notes = chosen(ROWS, ("gen",), 10)
    assert found == [
        ("gen", 1, "b/category", 9, True, False),
        ("gen", 2, "c/tag", 7, False, True),
        ("gen", 3, "a/both", 5, True, True),
        ("gen", 4, "a/tie", 5, True, False),
        ("gen", 5, "d/tag-alone", 5, False, True),
        ("gen", 6, "f/unsaid", None, True, False),
    ]
    assert notes["models for gen"] == notes["rows"] == 6
    assert notes["sort"] == "likes"


def test_each_tag_has_its_own_ranking_of_that_length() -> None:
    found, notes = chosen(ROWS, ("gen", "mask", "nothing"), 2)
    assert [row[:3] for row in found] == [
        ("gen", 1, "b/category"),
        ("gen", 2, "c/tag"),
        ("mask", 1, "e/neither"),
        ("mask", 2, "c/tag"),
    ]
    assert (notes["models for gen"], notes["models for nothing"]) == (2, 0)


def test_no_models_no_rows(lake: Lake) -> None:
    made = usage.top_models(models_frame([]), DAY, tags=("a", "b"), count=3, sort="likes")
    stored = lake.write(schemas.TOP_MODELS, DAY, made)
    assert stored.rows == 0
    assert stored.frame.collect().schema == schemas.TOP_MODELS.schema


TAGS = st.sampled_from(["gen", "mask", "x"])
a_model = st.fixed_dictionaries(
    {
        "likes": st.none() | st.integers(0, 4),
        "downloads": st.none() | st.integers(0, 3),
        "trending_score": st.none() | st.sampled_from([0.0, 0.5, 2.5]),
        "category": st.none() | TAGS,
        "tags": st.none() | st.lists(TAGS, max_size=2),
    }
)


@settings(max_examples=40)
@given(
    drawn=st.lists(a_model, max_size=25),
    look=st.integers(1, 4),
    count=st.integers(1, 6),
    sort=st.sampled_from(SORTS),
)
def test_the_widening_look_finds_what_a_plain_sort_finds(
    drawn: list[Row], look: int, count: int, sort: str
) -> None:
    rows = [{"id": f"m/{number:02d}", **row} for number, row in enumerate(drawn)]
    tags = ("gen", "mask", "never")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage, "FIRST_LOOK", look)
        found, _ = chosen(rows, tags, count, sort)
    assert found == plain_sort(rows, tags, count, sort)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    """`models` of a generated Hub."""
    with serving(GeneratedHub(1500, 0, seed=8, day=iso(DAY))) as served:
        return made_models(Lake(tmp_path_factory.mktemp("lake")), served)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("look", [10, 20_000])
def test_the_first_of_a_generated_hub(
    generated: StoredTable, lake: Lake, monkeypatch: pytest.MonkeyPatch, sort: Any, look: int
) -> None:
    monkeypatch.setattr(usage, "FIRST_LOOK", look)
    rows = list(generated.frame.collect().iter_rows(named=True))
    tags = ("text-classification", "text-generation", "license:mit", "voice-activity-detection")
    made = usage.top_models(generated.frame, DAY, tags=tags, count=20, sort=sort)
    found = lake.write(schemas.TOP_MODELS, DAY, made).frame.collect()
    columns = ["tag", "rank", "id", sort, "by_category", "by_tag"]
    assert found.select(columns).rows() == plain_sort(rows, tags, 20, sort)
    assert found.schema == schemas.TOP_MODELS.schema


# Usage


def naive_usage(spaces: list[Row], models: list[Row], top: list[Row]) -> dict[str, Row]:
    named: dict[str, list[Row]] = defaultdict(list)
    for space in spaces:
        for name in space["models"] or []:
            named[name].append(space)
    categories = {row["id"]: row["category"] for row in models}
    rows = {}
    for name, users in named.items():
        likes = [space["likes"] for space in users if space["likes"] is not None]
        rows[name] = {
            "day": iso(DAY),
            "id": name,
            "known": name in categories,
            "spaces": len(users),
            "authors": len({space["author"] for space in users} - {None}),
            "likes": sum(likes) if likes else None,
            "category": categories.get(name),
            "chosen_tags": sorted(row["tag"] for row in top if row["id"] == name),
        }
    return rows


def naive_chosen(spaces: list[Row], top: list[Row]) -> set[tuple]:
    by = {"usage_tag": "tag", "usage_category": "category"}
    pairs: dict[tuple, set[tuple]] = defaultdict(set)
    for dimension, column in by.items():
        keys = defaultdict(set)
        for row in top:
            keys[row["id"]].add(row[column])
        for space in spaces:
            for name in space["models"] or []:
                for key in keys[name]:
                    pairs[dimension, key].add((space["hub_id"], name))
    return {
        (*key, len(found), float(len({space for space, _ in found})))
        for key, found in pairs.items()
    }


def dicts(frame: pl.LazyFrame) -> list[Row]:
    return frame.collect().to_dicts()


def test_usage_on_a_generated_hub(hub: ServeHub, lake: Lake) -> None:
    served = hub(GeneratedHub(800, 900, seed=6, day=iso(DAY)))
    models = made_models(lake, served)
    spaces = made_spaces(lake, served, models)
    tags = ("text-classification", "text-generation")
    made = usage.top_models(models.frame, DAY, tags=tags, count=20, sort="likes")
    top = lake.write(schemas.TOP_MODELS, DAY, made)
    made = usage.model_usage(spaces.frame, models.frame, top.frame, DAY)
    stored = lake.write(schemas.MODEL_USAGE, DAY, made)
    wanted = naive_usage(dicts(spaces.frame), dicts(models.frame), dicts(top.frame))
    assert {row["id"]: row for row in dicts(stored.frame)} == wanted
    assert stored.rows == len(wanted) > 50
    of_chosen = naive_chosen(dicts(spaces.frame), dicts(top.frame))
    assert {tuple(row.values()) for row in stored.notes["chosen_usage"]} == of_chosen
    every = dicts(spaces.frame)
    assert stored.notes["Spaces"] == len(every) == 900
    assert stored.notes["Spaces naming a model"] == sum(bool(one["models"]) for one in every)
    assert stored.notes["(Space, model) pairs"] == sum(len(one["models"]) for one in every)
    assert stored.notes["models named"] == len(wanted)
    assert stored.notes["models unknown"] == sum(not row["known"] for row in wanted.values()) > 0
    for dimension, key, pairs, distinct in of_chosen:
        what = dimension.removeprefix("usage_")
        assert stored.notes[f"pairs of chosen models, {what} {key}"] == pairs
        assert stored.notes[f"Spaces with chosen models, {what} {key}"] == distinct


def space(number: int, models: list[str], **fields: Any) -> Row:
    return {
        "hub_id": str(number),
        "id": f"u/{number}",
        "models": models,
        "n_models": len(models),
        **fields,
    }


@pytest.mark.parametrize("with_likes", [True, False])
def test_usage_by_hand(lake: Lake, with_likes: bool) -> None:
    spaces = [
        space(1, ["a/gen", "a/mask"], author="u", likes=3),
        space(2, ["a/gen", "gone/model"], author="u", likes=4),
        space(3, ["a/gen"], author="v", likes=None),
        space(4, ["gone/other"], author=None, likes=None),
        space(5, [], author="w", likes=100),
    ]
    if not with_likes:
        spaces = [one | {"likes": None} for one in spaces]
    models = [
        {"hub_id": "1", "id": "a/gen", "category": "gen"},
        {"hub_id": "2", "id": "a/mask", "category": None},
        {"hub_id": "3", "id": "a/unused", "category": "gen"},
    ]
    top = [
        {"tag": "gen", "rank": 1, "hub_id": "1", "id": "a/gen", "category": "gen"},
        {"tag": "x", "rank": 1, "hub_id": "1", "id": "a/gen", "category": "gen"},
        {"tag": "x", "rank": 2, "hub_id": "2", "id": "a/mask", "category": None},
    ]
    given = [
        table_of(lake, table, rows).frame
        for table, rows in (
            (schemas.ENRICHED_SPACES, spaces),
            (schemas.MODELS, models),
            (schemas.TOP_MODELS, top),
        )
    ]
    made = usage.model_usage(given[0], given[1], given[2], DAY)
    stored = lake.write(schemas.MODEL_USAGE, DAY, made)
    found = {row["id"]: row for row in dicts(stored.frame)}
    assert found == naive_usage(spaces, models, top)
    assert found["a/gen"]["likes"] == (7 if with_likes else None)
    assert found["a/gen"]["chosen_tags"] == ["gen", "x"]
    assert found["gone/other"]["likes"] is None
    assert found["gone/other"]["authors"] == 0
    used = [tuple(row.values()) for row in stored.notes["chosen_usage"]]
    assert sorted(used, key=str) == [
        ("usage_category", "gen", 3, 3.0),
        ("usage_category", None, 1, 1.0),
        ("usage_tag", "gen", 3, 3.0),
        ("usage_tag", "x", 4, 3.0),
    ]


def test_no_space_no_usage(lake: Lake) -> None:
    empty = [
        pl.LazyFrame(schema=table.schema)
        for table in (schemas.ENRICHED_SPACES, schemas.MODELS, schemas.TOP_MODELS)
    ]
    made = usage.model_usage(empty[0], empty[1], empty[2], DAY)
    stored = lake.write(schemas.MODEL_USAGE, DAY, made)
    assert stored.rows == 0
    assert stored.notes["chosen_usage"] == []
    assert stored.notes["(Space, model) pairs"] == 0
