"""The page of the data: stored days with their origin and quality, and every table as a file."""

import polars as pl
import streamlit as st

from hf_assets.apps.explore import address
from hf_assets.apps.explore.components import heading, lake_reader, section, shown_day, traced
from hf_assets.apps.explore.files import as_file
from hf_assets.apps.explore.tables import listed
from hf_assets.charts.numbers import exact, human
from hf_assets.storage.lake import StoredTable
from hf_assets.storage.stored import ROWS_IN

DAILY = (
    *("models", "enriched_spaces", "hub_datasets", "top_models", "model_usage"),
    *("daily_metrics", "daily_changes"),
)
SERIES = (
    *("category_history", "day_quality", "library_history", "license_history"),
    *("author_history", "model_history", "model_phases", "family_history", "adoption_history"),
    *("space_usage_history", "concentration_history", "lifecycle"),
    *("dataset_history", "dataset_group_history", "model_days", "dataset_days", "space_days"),
)
# More rows than this are no CSV file for a person.
MOST_ROWS = 300_000


def data() -> None:
    """The stored days with their origin and quality; every table as a file."""
    reader, day = lake_reader(), shown_day()
    heading("Data", "Stored days, their origin, and whether they can be trusted")
    quality = reader.quality()
    if quality.is_empty():
        st.info("day_quality is not stored yet: materialise it to see which days can be trusted.")
        days = pl.DataFrame({"day": reader.days()})
        listed(days, "Stored days", names="days")
    else:
        wanted = ("day", "trusted", "flags", "source", "models", "spaces", "hours", "origin")
        listed(quality.select(wanted), "Days", names="days", keep=("models",))
        traced(("day_quality", None))
    section("Download")
    kind = address.choice(st, "As", "as", ["Parquet", "CSV"], radio=True)
    left, right = st.columns(2)
    with left:
        name = address.choice(st, f"A table of {day}", "table", DAILY)
        _offer(reader.table(name, day), name, day, kind)
    with right:
        name = address.choice(st, "A table over all days", "series", SERIES)
        _offer(reader.over_all_days(name), name, None, kind)


def _offer(stored: StoredTable | None, name: str, day: str | None, kind: str) -> None:
    if stored is None:
        st.caption(f"{name}{f' of {day}' if day else ''} is not stored: materialise it first.")
        return
    size = (
        f", given back from {stored.notes[ROWS_IN]}"
        if stored.emptied
        else f", {human(stored.bytes)}B as Parquet"
    )
    st.caption(f"{exact(stored.rows)} rows{size}.")
    if kind == "CSV" and stored.rows > MOST_ROWS:
        st.caption(f"Too large for CSV (over {exact(MOST_ROWS)} rows): take Parquet.")
        return
    suffix = kind.lower()

    def make() -> bytes:
        # A single stored Parquet file is served as it is; other files are made on demand.
        if kind == "Parquet" and not stored.months:
            return stored.file.read_bytes()
        return as_file(stored.frame, "csv" if kind == "CSV" else "parquet")

    st.download_button(
        f"Download {name}.{suffix}",
        make,
        file_name=f"{name}{f'-{day}' if day else ''}.{suffix}",
        mime="text/csv" if kind == "CSV" else "application/vnd.apache.parquet",
        on_click="ignore",
        key=f"download {name}",
    )
