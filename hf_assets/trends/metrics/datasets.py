"""The datasets of a day in `daily_metrics`: by task, language, size, author, and the top 1000.

A dataset has several tasks, languages, modalities and formats: it counts once in each of them, so
that their sums are more than the total, which is a row of its own. Shares are of that total. The
key null has the datasets that give none.
"""

from collections.abc import Iterator

import polars as pl

from hf_assets.trends.metrics.concentration import concentration
from hf_assets.trends.metrics.described import described, most_downloaded
from hf_assets.trends.metrics.sums import OTHER, SUMS, ranked, sum_of, sums_of

# Authors of a day.
TOP_AUTHORS = 300
TOTAL = "dataset_total"
ALL = "datasets"  # its only key
# Dimensions by column of `hub_datasets`: lists, and columns with one value a dataset.
OF_LISTS = {
    "task_categories": "dataset_task",
    "languages": "dataset_language",
    "modalities": "dataset_modality",
    "formats": "dataset_format",
}
OF_ONE = {"size_category": "dataset_size", "license": "dataset_license"}

# The Hub's size categories, by number of rows, smallest first.
SIZES = (
    *("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B"),
    *("1B<n<10B", "10B<n<100B", "100B<n<1T", "n>1T"),
)

_VALUES = {"dimension": pl.String, "key": pl.String, "value": pl.Float64}
HERE = "in-memory"


def datasets_metrics(datasets: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """Rows of `daily_metrics`: the small dimensions, the top 1000, the top authors.

    Args:
        datasets: a day of `hub_datasets`.
    """
    counted = datasets.select("author", *OF_ONE, *SUMS).collect().rechunk()
    authors = (
        counted.lazy().filter(pl.col("author").is_not_null()).rename({"author": "dataset_author"})
    )
    by_author = sums_of(authors, "dataset_author").collect(engine=HERE)
    of_one = counted.lazy().rename(OF_ONE)
    # One list at a time: each is as long as all datasets, or longer.
    sums = [
        *(_by_element(datasets, column, name).lazy() for column, name in OF_LISTS.items()),
        *(sums_of(of_one, name) for name in OF_ONE.values()),
    ]
    held = {"datasets": counted["downloads"], "dataset_authors": by_author["downloads"]}
    yield pl.concat(
        [
            _total(counted).lazy(),
            _shares_of(ranked(pl.concat(sums)), counted),
            _values(counted, held).lazy(),
        ],
        how="diagonal_relaxed",
    )
    yield most_downloaded(datasets, counted, "dataset", pl.col("task_categories").list.first())
    yield _shares_of(ranked(by_author.lazy(), TOP_AUTHORS, fold_rare=False), counted)


def _by_element(datasets: pl.LazyFrame, column: str, dimension: str) -> pl.DataFrame:
    """Sums an element of a column of lists; null: datasets without any."""
    elements = datasets.select(pl.col(column).list.unique().alias(dimension), *SUMS)
    return sums_of(elements.explode(dimension, empty_as_null=True), dimension).collect(
        engine="streaming"
    )


def _total(counted: pl.DataFrame) -> pl.DataFrame:
    return counted.select(
        *(sum_of(name) for name in SUMS),
        dimension=pl.lit(TOTAL),
        key=pl.lit(ALL),
        rows=pl.len().cast(pl.Int64),
    )


def _shares_of(sums: pl.LazyFrame, counted: pl.DataFrame) -> pl.LazyFrame:
    """With shares of all datasets, in place of those of the dimension.

    The row of all other keys has a share only where a dataset has one key.
    """
    totals = {name: counted[name].sum() or None for name in ("downloads", "likes")}
    totals["rows"] = counted.height or None
    several = (pl.col("key") == OTHER) & pl.col("rank").is_null()
    several &= pl.col("dimension").is_in([*OF_LISTS.values()])
    return sums.with_columns(
        pl.when(~several.fill_null(False)).then(pl.col(name) / total).alias(f"share_{name}")
        for name, total in totals.items()
    )


def _values(counted: pl.DataFrame, held: dict[str, pl.Series]) -> pl.DataFrame:
    """Distributions of popularity, and concentration of downloads."""
    numbers = dict(described("dataset_describe"))
    expressions = [one.alias(str(at)) for at, one in enumerate(numbers.values())]
    values = counted.lazy().select(expressions).collect(engine=HERE).row(0)
    rows = [(*of, value) for of, value in zip(numbers, values, strict=True)]
    rows += [
        ("concentration", f"{of}/{name}", value)
        for of, series in held.items()
        for name, value in concentration(series)
    ]
    return pl.DataFrame(rows, schema=_VALUES, orient="row")
