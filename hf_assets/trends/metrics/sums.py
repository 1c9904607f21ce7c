"""Sums of the counters by key, ranked: what the dimensions of `daily_metrics` are made of."""

import polars as pl

# Keys of a dimension; libraries and licences are free text, and a single row sums the rare ones.
MOST_KEYS = 300
OTHER = "(other)"
SUMS = ("downloads", "downloads_all_time", "likes", "trending_score")


def sum_of(name: str) -> pl.Expr:
    """The sum of a counter; null, and not 0, where the Hub never gives it."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)


def sums_of(frame: pl.LazyFrame, column: str) -> pl.LazyFrame:
    """Sums a key: dimension, key, rows, and the counters."""
    return frame.group_by(pl.col(column).alias("key")).agg(
        pl.lit(column).alias("dimension").first(),
        *(sum_of(name) for name in SUMS),
        rows=pl.len().cast(pl.Int64),
    )


def ranked(
    sums: pl.LazyFrame, keep: int = MOST_KEYS, *, by: str = "downloads", fold_rare: bool = True
) -> pl.LazyFrame:
    """Highest `by` first in each dimension; the row `OTHER` sums the keys past `keep`.

    Args:
        sums: rows of `sums_of`, dimension by dimension.
    """
    kept = pl.col("rank") <= keep
    if fold_rare:
        # Keys of many models stay too, however little those are downloaded.
        kept |= pl.col("rows").rank("ordinal", descending=True).over("at") <= keep
    total = {name: pl.col(name).sum().over("at") for name in ("rows", "downloads", "likes")}
    return (
        sums.with_columns(at=pl.col("dimension").rle_id())
        .sort("at", by, "rows", "key", descending=[False, True, True, False], nulls_last=True)
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("at"))
        # Each key that stays is a group of its own.
        .group_by("at", pl.when(kept).then("rank").alias("rank"), maintain_order=True)
        .agg(
            pl.col("dimension", "key").first(),
            *(sum_of(name) for name in SUMS),
            pl.col("rows").sum(),
        )
        .sort("at", "rank", nulls_last=True)
        .select(
            "dimension",
            pl.when(pl.col("rank").is_null()).then(pl.lit(OTHER)).otherwise("key").alias("key"),
            *("rank", "rows", *SUMS),
            **{
                f"share_{name}": pl.when(of_all != 0).then(pl.col(name) / of_all)
                for name, of_all in total.items()
            },
        )
    )
