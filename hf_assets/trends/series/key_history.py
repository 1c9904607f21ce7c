"""Series of categories, libraries, licences and authors.

A key's all-time downloads are those of the models that have the key on that day: a model that
changes its library takes its earlier downloads along.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.metrics.daily_metrics import OTHER
from hf_assets.trends.series.panel import Panel, panels
from hf_assets.trends.series.past import COUNTS, PREDICTED_SUMS, Past

PREDICTED_LEVELS = PREDICTED_SUMS[2:]
# `of` in license_history, by dimension of daily_metrics.
LICENSE_PARTS = {"license": "license", "license_group": "group", "against_base": "against_base"}


def category_history(past: Past) -> TableWrite:
    """A row a day and category. Columns: `CATEGORY_HISTORY`.

    A category that is predicted and not served on a day has a row without served levels.
    """
    return past.table_write(_history(past, "category", past.predicted))


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


def _history(
    past: Past, dimension: str, predicted: pl.DataFrame | None = None
) -> Iterator[pl.DataFrame]:
    whole = past.totals(dimension if dimension == "against_base" else "category")
    rows = past.dimension(dimension)[["at", "key", "rank", *COUNTS]]
    # The row of all other keys has no rank; a key spelt like it has one, and is dropped. All other
    # authors together are no author.
    others = pl.col("rank").is_null() if dimension != "author" else False
    rows = rows.filter(pl.col("key").ne_missing(OTHER) | others)
    levels, rows = COUNTS, rows.drop("rank")
    if predicted is not None:
        levels, rows = [*COUNTS, *PREDICTED_LEVELS], _with_predicted(rows, predicted)
    for keys in panels(rows, past.calendar, "key", levels):
        rates = keys.all_rates()
        _silence(keys, rates)
        if predicted is not None:
            for name in ("rows", "downloads"):
                part = keys.levels[f"predicted_{name}"]
                rates[f"predicted_share_{name}"] = share(part, whole[name][keys.at])
        yield keys.table(
            share_rows=share(keys.levels["rows"], whole["rows"][keys.at]),
            share_downloads=share(keys.levels["downloads"], whole["downloads"][keys.at]),
            **rates,
        )


def _with_predicted(rows: pl.DataFrame, predicted: pl.DataFrame) -> pl.DataFrame:
    """Served levels with the predicted ones beside them: 0 for a category that is never predicted
    on a day with predictions, null on other days and for models without a category.
    """
    days = predicted["at"].unique()
    there = pl.col("at").is_in(days.implode()) & pl.col("key").is_not_null()
    there &= pl.col("key") != OTHER
    joined = rows.join(
        predicted.with_columns(
            pl.col("at").cast(rows.schema["at"]), pl.col("key").cast(rows.schema["key"])
        ),
        on=["at", "key"],
        how="full",
        coalesce=True,
        maintain_order="left_right",
    )
    filled = (
        pl.when(there).then(pl.col(name).fill_null(0)).otherwise(pl.col(name))
        for name in PREDICTED_LEVELS
    )
    return joined.with_columns(filled).sort("at", maintain_order=True)


def _silence(keys: Panel, rates: dict[str, np.ndarray]) -> None:
    """Clear the rates of the row of all other keys: its keys differ from day to day."""
    rest = (keys.frame["key"] == OTHER).fill_null(False).to_numpy()
    for values in rates.values():
        values[rest] = np.nan
