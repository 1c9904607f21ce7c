"""Draws the texts of a corpus from a day's models with a category.

Millions of models are too many to learn from, and some authors upload thousands of near copies: of
each author the newest `MOST_OF_AUTHOR` are taken, and of those a draw of `MOST_TEXTS` in
proportion to the categories, with `LEAST_OF_CATEGORY` of each or all that there are. The draw goes
by a hash of the model's identity: a later day draws nearly the same models again.

The split of a text is its author's, so that no author is both learnt from and measured on.
"""

import hashlib
import math
from collections.abc import Iterator
from typing import Any

import polars as pl

from hf_assets.corpora.groups import split_of
from hf_assets.corpora.hub.wording import READ, Wording
from hf_assets.corpora.schemas import SPLITS, TEXTS_COLUMNS
from hf_assets.errors import InputError
from hf_assets.storage.stored import StoredTable, TableWrite

MOST_TEXTS = 60_000
MOST_OF_AUTHOR = 20
LEAST_OF_CATEGORY = 200
# Of ids: so the corpus knows where a text comes from, as with other sources.
PREFIX = "hub:"

_BATCH = 50_000
_HUB = "https://huggingface.co/"


def hub_texts(models: StoredTable, most: int = MOST_TEXTS) -> TableWrite:
    """Texts of the models with a category, one label each. Columns: `TEXTS_COLUMNS`.

    Args:
        models: a day of `models` that was not thinned.
        most: texts to draw, about.

    Raises:
        InputError: all authors have the same split, or two.
    """
    drawn, counts = _drawn(models.frame, most)
    wording = Wording(counts.pop("categories"))
    lacking = [split for split in SPLITS if split not in set(drawn["split"])]
    if lacking:
        raise InputError(
            f"the models with a category of {models.day} have {drawn['author'].n_unique():,} "
            f"authors, none of them in {', '.join(lacking)}: a corpus needs more authors"
        )
    captured = models.provenance.get("raw_models", {})
    origin = {name: captured[name] for name in ("endpoint", "source", "file") if name in captured}
    facts = {**origin, "day": models.day, **counts, "categories": list(wording.categories)}
    return TableWrite(
        _texts(models.frame, drawn, wording),
        notes={"rows": drawn.height},
        provenance={"models": facts},
    )


def author_of() -> pl.Expr:
    """The author of a model: who uploaded it, or the first part of its id."""
    return pl.coalesce("author", pl.col("id").str.split("/").list.first())


def _drawn(models: pl.LazyFrame, most: int) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The drawn models (hub_id, author, split), and what they were drawn from."""
    there = pl.col("category").is_not_null() & pl.col("hub_id").is_not_null()
    newest = pl.struct("created_at", "hub_id").rank("ordinal", descending=True).over("author")
    rows = (
        models.filter(there)
        .select("hub_id", "category", "created_at", author=author_of())
        .collect(engine="streaming")
    )
    of_authors = rows.filter(newest <= MOST_OF_AUTHOR).select("hub_id", "category", "author")
    shares = _quotas(of_authors["category"].value_counts(), most)
    order = pl.Series([_number(name) for name in of_authors["hub_id"]], dtype=pl.UInt64)
    drawn = (
        of_authors.with_columns(order=order)
        .join(shares, on="category")
        .filter(pl.col("order").rank("ordinal").over("category") <= pl.col("quota"))
    )
    authors = drawn["author"].unique().to_list()
    splits = pl.DataFrame(
        {"author": authors, "split": [split_of(f"author {author}") for author in authors]},
        schema={"author": pl.String, "split": pl.String},
    )
    counts = {
        "models with a category": rows.height,
        "of each author": MOST_OF_AUTHOR,
        "models after that": of_authors.height,
        "most texts": most,
        "least of a category": LEAST_OF_CATEGORY,
        "texts drawn": drawn.height,
        "authors": len(authors),
        "categories": rows["category"].unique().sort().to_list(),
    }
    return drawn.select("hub_id", "author").join(splits, on="author"), counts


def _quotas(counts: pl.DataFrame, most: int) -> pl.DataFrame:
    """How many models of each category are drawn.

    Args:
        counts: category and count.
        most: texts to draw; the small categories may add some.
    """
    total = max(int(counts["count"].sum()), 1)
    share = min(1.0, most / total)
    quotas = [max(LEAST_OF_CATEGORY, math.ceil(count * share)) for count in counts["count"]]
    return counts.select("category", quota=pl.Series(quotas, dtype=pl.UInt32))


def _number(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def _texts(models: pl.LazyFrame, drawn: pl.DataFrame, wording: Wording) -> Iterator[pl.DataFrame]:
    """The texts of the drawn models, batch by batch."""
    empty = {name: pl.lit(None, column.dtype) for name, column in TEXTS_COLUMNS.items()}
    rows = models.filter(pl.col("hub_id").is_in(drawn["hub_id"].implode())).select(
        *READ, "hub_id", "category", "created_at"
    )
    for batch in rows.collect_batches(chunk_size=_BATCH, maintain_order=True):
        texts = batch.with_columns(body=wording.texts(batch)).join(
            drawn, on="hub_id", maintain_order="left"
        )
        yield texts.select(
            **empty
            | {
                "id": PREFIX + pl.col("hub_id"),
                "body": pl.col("body"),
                "labels": pl.concat_list("category"),
                "link": _HUB + pl.col("id"),
                "author": pl.col("author"),
                "created_at": pl.col("created_at").cast(TEXTS_COLUMNS["created_at"].dtype),
                "split": pl.col("split"),
            }
        )
