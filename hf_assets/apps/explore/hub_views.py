"""The pages of a day: overview, categories, authors, Spaces."""

from typing import Any

import polars as pl
import streamlit as st

from hf_assets.apps.explore import charts
from hf_assets.apps.explore.components import (
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
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index.query import NONE_GIVEN, ModelQuery
from hf_assets.storage.lake import iso
from hf_assets.trends.spikes import MOST_IF_NEW, MOST_OF_WEEK, NEW_DAYS

# Below this many downloads, growth is noise.
RISER_FLOOR = 10_000
MOST_RISERS = 10
SPARK_DAYS = 42
_KEYED = ("key", "rows", "downloads", "share_downloads", "likes")


def overview() -> None:
    """Totals of the day, risers and fallers, and days that are not trusted."""
    reader, day = lake_reader(), shown_day()
    heading("The Hugging Face Hub", f"As on {day}, {origin(reader.table('models', day))}")
    _flagged(reader, day)
    _totals(reader, day)
    _totals_over_time(reader)
    _risers(reader, day)


def _flagged(reader: LakeReader, day: str) -> None:
    flags = reader.flags()
    if flags.get(day):
        st.warning(f"This day is not trusted: {', '.join(flags[day])}.")
    if flags:
        with st.expander(f"{len(flags)} days are not trusted"):
            shown = reader.quality().filter(~pl.col("trusted"))
            listed(shown.select("day", "flags", "source", "models", "unchanged_share"), "flagged")
            traced(("day_quality", None))


def _totals(reader: LakeReader, day: str) -> None:
    models, spaces = reader.table("models", day), reader.table("enriched_spaces", day)
    sums = reader.metrics(day, "category")
    said: list[tuple[str, Any]] = [
        ("Models", models.rows if models else None),
        ("Spaces", spaces.rows if spaces and not _absent(reader, day) else None),
    ]
    if sums.height:
        said += [
            ("Downloads, 30 days", sums["downloads"].sum()),
            ("Likes", sums["likes"].sum()),
        ]
    born = reader.series("lifecycle")
    if born is not None:
        found = born.filter(pl.col("day") == iso(day)).collect()
        if found.height:
            said.append(("New models a day", found["created_per_day"][0]))
    figures(said)
    traced(("models", day), ("enriched_spaces", day), ("daily_metrics", day))


def _absent(reader: LakeReader, day: str) -> bool:
    """Whether the day's source has no Spaces: their number is unknown then, not zero."""
    stored = reader.table("daily_metrics", day)
    return stored is not None and stored.notes.get("Spaces", 0) is None


def _totals_over_time(reader: LakeReader) -> None:
    found = reader.series("category_history")
    if found is None:
        st.info("There is no history yet: materialise the group *trends/history*.")
        return
    frame = charts.summed(found.select("day", "rows", "downloads").collect())
    flagged = list(reader.flags())
    left, right = st.columns(2)
    left.altair_chart(
        charts.lines(frame, "downloads", "downloads in 30 days", flagged=flagged),
        alt="Downloads in 30 days, all models, by day",
    )
    right.altair_chart(
        charts.lines(frame, "rows", "models", flagged=flagged, zero=False),
        alt="Models, by day",
    )
    traced(("category_history", None), ("day_quality", None))


def _risers(reader: LakeReader, day: str) -> None:
    sides = reader.movers(day, RISER_FLOOR)
    found = reader.series("model_history")
    if found is None or all(rows.is_empty() for rows in sides.values()):
        return
    sparks = _sparks(found, day)
    section("In seven days")
    for place, (title, rows) in zip(st.tabs(list(sides)), sides.items(), strict=True):
        first = rows.head(MOST_RISERS).join(sparks, on="hub_id", how="left", maintain_order="left")
        with place:
            model_list(first.select("id", "growth_7", "trend", "downloads", "category"), title)
    st.caption(
        f"Of models with {RISER_FLOOR:,} downloads or more in 30 days. A model most of whose "
        f"downloads of the week fell on a single day (over {MOST_OF_WEEK:.0%}; {MOST_IF_NEW:.0%} "
        f"of one younger than {NEW_DAYS} days) is a spike, no riser."
    )
    traced(("model_history", day))


def _sparks(found: pl.LazyFrame, day: str) -> pl.DataFrame:
    since = pl.lit(iso(day)) - pl.duration(days=SPARK_DAYS)
    recent = found.filter(pl.col("day").is_between(since, iso(day)))
    return (
        recent.sort("day").group_by("hub_id").agg(trend=pl.col("downloads").drop_nulls()).collect()
    )


def categories() -> None:
    """The categories of a day, and one of them over time."""
    _keys("category", "Categories", "category_history")


def authors() -> None:
    """The most downloaded authors of a day, and one of them over time."""
    _keys("author", "Authors", "author_history")


def _keys(dimension: str, title: str, asset: str) -> None:
    reader, day = lake_reader(), shown_day()
    heading(title, f"By downloads, on {day}")
    rows = reader.metrics(day, dimension)
    if rows.is_empty():
        st.info("daily_metrics of that day is not stored: materialise it first.")
        return
    found = reader.series(asset)
    # The row of all other keys has no rank and no page.
    ranked = rows.filter(pl.col("rank").is_not_null())
    ranked = ranked.sort("downloads", descending=True, nulls_last=True, maintain_order=True)
    table = ranked.select(_KEYED).with_columns(pl.col("key").fill_null(NONE_GIVEN))
    if found is not None:
        grown = found.filter(pl.col("day") == iso(day)).select("key", "growth_7", "growth_28")
        grown = grown.with_columns(pl.col("key").fill_null(NONE_GIVEN)).collect()
        table = table.join(grown, on="key", how="left", maintain_order="left")
    chosen = listed(table, dimension, choose=True, height=460)
    st.caption("Choose a row to see it over time, with its models.")
    traced(("daily_metrics", day), *([(asset, None)] if found is not None else []))
    if chosen is not None:
        _key(reader, day, dimension, table["key"][chosen], found, asset)


def _key(
    reader: LakeReader, day: str, dimension: str, key: str, found: pl.LazyFrame | None, asset: str
) -> None:
    section(key)
    if found is not None:
        named = pl.col("key").fill_null(NONE_GIVEN) == key
        series = found.filter(named).sort("day").collect()
        if series.height > 1:
            flagged = list(reader.flags())
            left, right = st.columns(2)
            left.altair_chart(
                charts.lines(series, "downloads", "downloads in 30 days", flagged=flagged)
            )
            right.altair_chart(
                charts.lines(
                    series, "share_downloads", "share of all downloads", flagged=flagged, share=True
                )
            )
            growth = series.filter(pl.col("day") == iso(day))["growth_7"].to_list()
            if growth and growth[0] is not None:
                st.caption(f"Downloads moved by {change(growth[0])} in 7 days, to {day}.")
            traced((asset, None))
    query = ModelQuery(category=(key,)) if dimension == "category" else ModelQuery(author=(key,))
    models = reader.models(day, query, 50)
    st.caption(counted(models, "model", "models"))
    model_list(models.rows, f"models of {dimension}")
    traced(("models", day))


def spaces() -> None:
    """SDKs, stages and hardware of Spaces, the models they use, and a search."""
    reader, day = lake_reader(), shown_day()
    heading("Spaces", f"As listed on {day}")
    stored = reader.table("enriched_spaces", day)
    if stored is None or not stored.rows:
        st.info("The source of that day has no Spaces: choose another day.")
        return
    thin_notice(stored)
    titles = {"sdk": "SDK", "stage": "Stage of the runtime", "hardware": "Hardware"}
    for place, (column, title) in zip(st.columns(3), titles.items(), strict=True):
        with place:
            section(title)
            found = reader.counted(day, column).head(8)  # ty: ignore[invalid-argument-type]
            st.altair_chart(charts.bars(found, "key", "spaces", "Spaces"), alt=title)
    traced(("enriched_spaces", day))
    section("Models that Spaces use most")
    model_list(reader.most_used(day, 100), "most used")
    traced(("model_usage", day))
    section("Find a Space")
    left, right = st.columns([3, 1])
    search = left.text_input("Search by name", key="search spaces")
    sdk = right.selectbox("SDK", ["any", *reader.counted(day, "sdk")["key"]], key="sdk")
    listing = reader.spaces(day, search, None if sdk == "any" else sdk)
    st.caption(counted(listing, "Space", "Spaces"))
    listed(listing.rows, "spaces")
    traced(("enriched_spaces", day))
