"""Components of the pages: headings, tables, numbers, and where they come from.

Texts of the Hub go into cells and escaped HTML, never into Markdown.
"""

import html
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import polars as pl
import streamlit as st

from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index.indexes import Indexes
from hf_assets.apps.index.query import Page
from hf_assets.charts.numbers import exact, human, percent
from hf_assets.object_store.path import location
from hf_assets.storage.lake import StoredTable
from hf_assets.storage.records import CaptureProvenance

GENERATED = "an embedded Hub"
NONE = "\N{EN DASH}"
# Of this server: a visitor's page uses what another's has opened.
INDEXES = Indexes()
_NUMBER = st.column_config.NumberColumn
COLUMNS: dict[str, Any] = {
    "id": st.column_config.TextColumn("Name", width="large"),
    "key": st.column_config.TextColumn("Name", width="medium"),
    "category": "Category",
    "library": "Library",
    "license": "Licence",
    "relation": "Relation",
    "sdk": "SDK",
    "stage": "Stage",
    "hardware": "Hardware",
    "gated": "Gated",
    "known": "Listed",
    "rank": "Rank",
    "downloads": _NUMBER("Downloads, 30 days", format="localized"),
    "downloads_all_time": _NUMBER("Downloads, all time", format="localized"),
    "likes": _NUMBER("Likes", format="localized"),
    "trending_score": _NUMBER("Trending score", format="%.1f"),
    "parameters": _NUMBER("Parameters", format="compact"),
    "rows": _NUMBER("Models", format="localized"),
    "spaces": _NUMBER("Spaces", format="localized"),
    "authors": _NUMBER("Authors", format="localized"),
    "n_models": _NUMBER("Models it uses", format="localized"),
    "n_datasets": _NUMBER("Datasets it uses", format="localized"),
    "share_downloads": _NUMBER("Share of downloads", format="percent"),
    "share_rows": _NUMBER("Share of models", format="percent"),
    "growth_7": _NUMBER("In 7 days", format="percent"),
    "growth_28": _NUMBER("In 28 days", format="percent"),
    "created_at": st.column_config.DateColumn("Created"),
    "day": st.column_config.DateColumn("Day"),
    "trend": st.column_config.LineChartColumn("Last weeks", width="medium", y_min=0),
    "phase": "Phase",
    "unchanged_share": _NUMBER("Unchanged downloads", format="percent"),
    "fell_share": _NUMBER("Counters that fell", format="percent"),
    "hours": _NUMBER("Hours since the baseline day", format="%.1f"),
    "models": _NUMBER("Models", format="localized"),
    "flags": st.column_config.ListColumn("Flags", width="medium"),
    "source": "Source",
    "origin": "From",
    "trusted": "Trusted",
}


def lake_reader() -> LakeReader:
    """A reader of the lake that this server shows."""
    return LakeReader(location(st.session_state["lake"]), INDEXES)


def shown_day() -> str:
    """The day of the pages, as chosen in the sidebar."""
    return st.session_state["day"]


def heading(title: str, about: str = "") -> None:
    """The page's title and a line below it, both escaped."""
    st.html(f"<h1 style='font-size:1.9rem;margin:0'>{html.escape(title)}</h1>")
    if about:
        st.html(f"<p style='margin:0;opacity:.75'>{html.escape(about)}</p>")


def section(title: str) -> None:
    """The escaped title of a part of a page."""
    st.html(f"<h2 style='font-size:1.25rem;margin:.8rem 0 0'>{html.escape(title)}</h2>")


def traced(*sources: tuple[str, str | None]) -> None:
    """Name the assets and days of the numbers above."""
    names = [f"{asset} · {day}" if day else f"{asset} · all days" for asset, day in sources]
    st.caption("From " + "; ".join(names), width="stretch")


def origin(stored: StoredTable | None) -> str:
    """Where a stored day comes from, as text."""
    for facts in (stored.provenance if stored else {}).values():
        if facts.get("source", "captured") == "captured":
            host = str(facts.get("endpoint", "")).split("://")[-1] or "an unknown Hub"
            host = GENERATED if host.startswith("127.0.0.1:") else host
            return f"captured from {host}, {str(facts.get('finished', ''))[:16]} UTC"
        return f"recovered from {CaptureProvenance.read(facts).origin}"
    return "of unknown origin"


def thin_notice(stored: StoredTable | None) -> None:
    """Explain the empty columns of a thinned day."""
    if stored and "thinned" in stored.notes:
        kept = stored.notes.get("kept", "names and counters")
        st.info(f"This day was thinned on {stored.notes['thinned']}. It keeps {kept}.")


def figures(facts: Sequence[tuple[str, Any]]) -> None:
    """Numbers side by side, each under its label; on a phone below each other."""
    for column, (name, value) in zip(st.columns(len(facts)), facts, strict=True):
        column.metric(name, value if isinstance(value, str) else number(value))


def number(value: float | None) -> str:
    """A number for people; a dash where there is none."""
    if value is None:
        return NONE
    return exact(value) if abs(value) < 100_000 and float(value).is_integer() else human(value)


def change(value: float | None) -> str | None:
    """A growth such as +4.2%; None where it is unknown."""
    if value is None:
        return None
    sign = "-" if value < 0 else "+"
    return f"{sign}{percent(abs(value), 1)}"


def listed(rows: pl.DataFrame, key: str, *, choose: bool = False, height: int = 420) -> int | None:
    """A table with readable column names. Returns the index of the chosen row, or None."""
    # A new key clears the choice when a page is shown again or has other rows.
    turn = st.session_state.get("turn", 0)
    key = f"{key} {turn} {crc32(repr(rows[:, 0].to_list()).encode()) if rows.width else 0}"
    config = {name: COLUMNS[name] for name in rows.columns if name in COLUMNS}
    options: dict[str, Any] = {
        "hide_index": True,
        "column_config": config,
        "placeholder": NONE,
        "key": key,
    }
    if rows.height > 10:
        options["height"] = height
    if not choose:
        st.dataframe(rows, **options)
        return None
    state = st.dataframe(rows, on_select="rerun", selection_mode="single-row", **options)
    chosen = state["selection"]["rows"]
    return chosen[0] if chosen and chosen[0] < rows.height else None


def counted(found: Page, one: str, many: str) -> str:
    """Such as "1 234 models, the first 200 shown"."""
    said = f"{exact(found.total)} {one if found.total == 1 else many}"
    return said if found.total <= found.rows.height else f"{said}, the first {found.rows.height}"


def model_list(rows: pl.DataFrame, key: str) -> None:
    """Models in a table; choosing one opens its page."""
    chosen = listed(rows, key, choose=True)
    if chosen is not None:
        open_model(rows["id"][chosen])


def open_model(name: str) -> None:
    """Go to the page of that model."""
    st.session_state["turn"] = st.session_state.get("turn", 0) + 1
    st.switch_page(st.session_state["pages"]["model"], query_params={"id": name})
