"""What a lake knows and others must not: private repositories, addresses and paths of a machine.

A listing made with a token has the private repositories of its owner. Whatever names one, on any
day, is left out of what is published.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.storage.lake import Lake
from hf_assets.storage.months import kept_by_month, marks
from hf_assets.storage.stored import PRIVATE_ROWS

# Tables with a row for each repository, and a column `private`.
MODELS = "models"
LISTED = (MODELS, "enriched_spaces", "hub_datasets")
PUBLIC_HUB, PUBLIC_ARCHIVE = "https://huggingface.co", "cfahlgren1/hub-stats"
# Of a capture's provenance; the others may name a machine, its folders, or a dataset of one's own.
_PUBLIC_FIELDS = (
    *("source", "revision", "finished", "time_known", "sha256", "limited", "identity"),
    "absent",
)
# The name that ends `dataset:acme/x`, `base_model:quantized:acme/x` and `finetune/acme/x`.
_LAST_NAME = r"([^/:\s]+/[^/:\s]+)$"
# By asset and day: the mark of the file, and the private ids in it.
PrivateIds = dict[str, tuple[tuple[int, int], list[str]]]


def private_ids(lake: Lake, before: PrivateIds) -> PrivateIds:
    """Ids and identities of private repositories, by table and day.

    Args:
        lake: the lake.
        before: those of the last time; days that have not changed are not read again.
    """
    found: PrivateIds = {}
    for asset in LISTED:
        for day, mark in marks(lake, asset).items():
            key = f"{asset}/{day}"
            kept = before.get(key)
            if kept and tuple(kept[0]) == mark:
                found[key] = (mark, kept[1])
            else:
                notes = lake.notes(asset, day)
                # Earlier versions thinned this column, too.
                known = kept[1] if kept and "thinned" in notes else []
                found[key] = (mark, sorted({*known, *_private(lake, asset, day, notes)}))
    return found


def private_models(lake: Lake, before: PrivateIds) -> set[str]:
    """Ids and identities of models that are private on any stored day.

    Each day is read once: what it says is copied to a file a month.

    Args:
        lake: the lake.
        before: those of the last publication, for days that were thinned of it since.
    """
    days = kept_by_month(lake, MODELS, "private", _private_of_day)
    known = (ids for key, (_, ids) in before.items() if key.startswith(f"{MODELS}/"))
    return {name for one in (*(day["ids"] for day in days.values()), *known) for name in one}


def _private_of_day(lake: Lake, day: str) -> dict[str, list[str]]:
    return {"ids": sorted(_private(lake, MODELS, day, lake.notes(MODELS, day)))}


def _private(lake: Lake, asset: str, day: str, notes: Mapping[str, Any]) -> set[str]:
    # An emptied day says how many it had: most have none, and are not given back for that.
    if notes.get(PRIVATE_ROWS) == 0:
        return set()
    frame = read_day(lake, asset, day).frame
    if "private" not in frame.collect_schema().names():
        return set()
    rows = frame.filter(pl.col("private")).select("id", "hub_id").collect()
    return {*rows["id"].drop_nulls(), *rows["hub_id"].drop_nulls()}


def public_rows(frame: pl.DataFrame, private: Iterable[str]) -> pl.DataFrame:
    """The rows that name no private repository, and no address or path of this machine."""
    if "private" in frame.columns:
        frame = frame.filter(pl.col("private").not_() | pl.col("private").is_null())
    names = pl.Series(list(private), dtype=pl.String)
    if len(names):
        for column in (name for name, kind in frame.schema.items() if kind == pl.String):
            if (named := _named(frame[column], names)).len():
                listed = pl.col(column).is_in(named.implode())
                frame = frame.filter(listed.not_() | pl.col(column).is_null())
        frame = frame.with_columns(_public_lists(frame, names))
    if {"origin", "source"} <= set(frame.columns):
        # Any other is the address of an endpoint, a dataset of one's own, or the path of a folder.
        archived = pl.col("origin").str.starts_with(f"{PUBLIC_ARCHIVE} at ")
        public = (pl.col("origin") == PUBLIC_HUB) | (archived & (pl.col("source") == "hub-stats"))
        frame = frame.with_columns(pl.when(public).then("origin").alias("origin"))
    return frame


def _public_lists(frame: pl.DataFrame, names: pl.Series) -> Iterator[pl.Expr]:
    """The lists of names, and of records with an `id`, without those names."""
    for column, kind in frame.schema.items():
        if not isinstance(kind, pl.List):
            continue
        of, values = pl.element(), frame[column].explode()
        if isinstance(kind.inner, pl.Struct) and "id" in {one.name for one in kind.inner.fields}:
            of, values = of.struct.field("id"), values.struct.field("id")
        elif kind.inner != pl.String:
            continue
        if (named := _named(values, names)).len():
            # What is null names nothing, and stays.
            listed = of.is_in(named.to_list()).fill_null(value=False)
            yield pl.col(column).list.eval(pl.element().filter(listed.not_()))


def _named(values: pl.Series, names: pl.Series) -> pl.Series:
    """The distinct values that are one of the names, or end with one: a tag, a key."""
    each = values.drop_nulls().unique().alias("value").to_frame()
    value, of = pl.col("value"), names.implode()
    found = value.is_in(of) | value.str.extract(_LAST_NAME).is_in(of).fill_null(value=False)
    return each.filter(found)["value"]


def public_provenance(provenance: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The provenance of a table without what names a machine, its folders or its endpoint."""
    found: dict[str, dict[str, Any]] = {}
    for asset, values in provenance.items():
        public = {name: values[name] for name in _PUBLIC_FIELDS if values.get(name) is not None}
        if values.get("endpoint") == PUBLIC_HUB:
            public["endpoint"] = PUBLIC_HUB
        if values.get("dataset") == PUBLIC_ARCHIVE:
            public |= {name: values.get(name) for name in ("dataset", "file")}
        found[asset] = public
    return found
