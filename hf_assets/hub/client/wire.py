"""The rows of the Hub's listings as the tables need them, by kind of repository.

Each kind is declared twice: for the strict decoder (msgspec) and for the fast reader (polars). A
test keeps the two alike.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
import polars as pl

Kind = Literal["models", "spaces", "datasets"]
# As texts name them.
WORDS: Mapping[Kind, str] = {"models": "models", "spaces": "Spaces", "datasets": "datasets"}

# The Hub's counters are JSON integers; what does not fit 64 bits is no counter.
Count = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# An identity is never empty.
Identity = Annotated[str, msgspec.Meta(min_length=1)]


class _Total(msgspec.Struct, gc=False):
    total: Count | None = None


class _Reference(msgspec.Struct, gc=False):
    id: str


class _BaseModels(msgspec.Struct, gc=False):
    relation: str | None = None
    models: list[_Reference] | None = None


class _Hardware(msgspec.Struct, gc=False):
    current: str | None = None
    requested: str | None = None


class _Runtime(msgspec.Struct, gc=False):
    stage: str | None = None
    hardware: _Hardware | None = None


class ModelRow(msgspec.Struct, gc=False):
    """A row of /api/models as the tables need it."""

    _id: Identity
    id: Identity
    author: str | None = None
    createdAt: str | None = None
    lastModified: str | None = None
    downloads: Count | None = None
    downloadsAllTime: Count | None = None
    likes: Count | None = None
    # The Hub serves floats here, such as 2.8000000000000003.
    trendingScore: float | None = None
    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: list[str] | None = None
    gated: bool | str | None = None
    private: bool | None = None
    safetensors: _Total | None = None
    gguf: _Total | None = None
    baseModels: _BaseModels | None = None
    usedStorage: Count | None = None


class SpaceRow(msgspec.Struct, gc=False):
    """A row of /api/spaces as the tables need it."""

    _id: Identity
    id: Identity
    author: str | None = None
    createdAt: str | None = None
    lastModified: str | None = None
    likes: Count | None = None
    trendingScore: float | None = None
    sdk: str | None = None
    runtime: _Runtime | None = None
    tags: list[str] | None = None
    private: bool | None = None
    models: list[str] | None = None
    datasets: list[str] | None = None
    usedStorage: Count | None = None


class DatasetRow(msgspec.Struct, gc=False):
    """A row of /api/datasets as the tables need it."""

    _id: Identity
    id: Identity
    author: str | None = None
    createdAt: str | None = None
    lastModified: str | None = None
    downloads: Count | None = None
    downloadsAllTime: Count | None = None
    likes: Count | None = None
    trendingScore: float | None = None
    tags: list[str] | None = None
    gated: bool | str | None = None
    private: bool | None = None
    disabled: bool | None = None
    usedStorage: Count | None = None
    mainSize: Count | None = None


_TEXTS = pl.List(pl.String)
_TOTAL = pl.Struct({"total": pl.Int64})

WIRE_SCHEMA: Mapping[Kind, pl.Schema] = {
    "models": pl.Schema(
        {
            "_id": pl.String,
            "id": pl.String,
            "author": pl.String,
            "createdAt": pl.String,
            "lastModified": pl.String,
            "downloads": pl.Int64,
            "downloadsAllTime": pl.Int64,
            "likes": pl.Int64,
            "trendingScore": pl.Float64,
            "pipeline_tag": pl.String,
            "library_name": pl.String,
            "tags": _TEXTS,
            "gated": pl.String,
            "private": pl.Boolean,
            "safetensors": _TOTAL,
            "gguf": _TOTAL,
            "baseModels": pl.Struct(
                {"relation": pl.String, "models": pl.List(pl.Struct({"id": pl.String}))}
            ),
            "usedStorage": pl.Int64,
        }
    ),
    "spaces": pl.Schema(
        {
            "_id": pl.String,
            "id": pl.String,
            "author": pl.String,
            "createdAt": pl.String,
            "lastModified": pl.String,
            "likes": pl.Int64,
            "trendingScore": pl.Float64,
            "sdk": pl.String,
            "runtime": pl.Struct(
                {
                    "stage": pl.String,
                    "hardware": pl.Struct({"current": pl.String, "requested": pl.String}),
                }
            ),
            "tags": _TEXTS,
            "private": pl.Boolean,
            "models": _TEXTS,
            "datasets": _TEXTS,
            "usedStorage": pl.Int64,
        }
    ),
    "datasets": pl.Schema(
        {
            "_id": pl.String,
            "id": pl.String,
            "author": pl.String,
            "createdAt": pl.String,
            "lastModified": pl.String,
            "downloads": pl.Int64,
            "downloadsAllTime": pl.Int64,
            "likes": pl.Int64,
            "trendingScore": pl.Float64,
            "tags": _TEXTS,
            "gated": pl.String,
            "private": pl.Boolean,
            "disabled": pl.Boolean,
            "usedStorage": pl.Int64,
            "mainSize": pl.Int64,
        }
    ),
}

ROW = {"models": ModelRow, "spaces": SpaceRow, "datasets": DatasetRow}
