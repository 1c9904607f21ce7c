"""Series of every model, and every dataset, that was ever among the first thousand by downloads.

The key is the Hub's own identity, so that a rename does not break a series; where a source has no
identities, it is the name. A day on which one is not among the first thousand has no row: its
downloads of that day are unknown, not zero.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.metrics.datasets import TOTAL
from hf_assets.trends.series.key_history import share
from hf_assets.trends.series.panel import panels
from hf_assets.trends.series.past import Past

LEVELS = ["downloads", "downloads_all_time", "likes"]


def model_history(past: Past) -> TableWrite:
    """A row a day and model. Columns: `MODEL_HISTORY`."""
    return past.table_write(_history(past, "model", past.totals("category")["downloads"]))


def dataset_history(past: Past) -> TableWrite:
    """A row a day and dataset. Columns: `DATASET_HISTORY`.

    Args:
        past: the days that have datasets (`Past.datasets`).
    """
    whole = past.totals(TOTAL)["downloads"]
    return past.table_write(
        part.rename({"category": "task"}) for part in _history(past, "dataset", whole)
    )


def _history(past: Past, dimension: str, whole: np.ndarray) -> Iterator[pl.DataFrame]:
    texts = ("hub_id", "category", "created", "rank")
    rows = past.dimension(dimension)[["at", "key", *texts, *LEVELS]].rename({"key": "id"})
    if rows["hub_id"].has_nulls():
        named = "name:" + pl.col("id").cast(pl.String)
        rows = rows.with_columns(pl.col("hub_id").cast(pl.String).fill_null(named))
    for one in panels(rows, past.calendar, "hub_id", LEVELS):
        at = one.at
        created = one.frame["created"].to_physical().cast(pl.Float64).to_numpy()
        age = np.maximum(past.calendar.days[at] - created, 1)
        # Ranks of a partial day, or by stalled counters, mean nothing.
        rank = pl.when("trusted").then("rank")
        yield one.table(
            share_downloads=share(one.levels["downloads"], whole[at]),
            velocity=one.levels["downloads_all_time"] / age,
            **one.all_rates(),
        ).with_columns(rank=rank)
