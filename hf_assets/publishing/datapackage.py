"""`datapackage.json`: the tables and their columns, as Frictionless Data describes them.

https://datapackage.org/standard/data-package/ (version 2).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hf_assets.publishing.parts import DATA, FileFacts
from hf_assets.storage.parquet import Column, Table

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
HUB = {"title": "Hugging Face Hub", "path": "https://huggingface.co"}


def data_package(
    repository: str,
    license: str,
    about: Mapping[str, str],
    tables: Sequence[Table],
    files: Mapping[str, Mapping[str, FileFacts]],
) -> dict[str, Any]:
    """The description of a repository.

    Args:
        repository: owner/name.
        license: the Hub's name of a licence, or other.
        about: a sentence on each table, by name.
        tables: those published.
        files: of each table, by day or month.
    """
    return {
        "$schema": PROFILE,
        "name": re.sub(r"[^a-z0-9._-]+", "-", repository.split("/")[-1].lower()),
        "title": "The Hugging Face Hub, day by day",
        "homepage": f"https://huggingface.co/datasets/{repository}",
        "licenses": [{"name": license, "path": "LICENSE.md"}],
        "sources": [HUB],
        "resources": [_resource(one, about.get(one.name, ""), list(files[one.name]))
                      for one in tables],
    }  # fmt: skip


def _resource(table: Table, about: str, keys: Sequence[str]) -> dict[str, Any]:
    paths = [f"{DATA}/{table.name}/{key}.parquet" for key in keys]
    return {
        "name": table.name,
        "type": "table",
        "path": paths if len(paths) > 1 else paths[0],
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        **({"description": about} if about else {}),
        "sources": [HUB],
        "schema": {
            "fields": [_field(name, one, name in table.required)
                       for name, one in table.columns.items()],
        },
    }  # fmt: skip


def _field(name: str, column: Column, required: bool) -> dict[str, Any]:
    field = {"name": name, "type": field_type(column.dtype), "description": column.description}
    return field | ({"constraints": {"required": True}} if required else {})


def field_type(dtype: pl.DataType | type[pl.DataType]) -> str:
    """The word of the Table Schema for a polars type."""
    kind = dtype() if isinstance(dtype, type) else dtype
    if kind.is_integer():
        return "integer"
    if kind.is_float():
        return "number"
    words = {
        pl.Boolean: "boolean",
        pl.Date: "date",
        pl.Datetime: "datetime",
        pl.List: "array",
        pl.Struct: "object",
        pl.String: "string",
    }
    return next(word for known, word in words.items() if isinstance(kind, known))
