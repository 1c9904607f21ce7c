"""The page of a day: its totals, what rises and falls, and the days that are not trusted."""

from typing import Any

import polars as pl
import streamlit as st

from hf_assets.apps.explore import address, charts
from hf_assets.apps.explore.components import (
    drawn,
    figures,
    heading,
    lake_reader,
    links,
    model_list,
    origin,
    section,
    shown_day,
    traced,
)
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.explore.tables import listed
from hf_assets.charts.numbers import exact
from hf_assets.storage.lake import iso
from hf_assets.trends.lives.model_phases import FLOOR
from hf_assets.trends.lives.risers import risers
from hf_assets.trends.spikes import MOST_IF_NEW, MOST_OF_WEEK, NEW_DAYS

# Below this many downloads, growth is noise.
RISER_FLOOR = 10_000
MOST_RISERS = 10
SPARK_DAYS = 42


def overview() -> None:
    """Totals of the day, risers and fallers, and days that are not trusted."""
    reader, day = lake_reader(), shown_day()
    about = f"As on {day}, {origin(reader.table('models', day))}"
    heading("The Hugging Face Hub", about, of=day)
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
            listed(
                shown.select("day", "flags", "source", "models", "unchanged_share"),
                "Days that are not trusted",
            )
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
    drawn(left, frame, "downloads", "downloads in 30 days", flagged=flagged)
    drawn(right, frame, "rows", "models", flagged=flagged)
    links((address.link("trends"), "More trends"))
    traced(("category_history", None), ("day_quality", None))


def _risers(reader: LakeReader, day: str) -> None:
    _largest(reader, day)
    _every(reader, day)


def _every(reader: LakeReader, day: str) -> None:
    """The risers among all models, where the day is the newest that they are known of."""
    found = risers(reader.lake, MOST_RISERS, MOST_RISERS, SPARK_DAYS)
    if found.is_empty() or found["day"][0] != iso(day):
        return
    section("In seven days, among all models")
    found = found.with_columns(
        trend=pl.col("past").list.eval(pl.element().struct.field("downloads"))
    )
    sides = {"Rising": ~pl.col("spike"), "One-day spikes": pl.col("spike")}
    for place, (title, side) in zip(st.tabs([*sides]), sides.items(), strict=True):
        rows = found.filter(side).select("id", "growth_7", "trend", "downloads", "category")
        with place:
            model_list(rows, f"{title}, all models")
    st.caption(
        f"Of {exact(found['of'][0])} models with {FLOOR:,.0f} downloads or more a week ago: "
        f"{exact(found['rose'][0])} rose, {exact(found['spiking'][0])} by a single day alone."
    )
    traced(("model_phases", None))


def _largest(reader: LakeReader, day: str) -> None:
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
            if first.height > 1:
                compared = address.link("compare", item=first["id"].head(5).to_list())
                links((compared, f"Compare the first {min(first.height, 5)}"))
    st.caption(
        f"Of models with {exact(RISER_FLOOR)} downloads or more in 30 days. A model most of whose "
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
