"""The pages of models: the search, and the page of a model."""

from typing import Any

import polars as pl
import streamlit as st

from hf_assets.apps.explore import charts
from hf_assets.apps.explore.components import (
    NONE,
    change,
    counted,
    figures,
    heading,
    lake_reader,
    listed,
    model_list,
    origin,
    section,
    shown_day,
    thin_notice,
    traced,
)
from hf_assets.apps.explore.lake_reader import CHEAP_ROWS, LakeReader
from hf_assets.apps.index.query import SIZES, SORTS, ModelQuery
from hf_assets.charts.numbers import exact
from hf_assets.storage.lake import iso

ANY = "any"
SORT_NAMES = {
    "downloads": "downloads, 30 days",
    "downloads_all_time": "downloads, all time",
    "likes": "likes",
    "trending_score": "trending score",
    "created_at": "newest first",
    "parameters": "size",
}


def models() -> None:
    """Search, filter and sort the models of a day; choosing one opens its page."""
    reader, day = lake_reader(), shown_day()
    heading("Models", f"As listed on {day}")
    query = _query(reader, day)
    found = reader.models(day, query)
    thin_notice(reader.table("models", day))
    st.caption(counted(found, "model", "models"))
    if found.total:
        model_list(found.rows, "models")
    else:
        st.info("No model matches. Remove a filter, or search for fewer words.")
    traced(("models", day))
    st.caption(f"This day was {origin(reader.table('models', day))}.")


def _query(reader: LakeReader, day: str) -> ModelQuery:
    search = st.text_input("Search by name", placeholder="llama gguf", key="search")
    row = st.columns(6)
    chosen: dict[str, Any] = {"search": search}
    for place, name in zip(row, ("category", "library", "license", "author"), strict=False):
        label = "Licence" if name == "license" else name.capitalize()
        options = [ANY, *reader.choices(day, name)]
        value = place.selectbox(label, options, key=f"filter {name}")
        chosen[name] = () if value == ANY else (value,)
    size = row[4].selectbox("Size (parameters)", [ANY, *SIZES], key="filter size")
    chosen["size"] = () if size == ANY else (size,)
    chosen["sort"] = row[5].selectbox(
        "Sort by", SORTS, format_func=lambda name: SORT_NAMES[name], key="sort"
    )
    return ModelQuery(**chosen)


def model() -> None:
    """A model: its numbers, history, rank, Spaces, base models and derivatives."""
    reader, day = lake_reader(), shown_day()
    name = st.query_params.get("id", "")
    if st.button("All models", icon=":material/arrow_back:", type="tertiary"):
        st.switch_page(st.session_state["pages"]["models"])
    row = reader.model(day, name) if name else None
    if row is None:
        heading(name or "No model chosen", f"There is no such model on {day}.")
        st.info("It may have another name on that day, or none yet: choose another day or model.")
        return
    about = (row["category"], row["library"], row["license"])
    heading(name, " · ".join(part for part in about if part))
    thin_notice(reader.table("models", day))
    _numbers(reader, day, row)
    _history(reader, day, row)
    _family(reader, day, row)
    _usage(reader, day, name)


def _numbers(reader: LakeReader, day: str, row: dict[str, Any]) -> None:
    place = reader.rank_in_category(day, row)
    said = f"{exact(place[0])} of {exact(place[1])}" if place else NONE
    phase = reader.phase(row)
    figures(
        [
            ("Downloads, 30 days", row["downloads"]),
            ("Downloads, all time", row["downloads_all_time"]),
            ("Likes", row["likes"]),
            ("Parameters", row["parameters"]),
            ("Rank in its category", said),
            ("Phase", phase["phase"] if phase and phase["phase"] else NONE),
        ]
    )
    created = row["created_at"]
    dated = f"{created:%Y-%m-%d}" if created else "on an unknown day"
    dated = "on or before 2022-03-02" if row["floor_dated"] else dated
    st.caption(f"Created {dated}; gated: {row['gated'] or 'unknown'}.")
    traced(("models", day), *([("model_phases", None)] if phase else []))


def _history(reader: LakeReader, day: str, row: dict[str, Any]) -> None:
    section("Over time")
    found, asset = reader.history(row), "model_history"
    if found.height < 2:
        cheap = reader.rows_of_all_days() <= CHEAP_ROWS
        wanted = cheap or st.button(
            "Look it up on every stored day",
            help="Never in a day's top 1,000 by downloads: this reads every stored day.",
        )
        if not wanted:
            st.info("This model never was in a day's top 1,000 by downloads.")
            return
        with st.spinner("Reading every stored day …"):
            found, asset = reader.every_day(row), "models"
    if found.height < 2:
        st.info("This model is stored on one day only: a history needs two.")
        return
    flagged = list(reader.flags())
    left, right = st.columns(2)
    chart = charts.lines(found, "downloads", "downloads in 30 days", flagged=flagged)
    left.altair_chart(chart, alt="Downloads in 30 days, by day")
    right.altair_chart(
        charts.lines(found, "likes", "likes", flagged=flagged, zero=False), alt="Likes, by day"
    )
    now = found.filter(pl.col("day") == iso(day))
    if "growth_7" in found.columns and now.height:
        said = [("in 7 days", now["growth_7"][0]), ("in 28 days", now["growth_28"][0])]
        grown = ", ".join(f"{change(value)} {over}" for over, value in said if value is not None)
        if grown:
            st.caption(f"Downloads moved by {grown}, to {day}.")
    traced((asset, None))


def _family(reader: LakeReader, day: str, row: dict[str, Any]) -> None:
    bases = pl.DataFrame(row["base_models"] or [], schema={"id": pl.String, "relation": pl.String})
    made = reader.derivatives(day, row["id"])
    if bases.height:
        section("Made from")
        model_list(bases, "bases")
    if made.total:
        section("Made from it")
        st.caption(counted(made, "model", "models"))
        model_list(made.rows, "derivatives")
    if bases.height or made.total:
        traced(("models", day))


def _usage(reader: LakeReader, day: str, name: str) -> None:
    section("Spaces that use it")
    found = reader.spaces_using(day, name)
    if found.total:
        st.caption(counted(found, "Space", "Spaces"))
        listed(found.rows, "spaces using")
    else:
        st.caption("None on that day.")
    traced(("enriched_spaces", day))
