"""Series of categories, libraries, licences, authors and families, and of groups of datasets.

A key's all-time downloads are those of the models that have the key on that day: a model that
changes its library takes its earlier downloads along.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from hf_assets.storage.lake import TableWrite
from hf_assets.trends.metrics.datasets import OF_ONE, TOTAL
from hf_assets.trends.metrics.sums import OTHER
from hf_assets.trends.series.panel import Panel, panels
from hf_assets.trends.series.past import COUNTS, PREDICTED_SUMS, Past

PREDICTED_LEVELS = PREDICTED_SUMS[2:]
# `of` in license_history, by dimension of daily_metrics.
LICENSE_PARTS = {"license": "license", "license_group": "group", "against_base": "against_base"}
# `of` in family_history: the names of the dimensions.
FAMILY_PARTS = (
    *("relation", "family", "family_relation", "format", "parameters", "quantiser"),
    "license_root",
)


# `of` in dataset_group_history, by dimension of daily_metrics.
DATASET_GROUPS = {
    f"dataset_{of}": of for of in ("task", "language", "size", "modality", "format", "license")
}


def category_history(past: Past) -> TableWrite:
    """A row a day and category. Columns: `CATEGORY_HISTORY`.

    A category that is predicted and not served on a day has a row without served levels.
    """
    return past.table_write(_history(past, "category", predicted=past.predicted))


def library_history(past: Past) -> TableWrite:
    """A row a day and library. Columns: `LIBRARY_HISTORY`."""
    return past.table_write(_history(past, "library"))


def author_history(past: Past) -> TableWrite:
    """A row a day and author of that day's first thousand. Columns: `AUTHOR_HISTORY`.

    All other authors together are no author.
    """
    return past.table_write(_history(past, "author", others=False))


def license_history(past: Past) -> TableWrite:
    """Licences, their groups, and derivatives against their base models: `LICENSE_HISTORY`.

    Shares of against_base are of the derivatives whose base model is listed.
    """
    return past.table_write(
        part.with_columns(of=pl.lit(name))
        for dimension, name in LICENSE_PARTS.items()
        for part in _history(
            past, dimension, dimension if dimension == "against_base" else "category"
        )
    )


def dataset_group_history(past: Past) -> TableWrite:
    """Datasets by task, language, size, modality, format and licence: `DATASET_GROUP_HISTORY`.

    Shares are of all datasets; a dataset with several tasks is in each of them, and the sum of all
    other keys, which would count it more than once, has no rows.

    Args:
        past: the days that have datasets (`Past.datasets`).
    """
    return past.table_write(
        part.with_columns(of=pl.lit(name))
        for dimension, name in DATASET_GROUPS.items()
        for part in _history(past, dimension, TOTAL, others=dimension in OF_ONE.values())
    )


def family_history(past: Past) -> TableWrite:
    """Relations, families, formats, sizes, quantisers, licences against the root: `FAMILY_HISTORY`.

    Shares of license_root are of the derivatives whose root is listed.
    """
    return past.table_write(
        part.with_columns(of=pl.lit(name))
        for name in FAMILY_PARTS
        for part in _history(
            past,
            name,
            name if name == "license_root" else "category",
            others=name not in ("family", "quantiser"),
        )
    )


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`; NaN where the whole is 0 or unknown."""
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _history(
    past: Past,
    dimension: str,
    whole_of: str = "category",
    *,
    others: bool = True,
    predicted: pl.DataFrame | None = None,
) -> Iterator[pl.DataFrame]:
    whole = past.totals(whole_of)
    rows = past.dimension(dimension)[["at", "key", "rank", *COUNTS]]
    # The row of all other keys has no rank; a key spelt like it has one, and is dropped.
    rows = rows.filter(
        pl.col("key").ne_missing(OTHER) | (pl.col("rank").is_null() if others else False)
    )
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
