"""One day of the Hub → one small table of aggregates.

Everything that a figure or a series over many days needs, in about 70 KB, so that a year is read
faster than one day of models. Tidy: a row is a `key` of a `dimension`. The rankings (models,
authors, models in Spaces) are row groups of their own, so that a reader of the rest skips them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from hf_assets.lake import Made, iso
from hf_assets.parquet import Column, Table
from hf_assets.trends.concentration import concentration
from hf_assets.trends.licenses import against_base, license_group

# The longest rankings kept a day.
TOP = 1000
# Keys a dimension keeps; libraries and licences are free text, and the rest goes into one row.
MOST_KEYS = 300
# Models in Spaces kept a day.
TOP_USED = 300
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
            "category, library, license, license_group, against_base (a derivative's licence "
            "beside its base model's), year, sdk, model, author (the top 1000 by downloads), "
            "models_per_space, usage_tag, usage_category, usage_model (the 300 models in most "
            "Spaces), usage_total, describe, correlation, concentration.",
        ),
        "key": Column(pl.String, "Value of the dimension; null: the Hub gives none."),
        "rank": Column(
            pl.Int32, "1 has the most downloads (models), likes (sdk) or Spaces (usage_model)."
        ),
        "rows": Column(
            pl.Int64,
            "Models, Spaces (sdk, models_per_space, usage_model) or (Space, model) pairs "
            "(usage_tag, usage_category); usage_total: what the key says.",
        ),
        "downloads": Column(pl.Int64, "Downloads in the last 30 days, added up."),
        "downloads_all_time": Column(pl.Int64, "Downloads since creation, added up."),
        "likes": Column(pl.Int64, "Likes, added up."),
        "trending_score": Column(pl.Float64, "Trending scores, added up."),
        "share_rows": Column(
            pl.Float32, "Of all rows, 0 to 1; against_base: of the derivatives compared."
        ),
        "share_downloads": Column(pl.Float32, "Of all downloads, 0 to 1."),
        "share_likes": Column(pl.Float32, "Of all likes, 0 to 1."),
        "value": Column(
            pl.Float64,
            "describe: the statistic; correlation: -1 to 1; concentration: share 0 to 1, Gini "
            "0 to 1, HHI 0 to 10 000, effective number; usage_tag, usage_category: distinct "
            "Spaces; usage_model: distinct authors of those Spaces.",
        ),
        "hub_id": Column(pl.String, "Of a model."),
        "category": Column(pl.String, "Of a model."),
        "created": Column(
            pl.Date, "Day a model was created; 2022-03-02, the Hub's floor, is that day or before."
        ),
    },
)


def daily_metrics(
    models: pl.LazyFrame,
    spaces: pl.LazyFrame | None,
    usage: pl.LazyFrame,
    chosen_usage: list[dict[str, Any]],
    day: str,
) -> Made:
    """The aggregates of a day. Columns: `DAILY_METRICS`.

    Args:
        models: that day's `models`.
        spaces: that day's `enriched_spaces`; None where the day's source has no Spaces.
        usage: that day's `model_usage`.
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
    by_license = _sums(counted, "license")
    by_author = _sums(counted.filter(pl.col("author").is_not_null()), "author")
    held = {"downloads": counted["downloads"], "authors": by_author["downloads"]}
    small = [
        *(_ranked(_sums(counted, name), name) for name in ("category", "library", "year")),
        _ranked(by_license, "license"),
        _ranked(_grouped_licenses(by_license), "license_group"),
        _ranked(_sums(against_base(models), "against_base"), "against_base"),
        *_values(counted, held),
    ]
    if spaces is not None:
        small += [*_of_spaces(spaces, usage), pl.DataFrame(chosen_usage, schema=_USAGE)]
    rankings = [
        _top_models(models, counted),
        _ranked(by_author, "author", keep=TOP, fold_rare=False),
        _top_used(usage),
    ]
    shape = pl.DataFrame(schema=DAILY_METRICS.schema)
    frames = [
        pl.concat([shape, *parts], how="diagonal_relaxed").with_columns(day=pl.lit(iso(day)))
        for parts in (small, *([ranking] for ranking in rankings))
    ]
    notes = {
        "rows": sum(frame.height for frame in frames),
        "models": counted.height,
        "Spaces": None if spaces is None else spaces.select(pl.len()).collect().item(),
    }
    return Made(frames=frames, notes=notes)


