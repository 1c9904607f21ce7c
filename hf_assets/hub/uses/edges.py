"""What uses what on a day: Spaces and models, and the models, datasets and papers they name.

Listings are read a row group at a time, and edges are written as soon as a row group of their kind
is full: a day needs the same memory whatever its size, but for 16 bytes a listed id.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

from hf_assets.hub.uses.records import EdgeCounts, UsesCounts
from hf_assets.hub.uses.schemas import (
    MODEL_DATASET,
    MODEL_MODEL,
    MODEL_PAPER,
    SPACE_DATASET,
    SPACE_MODEL,
    UNKNOWN,
    USES,
)
from hf_assets.storage.lake import TableWrite, iso
from hf_assets.storage.parquet import ROW_GROUP, in_parts

_TAGS = {MODEL_DATASET: "dataset:", MODEL_PAPER: "arxiv:"}
# 2305.18290, and math.GT/0309136 of before April 2007: a year, a month, a number.
_NEW_ID = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}"
_OLD_ID = r"[a-z]+(?:-[a-z]+)*(?:\.[A-Z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3}"
_PAPER = rf"^(?:{_NEW_ID}|{_OLD_ID})(?:v\d+)?$"


def uses(
    spaces: pl.LazyFrame, models: pl.LazyFrame, datasets: pl.LazyFrame | None, day: str
) -> TableWrite:
    """The edges of a day, each once. Columns: `schemas.USES`.

    Its record is `UsesCounts`.

    Args:
        spaces: that day's `enriched_spaces`.
        models: that day's `models`.
        datasets: that day's `hub_datasets`; None where the day has no listing of datasets.
        day: the partition key.
    """
    counts = UsesCounts()
    table = TableWrite((), record=counts)
    table.frames = _written(_edges(spaces, models, datasets, counts), day)
    return table


def arxiv_id(name: pl.Expr) -> pl.Expr:
    """A paper's arXiv id without its version, and without a subject class in an old id.

    A name of another form stays as given.
    """
    bare = name.str.replace(r"v\d+$", "").str.replace(r"^([a-z-]+)\.[A-Z]{2}/", "${1}/")
    return pl.when(name.str.contains(_PAPER)).then(bare).otherwise(name)


def _edges(
    spaces: pl.LazyFrame, models: pl.LazyFrame, datasets: pl.LazyFrame | None, counts: UsesCounts
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Kind and edges, batch by batch."""
    kinds = counts.kinds
    listed_models = Listed(models)
    listed_datasets = None if datasets is None else Listed(datasets)
    listed = {
        **dict.fromkeys((SPACE_MODEL, MODEL_MODEL), listed_models),
        **dict.fromkeys((SPACE_DATASET, MODEL_DATASET), listed_datasets),
        MODEL_PAPER: None,
    }

    def of(kind: str, batch: pl.DataFrame, named: pl.DataFrame) -> tuple[str, pl.DataFrame]:
        return kind, _of_kind(kind, batch, named, listed[kind], kinds[kind])

    for batch in in_parts(spaces.select("hub_id", "id", "models", "datasets"), ROW_GROUP):
        for kind, column in ((SPACE_MODEL, "models"), (SPACE_DATASET, "datasets")):
            kinds[kind].sources += batch.height - batch[column].null_count()
            yield of(kind, batch, _exploded(batch, column))
    for batch in in_parts(models.select("hub_id", "id", "tags", "base_models"), ROW_GROUP):
        tagged, tags = batch["tags"].is_not_null(), _exploded(batch, "tags")
        for kind, prefix in _TAGS.items():
            kinds[kind].sources += int(tagged.sum())
            named = tags.filter(pl.col("target").str.starts_with(prefix))
            yield of(kind, batch, named.with_columns(pl.col("target").str.strip_prefix(prefix)))
        kinds[MODEL_MODEL].sources += int((tagged | batch["base_models"].is_not_null()).sum())
        bases = _exploded(batch, "base_models").unnest("target")
        yield of(MODEL_MODEL, batch, bases.rename({"id": "target"}))


