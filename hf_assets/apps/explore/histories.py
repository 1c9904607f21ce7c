"""The days of a model, an author, a category, a licence or a family, as the lake has them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from hf_assets.apps.explore.lake_reader import CHEAP_ROWS, LakeReader
from hf_assets.apps.index.query import NONE_GIVEN
from hf_assets.trends.lives.one_model import days_of


@dataclass(frozen=True)
class Group:
    """Keys of a series.

    Args:
        asset: the series.
        of: what its keys are; None where it has no such column.
        page: the page of a key; the part of the address is `part`.
    """

    asset: str
    of: str | None
    page: str
    part: str = "id"


GROUPS = {
    "author": Group("author_history", None, "author"),
    "category": Group("category_history", None, "category"),
    "library": Group("library_history", None, "models", "library"),
    "license": Group("license_history", "license", "models", "license"),
    "family": Group("family_history", "family", "model"),
}


@dataclass(frozen=True)
class Past:
    """The days of something: day, downloads, downloads_all_time, likes, …; and when it began."""

    rows: pl.DataFrame
    asset: str
    released: date | None = None


def of_model(reader: LakeReader, model: dict[str, Any], *, dear: bool = False) -> Past | None:
    """A model's days; None where only a scan of every stored day, if `dear`, has them.

    Any model's are in `model_days`; in a lake without it, those of the first thousand are in
    `model_history`.
    """
    hub_id = model["hub_id"] or f"name:{model['id']}"
    listed, asset = days_of(reader.lake, "model_days", hub_id), "model_days"
    found = reader.history(model) if listed is None else listed
    if listed is None:
        asset = "model_history"
    if listed is None and found.height < 2:
        if not dear and reader.rows_of_all_days() > CHEAP_ROWS:
            return None
        found, asset = reader.every_day(model), "models"
    created = model["created_at"]
    known = created and not model["floor_dated"]
    return Past(found, asset, created.date() if known else None)


def of_key(reader: LakeReader, kind: str, key: str) -> Past | None:
    """The days of an author, a category, …; None where the series is not stored."""
    group = GROUPS[kind]
    found = reader.series(group.asset)
    if found is None:
        return None
    named = pl.col("key").fill_null(NONE_GIVEN) == key
    if group.of:
        named &= pl.col("of") == group.of
    return Past(found.filter(named).sort("day").collect(), group.asset)