_VALUES = {"dimension": pl.String, "key": pl.String, "value": pl.Float64}
_USAGE = {"dimension": pl.String, "key": pl.String, "rows": pl.Int64, "value": pl.Float64}
_SUMS = ("downloads", "downloads_all_time", "likes", "trending_score")


def _said(name: str) -> pl.Expr:
    """The sum of a counter; null, and not 0, where the Hub never said."""
    return pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum())


def _sums(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Sums a key: key, rows, and the counters that the frame has."""
    return frame.group_by(pl.col(column).alias("key")).agg(
        *(_said(name) for name in _SUMS if name in frame.columns),
        rows=pl.len().cast(pl.Int64),
    )


def _grouped_licenses(by_license: pl.DataFrame) -> pl.DataFrame:
    return by_license.group_by(key=license_group(pl.col("key"))).agg(
        *(_said(name) for name in _SUMS), pl.col("rows").sum()
    )


def _ranked(
    sums: pl.DataFrame, dimension: str, keep: int = MOST_KEYS, *, fold_rare: bool = True
) -> pl.DataFrame:
    """Most downloads (else likes) first; keys past `keep` in one row `OTHER`."""
    counters = [name for name in _SUMS if name in sums.columns]
    first = "downloads" if "downloads" in counters else "likes"
    ordered = sums.sort(
        first, "rows", "key", descending=[True, True, False], nulls_last=True
    ).with_row_index("rank", 1)
    if ordered.height > keep:
        kept = pl.col("rank") <= keep
        if fold_rare:
            # What most models carry is kept too, however little it is downloaded.
            kept |= pl.col("rows").rank("ordinal", descending=True) <= keep
        rest, ordered = ordered.filter(~kept), ordered.filter(kept)
        folded = rest.select(
            pl.lit(OTHER).alias("key"), *(_said(name) for name in counters), pl.col("rows").sum()
        )
        ordered = pl.concat([ordered, folded], how="diagonal_relaxed")
    totals = {name: sums[name].sum() for name in ("downloads", "likes") if name in counters}
    return ordered.with_columns(
        pl.lit(dimension).alias("dimension"),
        share_rows=pl.col("rows") / max(sums["rows"].sum(), 1),
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
        best.select(
            *("hub_id", "category", *_SUMS), key="id", created=pl.col("created_at").dt.date()
        )
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


def _of_spaces(spaces: pl.LazyFrame, usage: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """By sdk, by number of models, and what they use in all."""
    counted = spaces.select("sdk", "likes", "trending_score", "n_models").collect()
    yield _ranked(_sums(counted.drop("n_models"), "sdk"), "sdk")
    per_space = counted.group_by("n_models").agg(rows=pl.len().cast(pl.Int64)).sort("n_models")
    yield per_space.select(
        pl.lit("models_per_space").alias("dimension"),
        pl.col("n_models").cast(pl.String).alias("key"),
        "rows",
        share_rows=pl.col("rows") / pl.col("rows").sum(),
    )
    used = counted["n_models"]
    said = used.count() > 0  # else the Hub refused the field
    totals = {
        "Spaces": counted.height,
        "Spaces with models": (used > 0).sum() if said else None,
        "models used": usage.select(pl.len()).collect().item() if said else None,
        "pairs": used.sum() if said else None,
    }
    yield pl.DataFrame(
        [("usage_total", key, rows) for key, rows in totals.items()],
        schema={"dimension": pl.String, "key": pl.String, "rows": pl.Int64},
        orient="row",
    )


def _top_used(usage: pl.LazyFrame) -> pl.DataFrame:
    """The models that most Spaces use."""
    return (
        usage.select("category", "likes", key="id", rows="spaces", value=pl.col("authors") * 1.0)
        .sort("rows", "key", descending=[True, False])
        .head(TOP_USED)
        .with_row_index("rank", 1)
        .with_columns(dimension=pl.lit("usage_model"))
        .collect()
    )


def _values(counted: pl.DataFrame, held: Mapping[str, pl.Series]) -> Iterator[pl.DataFrame]:
    """What is a number for the whole day: distributions, correlations, concentration."""
    concentrated = (
        ("concentration", f"{of}/{name}", value)
        for of, series in held.items()
        for name, value in concentration(series)
    )
    for rows in (_describe(counted), _correlations(counted), concentrated):
        yield pl.DataFrame(rows, schema=_VALUES, orient="row")


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
