"""The rule of aggregates: it passes those of their models, and finds those of others."""

import polars as pl
import pytest

from hf_assets.hub.tables.schemas import ENRICHED_SPACES, MODEL_USAGE, MODELS
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets.trends.metrics.rules import sums_agree
from hf_assets_tests.conftest import DAY

ROWS = [
    {"id": f"a/{at}", "hub_id": str(at), "downloads": at * 7, "category": f"c{at % 3}",
     "library": None if at % 4 else f"l{at}", "license": "mit" if at % 2 else None, "year": 2024}
    for at in range(40)
]  # fmt: skip


def _models(lake: Lake, rows: list[dict]) -> StoredTable:
    frame = pl.DataFrame(rows, schema=MODELS.schema).with_columns(day=pl.lit(iso(DAY)))
    return lake.write(MODELS, DAY, TableWrite([frame]))


def _metrics(lake: Lake, models: StoredTable, spaces: bool = True) -> StoredTable:
    listed = pl.LazyFrame(
        {"sdk": ["gradio", "static", None], "likes": [1, 2, 3], "n_models": [0, 0, 0]},
        schema_overrides={"n_models": pl.Int32},
    )
    shape = pl.LazyFrame(schema=ENRICHED_SPACES.schema)
    of_spaces = pl.concat([shape, listed], how="diagonal") if spaces else None
    usage = pl.LazyFrame(schema=MODEL_USAGE.schema)
    return lake.write(DAILY_METRICS, DAY, daily_metrics(models.frame, of_spaces, usage, [], DAY))


@pytest.mark.parametrize("spaces", [True, False])
def test_aggregates_of_their_models_pass(lake: Lake, spaces: bool) -> None:
    models = _models(lake, ROWS)
    result = sums_agree(_metrics(lake, models, spaces), models)
    assert result.passed, result.description
    assert result.metadata == {
        "models": 40, "downloads": 7 * 780, "dimensions": 6 if spaces else 5,
    }  # fmt: skip


def test_models_without_downloads_pass(lake: Lake) -> None:
    models = _models(lake, [row | {"downloads": None} for row in ROWS])
    assert sums_agree(_metrics(lake, models), models).passed


def test_models_that_were_rebuilt_since_fail(lake: Lake) -> None:
    metrics = _metrics(lake, _models(lake, ROWS))
    result = sums_agree(metrics, _models(lake, ROWS[1:]))
    assert (result.passed, result.severity) == (False, "ERROR")
    assert "category has 40 of 39 models" in result.description
    other = [row | {"downloads": 1} for row in ROWS]
    assert (
        "category has 5,460 of 40 downloads"
        in sums_agree(metrics, _models(lake, other)).description
    )


def test_a_dimension_that_lacks_a_key_fails(lake: Lake) -> None:
    models = _models(lake, ROWS)
    metrics = _metrics(lake, models)
    kept = metrics.frame.filter((pl.col("dimension") != "sdk") | pl.col("key").is_not_null())
    write = TableWrite([kept.collect()], dict(metrics.notes))
    assert (
        "sdk has 2 of 3 Spaces"
        in sums_agree(lake.write(DAILY_METRICS, DAY, write), models).description
    )
