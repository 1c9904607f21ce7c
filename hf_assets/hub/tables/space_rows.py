"""Rows of `enriched_spaces` from the wire, and their categories from that day's models."""

from collections.abc import Iterable, Iterator

import polars as pl

from hf_assets.hub.client.invalid_values import InvalidValues
from hf_assets.hub.tables.columns import LICENSE, common_columns, once
from hf_assets.hub.tables.records import CleaningCounts
from hf_assets.hub.tables.schemas import TEXTS


def clean_spaces(
    wire: pl.DataFrame, counts: CleaningCounts, invalid: InvalidValues, *, served: frozenset[str]
) -> pl.DataFrame:
    """Rows of `enriched_spaces` without categories; fills the counts, and reports invalid dates.

    Args:
        wire: rows of the listing, each Space once, with their `page` and `row`.
        counts: of the table so far.
        invalid: of the listing so far.
        served: the fields that the Hub served.
    """
    frame = common_columns(wire, counts, invalid, ("likes", "trendingScore"))
    hardware = pl.col("runtime").struct.field("hardware")
    return frame.select(
        hub_id="_id",
        id="id",
        author="author",
        created_at="created_at",
        last_modified="last_modified",
        likes="likes",
        trending_score="trendingScore",
        sdk="sdk",
        stage=pl.col("runtime").struct.field("stage"),
        hardware=pl.coalesce(hardware.struct.field("current"), hardware.struct.field("requested")),
        license=LICENSE,
        tags="tags",
        private="private",
        models=_names("models", served),
        datasets=_names("datasets", served),
        used_storage="usedStorage",
    ).with_columns(n_models=pl.col("models").list.len(), n_datasets=pl.col("datasets").list.len())


def _names(column: str, served: frozenset[str]) -> pl.Expr:
    """A list of ids, each once; absent from a row: none. Null where the Hub refused the field."""
    names = once(pl.col(column), column)
    return names.fill_null(pl.lit([], TEXTS)) if column in served else names


def with_categories(
    batches: Iterable[pl.DataFrame], models: pl.LazyFrame, counts: CleaningCounts
) -> Iterator[pl.DataFrame]:
    """Adds the categories of the models that each Space names; counts the pairs."""
    categories_of = models.select("id", "category")
    pairs = dangling = 0
    for frame in batches:
        named = frame.with_row_index("at").lazy().select("at", id="models").explode("id")
        named = named.filter(pl.col("id").is_not_null()).collect()
        # Look up the few models that a batch names in the many, not the other way round.
        named_models = (
            categories_of.join(named.lazy().select("id").unique(), on="id", how="semi")
            # Two models that swapped names during the listing have the same name.
            .unique("id", keep="first", maintain_order=True)
            .with_columns(listed=pl.lit(value=True))
        )
        joined = named.lazy().join(named_models, on="id", how="left").collect()
        pairs += joined.height
        dangling += joined["listed"].null_count()
        categories = (
            joined.lazy()
            .filter(pl.col("category").is_not_null())
            .group_by("at")
            .agg(categories=pl.col("category").unique().sort())
        )
        yield (
            frame.with_row_index("at")
            .lazy()
            .join(categories, on="at", how="left", maintain_order="left")
            .with_columns(pl.col("categories").fill_null(pl.lit([], TEXTS)))
            .drop("at")
            .collect()
        )
    counts.pairs, counts.dangling_pairs = pairs, dangling
