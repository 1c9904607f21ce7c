"""An index answers what polars answers over the day's table, whatever is asked."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index.answers import DayIndex
from hf_assets.apps.index.making import build
from hf_assets.apps.index.query import LISTED, NONE_GIVEN, SIZES, SORTS, ModelQuery
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake, TableWrite

DAY = "2026-11-20"
ROWS = 700
QUERIES = 400
AUTHORS = ("meta", "Qwen", "élan", "K\u212aelvin", "a", None)
WORDS = ("Llama", "gguf", "İstanbul", "CHAT", "e", "lora_v2", "=SUM(1)", "<b>", ".*", "ß")
TAGS = ("en", "fr", "gguf", "license:mit", "ab", "abc", "Ünïcode", "")
RELATIONS = ("finetune", "adapter", "quantized", "merge", None)
GATES = ("false", "auto", "manual", None)
BASES = ("meta/Llama-1", "meta/llama-1", "Qwen/base", "élan/β", "gone/gone")


def _model(at: int, draw: Random) -> dict[str, Any]:
    """A row that is odd in each of its columns now and then; many share a value."""
    author = draw.choice(AUTHORS)
    name = "-".join(draw.choices(WORDS, k=2))
    created = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=draw.randrange(24 * 21))
    bases = [{"id": draw.choice((*BASES, None)), "relation": draw.choice(RELATIONS)}
             for _ in range(draw.randrange(4))]  # fmt: skip
    return {
        "day": date.fromisoformat(DAY),
        "hub_id": f"{at:024x}",
        "id": f"{author}/{name}-{at:03d}" if author else f"{name}{at}",
        "author": author,
        "created_at": draw.choice((created, created, None)),
        "downloads": draw.choice((0, 0, 5, draw.randrange(10_000), None)),
        "downloads_all_time": draw.choice((0, draw.randrange(10**12), None)),
        "likes": draw.choice((0, 1, draw.randrange(50), None)),
        "trending_score": draw.choice((0.0, 0.5, float("nan"), float("inf"), None)),
        "category": draw.choice(("text-generation", "fill-mask", "Fill-mask", None)),
        "library": draw.choice(("transformers", "gguf", None)),
        "license": draw.choice(("mit", "apache-2.0", "other", None)),
        "gated": draw.choice(GATES),
        "parameters": draw.choice((0, 10**9, 7 * 10**9, 10**11, None)),
        "tags": draw.choice((None, [], draw.choices((*TAGS, None), k=4))),
        "base_models": draw.choice((None, bases)),
    }


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    draw = Random(1)
    there = Lake(tmp_path_factory.mktemp("lake"))
    frame = pl.DataFrame([_model(at, draw) for at in range(ROWS)], schema=MODELS.schema)
    # Row groups are of any size: values are told apart over several of them.
    table = replace(MODELS, row_group=256)
    there.write(table, DAY, TableWrite(frame.iter_slices(100)))
    assert there.read("models", DAY).file.arrow().num_row_groups > 1
    return there


@pytest.fixture(scope="module")
def index(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> DayIndex:
    folder = tmp_path_factory.mktemp("index")
    build(lake.read("models", DAY), folder)
    return DayIndex(folder)


def _query(draw: Random) -> ModelQuery:
    """One to four filters, each of one or several values, among them such as no model has."""
    words = (*WORDS, "llama", "lorem", "é", "k", "-0", "Meta", "QWEN", "istanbul", "i̇")
    choices: dict[str, tuple[Any, ...]] = {
        "category": ("text-generation", "fill-mask", "none such", NONE_GIVEN),
        "library": ("transformers", "gguf", NONE_GIVEN),
        "license": ("mit", "apache-2.0", NONE_GIVEN),
        "author": ("meta", "Qwen", "élan", "nobody", NONE_GIVEN),
        "size": (*SIZES, NONE_GIVEN, "no size"),
        "gated": ("false", "auto", NONE_GIVEN),
        "tag": (*TAGS, "lost", NONE_GIVEN),
        "language": ("en", "fr", "de"),
        "base_model": (*BASES, "nobody/none", NONE_GIVEN),
        "relation": ("finetune", "quantized", "no relation", NONE_GIVEN),
    }
    chosen: dict[str, Any] = {
        name: tuple(draw.sample(choices[name], draw.randrange(1, 3)))
        for name in draw.sample(sorted(choices), draw.randrange(4))
    }
    if draw.random() < 0.5:
        chosen["search"] = " ".join(draw.choices(words, k=draw.randrange(1, 3)))
    for name, most in (("downloads", 10_000), ("likes", 50)):
        if draw.random() < 0.2:
            chosen[name] = (draw.choice((None, 0, draw.randrange(most))),
                            draw.choice((None, 5, draw.randrange(most))))  # fmt: skip
    if draw.random() < 0.2:
        days = sorted(date(2026, 11, draw.randrange(1, 25)) for _ in range(2))
        chosen["created"] = draw.choice((tuple(days), (days[0], None), (None, days[1])))
    return ModelQuery(**chosen, sort=draw.choice(SORTS))


def test_every_query_has_the_answer_of_the_table(lake: Lake, index: DayIndex) -> None:
    draw, reader = Random(2), LakeReader(lake.root)
    some, empty = 0, 0
    for _ in range(QUERIES):
        query, first = _query(draw), draw.choice((1, 10, 200, ROWS))
        expected, found = reader.models(DAY, query, first), index.page(query, first)
        assert found.total == expected.total, query
        assert_frame_equal(found.rows, expected.rows.select(LISTED))
        some += expected.total > 1
        empty += expected.total == 0
    assert min(some, empty) > QUERIES / 20, "the queries ask for too little"


def test_memory_that_is_given_back_is_mapped_again(lake: Lake, index: DayIndex) -> None:
    query = ModelQuery("a", sort="likes")
    before = index.page(query, 5)
    index.release()
    after = index.page(query, 5)
    assert after.total == before.total > 0
    assert after.rows.equals(before.rows)


def test_every_model_is_found_where_it_stands(lake: Lake, index: DayIndex) -> None:
    ids = lake.read("models", DAY).frame.select("id").collect()["id"]
    assert [index.position(name) for name in ids] == list(range(ROWS))
    assert [index.position(name) for name in ("", "meta", "zzz", f"{ids[0]} ", "\U0010ffff")] == [
        None
    ] * 5


def test_ranks_and_derivatives_are_those_of_the_table(lake: Lake, index: DayIndex) -> None:
    reader = LakeReader(lake.root)
    for row in lake.read("models", DAY).frame.collect().iter_rows(named=True):
        if row["category"] is not None and row["downloads"] is not None:
            expected = reader.rank_in_category(DAY, row)
            assert index.rank(row["category"], row["downloads"]) == expected
    for base in (*BASES, "nobody/none"):
        expected, found = reader.derivatives(DAY, base, 20), index.derivatives(base, 20)
        assert found.total == expected.total
        assert_frame_equal(found.rows, expected.rows)


def test_options_are_the_values_that_most_models_have(lake: Lake, index: DayIndex) -> None:
    rows = lake.read("models", DAY).frame.collect()
    for field in ("category", "author", "gated"):
        counts = dict(rows.group_by(field).len().iter_rows())
        values = index.values(field, 100)
        assert set(values) == set(counts)
        assert [counts[value] for value in values] == sorted(counts.values(), reverse=True)
    tags = rows.select(tag=pl.col("tags").list.unique()).explode("tag")["tag"].value_counts()
    most = tags.drop_nulls().sort("count", descending=True)["tag"][0]
    assert most in index.values("tag", 2)
    assert len(index.values("tag", 1)) == 1


def test_sums_are_those_of_the_matching_models(lake: Lake, index: DayIndex) -> None:
    rows = lake.read("models", DAY).frame.collect().filter(author="Qwen")
    found = index.sums(ModelQuery(author=("Qwen",)))
    assert found["models"] == rows.height > 10
    for name in ("downloads", "downloads_all_time", "likes"):
        assert found[name] == rows[name].sum()
    assert found["first_created"] == rows["created_at"].min()


@pytest.mark.parametrize("rows", [0, 1])
def test_a_day_of_nothing_or_one_model_has_an_index(tmp_path: Path, rows: int) -> None:
    lake = Lake(tmp_path / "lake")
    frame = pl.DataFrame([_model(at, Random(3)) for at in range(rows)], schema=MODELS.schema)
    lake.write(MODELS, DAY, TableWrite([frame]))
    (tmp_path / "index").mkdir()
    build(lake.read("models", DAY), tmp_path / "index")
    index = DayIndex(tmp_path / "index")
    assert index.page(ModelQuery(), 10).total == rows
    assert index.page(ModelQuery(tag=("en",), category=("x",)), 10).total == 0
    assert index.values("tag", 5) in ([], [None]) or rows
    assert index.derivatives("a/b", 5).total == 0
    assert index.position("a/b") is None
