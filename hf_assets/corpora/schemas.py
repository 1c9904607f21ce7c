"""The columns of texts with labels, the same for every source, and those of a corpus."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import polars as pl

from hf_assets.storage.parquet import Column, Table

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")

TEXTS_COLUMNS: dict[str, Column] = {
    "id": Column(pl.String, "Unique in its source, and named after it: kaggle:456."),
    "title": Column(pl.String, "As the source gave it; null where there is none."),
    "body": Column(pl.String, "As the source gave it, in its format (`formats.py`)."),
    "labels": Column(pl.List(pl.String), "As the source gave them, in its order."),
    "link": Column(pl.String, "The page it can be read on."),
    "author": Column(pl.String, "The name that its licence asks to be given."),
    "author_link": Column(pl.String, "The author's page."),
    "license": Column(pl.String, "The licence of the text."),
    "created_at": Column(pl.Datetime("us", "UTC"), "When the text was first published, UTC."),
    "split": Column(pl.String, "train, validation or test, where published so; else null."),
}

CORPUS_COLUMNS: dict[str, Column] = {
    "id": Column(pl.String, "As in the source."),
    "text": Column(pl.String, "Title and body as plain text, a blank line between."),
    "labels": Column(pl.List(pl.String), "Those that are kept, in alphabetical order."),
    "split": Column(pl.String, "train, validation or test."),
    "group": Column(pl.String, "Id of the first text that says (nearly) the same."),
    "link": TEXTS_COLUMNS["link"],
    "author": TEXTS_COLUMNS["author"],
    "author_link": TEXTS_COLUMNS["author_link"],
    "license": TEXTS_COLUMNS["license"],
}

# A body is some kB and waits in memory until its row group is full.
TEXTS_ROW_GROUP = 1 << 14


def texts_table(name: str) -> Table:
    """The stored table of one source of texts."""
    return Table(name, TEXTS_COLUMNS, required=("id", "labels"), row_group=TEXTS_ROW_GROUP)


def texts_frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows by column name as a frame of texts; what a row does not name is null."""
    schema = {name: column.dtype for name, column in TEXTS_COLUMNS.items()}
    return pl.DataFrame(list(rows), schema=schema, orient="row")
