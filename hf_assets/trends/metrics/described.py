"""The distributions of popularity, and the most popular rows, of models and datasets alike."""

from collections.abc import Iterator

import polars as pl

from hf_assets.trends.metrics.sums import SUMS

POPULARITY = ("downloads", "likes", "trending_score")
QUANTILES = {"25%": 0.25, "50%": 0.5, "75%": 0.75}
# Rows of the longest rankings of a day.
TOP = 1000


def described(dimension: str) -> Iterator[tuple[tuple[str, str], pl.Expr]]:
    """Count, mean, std, min, quartiles (interpolated, as pandas does) and max."""
    for name in POPULARITY:
        # As floats: for polars, a mean may be a date as well.
        column = pl.col(name).cast(pl.Float64)
        statistics = {
            "count": column.count().cast(pl.Float64),
            "mean": column.mean(),
            "std": column.std(),
            "min": column.min(),
            **{label: column.quantile(at, "linear") for label, at in QUANTILES.items()},
            "max": column.max(),
        }
        for label, value in statistics.items():
            yield (dimension, f"{name}/{label}"), value


def most_downloaded(
    rows: pl.LazyFrame, counted: pl.DataFrame, dimension: str, category: pl.Expr
) -> pl.LazyFrame:
    """The `TOP` rows with the most downloads; those with an unknown number come last.

    Args:
        rows: a day of models or datasets.
        counted: their counters.
        dimension: of the result.
        category: of each row.
    """
    downloads = counted["downloads"].drop_nulls()
    best = (
        rows.filter(pl.col("downloads") >= downloads.top_k(TOP).min())
        if len(downloads) >= TOP
        else rows
    )
    return (
        best.select(
            *("hub_id", *SUMS),
            key="id",
            category=category,
            created=pl.col("created_at").dt.date(),
        )
        .sort("downloads", "key", descending=[True, False], nulls_last=True)
        .head(TOP)
        .with_row_index("rank", 1)
        .with_columns(
            dimension=pl.lit(dimension),
            rows=pl.lit(1, pl.Int64),
            **{
                f"share_{name}": pl.col(name) / (counted[name].sum() or None)
                for name in ("downloads", "likes")
            },
        )
    )
