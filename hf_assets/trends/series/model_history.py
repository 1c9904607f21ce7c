"""Series of every model that was ever among the first thousand by downloads.

The key is the Hub's own identity, so that a rename does not break a series; where a source has no
identities, it is the name. A day on which a model is not among the first thousand has no row: its
downloads of that day are unknown, not zero.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.series.key_history import share
from hf_assets.trends.series.panel import panels
from hf_assets.trends.series.past import Past

LEVELS = ["downloads", "downloads_all_time", "likes"]


def model_history(past: Past) -> TableWrite:
    """A row a day and model. Columns: `MODEL_HISTORY`."""
    return past.table_write(_history(past))


def _history(past: Past) -> Iterator[pl.DataFrame]:
    texts = ("hub_id", "category", "created", "rank")
    rows = past.dimension("model")[["at", "key", *texts, *LEVELS]].rename({"key": "id"})
    if rows["hub_id"].has_nulls():
        named = "name:" + pl.col("id").cast(pl.String)
        rows = rows.with_columns(pl.col("hub_id").cast(pl.String).fill_null(named))
    calendar, whole = past.calendar, past.totals("category")["downloads"]
    for models in panels(rows, calendar, "hub_id", LEVELS):
        at = models.at
        created = models.frame["created"].to_physical().cast(pl.Float64).to_numpy()
        age = np.maximum(calendar.days[at] - created, 1)
        # Ranks of a partial day, or by stalled counters, mean nothing.
        rank = pl.when("trusted").then("rank")
        yield models.table(
            share_downloads=share(models.levels["downloads"], whole[at]),
            velocity=models.levels["downloads_all_time"] / age,
            **models.all_rates(),
        ).with_columns(rank=rank)
