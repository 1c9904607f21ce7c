"""Rules of rankings and of used models: each passes a generated day and finds a spoiled one."""

from typing import Any

import polars as pl
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.quality.usage_rules import rankings_filled, usage_adds_up
from hf_assets.hub.tables import usage
from hf_assets.hub.tables.schemas import MODEL_USAGE, TOP_MODELS
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.storage.parquet import Table
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import made_models, made_spaces
from hf_assets_tests.support.hub.serving import serving

TAGS = ("text-classification", "text-generation")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StoredTable]:
    """`top_models` and `model_usage` of a generated Hub."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    with serving(GeneratedHub(600, 400, seed=3, day=iso(DAY))) as served:
        models = made_models(lake, served)
        spaces = made_spaces(lake, served, models)
    top = _stored(lake, TOP_MODELS, usage.top_models(models.frame, DAY, tags=TAGS, count=5,
                                                     sort="likes"))  # fmt: skip
    made = usage.model_usage(spaces.frame, models.frame, top.frame, DAY)
    return {"top_models": top, "model_usage": _stored(lake, MODEL_USAGE, made)}


def _stored(lake: Lake, table: Table, write: TableWrite) -> StoredTable:
    return lake.write(table, DAY, write)


def _spoiled(
    lake: Lake, stored: StoredTable, table: Table, frame: pl.LazyFrame, **notes: Any
) -> StoredTable:
    write = TableWrite([frame.collect()], stored.notes | notes, dict(stored.provenance))
    return lake.write(table, DAY, write)


def test_a_generated_day_passes(day: dict[str, StoredTable]) -> None:
    ranked, used = rankings_filled(day["top_models"]), usage_adds_up(day["model_usage"])
    assert ranked.passed
    assert ranked.description == "10 models in 2 rankings."
    assert used.passed
    assert used.metadata["pairs"] > used.metadata["models"] > 50


def test_a_tag_without_models_is_named(lake: Lake, day: dict[str, StoredTable]) -> None:
    ranked = day["top_models"]
    spoiled = _spoiled(lake, ranked, TOP_MODELS, ranked.frame, **{"models for tex-generation": 0})
    result = rankings_filled(spoiled)
    assert (result.passed, result.severity) == (False, "WARN")
    assert "tex-generation: is the tag spelt" in result.description


@pytest.mark.parametrize("capture", [{"limited": True}, {"source": "folder"}])
def test_a_list_of_some_models_may_lack_a_tag(
    lake: Lake, day: dict[str, StoredTable], capture: dict[str, Any]
) -> None:
    ranked = day["top_models"]
    notes = ranked.notes | {"models for rare": 0}
    write = TableWrite([ranked.frame.collect()], notes, {"raw_models": capture})
    assert rankings_filled(lake.write(TOP_MODELS, DAY, write)).passed


def test_a_source_without_the_figure_is_no_ranking(lake: Lake, day: dict[str, StoredTable]) -> None:
    ranked = day["top_models"]
    frame = ranked.frame.with_columns(likes=pl.lit(None, pl.Int64))
    result = rankings_filled(_spoiled(lake, ranked, TOP_MODELS, frame))
    assert (result.passed, result.severity) == (False, "WARN")
    assert "ordered by name" in result.description


@pytest.mark.parametrize(
    "change", [{"rank": pl.col("rank") + 1}, {"likes": pl.col("likes").reverse()}]
)
def test_another_order_is_an_error(
    lake: Lake, day: dict[str, StoredTable], change: dict[str, pl.Expr]
) -> None:
    ranked = day["top_models"]
    result = rankings_filled(
        _spoiled(lake, ranked, TOP_MODELS, ranked.frame.with_columns(**change))
    )
    assert (result.passed, result.severity) == (False, "ERROR")


def test_a_hub_that_hides_the_models_of_spaces_is_noticed(
    lake: Lake, day: dict[str, StoredTable]
) -> None:
    used = day["model_usage"]
    result = usage_adds_up(_spoiled(lake, used, MODEL_USAGE, used.frame.head(0)))
    assert (result.passed, result.severity) == (False, "WARN")
    assert (
        result.description
        == "None of 400 Spaces names a model: the Hub no longer serves that field."
    )
    few = _spoiled(lake, used, MODEL_USAGE, used.frame.head(0), Spaces=3)
    assert usage_adds_up(few).passed


def test_a_source_without_spaces_is_no_fault(lake: Lake, day: dict[str, StoredTable]) -> None:
    used = day["model_usage"]
    reason = {"raw_spaces": {"absent_kind": "It has no Spaces."}}
    write = TableWrite([used.frame.head(0).collect()], used.notes, reason)
    result = usage_adds_up(lake.write(MODEL_USAGE, DAY, write))
    assert (result.passed, result.description) == (True, "It has no Spaces.")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda frame: pl.concat([frame, frame.head(1)]), "1 models have more than one row"),
        (lambda frame: frame.slice(1), "the rows add up to"),
        (lambda frame: frame.with_columns(authors=pl.col("spaces") + 1), "more authors than"),
    ],
)
def test_rows_that_do_not_add_up_are_an_error(
    lake: Lake, day: dict[str, StoredTable], spoil: Any, words: str
) -> None:
    used = day["model_usage"]
    result = usage_adds_up(_spoiled(lake, used, MODEL_USAGE, spoil(used.frame)))
    assert (result.passed, result.severity) == (False, "ERROR")
    assert words in result.description