def _exploded(batch: pl.DataFrame, column: str) -> pl.DataFrame:
    """An element of that list a row: target, and `at`, the row of its list in the batch."""
    lists = batch.select(at=pl.int_range(pl.len(), dtype=pl.UInt32), target=column)
    return lists.filter(pl.col("target").list.len() > 0).explode("target")


def _of_kind(
    kind: str, batch: pl.DataFrame, named: pl.DataFrame, listed: "Listed | None", counts: EdgeCounts
) -> pl.DataFrame:
    """The edges of what a batch names, each once; counts what is not an edge of its own.

    Args:
        kind: one of `KINDS`.
        batch: hub_id and id of the sources.
        named: at (row of the batch) and target; relation where the kind has one.
        listed: the ids that a target of that kind may be; None where they are unknown.
        counts: of that kind.
    """
    full = named.filter(pl.col("target").is_not_null() & (pl.col("target") != ""))
    counts.empty += named.height - full.height
    if kind == MODEL_PAPER:
        counts.malformed += full.height - int(full["target"].str.contains(_PAPER).sum())
        full = full.with_columns(arxiv_id(pl.col("target")))
    once = full.unique(["at", "target"], keep="first", maintain_order=True)
    counts.duplicates += full.height - once.height
    counts.edges += once.height
    counts.naming += once["at"].n_unique()
    edges = batch.select(source_id="hub_id", source="id")[once["at"]].hstack([once["target"]])
    relation, known = pl.lit(None, pl.String), pl.lit(None, pl.Boolean)
    if kind == MODEL_MODEL:
        counts.to_itself += int((edges["source"] == edges["target"]).sum())
        relation = once["relation"].fill_null(UNKNOWN)
    if listed is not None:
        known, other_case = listed.lookup(edges["target"])
        counts.unknown = (counts.unknown or 0) + int((~known).sum())
        counts.other_case = (counts.other_case or 0) + other_case
    return edges.with_columns(relation.alias("relation"), kind=pl.lit(kind), known=known)


class Listed:
    """The ids of a listing, to look names up in: two 64-bit hashes an id.

    Of 2.5 M ids and 1 M other names, a name has the hash of an id once in seven million days.

    Args:
        listing: a frame with `id`.
    """

    def __init__(self, listing: pl.LazyFrame) -> None:
        ids = pl.col("id").drop_nulls()
        hashes = listing.select(exact=ids.hash(), lower=ids.str.to_lowercase().hash())
        found = hashes.collect(engine="streaming")
        self._exact, self._lower = (np.sort(found[name].to_numpy()) for name in found.columns)

    def lookup(self, names: pl.Series) -> tuple[pl.Series, int]:
        """Which names are ids, and how many of the others are in other upper and lower case."""
        known = pl.Series(_among(names.hash().to_numpy(), self._exact))
        other = names.filter(~known).str.to_lowercase().hash().to_numpy()
        return known, int(_among(other, self._lower).sum())


def _among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    if not len(ordered):
        return np.zeros(len(values), bool)
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values


def _written(edges: Iterable[tuple[str, pl.DataFrame]], day: str) -> Iterator[pl.DataFrame]:
    """Frames of one kind each, large enough for a row group; the last of a kind may be small."""
    waiting: dict[str, list[pl.DataFrame]] = {}
    for kind, frame in edges:
        parts = waiting.setdefault(kind, [])
        parts.append(frame)
        if sum(part.height for part in parts) >= ROW_GROUP:
            yield _day_of(parts, day)
            parts.clear()
    for parts in waiting.values():
        yield _day_of(parts, day)


def _day_of(parts: list[pl.DataFrame], day: str) -> pl.DataFrame:
    frame = pl.concat(parts) if parts else pl.DataFrame(schema=USES.schema)
    return frame.with_columns(day=pl.lit(iso(day)))
