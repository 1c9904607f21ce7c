"""The pages over all days: trends, and the data itself with where it comes from."""

from functools import partial

import polars as pl
import streamlit as st

from hf_assets.apps.explore import charts
from hf_assets.apps.explore.parts import (
    NONE,
    heading,
    listed,
    number,
    observatory,
    section,
    shown_day,
    traced,
)
from hf_assets.apps.explore.reading import Observatory, as_file
from hf_assets.charts.wording import human
from hf_assets.lake import Stored

DAILY = (
    *("models", "enriched_spaces", "top_models", "model_usage"),
    *("daily_metrics", "daily_changes"),
)
SERIES = (
    *("day_quality", "category_history", "library_history", "license_history"),
    *("author_history", "model_history", "model_phases", "adoption_history"),
    *("space_usage_history", "concentration_history", "lifecycle"),
)
# A file of more rows is better read where it lies.
MOST_ROWS = 300_000
NO_HISTORY = "There is no history yet: materialise the group *trends/history*."


def trends() -> None:
    """How shares, concentration, births and usage change over all stored days."""
    there = observatory()
    heading("Trends", "Over all stored days; days that are not trusted are shaded")
    flagged = list(there.flags())
    drawn = [
        _shares(there, flagged, "category_history", "Share of downloads by category"),
        _shares(there, flagged, "library_history", "Share of downloads by library"),
        _licences(there, flagged),
        _concentration(there, flagged),
        _births(there, flagged),
        _adoption(there),
        _usage(there, flagged),
    ]
    if not any(drawn):
        st.info(NO_HISTORY)


def _shares(there: Observatory, flagged: list[str], asset: str, title: str) -> bool:
    found = there.series(asset)
    if found is None:
        return False
    section(title)
    frame = found.select("day", "key", "share_downloads").collect()
    shown = charts.leading(frame, "key", "share_downloads")
    chart = charts.lines(
        shown, "share_downloads", "share of downloads", by="key", flagged=flagged, share=True
    )
    st.altair_chart(chart, alt=title)
    traced((asset, None))
    return True


def _licences(there: Observatory, flagged: list[str]) -> bool:
    found = there.series("license_history")
    if found is None:
        return False
    section("Licences")
    groups = found.filter(pl.col("of") == "group").collect()
    sides = (("share_rows", "share of models"), ("share_downloads", "share of downloads"))
    for place, (measure, said) in zip(st.columns(2), sides, strict=True):
        shown = charts.leading(groups, "key", measure, most=5, rest=False)
        place.altair_chart(
            charts.lines(shown, measure, said, by="key", flagged=flagged, share=True, legend=3),
            alt=f"Licence groups by {said}",
        )
    traced(("license_history", None))
    return True


def _concentration(there: Observatory, flagged: list[str]) -> bool:
    found = there.series("concentration_history")
    if found is None:
        return False
    section("Concentration of downloads")
    frame = found.filter(pl.col("of") == "models").collect()
    tops = [name for name in frame.columns if name.startswith("top_") and name[4:].isdigit()]
    long = frame.unpivot(tops, index="day", variable_name="which", value_name="share")
    long = long.with_columns(pl.col("which").str.replace("top_", "first "))
    st.altair_chart(
        charts.lines(long, "share", "share of downloads", by="which", flagged=flagged, share=True),
        alt="Share of the first models",
    )
    traced(("concentration_history", None))
    return True


def _births(there: Observatory, flagged: list[str]) -> bool:
    found = there.series("lifecycle")
    if found is None:
        return False
    section("New models a day")
    frame = found.sort("day").collect()
    st.altair_chart(
        charts.lines(frame, "created_per_day", "new models a day", flagged=flagged),
        alt="New models a day",
    )
    traced(("lifecycle", None))
    return True


def _adoption(there: Observatory) -> bool:
    found = there.series("adoption_history")
    if found is None:
        return False
    frame = found.collect()
    if frame.is_empty():
        return False
    section("How long models take to a number of downloads")
    table = _reached(frame)
    listed(table, "adoption")
    st.caption("Kaplan-Meier; models that are still on their way count as long as they were seen.")
    traced(("adoption_history", None))
    return True


def _reached(frame: pl.DataFrame) -> pl.DataFrame:
    """Share that has reached each milestone at some ages, in percent."""
    ages = (7, 30, 90, 180, 365)
    rows = []
    for milestone, curve in frame.sort("age").group_by("milestone", maintain_order=True):
        row: dict[str, object] = {"Downloads": number(float(str(milestone[0])))}
        for age in ages:
            known = curve.filter(pl.col("age") <= age)
            seen = curve["age"].max()
            enough = isinstance(seen, int) and seen >= age and known.height
            row[f"after {age} days"] = f"{known['share'][-1]:.2%}" if enough else NONE
        rows.append(row)
    return pl.DataFrame(rows)


def _usage(there: Observatory, flagged: list[str]) -> bool:
    found = there.series("space_usage_history")
    if found is None:
        return False
    frame = found.filter(pl.col("of") == "model").select("day", "key", "spaces").collect()
    if frame.is_empty():
        return False
    section("Models that Spaces use most")
    shown = charts.leading(frame, "key", "spaces", rest=False)
    st.altair_chart(
        charts.lines(shown, "spaces", "Spaces", by="key", flagged=flagged, legend=3),
        alt="Spaces by model",
    )
    traced(("space_usage_history", None))
    return True


def data() -> None:
    """Which days there are, from where, how trusted; every table as a file."""
    there, day = observatory(), shown_day()
    heading("Data", "Which days exist, where they come from, how far they are trusted")
    quality = there.quality()
    if quality.is_empty():
        st.info("There is no day_quality yet: materialise it to see how far days are trusted.")
        days = pl.DataFrame({"day": there.days()})
        listed(days.with_columns(pl.col("day").str.to_date()), "days")
    else:
        wanted = ("day", "trusted", "flags", "source", "models", "spaces", "hours", "origin")
        listed(quality.select(wanted), "days", height=420)
        traced(("day_quality", None))
    section("Download")
    kind = st.radio("As", ["Parquet", "CSV"], horizontal=True, key="format")
    left, right = st.columns(2)
    with left:
        name = st.selectbox(f"A table of {day}", DAILY, key="daily table")
        _offer(there.table(name, day), name, day, kind)
    with right:
        name = st.selectbox("A table over all days", SERIES, key="series table")
        stored = there.lake.folder(name, None) / "data.parquet"
        _offer(there.lake.read(name, None) if stored.exists() else None, name, None, kind)


def _offer(stored: Stored | None, name: str, day: str | None, kind: str) -> None:
    if stored is None:
        st.caption(f"There is no {name}{f' of {day}' if day else ''}: materialise it first.")
        return
    size = stored.path.stat().st_size
    st.caption(f"{stored.rows:,} rows, {human(size)}B as Parquet.")
    if kind == "CSV" and stored.rows > MOST_ROWS:
        st.caption(f"Too large for CSV (over {MOST_ROWS:,} rows): take Parquet.")
        return
    suffix = kind.lower()
    # As Parquet it is the stored file; CSV is made when it is asked for.
    make = stored.path.read_bytes if kind == "Parquet" else partial(as_file, stored.frame, "csv")
    st.download_button(
        f"Download {name}.{suffix}",
        make,
        file_name=f"{name}{f'-{day}' if day else ''}.{suffix}",
        mime="text/csv" if kind == "CSV" else "application/vnd.apache.parquet",
        on_click="ignore",
        key=f"download {name}",
    )
