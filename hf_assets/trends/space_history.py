"""What Spaces use, over time: models, SDKs, and how many there are."""

import numpy as np
import polars as pl

from hf_assets.lake import Made
from hf_assets.trends.history import Past
from hf_assets.trends.key_history import share
from hf_assets.trends.series import SPACES_FLOOR, panel

LEVELS = ["spaces", "authors", "likes"]
_PARTS = {"usage_model": "model", "sdk": "sdk", "usage_total": "total"}
# Keys of usage_total that count Spaces; the others have no share of them.
_OF_SPACES = ("Spaces", "Spaces with models")


def space_usage_history(past: Past) -> Made:
    """A row a day and model that Spaces name, SDK, or total. Columns: `SPACE_USAGE_HISTORY`.

    Models are known by the name that Spaces give them. A day whose source has no Spaces has no
    rows.
    """
    parts = [
        past.dimension(dimension).select(
            *("at", "key", "category", "likes"),
            of=pl.lit(name),
            spaces=pl.col("rows"),
            authors=pl.col("value") if name == "model" else pl.lit(None, pl.Float64),
        )
        for dimension, name in _PARTS.items()
    ]
    # A null key is one of its own, and no key starts the name of another part.
    name = pl.col("of") + pl.coalesce(" " + pl.col("key"), pl.lit(""))
    rows = pl.concat(parts).sort("at", maintain_order=True).with_columns(name=name)
    used = panel(rows, past.calendar, "name", LEVELS)
    of, key = used.frame["of"], used.frame["key"]
    total = ((of == "total") & (key == "Spaces").fill_null(False)).to_numpy()
    whole = np.full(len(past.calendar), np.nan)
    whole[used.at[total]] = used.levels["spaces"][total]
    counted = ((of != "total") | key.is_in(_OF_SPACES).fill_null(False)).to_numpy()
    shares = share(used.levels["spaces"], whole[used.at])
    return past.made(
        used.table(share=np.where(counted, shares, np.nan), **used.rates("spaces", SPACES_FLOOR))
    )
