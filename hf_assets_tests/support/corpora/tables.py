"""Tables of a user, written and read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.tables.table_source import TableSource

OPTIONS: dict[str, Any] = {"text": ("title", "content"), "labels": "tags"}


def source_of(path: Path, **options: Any) -> TableSource:
    """The table of an entry with these options."""
    return TableSource(CorpusSpec(name="toys", source=path, rare_share=0.01, **options))


def read(path: Path, **options: Any) -> pl.DataFrame:
    return pl.concat(source_of(path, **{**OPTIONS, **options}).read().frames)


def write(folder: Path, text: str | bytes, name: str = "birds.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def as_csv(rows: list[dict[str, Any]], quote: Callable[[Any], str], delimiter: str = ",") -> str:
    def cell(value: Any) -> str:
        return '"' + ("" if value is None else value).replace('"', '""') + '"'

    lines = [delimiter.join(["title", "content", "tags"])]
    lines += [
        delimiter.join([cell(row["title"]), cell(row["content"]), cell(quote(row["tags"]))])
        for row in rows
    ]
    return "\r\n".join(lines) + "\r\n"
