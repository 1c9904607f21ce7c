"""What uses what, in the aggregates of a day: edges, training data, and what has most users."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from hf_assets.hub.uses.records import UsesCounts
from hf_assets.hub.uses.schemas import MODEL_DATASET, TARGETS
from hf_assets.storage.lake import StoredTable
from hf_assets.trends.metrics.sums import MOST_KEYS

# Targets of a kind: those with the most users, and those whose models have the most downloads.
MOST_USED, MOST_DOWNLOADED = 200, 100
EVERY_MODEL = "all"


@dataclass(frozen=True)
class UsesOfDay:
    """A day of `uses` and of `used_by`, and the record of `uses`."""

    edges: pl.LazyFrame
    used_by: pl.LazyFrame
    counts: UsesCounts


def uses_of_days(
    uses: Mapping[str, StoredTable], used_by: Mapping[str, StoredTable]
) -> dict[str, UsesOfDay]:
    """The days that have both tables."""
    return {
        day: UsesOfDay(uses[day].frame, used_by[day].frame, UsesCounts.read(uses[day].notes))
        for day in uses
        if day in used_by
    }


def uses_metrics(uses: UsesOfDay, models: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of `daily_metrics`: edges, training data, then a ranking a kind of target.

    Args:
        uses: the day's.
        models: that day's `models`: hub_id, category, year, floor_dated and downloads are read.
    """
    kinds = {kind: one for kind, one in uses.counts.kinds.items() if one.stated}
    edges = [(kind, one.edges, float(one.naming), one.naming / one.sources)
             for kind, one in kinds.items()]  # fmt: skip
    columns = {"key": pl.String, "rows": pl.Int64, "value": pl.Float64, "share_rows": pl.Float64}
    parts = [pl.LazyFrame(edges, columns, orient="row").with_columns(dimension=pl.lit("edges"))]
    if MODEL_DATASET in kinds:
        parts += _training_data(uses.edges, models)
    parts += (_most_used(uses.used_by.filter(pl.col("of") == of), of) for of in TARGETS)
    return pl.concat(parts, how="diagonal_relaxed")


def _training_data(edges: pl.LazyFrame, models: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """Models that name a dataset: of all, by category, by year of creation."""
    naming = edges.filter(pl.col("kind") == MODEL_DATASET).select(pl.col("source_id").hash())
    names = pl.col("hub_id").hash().is_in(naming.collect().to_series().unique().implode())
    downloads = pl.col("downloads")
    counted = (
        models.select(
            "category",
            "downloads",
            year=pl.when(~pl.col("floor_dated")).then(pl.col("year").cast(pl.String)),
            names=names,
        )
        .group_by("category", "year")
        .agg(
            models=pl.len().cast(pl.Int64),
            known=downloads.count(),
            all=downloads.sum(),
            rows=pl.col("names").sum().cast(pl.Int64),
            downloads=downloads.filter("names").sum(),
        )
        .collect(engine="streaming")
    )
    keys = {
        "training_data": pl.lit(EVERY_MODEL),
        "training_data_category": pl.col("category"),
        "training_data_year": pl.col("year"),
    }
    for dimension, key in keys.items():
        sums = counted.lazy().group_by(key=key).agg(pl.exclude("category", "year").sum())
        yield (
            sums.sort("rows", "key", descending=[True, False])
            .head(MOST_KEYS)
            .select(
                *("key", "rows"),
                # The sum of nulls alone is 0: null.
                pl.when(pl.col("known") > 0).then("downloads").alias("downloads"),
                share_rows=pl.col("rows") / pl.col("models"),
                share_downloads=pl.when(pl.col("all") > 0).then(downloads / pl.col("all")),
                dimension=pl.lit(dimension),
            )
        )


def _most_used(used_by: pl.LazyFrame, of: str) -> pl.LazyFrame:
    """The targets with most users and those with most downloads, a rank each by users."""
    users = pl.sum_horizontal(pl.col("spaces", "models"))
    by_downloads = pl.col("downloads").rank("ordinal", descending=True) <= MOST_DOWNLOADED
    return (
        used_by.select("target", "spaces", "models", "downloads", users=users)
        .sort("users", "target", descending=[True, False])
        .with_row_index("rank", 1)
        .filter((pl.col("rank") <= MOST_USED) | by_downloads)
        .select(
            *("rank", "downloads"),
            key="target",
            rows="models",
            value=pl.col("spaces").cast(pl.Float64),
            dimension=pl.lit(f"used_{of}"),
        )
    )
