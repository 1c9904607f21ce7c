"""The pages of categories and authors: all of a day, and one of them with its models."""

import polars as pl
import streamlit as st

from hf_assets.apps.explore import address
from hf_assets.apps.explore.components import (
    choose_range,
    counted,
    drawn,
    figures,
    heading,
    in_range,
    lake_reader,
    links,
    model_list,
    moved,
    section,
    shown_day,
    traced,
)
from hf_assets.apps.explore.histories import GROUPS, of_key
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.explore.tables import FIRST_ROWS, NONE, hub_link, listed, more_rows
from hf_assets.apps.index.query import NONE_GIVEN, ModelQuery
from hf_assets.charts.numbers import exact
from hf_assets.storage.lake import iso

_KEYED = ("key", "rows", "downloads", "share_downloads", "likes")
_PLURALS = {"category": "categories", "author": "authors"}


def categories() -> None:
    """The categories of a day."""
    _all("category", "Categories")


def authors() -> None:
    """The most downloaded authors of a day."""
    _all("author", "Authors")


def category() -> None:
    """A category over time, with its models."""
    _single("category")


def author() -> None:
    """An author over time, with its models, Spaces and datasets."""
    _single("author")


def _all(dimension: str, title: str) -> None:
    reader, day = lake_reader(), shown_day()
    heading(title, f"By downloads, on {day}", of=day)
    ranked = _ranked(reader, day, dimension)
    if ranked.is_empty():
        st.info("daily_metrics of that day is not stored: materialise it first.")
        return
    asset = GROUPS[dimension].asset
    found, table = reader.series(asset), ranked.select(_KEYED)
    if found is not None:
        grown = found.filter(pl.col("day") == iso(day)).select("key", "growth_7", "growth_28")
        grown = grown.with_columns(pl.col("key").fill_null(NONE_GIVEN)).collect()
        table = table.join(grown, on="key", how="left", maintain_order="left")
    first = address.number_of("rows", FIRST_ROWS, table.height)
    shown = table.head(first)
    listed(shown, title, names=_PLURALS[dimension], sorted_by="downloads")
    more_rows(shown.height, table.height)
    compared = [key for key in table["key"].head(5) if key != NONE_GIVEN]
    links((address.link("compare", of=dimension, item=compared), "Compare the first"))
    traced(("daily_metrics", day), *([(asset, None)] if found is not None else []))


def _ranked(reader: LakeReader, day: str, dimension: str) -> pl.DataFrame:
    """The keys of a day, most downloads first, without the row of all others."""
    rows = reader.metrics(day, dimension)
    if rows.is_empty():
        return rows
    ranked = rows.filter(pl.col("rank").is_not_null())
    ranked = ranked.sort("downloads", descending=True, nulls_last=True, maintain_order=True)
    return ranked.with_columns(pl.col("key").fill_null(NONE_GIVEN))


def _single(dimension: str) -> None:
    reader, day = lake_reader(), shown_day()
    key = address.asked("id")
    if not key:
        heading(f"No {dimension} chosen", f"The address names no {dimension}.")
        links((address.link(_PLURALS[dimension]), f"All {_PLURALS[dimension]}"))
        return
    query = ModelQuery(category=(key,)) if dimension == "category" else ModelQuery(author=(key,))
    models = reader.models(day, query, FIRST_ROWS)
    others = {} if dimension == "category" else _of_author(reader, day, key)
    past = of_key(reader, dimension, key)
    if not models.total and not any(rows.height for rows in others.values()):
        known = past is not None and past.rows.height
        heading(key, f"There is no such {dimension} on {day}.", of=f"no such {dimension}")
        st.info("Other days have it." if known else "No stored day has it by that name.")
        links((address.link(_PLURALS[dimension]), f"All {_PLURALS[dimension]}"))
        return
    on_hub = hub_link("author", key) if dimension == "author" else ""
    heading(key, f"{dimension.capitalize()}, on {day}", of=dimension, links=on_hub)
    links(
        (address.link("compare", of=dimension, item=[key]), "Compare"),
        (address.link("models", **{dimension: [key]}), "All models, with filters"),
    )
    _numbers(reader, day, dimension, query, key)
    if past is not None and past.rows.height > 1:
        section("Over time")
        rows = in_range(past.rows, choose_range(st.columns(4)[0]))
        flagged = list(reader.flags())
        left, right = st.columns(2)
        drawn(left, rows, "downloads", "downloads in 30 days", flagged=flagged)
        drawn(right, rows, "share_downloads", "share of all downloads", share=True, flagged=flagged)
        now = past.rows.filter(pl.col("day") == iso(day))
        if now.height:
            moved({"in 7 days": now["growth_7"][0], "in 28 days": now["growth_28"][0]}, day)
        traced((past.asset, None))
    section("Models")
    st.caption(counted(models, "model", "models"))
    if models.total:
        model_list(models.rows, f"Models of {key}")
    traced(("models", day))
    for kind, rows in others.items():
        if rows.height:
            section(kind.capitalize())
            listed(rows, f"{kind.capitalize()} of {key}", names=kind, keep=("likes",))
            traced(("enriched_spaces" if kind == "spaces" else "hub_datasets", day))


def _numbers(reader: LakeReader, day: str, dimension: str, query: ModelQuery, key: str) -> None:
    ranked, sums = _ranked(reader, day, dimension), reader.totals(day, query) or {}
    found = (
        ranked.with_row_index("place", 1).filter(pl.col("key") == key) if ranked.width else ranked
    )
    row = found.row(0, named=True) if found.height else {}
    share = row.get("share_downloads")
    figures(
        [
            ("Models", sums.get("models")),
            ("Downloads, 30 days", sums.get("downloads")),
            ("Share of downloads", NONE if share is None else f"{share:.2%}"),
            ("Likes", sums.get("likes")),
            ("Rank by downloads", row.get("place") or f"after {exact(ranked.height)}"),
        ]
    )
    traced(("models", day), ("daily_metrics", day))


def _of_author(reader: LakeReader, day: str, name: str) -> dict[str, pl.DataFrame]:
    """The Spaces and datasets of an author, the first of each."""
    wanted = {
        "spaces": ("enriched_spaces", ("id", "likes", "sdk", "created_at"), "likes"),
        "datasets": ("hub_datasets", ("id", "downloads", "likes", "created_at"), "downloads"),
    }
    found = {}
    for kind, (asset, columns, order) in wanted.items():
        stored = reader.table(asset, day)
        if stored is None:
            continue
        # A row without an author is one of an old source: its name begins with the author's.
        mine = stored.frame.filter(pl.col("id").str.starts_with(f"{name}/")).select(columns)
        best = mine.sort(order, "id", descending=[True, False], nulls_last=True)
        found[kind] = best.head(FIRST_ROWS).collect(engine="streaming")
    return found
