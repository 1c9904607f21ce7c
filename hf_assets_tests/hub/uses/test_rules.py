"""Rules of what uses what pass on a generated day, and name what is wrong on another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.tables import schemas
from hf_assets.hub.uses.records import EdgeCounts, UsesCounts
from hf_assets.hub.uses.rules import known_rates, used_by_adds_up, uses_add_up
from hf_assets.hub.uses.schemas import USED_BY, USES
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.storage.parquet import Table
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import made_models, made_spaces
from hf_assets_tests.support.hub.serving import serving
from hf_assets_tests.support.hub.uses import made_uses

Change = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, StoredTable]:
    """A generated day, by table."""
    lake = Lake(tmp_path_factory.mktemp("lake"))
    with serving(GeneratedHub(1500, 400, seed=3, day=iso(DAY))) as served:
        models = made_models(lake, served)
        spaces = made_spaces(lake, served, models)
    return made_uses(lake, spaces, models) | {"models": models, "enriched_spaces": spaces}


def changed(lake: Lake, table: Table, stored: StoredTable, change: Change) -> StoredTable:
    """The table with other rows and the same notes."""
    write = TableWrite([change(stored.frame.collect())], notes=stored.notes)
    return lake.write(table, DAY, write)


def edges_of(day: dict[str, StoredTable], uses: StoredTable | None = None) -> tuple[Any, ...]:
    return uses or day["uses"], day["enriched_spaces"], day["models"]


def test_a_generated_day_passes(day: dict[str, StoredTable]) -> None:
    result = uses_add_up(*edges_of(day))
    assert result.passed
    assert result.description.endswith("edges, each once, as the day's tables name them.")
    assert sum(result.metadata.values()) == day["uses"].rows > 1000
    result = used_by_adds_up(day["used_by"], day["uses"], day["model_usage"])
    assert result.passed
    assert sum(result.metadata.values()) == day["used_by"].rows


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda rows: rows.filter(pl.col("kind") != "model-paper"), "model-paper has 0 edges, and"),
        (lambda rows: rows[1:], "-model has "),
        (lambda rows: pl.concat([rows, rows[:2]]), "2 edges are there again"),
    ],
    ids=["a kind is missing", "an edge is missing", "edges twice"],
)
def test_other_edges_fail(
    day: dict[str, StoredTable], lake: Lake, change: Change, fault: str
) -> None:
    result = uses_add_up(*edges_of(day, changed(lake, USES, day["uses"], change)))
    assert not result.passed
    assert result.severity == "ERROR"
    assert fault in result.description
    assert "materialise uses of that day again" in result.description


def test_a_thinned_day_is_not_compared(day: dict[str, StoredTable], lake: Lake) -> None:
    models = day["models"]
    thin = replace(models, notes=models.notes | {"thinned": DAY})
    result = uses_add_up(day["uses"], day["enriched_spaces"], thin)
    assert result.passed
    assert "models was thinned: not compared" in result.description


def on_model(name: str, value: pl.Expr) -> Change:
    """One more of a count, for the first model that Spaces use."""
    first = (pl.col("of") == "model") & (pl.col("spaces") > 0)
    first &= first.cum_sum() == 1
    return lambda rows: rows.with_columns(pl.when(first).then(value).otherwise(name).alias(name))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (on_model("spaces", pl.col("spaces") + 1), "spaces of models add up to"),
        (on_model("authors", pl.col("authors") + 1), "1 models have other Spaces in model_usage"),
        (on_model("merge", pl.col("merge") + 1), "relations add up to"),
        (lambda rows: rows.filter(pl.col("of") != "paper"), "models of papers add up to 0 of"),
        (lambda rows: pl.concat([rows, rows[-1:]]), "1 papers have more than one row"),
    ],
    ids=["spaces", "authors", "relations", "papers", "twice"],
)
def test_other_users_fail(
    day: dict[str, StoredTable], lake: Lake, change: Change, fault: str
) -> None:
    other = changed(lake, USED_BY, day["used_by"], change)
    result = used_by_adds_up(other, day["uses"], day["model_usage"])
    assert not result.passed
    assert fault in result.description


def of_day(folder: Path, day: str, **unknown: int | None) -> StoredTable:
    """`uses` of a day with 10 000 edges of each of these kinds, so many of them unknown."""
    kinds = {
        name.replace("_", "-"): EdgeCounts(sources=9, edges=10_000, unknown=count)
        for name, count in unknown.items()
    }
    record = UsesCounts(kinds=UsesCounts().kinds | kinds)
    return Lake(folder).write(USES, day, TableWrite([], record=record))


@pytest.mark.parametrize(
    ("then", "now", "passed"),
    [(1000, 1499, True), (1000, 1501, False), (6000, 1000, False), (None, 9000, True),
     (100, None, True)],
)  # fmt: skip
def test_a_jump_of_known_targets_warns(
    tmp_path: Path, then: int | None, now: int | None, passed: bool
) -> None:
    before = of_day(tmp_path, "2026-11-19", model_dataset=then, space_model=100)
    result = known_rates(of_day(tmp_path, DAY, model_dataset=now, space_model=110), before)
    assert result.passed == passed
    assert result.severity == "WARN"
    if not passed:
        assert result.description.startswith("model-dataset: ")
        assert "on 2026-11-19" in result.description
    assert result.metadata["space-model: listed_percent"] == 98.9


def test_a_first_day_and_few_edges_are_not_compared(tmp_path: Path) -> None:
    stored = of_day(tmp_path, DAY, model_model=4000)
    assert known_rates(stored, None).description == (
        "Listed: model-model 60 %. No earlier day of the same source to compare with."
    )
    few = UsesCounts(kinds=UsesCounts().kinds | {"model-model": EdgeCounts(edges=9, unknown=9)})
    small = Lake(tmp_path / "few").write(USES, DAY, TableWrite([], record=few))
    assert known_rates(small, stored).passed


def test_an_empty_name_is_no_difference_to_model_usage(lake: Lake) -> None:
    """No rebuild would mend it: `model_usage` counts what a Space names as it is served."""
    spaces = [{"hub_id": "1", "id": "s/1", "author": "s", "likes": 1, "models": ["", "a/b"],
               "n_models": 2}]  # fmt: skip
    models = [{"hub_id": "2", "id": "a/b", "tags": []}]
    stored = [
        lake.write(table, DAY, TableWrite([pl.DataFrame(rows, schema=dict(table.schema))]))
        for table, rows in ((schemas.ENRICHED_SPACES, spaces), (schemas.MODELS, models))
    ]
    made = made_uses(lake, *stored)
    assert UsesCounts.read(made["uses"].notes).kinds["space-model"].empty == 1
    found = used_by_adds_up(made["used_by"], made["uses"], made["model_usage"])
    assert found.passed, found
