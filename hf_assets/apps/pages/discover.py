"""The page of what is new: models created in the week of a day, and what trends on it."""

import streamlit as st

from hf_assets.apps.explore import address
from hf_assets.apps.explore.components import (
    counted,
    heading,
    lake_reader,
    links,
    model_list,
    section,
    shown_day,
    traced,
)
from hf_assets.apps.index.query import ModelQuery

FIRST = 25
_ORDERS = {
    "downloads": "downloads",
    "likes": "likes",
    "trending_score": "trending score",
}


def new() -> None:
    """Models of the week, and models by their trending score."""
    reader, day = lake_reader(), shown_day()
    heading("New and trending", f"In the week to {day}", of=day)
    section("New this week")
    order = address.choice(
        st, "Sort by", "sort", list(_ORDERS), names=lambda key: _ORDERS[key], radio=True
    )
    query = ModelQuery.new_in_week(day, order)  # ty: ignore[invalid-argument-type]
    found = reader.models(day, query, FIRST)
    st.caption(counted(found, "new model", "new models"))
    if found.total:
        wanted = ("id", "downloads", "likes", "category", "license", "created_at")
        model_list(
            found.rows.select(wanted), "New models of the week", sorted_by=order, keep=("likes",)
        )
        first, last = query.created
        sort = None if order == "downloads" else order
        links((address.link("models", created=f"{first}..{last}", sort=sort), "All of them"))
    traced(("models", day))
    section("Trending")
    trending = reader.models(day, ModelQuery(sort="trending_score"), FIRST)
    rows = trending.rows.drop_nulls("trending_score") if trending.total else trending.rows
    if rows.is_empty():
        st.info("The source of that day has no trending scores.")
    else:
        wanted = ("id", "trending_score", "likes", "downloads", "category", "created_at")
        model_list(
            rows.select(wanted),
            "Models by trending score",
            sorted_by="trending_score",
            keep=("trending_score",),
        )
        links(
            (address.link("models", sort="trending_score"), "All of them"),
            (address.link("compare", item=rows["id"].head(5).to_list()), "Compare the first five"),
        )
    traced(("models", day))
