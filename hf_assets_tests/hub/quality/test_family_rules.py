"""Rules of families: where they pass, and where they fail."""

from typing import Any

import polars as pl
import pytest

from hf_assets.hub.quality import usage_rules as rules
from hf_assets.hub.tables.families import families
from hf_assets.hub.tables.schemas import FAMILIES, MODELS
from hf_assets.storage.lake import Lake, StoredTable, TableWrite

DAY, NEXT = "2026-11-20", "2026-11-21"


def model(name: str, *bases: str) -> dict[str, Any]:
    named = [{"id": base, "relation": "finetune"} for base in bases]
    return {"id": name, "hub_id": name, "downloads": 5, "base_models": named}


ROWS = [model("a/root"), model("a/b", "a/root"), model("a/c", "a/b"), model("a/d", "gone/x")]


def stored(lake: Lake, rows: list[dict[str, Any]], day: str = DAY) -> tuple[StoredTable, ...]:
    """The day's families and models."""
    frame = pl.DataFrame(rows, schema=MODELS.schema)
    models = lake.write(MODELS, day, TableWrite([frame]))
    return lake.write(FAMILIES, day, families(models.frame, day)), models


def spoilt(lake: Lake, made: StoredTable, *columns: pl.Expr) -> StoredTable:
    """The same families with other values, and the same notes."""
    frame = made.frame.with_columns(*columns).collect()
    return lake.write(FAMILIES, DAY, TableWrite([frame], notes=made.notes))


def test_families_of_a_good_day_add_up(lake: Lake) -> None:
    made, models = stored(lake, ROWS)
    result = rules.families_add_up(made, models)
    assert result.passed
    assert "4 of 4 models are in 2 families, with 20 of 20 downloads" in result.description


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pl.lit("x").alias("hub_id"), "3 models have more than one row"),
        (pl.lit(None, pl.String).alias("root"), "4 models have no root"),
        (pl.lit(0, pl.Int32).alias("depth"), "another root than their steps say"),
        (pl.col("downloads") * 2, "they have 40 of 20 downloads"),
    ],
)
def test_families_that_do_not_add_up(lake: Lake, column: pl.Expr, said: str) -> None:
    made, models = stored(lake, ROWS)
    result = rules.families_add_up(spoilt(lake, made, column), models)
    assert not result.passed
    assert said in result.description


def test_families_of_another_version_of_models(lake: Lake) -> None:
    made, _ = stored(lake, ROWS)
    more = pl.DataFrame([*ROWS, model("a/e")], schema=MODELS.schema)
    result = rules.families_add_up(made, lake.write(MODELS, DAY, TableWrite([more])))
    assert not result.passed
    assert "materialise families again" in result.description


def test_cycles_warn(lake: Lake) -> None:
    assert rules.no_cycles(stored(lake, ROWS)[0]).passed
    ring = [model("a/b", "a/c"), model("a/c", "a/b"), model("a/d", "a/d")]
    result = rules.no_cycles(stored(lake, ring)[0])
    assert (result.passed, result.severity) == (False, "WARN")
    assert "2 models are on 1 cycles" in result.description
    assert "1 models name themselves" in result.description


def test_a_step_of_the_share_of_missing_bases_warns(lake: Lake) -> None:
    many = [model("a/root"), *(model(f"a/{at}", "a/root") for at in range(19))]
    before, _ = stored(lake, [*many, model("a/x", "gone/x")])
    assert rules.bases_listed(before, None).passed
    near, _ = stored(lake, [*many, model("a/x", "gone/x"), model("a/y", "gone/x")], NEXT)
    assert rules.bases_listed(near, before).passed
    # The root is deleted: all of its derivatives lose their base.
    gone, _ = stored(lake, many[1:], NEXT)
    result = rules.bases_listed(gone, before)
    assert (result.passed, result.severity) == (False, "WARN")
    assert "19 of 19 models with a base (100.0%)" in result.description
    assert f"5.0% on {DAY}" in result.description
