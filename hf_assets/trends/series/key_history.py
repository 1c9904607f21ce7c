"""Series of categories, libraries, licences and authors.

A key's all-time downloads are those of the models that have the key on that day: a model that
changes its library takes its earlier downloads along.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.metrics.sums import OTHER
from hf_assets.trends.series.panel import Panel, panels
from hf_assets.trends.series.past import COUNTS, Past

# `of` in license_history, by dimension of daily_metrics.
LICENSE_PARTS = {"license": "license", "license_group": "group", "against_base": "against_base"}


def category_history(past: Past) -> TableWrite:
    """A row a day and category. Columns: `CATEGORY_HISTORY`."""
    return past.table_write(_history(past, "category"))


def library_history(past: Past) -> TableWrite:
    """A row a day and library. Columns: `LIBRARY_HISTORY`."""
    return past.table_write(_history(past, "library"))


def author_history(past: Past) -> TableWrite:
    """A row a day and author of that day's first thousand. Columns: `AUTHOR_HISTORY`."""
    return past.table_write(_history(past, "author"))


def license_history(past: Past) -> TableWrite:
    """Licences, their groups, and derivatives against their base models: `LICENSE_HISTORY`.

    Shares of against_base are of the derivatives whose base model is listed.
    """
    return past.table_write(
        part.with_columns(of=pl.lit(name))
        for dimension, name in LICENSE_PARTS.items()
        for part in _history(past, dimension)
    )


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`; NaN where the whole is 0 or unknown."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _history(past: Past, dimension: str) -> Iterator[pl.DataFrame]:
    whole = past.totals(dimension if dimension == "against_base" else "category")
    rows = past.dimension(dimension)[["at", "key", "rank", *COUNTS]]
    # The row of all other keys has no rank; a key spelt like it has one, and is dropped. All other
    # authors together are no author.
    others = pl.col("rank").is_null() if dimension != "author" else False
    rows = rows.filter(pl.col("key").ne_missing(OTHER) | others)
    for keys in panels(rows.drop("rank"), past.calendar, "key", COUNTS):
        rates = keys.all_rates()
        _silence(keys, rates)
        yield keys.table(
            share_rows=share(keys.levels["rows"], whole["rows"][keys.at]),
            share_downloads=share(keys.levels["downloads"], whole["downloads"][keys.at]),
            **rates,
        )


def _silence(keys: Panel, rates: dict[str, np.ndarray]) -> None:
    """Clear the rates of the row of all other keys: its keys differ from day to day."""
    rest = (keys.frame["key"] == OTHER).fill_null(False).to_numpy()
    for values in rates.values():
        values[rest] = np.nan
