"""Rows of `enriched_spaces` from the wire, and their categories from that day's models."""

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

from hf_assets.hub.client.invalid_values import InvalidValues
from hf_assets.hub.tables.columns import LICENSE, as_lists, common_columns, once
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


class Categories:
    """The category of each model of a day by its name: ten bytes a model.

    Names are compared as 64-bit hashes: of 2.5 M names and 1 M others, two are the same once in
    seven million days. Of models that swapped names during the listing, the first counts.

    Args:
        models: that day's `models`: id and category are read.
    """

    def __init__(self, models: pl.LazyFrame) -> None:
        read = models.select(pl.col("id").hash(), "category").collect(engine="streaming")
        self._names = read["category"].drop_nulls().unique().sort()
        codes = read["category"].cast(pl.Enum(self._names)).to_physical().to_numpy()
        ids = read["id"].to_numpy()
        order = np.argsort(ids)
        if (np.diff(ids[order]) == 0).any():
            # The first of equal names stays the first: five times as long, and hardly ever.
            order = np.argsort(ids, kind="stable")
        self._ids, self._codes = ids[order], codes[order]

    def lookup(self, names: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Whether each name is a model's, and that model's category."""
        if not len(self._ids):
            nothing = pl.Series([None] * len(names), dtype=pl.String)
            return pl.repeat(False, len(names), eager=True), nothing
        hashes = names.hash().to_numpy()
        at = np.minimum(np.searchsorted(self._ids, hashes), len(self._ids) - 1)
        listed = pl.Series(self._ids[at] == hashes)
        codes = pl.Series(self._codes[at], nan_to_null=True).cast(pl.UInt32)
        return listed, self._names.gather(codes.set(~listed, None))


def with_categories(
    batches: Iterable[pl.DataFrame], models: pl.LazyFrame, counts: CleaningCounts
) -> Iterator[pl.DataFrame]:
    """Adds the categories of the models that each Space names; counts the pairs."""
    categories = Categories(models)
    pairs = dangling = 0
    for frame in batches:
        named = frame.select(pl.int_range(pl.len()).alias("at"), id="models")
        named = named.filter(pl.col("id").list.len() > 0).explode("id").drop_nulls("id")
        listed, category = categories.lookup(named["id"])
        pairs += named.height
        dangling += int((~listed).sum())
        of_space = (
            named.select("at", category.alias("categories"))
            .drop_nulls("categories")
            .unique()
            .sort("at", "categories")
        )
        yield frame.with_columns(as_lists(of_space, frame.height))
    counts.pairs, counts.dangling_pairs = pairs, dangling
