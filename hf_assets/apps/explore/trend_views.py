"""The pages over all days: trends, and the data with its origin and downloads."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import polars as pl
import streamlit as st

from hf_assets.apps.explore import charts
from hf_assets.apps.explore.components import (
    NONE,
    heading,
    lake_reader,
    listed,
    number,
    section,
    shown_day,
    traced,
)
from hf_assets.apps.explore.files import as_file
from hf_assets.charts.numbers import human
from hf_assets.storage.lake import StoredTable

DAILY = (
    *("models", "enriched_spaces", "top_models", "model_usage"),
    *("daily_metrics", "daily_changes"),
)
SERIES = (
    *("day_quality", "category_history", "library_history", "license_history"),
    *("author_history", "model_history", "model_phases", "adoption_history"),
    *("space_usage_history", "concentration_history", "lifecycle"),
    *("dataset_history", "dataset_group_history"),
)
# More rows than this are no CSV file for a person.
MOST_ROWS = 300_000
NO_HISTORY = "There is no history yet: materialise the group *trends/history*."


@dataclass(frozen=True)
class Section:
    """A part of the page: rows of one series and their chart.

    Args:
        asset: the series.
        columns: the columns to read.
        draw: shows the rows; its second argument are the flagged days.
        of: shows the rows with this value of the column `of`; None where there is no such column.
    """

    title: str
    asset: str
    columns: tuple[str, ...]
    draw: Callable[[pl.DataFrame, list[str]], None]
    of: str | None = None


def trends() -> None:
    """Shares, concentration, new models and usage over all stored days."""
    reader = lake_reader()
    heading("Trends", "Over all stored days; days that are not trusted are shaded")
    flagged, drawn = list(reader.flags()), 0
    for one in SECTIONS:
        found = reader.series(one.asset)
        if found is None:
            continue
        rows = found if one.of is None else found.filter(pl.col("of") == one.of)
        frame = rows.select(one.columns).collect()
        # Archived days without creation dates have no new models to show.
        if frame.select(pl.all_horizontal(pl.exclude("day").is_null()).all()).item():
            continue
        section(one.title)
        one.draw(frame, flagged)
        traced((one.asset, None))
        drawn += 1
    if not drawn:
        st.info(NO_HISTORY)


def _shares(by: str, frame: pl.DataFrame, flagged: list[str]) -> None:
    shown = charts.leading(frame, "key", "share_downloads")
    chart = charts.lines(
        shown, "share_downloads", "share of downloads", by="key", flagged=flagged, share=True
    )
    st.altair_chart(chart, alt=f"Share of downloads by {by}")


def _licences(frame: pl.DataFrame, flagged: list[str]) -> None:
    sides = (("share_rows", "share of models"), ("share_downloads", "share of downloads"))
    for place, (measure, said) in zip(st.columns(2), sides, strict=True):
        shown = charts.leading(frame, "key", measure, most=5, rest=False)
        place.altair_chart(
            charts.lines(shown, measure, said, by="key", flagged=flagged, share=True, legend=3),
            alt=f"Licence groups by {said}",
        )


def _concentration(frame: pl.DataFrame, flagged: list[str]) -> None:
    long = frame.unpivot(index="day", variable_name="which", value_name="share")
    long = long.with_columns(pl.col("which").str.replace("top_", "first "))
    st.altair_chart(
        charts.lines(long, "share", "share of downloads", by="which", flagged=flagged, share=True),
        alt="Share of the first models",
    )


def _new_models(frame: pl.DataFrame, flagged: list[str]) -> None:
    st.altair_chart(
        charts.lines(frame.sort("day"), "created_per_day", "new models a day", flagged=flagged),
        alt="New models a day",
    )


def _adoption(frame: pl.DataFrame, _: list[str]) -> None:
    listed(_reached(frame), "adoption")
    st.caption(
        "Kaplan-Meier, or Turnbull where captures are days apart; models that have not reached a "
        "milestone yet are censored."
    )


def _usage(frame: pl.DataFrame, flagged: list[str]) -> None:
    shown = charts.leading(frame, "key", "spaces", rest=False)
    st.altair_chart(
        charts.lines(shown, "spaces", "Spaces", by="key", flagged=flagged, legend=3),
        alt="Spaces by model",
    )


def _reached(frame: pl.DataFrame) -> pl.DataFrame:
    """Share of models that reached each milestone, at some ages, in percent."""
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


_SHARE = ("day", "key", "share_downloads")
_TOPS = ("top_1", "top_10", "top_100", "top_1000")
SECTIONS = (
    Section(
        "Share of downloads by category", "category_history", _SHARE, partial(_shares, "category")
    ),
    Section(
        "Share of downloads by library", "library_history", _SHARE, partial(_shares, "library")
    ),
    Section("Licences", "license_history", (*_SHARE, "share_rows"), _licences, of="group"),
    Section(
        "Concentration of downloads",
        "concentration_history",
        ("day", *_TOPS),
        _concentration,
        of="models",
    ),
    Section("New models a day", "lifecycle", ("day", "created_per_day"), _new_models),
    Section(
        "How long models take to a number of downloads",
        "adoption_history",
        ("milestone", "age", "share"),
        _adoption,
    ),
    Section(
        "Models that Spaces use most",
        "space_usage_history",
        ("day", "key", "spaces"),
        _usage,
        of="model",
    ),
)


def data() -> None:
    """The stored days with their origin and quality; every table as a file."""
    reader, day = lake_reader(), shown_day()
    heading("Data", "Stored days, their origin, and whether they can be trusted")
    quality = reader.quality()
    if quality.is_empty():
        st.info("day_quality is not stored yet: materialise it to see which days can be trusted.")
        days = pl.DataFrame({"day": reader.days()})
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
        _offer(reader.table(name, day), name, day, kind)
    with right:
        name = st.selectbox("A table over all days", SERIES, key="series table")
        _offer(reader.over_all_days(name), name, None, kind)


def _offer(stored: StoredTable | None, name: str, day: str | None, kind: str) -> None:
    if stored is None:
        st.caption(f"{name}{f' of {day}' if day else ''} is not stored: materialise it first.")
        return
    st.caption(f"{stored.rows:,} rows, {human(stored.bytes)}B as Parquet.")
    if kind == "CSV" and stored.rows > MOST_ROWS:
        st.caption(f"Too large for CSV (over {MOST_ROWS:,} rows): take Parquet.")
        return
    suffix = kind.lower()
    # A single stored Parquet file is served as it is; other files are made on demand.
    make = partial(as_file, stored.frame, "csv" if kind == "CSV" else "parquet")
    if kind == "Parquet" and not stored.months:
        make = stored.file.read_bytes
    st.download_button(
        f"Download {name}.{suffix}",
        make,
        file_name=f"{name}{f'-{day}' if day else ''}.{suffix}",
        mime="text/csv" if kind == "CSV" else "application/vnd.apache.parquet",
        on_click="ignore",
        key=f"download {name}",
    )
