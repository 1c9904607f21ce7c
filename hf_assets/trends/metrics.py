"""One day of the Hub → one small table of aggregates.

Everything that a figure or a series over many days needs, in about 60 KB, so that a year is read
faster than one day of models. Tidy: a row is a `key` of a `dimension`. The two rankings of a
thousand are row groups of their own, so that a reader of the rest skips them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from hf_assets.lake import Column, Made, Table, iso

# The longest rankings kept a day.
TOP = 1000
# Keys a dimension keeps; libraries and licences are free text, and the rest goes into one row.
MOST_KEYS = 300
OTHER = "(other)"
FLOOR_KEY = "2022-03-02 (floor)"
POPULARITY = ("downloads", "likes", "trending_score")
QUANTILES = {"25%": 0.25, "50%": 0.5, "75%": 0.75}

DAILY_METRICS = Table(
    name="daily_metrics",
    required=("dimension",),
    row_group=1,  # each ranking by itself
    columns={
        "day": Column(pl.Date, "Day of the snapshot, UTC: the partition."),
        "dimension": Column(
            pl.String,
            "category, library, license, year, sdk, model, author (the top 1000 by downloads), "
            "models_per_space, usage_tag, usage_category, describe, correlation, concentration.",
        ),
        "key": Column(pl.String, "Value of the dimension; null: the Hub gives none."),
        "rank": Column(pl.Int32, "1 has the most downloads (models) or likes (Spaces)."),
        "rows": Column(pl.Int64, "Models, Spaces (sdk, models_per_space) or (Space, model) pairs."),
        "downloads": Column(pl.Int64, "Downloads in the last 30 days, added up."),
        "downloads_all_time": Column(pl.Int64, "Downloads since creation, added up."),
        "likes": Column(pl.Int64, "Likes, added up."),
        "trending_score": Column(pl.Float64, "Trending scores, added up."),
        "share_rows": Column(pl.Float32, "Of all rows, 0 to 1."),
        "share_downloads": Column(pl.Float32, "Of all downloads, 0 to 1."),
        "share_likes": Column(pl.Float32, "Of all likes, 0 to 1."),
        "value": Column(
            pl.Float64,
            "describe: the statistic; correlation: -1 to 1; concentration: share 0 to 1, Gini "
            "0 to 1, HHI 0 to 10 000; usage: distinct Spaces.",
        ),
        "hub_id": Column(pl.String, "Of a model."),
        "category": Column(pl.String, "Of a model."),
    },
)


def daily_metrics(
    models: pl.LazyFrame, spaces: pl.LazyFrame, chosen_usage: list[dict[str, Any]], day: str
) -> Made:
    """The aggregates of a day. Columns: `DAILY_METRICS`.

    Args:
        models: that day's `models`.
        spaces: that day's `enriched_spaces`.
        chosen_usage: rows of what `hub.usage.chosen_usage` says of that day.
        day: the partition key.
    """
    counted = models.select(
        *("category", "library", "license", "author"),
        *("downloads", "downloads_all_time", "likes", "trending_score"),
        year=pl.when("floor_dated")
        .then(pl.lit(FLOOR_KEY))
        .otherwise(pl.col("year").cast(pl.String)),
    ).collect()
    small = [
        *(_by(counted, name) for name in ("category", "library", "license", "year")),
        _by(spaces.select("sdk", "likes", "trending_score").collect(), "sdk"),
        _models_per_space(spaces),
        pl.DataFrame(chosen_usage, schema=_USAGE),
        pl.DataFrame(_describe(counted), schema=_VALUES, orient="row"),
        pl.DataFrame(_correlations(counted), schema=_VALUES, orient="row"),
        pl.DataFrame(_concentration(counted["downloads"]), schema=_VALUES, orient="row"),
    ]
    authors = _by(
        counted.filter(pl.col("author").is_not_null()), "author", keep=TOP, fold_rare=False
    )
    shape = pl.DataFrame(schema=DAILY_METRICS.schema)
    frames = [
        pl.concat([shape, *parts], how="diagonal_relaxed").with_columns(day=pl.lit(iso(day)))
        for parts in (small, [_top_models(models, counted)], [authors])
    ]
    notes = {
        "rows": sum(frame.height for frame in frames),
        "models": counted.height,
        "Spaces": spaces.select(pl.len()).collect().item(),
    }
    return Made(frames=frames, notes=notes)


_VALUES = {"dimension": pl.String, "key": pl.String, "value": pl.Float64}
_USAGE = {"dimension": pl.String, "key": pl.String, "rows": pl.Int64, "value": pl.Float64}
_SUMS = ("downloads", "downloads_all_time", "likes", "trending_score")


def _by(
    frame: pl.DataFrame, column: str, keep: int = MOST_KEYS, *, fold_rare: bool = True
) -> pl.DataFrame:
    """Sums a key, most downloads (else likes) first; keys past `keep` in one row `OTHER`."""
    sums = [name for name in _SUMS if name in frame.columns]
    grouped = frame.group_by(pl.col(column).alias("key")).agg(
        # The Hub did not say: null, and not 0.
        *(pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()) for name in sums),
        rows=pl.len().cast(pl.Int64),
    )
    first = "downloads" if "downloads" in sums else "likes"
    ordered = grouped.sort(
        first, "rows", "key", descending=[True, True, False], nulls_last=True
    ).with_row_index("rank", 1)
    if ordered.height > keep:
        kept = pl.col("rank") <= keep
        if fold_rare:
            # What most models carry is kept too, however little it is downloaded.
            kept |= pl.col("rows").rank("ordinal", descending=True) <= keep
        rest, ordered = ordered.filter(~kept), ordered.filter(kept)
        folded = rest.select(
            pl.lit(OTHER).alias("key"),
            *(pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()) for name in sums),
            pl.col("rows").sum(),
        )
        ordered = pl.concat([ordered, folded], how="diagonal_relaxed")
    totals = {name: frame[name].sum() for name in ("downloads", "likes") if name in sums}
    return ordered.with_columns(
        pl.lit(column).alias("dimension"),
        share_rows=pl.col("rows") / max(frame.height, 1),
        **{
            f"share_{name}": pl.col(name) / total if total else pl.lit(None, pl.Float32)
            for name, total in totals.items()
        },
    )


def _top_models(models: pl.LazyFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """The models with the most downloads; those of which the Hub does not say come last."""
    said = counted["downloads"].drop_nulls()
    best = (
        models.filter(pl.col("downloads") >= said.top_k(TOP).min()) if len(said) >= TOP else models
    )
    totals = counted.select(pl.col("downloads", "likes").sum()).row(0, named=True)
    return (
        best.select("hub_id", pl.col("id").alias("key"), "category", *_SUMS)
        .sort("downloads", "key", descending=[True, False], nulls_last=True)
        .head(TOP)
        .with_row_index("rank", 1)
        .with_columns(
            dimension=pl.lit("model"),
            rows=pl.lit(1, pl.Int64),
            share_downloads=pl.col("downloads") / (totals["downloads"] or None),
            share_likes=pl.col("likes") / (totals["likes"] or None),
        )
        .collect()
    )


def _models_per_space(spaces: pl.LazyFrame) -> pl.DataFrame:
    return (
        spaces.group_by("n_models")
        .agg(rows=pl.len().cast(pl.Int64))
        .sort("n_models")
        .select(
            pl.lit("models_per_space").alias("dimension"),
            pl.col("n_models").cast(pl.String).alias("key"),
            "rows",
            share_rows=pl.col("rows") / pl.col("rows").sum(),
        )
        .collect()
    )


def _describe(counted: pl.DataFrame) -> Iterator[tuple[str, str, float | None]]:
    """count, mean, std, min, quartiles (interpolated, as pandas does) and max."""
    for name in POPULARITY:
        # As floats: what polars calls a mean may be a date as well.
        column = counted[name].cast(pl.Float64)
        found = counted.select(
            count=pl.col(name).count().cast(pl.Float64),
            mean=pl.lit(column).mean(),
            std=pl.lit(column).std(),
            min=pl.lit(column).min(),
            **{label: pl.lit(column).quantile(at, "linear") for label, at in QUANTILES.items()},
            max=pl.lit(column).max(),
        )
        for label, value in found.row(0, named=True).items():
            yield "describe", f"{name}/{label}", value


def _correlations(counted: pl.DataFrame) -> Iterator[tuple[str, str, float | None]]:
    """Pearson and Spearman of each two of the popularity columns, over rows that have both."""
    pairs = (("likes", "trending_score"), ("likes", "downloads"), ("trending_score", "downloads"))
    for one, other in pairs:
        both = counted.select(one, other).drop_nulls()
        for method in ("pearson", "spearman"):
            if method == "spearman":
                both = both.select(_ranks(both[one]), _ranks(both[other]))
            value = both.select(pl.corr(one, other)).item()
            defined = value is not None and value == value  # nan where a column is constant
            yield "correlation", f"{method}/{one}/{other}", value if defined else None


def _ranks(column: pl.Series) -> pl.Series:
    """Average ranks, by way of the distinct values: counters repeat."""
    values = column.value_counts(name="n").sort(column.name)
    last = pl.col("n").cum_sum()
    ranked = values.select(column.name, rank=last - (pl.col("n") - 1) / 2)
    return column.replace_strict(ranked[column.name], ranked["rank"], return_dtype=pl.Float64)


def _concentration(downloads: pl.Series) -> Iterator[tuple[str, str, float | None]]:
    """Gini, HHI and the shares of the top 1, 10, 100 and 1000 models; none without downloads."""
    x = downloads.drop_nulls().sort().to_numpy().astype(np.float64)
    total, n = x.sum(), x.size
    if not total:
        return
    gini = 2 * np.dot(np.arange(1, n + 1), x) / (n * total) - (n + 1) / n
    yield "concentration", "downloads/gini", float(gini)
    yield "concentration", "downloads/hhi", float(10_000 * np.square(x / total).sum())
    for k in (1, 10, 100, 1000):
        yield "concentration", f"downloads/top_{k}", float(x[-k:].sum() / total)
