"""The small table of aggregates of a day, `daily_metrics`.

It holds everything that figures and series read, in about 70 KB and as much again for datasets, so
that a year is read faster than a single day of models. It is tidy: a row is a `key` of a
`dimension`. The rankings (models, authors, models in Spaces, datasets) are row groups of their own,
so that other readers skip them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from hf_assets.hub.tables.schemas import CHOSEN_USAGE
from hf_assets.storage.lake import StoredTable, TableWrite, iso
from hf_assets.storage.parquet import Column, Table
from hf_assets.trends.metrics.concentration import concentration
from hf_assets.trends.metrics.datasets import datasets_metrics
from hf_assets.trends.metrics.described import POPULARITY, TOP, described, most_downloaded
from hf_assets.trends.metrics.families import of_families, of_models
from hf_assets.trends.metrics.licenses import against_base, license_group
from hf_assets.trends.metrics.sums import SUMS, ranked, sum_of, sums_of
from hf_assets.trends.metrics.uses import UsesOfDay, uses_metrics

# Models in Spaces, of a day.
TOP_USED = 300
# The engine for rows already in memory: it costs least on small steps.
HERE = "in-memory"
FLOOR_KEY = "2022-03-02 (floor)"

DAILY_METRICS = Table(
    name="daily_metrics",
    required=("dimension",),
    row_group=1,  # each ranking by itself
    columns={
        "day": Column(pl.Date, "Day of the snapshot, UTC: the partition."),
        "dimension": Column(
            pl.String,
            "category, library, license, license_group, against_base (a derivative's licence "
            "against its base model's), year, sdk, model, author (the top 1000 by downloads), "
            "models_per_space, usage_tag, usage_category, usage_model (the 300 models in most "
            "Spaces), usage_total, describe, correlation, concentration. Of datasets: dataset (the "
            "top 1000), dataset_author (the top 300), dataset_task, dataset_language, "
            "dataset_modality, dataset_format (a dataset with several counts once in each), "
            "dataset_size, dataset_license, dataset_total (all datasets), dataset_describe. Of "
            "what models are: parameters (a band), gated, format, language (a model counts in each "
            "of its own), relation (to the base model; root: others are made from it), family (the "
            "300 most downloaded roots), family_relation (relation/root, of the first 20), "
            "quantiser (the 100 most downloaded authors of quantised derivatives), license_root (a "
            "derivative's licence against its root's). Of what uses what: edges, training_data "
            "(models that name a dataset), training_data_category, training_data_year, used_model, "
            "used_dataset, used_paper (with most users or most downloads).",
        ),
        "key": Column(pl.String, "Value of the dimension; null: the Hub gives none."),
        "rank": Column(
            pl.Int32,
            "1 has the most downloads (models), likes (sdk), Spaces (usage_model), users (used_…).",
        ),
        "rows": Column(
            pl.Int64,
            "Models, Spaces (sdk, models_per_space, usage_model), datasets (dataset…) or (Space, "
            "model) pairs (usage_tag, usage_category); usage_total: what the key says; edges: "
            "edges; used_…: models that name it.",
        ),
        "downloads": Column(pl.Int64, "Downloads in the last 30 days, added up."),
        "downloads_all_time": Column(pl.Int64, "Downloads since creation, added up."),
        "likes": Column(pl.Int64, "Likes, added up."),
        "trending_score": Column(pl.Float64, "Trending scores, added up."),
        "share_rows": Column(
            pl.Float32,
            "Of all rows, 0 to 1; against_base: of the derivatives compared; dataset_…: of all "
            "datasets, language: of all models, so that those of tasks and of languages add up to "
            "more than 1; training_data_…: of the models with that key; edges: of the Spaces or "
            "models, those that name any.",
        ),
        "share_downloads": Column(
            pl.Float32, "Of all downloads, 0 to 1; training_data_…: of those of the key."
        ),
        "share_likes": Column(pl.Float32, "Of all likes, 0 to 1."),
        "value": Column(
            pl.Float64,
            "describe: the statistic; correlation: -1 to 1; concentration: share 0 to 1, Gini "
            "0 to 1, HHI 0 to 10 000, effective number; usage_tag, usage_category: distinct "
            "Spaces; usage_model: distinct authors of those Spaces; edges: Spaces or models that "
            "name any; used_…: Spaces that name it.",
        ),
        "hub_id": Column(pl.String, "Of a model, or a dataset."),
        "category": Column(pl.String, "Of a model; of a dataset its first task category."),
        "created": Column(
            pl.Date, "Day it was created; 2022-03-02, the Hub's floor, is that day or before."
        ),
    },
)


def daily_metrics(
    models: pl.LazyFrame,
    spaces: pl.LazyFrame | None,
    usage: pl.LazyFrame,
    chosen_usage: list[dict[str, Any]],
    day: str,
    *,
    datasets: Mapping[str, StoredTable] | None = None,
    families: Mapping[str, StoredTable] | None = None,
    uses: Mapping[str, UsesOfDay] | None = None,
) -> TableWrite:
    """The aggregates of a day. Columns: `DAILY_METRICS`.

    Args:
        models: that day's `models`.
        spaces: that day's `enriched_spaces`; None where the day's source has no Spaces.
        usage: that day's `model_usage`.
        chosen_usage: the rows that `hub.tables.usage.chosen_usage` gives for that day.
        day: the partition key.
        datasets: `hub_datasets` by day, of the days that have any.
        families: `families` by day.
        uses: `uses` and `used_by` by day, of the days that have both.
    """
    top_authors, downloads_of_authors = _authors(models)
    by_kind, counted = _by_kind(models)
    held = {"downloads": counted["downloads"], "authors": downloads_of_authors}
    top_models = most_downloaded(models, counted, "model", pl.col("category"))
    small = [by_kind.lazy(), _values(counted, held).lazy()]
    rankings = [top_models, top_authors.lazy()]
    notes = {"models": counted.height, "Spaces": None}
    if spaces is not None:
        kinds = spaces.select("sdk", "likes", "trending_score", "n_models").collect()
        notes["Spaces"] = kinds.height
        small += [*_of_spaces(kinds, usage), pl.LazyFrame(chosen_usage, schema=CHOSEN_USAGE)]
        rankings.append(_top_used(usage))
    table = TableWrite(frames=[], notes=notes)
    if listed := (datasets or {}).get(day):
        rankings += datasets_metrics(listed.frame)
        notes["datasets"] = listed.rows
        table.provenance |= listed.provenance
    more = [*of_models(models)]
    if made := (families or {}).get(day):
        more += of_families(made.frame, counted)
        notes["families"] = made.rows
    if used := (uses or {}).get(day):
        more.append(uses_metrics(used, models))
        notes["edges"] = used.counts.edges
    # A row group costs 2 KB: these are one.
    rankings.append(pl.concat(more, how="diagonal_relaxed"))
    shape = pl.LazyFrame(schema=DAILY_METRICS.schema)
    table.frames = pl.collect_all(
        [
            pl.concat([shape, *parts], how="diagonal_relaxed").with_columns(day=pl.lit(iso(day)))
            for parts in (small, *([ranking] for ranking in rankings))
        ],
        engine=HERE,
    )
    table.notes = {"rows": sum(frame.height for frame in table.frames), **notes}
    return table


def _authors(models: pl.LazyFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The authors with the most downloads, and the downloads of each author."""
    rows = models.select("author", *SUMS).collect().lazy()
    named = rows.filter(pl.col("author").is_not_null())
    by_author = sums_of(named, "author").collect(engine=HERE)
    best = ranked(by_author.lazy(), TOP, fold_rare=False).collect(engine=HERE)
    return best, by_author["downloads"]


