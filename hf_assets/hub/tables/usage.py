"""Rankings of models, and the models that Spaces use."""

from typing import Literal

import polars as pl

from hf_assets.hub.tables.records import ChosenUsage, UsageCounts
from hf_assets.hub.tables.schemas import CHOSEN_USAGE, MODEL_USAGE, TEXTS
from hf_assets.storage.lake import TableWrite, iso

Sort = Literal["likes", "downloads", "trending_score"]

# Models read for the first ranking, then ten times as many: tags are the widest column, and the top
# twenty of a tag are among the top few thousand of all.
FIRST_LOOK = 20_000


def top_models(
    models: pl.LazyFrame, day: str, *, tags: tuple[str, ...], count: int, sort: Sort
) -> TableWrite:
    """The first `count` models for each tag. Columns: `schemas.TOP_MODELS`.

    A model counts for a tag when the tag is its category or among its tags. Models without the
    figure come last; equal figures are ordered by id.

    Args:
        models: that day's `models`.
        day: the partition key.
        tags: tags, each gets its own ranking.
        count: models a tag.
        sort: what to rank by, highest first.
    """
    total = models.select(pl.len()).collect().item()
    look = max(FIRST_LOOK, count)
    while True:
        ranked = _rankings(_best(models, sort, look, total), tags, count, sort)
        short = [tag for tag in tags if ranked.filter(tag=tag).height < count]
        if not short or look >= total:
            break
        look *= 10
    frame = ranked.with_columns(day=pl.lit(iso(day)))
    notes = {f"models for {tag}": frame.filter(tag=tag).height for tag in tags}
    return TableWrite(frames=[frame], notes={"rows": frame.height, "sort": sort, **notes})


def _best(models: pl.LazyFrame, sort: Sort, look: int, total: int) -> pl.DataFrame:
    """All models whose figure is at least that of rank `look`."""
    wanted = ["id", "hub_id", "likes", "downloads", "trending_score", "category", "tags"]
    if look < total:
        floor = models.select(pl.col(sort).top_k(look).min()).collect().item()
        if floor is not None:
            models = models.filter(pl.col(sort) >= floor)
    return models.select(wanted).collect()


def _rankings(best: pl.DataFrame, tags: tuple[str, ...], count: int, sort: Sort) -> pl.DataFrame:
    by_category, by_tag = pl.col("by_category"), pl.col("by_tag")
    rankings = [
        best.lazy()
        .with_columns(
            tag=pl.lit(tag),
            by_category=(pl.col("category") == tag).fill_null(value=False),
            by_tag=pl.col("tags").list.contains(tag).fill_null(value=False),
        )
        .filter(by_category | by_tag)
        .sort(pl.col(sort), "id", descending=[True, False], nulls_last=True)
        .head(count)
        .with_row_index("rank", 1)
        for tag in tags
    ]
    # Rows in memory are ranked there in half the time of the streaming engine.
    return pl.concat(rankings).drop("tags").collect(engine="in-memory")


def model_usage(
    spaces: pl.LazyFrame, models: pl.LazyFrame, top_models: pl.LazyFrame, day: str
) -> TableWrite:
    """One row for each model that any Space names. Columns: `schemas.MODEL_USAGE`.

    Its record, `UsageCounts`, contains `chosen_usage`.

    Args:
        spaces: that day's `enriched_spaces`.
        models: that day's `models`.
        top_models: that day's `top_models`.
        day: the partition key.
    """
    pairs = spaces.select("author", "likes", id="models").explode("id")
    named = space_counts(pairs.filter(pl.col("id").is_not_null()))
    of_all = spaces.select(
        spaces=pl.len(), naming=(pl.col("n_models") > 0).sum(), pairs=pl.col("n_models").sum()
    )
    named, counted = pl.collect_all([named, of_all])
    if named.is_empty():
        frame, chosen_used = (
            pl.DataFrame(schema=MODEL_USAGE.schema),
            pl.DataFrame(schema=CHOSEN_USAGE),
        )
    else:
        frame = _with_models(named, models, top_models).with_columns(day=pl.lit(iso(day)))
        chosen_used = chosen_usage(spaces, top_models)
    counts = UsageCounts(
        rows=frame.height,
        spaces=counted["spaces"].item(),
        spaces_naming_models=counted["naming"].item(),
        pairs=counted["pairs"].item(),
        models_named=frame.height,
        models_unknown=int((~frame["known"]).sum()),
        chosen_usage=[ChosenUsage(**row) for row in chosen_used.iter_rows(named=True)],
    )
    return TableWrite(frames=[frame], record=counts)


def space_counts(pairs: pl.LazyFrame) -> pl.LazyFrame:
    """The Spaces that name each id: number of Spaces, of their distinct authors, and their likes.

    Args:
        pairs: id, and the author and likes of a Space that names it, each Space once an id.
    """
    return pairs.group_by("id").agg(
        spaces=pl.len().cast(pl.Int64),
        authors=pl.col("author").drop_nulls().n_unique().cast(pl.Int64),
        # The sum of nulls alone would be 0.
        likes=pl.when(pl.col("likes").is_not_null().any()).then(pl.col("likes").sum()),
    )


def _with_models(
    named: pl.DataFrame, models: pl.LazyFrame, top_models: pl.LazyFrame
) -> pl.DataFrame:
    """Adds category and chosen tags of the models; ordered by id."""
    listed = models.select("id", "category", known=pl.lit(value=True)).join(
        named.lazy().select("id"), on="id", how="semi"
    )
    # Two models that swapped names during the listing have the same name.
    listed = listed.unique("id", keep="first", maintain_order=True)
    chosen = top_models.group_by("id").agg(chosen_tags=pl.col("tag").sort())
    return (
        named.lazy()
        .join(listed, on="id", how="left")
        .join(chosen, on="id", how="left")
        .with_columns(
            pl.col("known").fill_null(value=False),
            pl.col("chosen_tags").fill_null(pl.lit([], TEXTS)),
        )
        .sort("id")
        .collect()
    )


def chosen_usage(spaces: pl.LazyFrame, top_models: pl.LazyFrame) -> pl.DataFrame:
    """How Spaces use the models of `top_models`, by chosen tag and by category.

    Returns:
        dimension ("usage_tag" or "usage_category"), key, rows ((Space, model) pairs), value
        (distinct Spaces); most pairs first.
    """
    pairs = (
        spaces.select("hub_id", id="models")
        .filter(pl.col("id").list.len() > 0)
        .explode("id")
        .join(top_models.select("id").unique(), on="id", how="semi")
        .collect()
        .lazy()
    )
    by = {"usage_tag": "tag", "usage_category": "category"}
    return pl.concat(
        pairs.join(top_models.select("id", key=column).unique(), on="id")
        .group_by("key")
        .agg(rows=pl.len().cast(pl.Int64), value=pl.col("hub_id").n_unique().cast(pl.Float64))
        .select(pl.lit(dimension).alias("dimension"), "key", "rows", "value")
        .sort("rows", "key", descending=[True, False])
        for dimension, column in by.items()
    ).collect()
