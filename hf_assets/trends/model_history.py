"""Series of every model that was ever among the first thousand by downloads.

By the Hub's own identity, so that a rename does not break a series; where a source has none, the
identity is the name. A day on which a model is not among the first thousand has no row: what it was
downloaded then is unknown, not zero.
"""

import numpy as np
import polars as pl

from hf_assets.lake import Made
from hf_assets.trends.history import Past
from hf_assets.trends.key_history import share
from hf_assets.trends.series import panel

LEVELS = ["downloads", "downloads_all_time", "likes"]


def model_history(past: Past) -> Made:
    """A row a day and model, a model's rows together. Columns: `MODEL_HISTORY`."""
    texts = ("hub_id", "category", "created", "rank")
    rows = past.dimension("model").select("at", pl.col("key").alias("id"), *texts, *LEVELS)
    if rows["hub_id"].has_nulls():
        rows = rows.with_columns(pl.col("hub_id").fill_null("name:" + pl.col("id")))
    models = panel(rows, past.calendar, "hub_id", LEVELS)
    known, at = past.calendar, models.at
    created = models.frame["created"].to_physical().cast(pl.Float64).to_numpy()
    age = np.maximum(known.days[at] - created, 1)
    # A rank among the rows of a part, or of yesterday's counters, is none.
    rank = pl.when(pl.Series(models.trusted)).then(pl.col("rank"))
    return past.made(
        models.table(
            share_downloads=share(
                models.levels["downloads"], past.totals("category")["downloads"][at]
            ),
            velocity=models.levels["downloads_all_time"] / age,
            **models.all_rates(),
        ).with_columns(rank=rank)
    )