def _by_kind(models: pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sums by category, library, year and licence, and the counters of all models.

    The texts of all models are in memory here alone: they are three quarters of the bytes.
    """
    derived = against_base(models).lazy().with_columns(trending_score=pl.lit(None, pl.Float64))
    against = sums_of(derived, "against_base").collect(engine=HERE)
    del derived
    counted = models.select(
        *("category", "library", "license", *SUMS),
        year=pl.when("floor_dated")
        .then(pl.lit(FLOOR_KEY))
        .otherwise(pl.col("year").cast(pl.String)),
    ).collect()
    names = ("category", "library", "year", "license")
    # One at a time: each has an index of all models.
    sums = [sums_of(counted.lazy(), name).collect(engine=HERE) for name in names]
    sums += [_grouped_licenses(sums[-1].lazy().sort("key")).collect(engine=HERE), against]
    return ranked(pl.concat(sums).lazy()).collect(engine=HERE), counted.select(SUMS)


_VALUES = {"dimension": pl.String, "key": pl.String, "value": pl.Float64}


def _grouped_licenses(by_license: pl.LazyFrame) -> pl.LazyFrame:
    return by_license.group_by(key=license_group(pl.col("key"))).agg(
        pl.lit("license_group").alias("dimension").first(),
        *(sum_of(name) for name in SUMS),
        pl.col("rows").sum(),
    )


def _of_spaces(kinds: pl.DataFrame, usage: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """Spaces by SDK and by number of models, and their totals."""
    rows = kinds.lazy().with_columns(
        downloads=pl.lit(None, pl.Int64), downloads_all_time=pl.lit(None, pl.Int64)
    )
    yield ranked(sums_of(rows, "sdk"), by="likes")
    per_space = rows.group_by("n_models").agg(rows=pl.len().cast(pl.Int64)).sort("n_models")
    yield per_space.select(
        pl.lit("models_per_space").alias("dimension"),
        pl.col("n_models").cast(pl.String).alias("key"),
        "rows",
        share_rows=pl.col("rows") / pl.col("rows").sum(),
    )
    used = kinds["n_models"]
    known = used.count() > 0  # else the Hub refused the field
    totals = {
        "Spaces": kinds.height,
        "Spaces with models": (used > 0).sum() if known else None,
        "models used": usage.select(pl.len()).collect().item() if known else None,
        "pairs": used.sum() if known else None,
    }
    yield pl.LazyFrame(
        [("usage_total", key, rows) for key, rows in totals.items()],
        schema={"dimension": pl.String, "key": pl.String, "rows": pl.Int64},
        orient="row",
    )


def _top_used(usage: pl.LazyFrame) -> pl.LazyFrame:
    """The models that most Spaces use."""
    return (
        usage.select("category", "likes", key="id", rows="spaces", value=pl.col("authors") * 1.0)
        .sort("rows", "key", descending=[True, False])
        .head(TOP_USED)
        .with_row_index("rank", 1)
        .with_columns(dimension=pl.lit("usage_model"))
    )


def _values(counted: pl.DataFrame, held: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Single numbers of a day: distributions, correlations, concentration."""
    # In a single chunk: polars adds up each chunk by itself, so that the last bits of a mean or a
    # correlation would depend on the number of threads that read the file.
    counted = counted.select(POPULARITY).rechunk()
    numbers = dict([*described("describe"), *_correlated(counted)])
    expressions = [one.alias(str(at)) for at, one in enumerate(numbers.values())]
    # Lazy: a ranking or a column of floats that several of them share is computed once.
    values = counted.lazy().select(expressions).collect(engine=HERE).row(0)
    # A correlation with a constant column is NaN, which does not equal itself.
    rows = [
        (*of, value if value == value else None) for of, value in zip(numbers, values, strict=True)
    ]
    rows += [
        ("concentration", f"{of}/{name}", value)
        for of, series in held.items()
        for name, value in concentration(series)
    ]
    return pl.DataFrame(rows, schema=_VALUES, orient="row")


def _correlated(counted: pl.DataFrame) -> Iterator[tuple[tuple[str, str], pl.Expr]]:
    """Pearson and Spearman of each pair of popularity columns, over rows that have both."""
    gaps = {name for name in POPULARITY if counted[name].null_count()}
    pairs = (("likes", "trending_score"), ("likes", "downloads"), ("trending_score", "downloads"))
    for pair in pairs:
        both = pl.all_horizontal(pl.col(name).is_not_null() for name in pair)
        columns = [pl.when(both).then(name) if gaps & {*pair} else pl.col(name) for name in pair]
        for method, two in (("pearson", columns), ("spearman", [one.rank() for one in columns])):
            yield ("correlation", "/".join((method, *pair))), pl.corr(*two)
