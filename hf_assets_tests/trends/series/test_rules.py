"""Rules of series: each passes a good table and finds a spoiled one."""

from typing import Any

import polars as pl
import pytest

from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets.storage.parquet import Table
from hf_assets.trends.series import rules, schemas
from hf_assets_tests.support.trends.series import LAST, past


def _stored(lake: Lake, table: Table, rows: list[dict[str, Any]]) -> StoredTable:
    full = [{name: row.get(name) for name in table.columns} for row in rows]
    return lake.write(table, None, TableWrite([pl.DataFrame(full, schema=table.schema)]))


def _models(lake: Lake, table: Table, *ids: str) -> StoredTable:
    return _stored(lake, table, [{"hub_id": one, "day": LAST, "downloads": 9.0} for one in ids])


def test_phases_have_the_models_of_the_history(lake: Lake) -> None:
    rows = [{"hub_id": one, "day": LAST, "downloads": 9.0} for one in ("a", "a", "b")]
    # Never seen on a trusted day.
    history = _stored(lake, schemas.MODEL_HISTORY, [*rows, {"hub_id": "c", "day": LAST}])
    result = rules.one_row_a_model(_models(lake, schemas.MODEL_PHASES, "a", "b"), history)
    assert (result.passed, result.description) == (True, "2 models, each with one row.")


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (("a",), "1 models of model_history are missing."),
        (("a", "b", "c"), "1 models are not in model_history."),
        (("a", "b", "b"), "1 rows are duplicates."),
    ],
)
def test_phases_of_other_models_fail(lake: Lake, ids: tuple[str, ...], words: str) -> None:
    history = _models(lake, schemas.MODEL_HISTORY, "a", "b")
    result = rules.one_row_a_model(_models(lake, schemas.MODEL_PHASES, *ids), history)
    assert (result.passed, result.description) == (False, words)


def _adoption(lake: Lake, *shares: tuple[float | None, float | None, float | None]) -> StoredTable:
    rows = [
        {"milestone": 1000, "age": age, "low": low, "share": share, "high": high}
        for age, (low, share, high) in enumerate(shares)
    ]
    return _stored(lake, schemas.ADOPTION_HISTORY, rows)


def test_shares_that_rise_pass(lake: Lake) -> None:
    good = _adoption(lake, (0.0, 0.1, 0.2), (0.1, 0.1, 0.3), (None, 0.5, None))
    assert rules.shares_rise_with_age(good).passed
    assert rules.shares_rise_with_age(_adoption(lake)).passed


@pytest.mark.parametrize(
    "last", [(0.0, 0.05, 0.2), (0.3, 0.2, 0.4), (0.1, 0.2, 0.15), (None, 1.2, None)]
)
def test_shares_that_fall_or_leave_their_interval_fail(
    lake: Lake, last: tuple[float | None, float | None, float | None]
) -> None:
    assert not rules.shares_rise_with_age(_adoption(lake, (0.0, 0.1, 0.2), last)).passed


def _concentration(lake: Lake, **changed: float | None) -> StoredTable:
    row = {"day": LAST, "of": "models", "gini": 0.9, "top_1": 0.1, "top_10": 0.2,
           "top_100": 0.5, "top_1000": 1.0}  # fmt: skip
    return _stored(lake, schemas.CONCENTRATION_HISTORY, [row, row | {"of": "authors"} | changed])


def test_shares_that_nest_pass(lake: Lake) -> None:
    assert rules.shares_nest(_concentration(lake)).passed
    assert rules.shares_nest(_concentration(lake, top_10=None, gini=None)).passed
    made = past(12).frames["concentration_history"].collect()
    write = TableWrite([made])
    assert rules.shares_nest(lake.write(schemas.CONCENTRATION_HISTORY, None, write)).passed


@pytest.mark.parametrize("changed", [{"top_1": 0.3}, {"top_1000": 1.1}, {"gini": -0.1}])
def test_impossible_shares_fail(lake: Lake, changed: dict[str, float]) -> None:
    result = rules.shares_nest(_concentration(lake, **changed))
    assert not result.passed
    assert f"1 of 2 rows have impossible shares, such as authors of {LAST}" in result.description
