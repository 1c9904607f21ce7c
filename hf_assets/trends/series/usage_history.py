"""What Spaces use, and what uses what, over time."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.series.key_history import share
from hf_assets.trends.series.panel import SPACES_FLOOR, USERS_FLOOR, panel, panels
from hf_assets.trends.series.past import Past

LEVELS = ["spaces", "authors", "likes"]
_PARTS = {"usage_model": "model", "sdk": "sdk", "usage_total": "total"}
_USES_LEVELS = ["edges", "models", "spaces", "downloads"]
_USES_PARTS = {"edges": "edges", "training_data": "training_data", "used_model": "model",
          "used_dataset": "dataset", "used_paper": "paper"}  # fmt: skip
# Keys of usage_total that count Spaces; the others have no share.
_OF_SPACES = ("Spaces", "Spaces with models")


def space_usage_history(past: Past) -> TableWrite:
    """A row a day and model that Spaces name, SDK, or total. Columns: `SPACE_USAGE_HISTORY`.

    The key of a model is the name by which Spaces refer to it. A day of a source without Spaces has
    no rows.
    """
    whole = _spaces(past)
    return past.table_write(
        part for dimension in _PARTS for part in _history(past, dimension, whole)
    )


def _history(past: Past, dimension: str, whole: np.ndarray) -> Iterator[pl.DataFrame]:
    name = _PARTS[dimension]
    rows = past.dimension(dimension).select(
        *("at", "key", "category", "likes"),
        spaces=pl.col("rows"),
        authors=pl.col("value") if name == "model" else pl.lit(None, pl.Float64),
    )
    for used in panels(rows, past.calendar, "key", LEVELS):
        shares = share(used.levels["spaces"], whole[used.at])
        if name == "total":
            shares[~used.frame["key"].is_in(_OF_SPACES).fill_null(False).to_numpy()] = np.nan
        yield used.table(share=shares, **used.rates("spaces", SPACES_FLOOR)).with_columns(
            of=pl.lit(name)
        )


def _spaces(past: Past) -> np.ndarray:
    """The number of Spaces, an entry a day."""
    rows = past.dimension("usage_total").filter(pl.col("key") == "Spaces")
    total = panel(rows.select("at", "key", "rows"), past.calendar, "key", ["rows"])
    whole = np.full(len(past.calendar), np.nan)
    whole[total.at] = total.levels["rows"]
    return whole


def used_by_history(past: Past) -> TableWrite:
    """A row a day and kind of edge, share or target. Columns: `USED_BY_HISTORY`.

    A day without `uses` has no rows.
    """
    return past.table_write(part for dimension in _USES_PARTS for part in _uses(past, dimension))


def _uses(past: Past, dimension: str) -> Iterator[pl.DataFrame]:
    of, whole = _USES_PARTS[dimension], past.totals("category")
    unknown = pl.lit(None, pl.Float64)
    rows = past.dimension(dimension).select(
        *("at", "key", "downloads"),
        edges=pl.col("rows") if of == "edges" else unknown,
        models=unknown if of == "edges" else pl.col("rows"),
        spaces=pl.col("value") if of in ("model", "dataset") else unknown,
    )
    for used in panels(rows, past.calendar, "key", _USES_LEVELS):
        yield used.table(
            share_models=share(used.levels["models"], whole["rows"][used.at]),
            share_downloads=share(used.levels["downloads"], whole["downloads"][used.at]),
            **used.rates("edges" if of == "edges" else "models", USERS_FLOOR),
        ).with_columns(of=pl.lit(of))
