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
    listed,
    model_list,
    observatory,
    origin,
    section,
    shown_day,
    thin_notice,
    traced,
)
from hf_assets.apps.explore.lake_reader import NONE_GIVEN, LakeReader, ModelQuery
from hf_assets.storage.lake import iso

# Models under so many downloads move by chance: they are no risers.
RISER_FLOOR = 10_000
MOST_RISERS = 10
SPARK_DAYS = 42
_KEYED = ("key", "rows", "downloads", "share_downloads", "likes")


def overview() -> None:
    """The day in a few numbers, what rises, and which days are not trusted."""
    there, day = observatory(), shown_day()
    heading("The Hugging Face Hub", f"As on {day}, {origin(there.table('models', day))}")
    _flagged(there, day)
    _totals(there, day)
    _totals_over_time(there)
    _risers(there, day)


def _flagged(there: LakeReader, day: str) -> None:
    flags = there.flags()
    if flags.get(day):
        st.warning(f"This day is not trusted: {', '.join(flags[day])}.")
    if flags:
        with st.expander(f"{len(flags)} days are not trusted"):
            shown = there.quality().filter(~pl.col("trusted"))
            listed(shown.select("day", "flags", "source", "models", "unchanged_share"), "flagged")
            traced(("day_quality", None))


def _totals(there: LakeReader, day: str) -> None:
    models, spaces = there.table("models", day), there.table("enriched_spaces", day)
    sums = there.metrics(day, "category")
    said: list[tuple[str, Any]] = [
        ("Models", models.rows if models else None),
        ("Spaces", spaces.rows if spaces and not _absent(there, day) else None),
    ]
    if sums.height:
        said += [
            ("Downloads, 30 days", sums["downloads"].sum()),
            ("Likes", sums["likes"].sum()),
        ]
    born = there.series("lifecycle")
    if born is not None:
        found = born.filter(pl.col("day") == iso(day)).collect()
        if found.height:
            said.append(("New models a day", found["created_per_day"][0]))
    figures(said)
    traced(("models", day), ("enriched_spaces", day), ("daily_metrics", day))


def _absent(there: LakeReader, day: str) -> bool:
    """Whether the day's source has no Spaces: then none is not zero."""
    stored = there.table("daily_metrics", day)
    return stored is not None and stored.notes.get("Spaces", 0) is None


def _totals_over_time(there: LakeReader) -> None:
    found = there.series("category_history")
    if found is None:
        st.info("There is no history yet: materialise the group *trends/history*.")
        return
    frame = charts.summed(found.select("day", "rows", "downloads").collect())
    flagged = list(there.flags())
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


def _risers(there: LakeReader, day: str) -> None:
    found = there.series("model_history")
    if found is None:
        return
    of_day = found.filter(pl.col("day") == iso(day), pl.col("downloads") >= RISER_FLOOR)
    grown = of_day.filter(pl.col("growth_7").is_not_null())
    ranked = grown.sort("growth_7", maintain_order=True).collect()
    if ranked.is_empty():
        return
    sparks = _sparks(found, day)
    section("In seven days")
    sides = {"Rising": ranked.reverse(), "Falling": ranked}
    for place, (title, rows) in zip(st.tabs(list(sides)), sides.items(), strict=True):
        first = rows.head(MOST_RISERS).join(sparks, on="hub_id", how="left", maintain_order="left")
        with place:
            model_list(first.select("id", "growth_7", "trend", "downloads", "category"), title)
    st.caption(f"Of models with {RISER_FLOOR:,} downloads or more in 30 days.")
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
    there, day = observatory(), shown_day()
    heading(title, f"By downloads, on {day}")
    rows = there.metrics(day, dimension)
    if rows.is_empty():
        st.info("There is no daily_metrics of that day: materialise it first.")
        return
    found = there.series(asset)
    # What the metrics lump together has no rank, and no page.
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
        _key(there, day, dimension, table["key"][chosen], found, asset)


def _key(
    there: LakeReader, day: str, dimension: str, key: str, found: pl.LazyFrame | None, asset: str
) -> None:
    section(key)
    if found is not None:
        named = pl.col("key").fill_null(NONE_GIVEN) == key
        series = found.filter(named).sort("day").collect()
        if series.height > 1:
            flagged = list(there.flags())
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
    query = ModelQuery(category=key) if dimension == "category" else ModelQuery(author=key)
    models = there.models(day, query, 50)
    st.caption(counted(models, "model", "models"))
    model_list(models.rows, f"models of {dimension}")
    traced(("models", day))


def spaces() -> None:
    """What Spaces use and run on, and the Spaces themselves."""
    there, day = observatory(), shown_day()
    heading("Spaces", f"As listed on {day}")
    stored = there.table("enriched_spaces", day)
    if stored is None or not stored.rows:
        st.info("The source of that day has no Spaces: choose another day.")
        return
    thin_notice(stored)
    titles = {"sdk": "SDK", "stage": "Stage of the runtime", "hardware": "Hardware"}
    for place, (column, title) in zip(st.columns(3), titles.items(), strict=True):
        with place:
            section(title)
            found = there.counted(day, column).head(8)  # ty: ignore[invalid-argument-type]
            st.altair_chart(charts.bars(found, "key", "spaces", "Spaces"), alt=title)
    traced(("enriched_spaces", day))
    section("Models that Spaces use most")
    model_list(there.most_used(day, 100), "most used")
    traced(("model_usage", day))
    section("Find a Space")
    left, right = st.columns([3, 1])
    search = left.text_input("Search by name", key="search spaces")
    sdk = right.selectbox("SDK", ["any", *there.counted(day, "sdk")["key"]], key="sdk")
    listing = there.spaces(day, search, None if sdk == "any" else sdk)
    st.caption(counted(listing, "Space", "Spaces"))
    listed(listing.rows, "spaces")
    traced(("enriched_spaces", day))
