"""What uses what over time: edges, training data, and the models, datasets and papers most used."""

from collections.abc import Iterator

import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.series.key_history import share
from hf_assets.trends.series.panel import USERS_FLOOR, panels
from hf_assets.trends.series.past import Past

LEVELS = ["edges", "models", "spaces", "downloads"]
_PARTS = {"edges": "edges", "training_data": "training_data", "used_model": "model",
          "used_dataset": "dataset", "used_paper": "paper"}  # fmt: skip


def used_by_history(past: Past) -> TableWrite:
    """A row a day and kind of edge, share or target. Columns: `USED_BY_HISTORY`.

    A day without `uses` has no rows.
    """
    return past.table_write(part for dimension in _PARTS for part in _history(past, dimension))


def _history(past: Past, dimension: str) -> Iterator[pl.DataFrame]:
    of, whole = _PARTS[dimension], past.totals("category")
    unknown = pl.lit(None, pl.Float64)
    rows = past.dimension(dimension).select(
        *("at", "key", "downloads"),
        edges=pl.col("rows") if of == "edges" else unknown,
        models=unknown if of == "edges" else pl.col("rows"),
        spaces=pl.col("value") if of in ("model", "dataset") else unknown,
    )
    for used in panels(rows, past.calendar, "key", LEVELS):
        yield used.table(
            share_models=share(used.levels["models"], whole["rows"][used.at]),
            share_downloads=share(used.levels["downloads"], whole["downloads"][used.at]),
            **used.rates("edges" if of == "edges" else "models", USERS_FLOOR),
        ).with_columns(of=pl.lit(of))
