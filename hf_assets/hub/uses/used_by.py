"""The users of each model, dataset and paper: Spaces and models that name it on a day."""

from collections.abc import Iterator

import polars as pl

from hf_assets.hub.tables.usage import space_counts
from hf_assets.hub.uses.records import UsesCounts
from hf_assets.hub.uses.schemas import MODEL_MODEL, RELATIONS, TARGETS, UNKNOWN, USED_BY
from hf_assets.storage.lake import TableWrite, iso

_OF_SPACES = ("spaces", "authors", "likes")
_OF_MODELS = ("models", "downloads")
_OF_DERIVATIVES = (*_OF_MODELS, *RELATIONS, UNKNOWN)


def used_by(
    uses: pl.LazyFrame, spaces: pl.LazyFrame, models: pl.LazyFrame, counts: UsesCounts, day: str
) -> TableWrite:
    """One row for each target of the day's edges. Columns: `schemas.USED_BY`.

    Args:
        uses: that day's `uses`.
        spaces: that day's `enriched_spaces`: hub_id, author and likes are read.
        models: that day's `models`: hub_id and downloads are read.
        counts: the record of `uses`; a count is null where the day's source lacks the field.
        day: the partition key.
    """
    notes = {f"{of}s": 0 for of in TARGETS}

    def frames() -> Iterator[pl.DataFrame]:
        # Ids as hashes: of 4 M, two are the same once in two million days.
        # Each serves several kinds of edges, and is read once.
        user = pl.col("hub_id").hash().alias("user")
        users = spaces.select("author", "likes", user).collect(engine="streaming").lazy()
        downloads = models.select("downloads", user).collect(engine="streaming").lazy()
        for of, (from_spaces, from_models) in TARGETS.items():
            sides = []
            if from_spaces and counts.kinds[from_spaces].stated:
                sides.append((_by_spaces(_edges(uses, from_spaces), users), _OF_SPACES))
            if counts.kinds[from_models].stated:
                columns = _OF_DERIVATIVES if from_models == MODEL_MODEL else _OF_MODELS
                sides.append((_by_models(_edges(uses, from_models), downloads), columns))
            if sides:
                frame = _joined(*sides).collect(engine="streaming")
                notes[f"{of}s"] = frame.height
                yield frame.with_columns(day=pl.lit(iso(day)), of=pl.lit(of))

    return TableWrite(frames(), notes)


def _edges(uses: pl.LazyFrame, kind: str) -> pl.LazyFrame:
    edges = uses.filter(pl.col("kind") == kind)
    return edges.select("known", "relation", id="target", user=pl.col("source_id").hash())


def _by_spaces(edges: pl.LazyFrame, users: pl.LazyFrame) -> pl.LazyFrame:
    """A row an id: known, and `_OF_SPACES`."""
    known = edges.group_by("id").agg(pl.col("known").first())
    counts = space_counts(edges.select("id", "user").join(users, on="user", how="left"))
    return known.join(counts, on="id")


def _by_models(edges: pl.LazyFrame, downloads: pl.LazyFrame) -> pl.LazyFrame:
    """A row an id: known, and `_OF_DERIVATIVES`."""
    relation = pl.col("relation")
    return (
        edges.join(downloads, on="user", how="left")
        .group_by("id")
        .agg(
            pl.col("known").first(),
            models=pl.len().cast(pl.Int64),
            # The sum of nulls alone would be 0.
            downloads=pl.when(pl.col("downloads").count() > 0).then(pl.col("downloads").sum()),
            **{name: (relation == name).sum().cast(pl.Int64) for name in RELATIONS},
            **{UNKNOWN: (~relation.is_in(RELATIONS)).sum().cast(pl.Int64)},
        )
    )


def _joined(*sides: tuple[pl.LazyFrame, tuple[str, ...]]) -> pl.LazyFrame:
    """The counts of both sides by target, in its order; a count that no side has is null.

    A target without users on one side has 0 there.
    """
    first, *others = (frame for frame, _ in sides)
    for other in others:
        first = first.join(other, on="id", how="full", coalesce=True).with_columns(
            pl.coalesce("known", "known_right")
        )
    counted = {
        name: pl.when(pl.col(columns[0]).is_null()).then(0).otherwise(pl.col(name))
        for _, columns in sides
        for name in columns
    }
    missing = USED_BY.schema.keys() - {"day", "of", "target", "known", *counted}
    return (
        first.sort("id")
        .select("known", target="id", **counted)
        .with_columns(pl.lit(None, pl.Int64).alias(name) for name in missing)
    )
