"""Components of the pages: headings, numbers, charts with their key, and where they come from.

Texts of the Hub go into cells and escaped HTML, never into Markdown.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from hf_assets.apps.explore import address, charts
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.explore.tables import anchor, change, listed, number
from hf_assets.apps.index.indexes import Indexes
from hf_assets.apps.index.query import Page
from hf_assets.charts.numbers import exact
from hf_assets.object_store.path import location
from hf_assets.storage.lake import StoredTable
from hf_assets.storage.records import CaptureProvenance

SITE = "Hub insights"
GENERATED = "an embedded Hub"
# Of this server: a visitor's page uses what another's has opened.
INDEXES = Indexes()
_HERE = Path(__file__).parent
# Name in the address → days that a chart shows; 0 for all.
RANGES = {"all": 0, "365": 365, "180": 180, "90": 90, "30": 30}
_RANGE_NAMES = {
    **{name: f"{days} days" for name, days in RANGES.items()},
    **{"all": "all days", "365": "a year", "180": "half a year"},
}


def lake_reader() -> LakeReader:
    """A reader of the lake that this server shows."""
    return LakeReader(location(st.session_state["lake"]), INDEXES)


def shown_day() -> str:
    """The day of the pages: the address's, else the newest trusted one."""
    return st.session_state["shown day"]


def dress() -> None:
    """The style of what is rendered here, and the links within the pages."""
    st.html(_HERE / "page.css")
    st.html(f"<script>{(_HERE / 'links.js').read_text()}</script>", unsafe_allow_javascript=True)


def heading(title: str, about: str = "", *, of: str = "", links: str = "") -> None:
    """The page's title and a line below it, both escaped; the title of the browser's tab.

    Args:
        title: the heading.
        about: what is below it.
        of: the kind of page, for the tab, where the title is a name.
        links: HTML behind the title.
    """
    said = " · ".join(part for part in (title, of, SITE) if part)
    st.set_page_config(page_title=said)
    below = f"<p class=hf-about>{escape(about)}</p>" if about else ""
    st.html(f"<h1 id=content tabindex=-1>{escape(title)}</h1> {links}{below}")


def section(title: str) -> None:
    """The escaped title of a part of a page."""
    st.html(f"<h2>{escape(title)}</h2>")


def links(*named: tuple[str, str]) -> None:
    """Links to other views, in a line: each an address and its text."""
    st.html("<ul class=hf-chips>" + "".join(
        f"<li>{anchor(href, text)}</li>" for href, text in named) + "</ul>")  # fmt: skip


def files(about: str, named: dict[str, str]) -> None:
    """Links to files of this server: their names, each with its address."""
    found = ", ".join(
        f'<a href="{escape(href)}" download>{escape(name)}</a>' for name, href in named.items()
    )
    st.html(f"<p>{escape(about)}{found}</p>")


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
            finished = str(facts.get("finished") or "")[:16].replace("T", " ")
            return f"captured from {host}" + (f", {finished} UTC" if finished else "")
        return f"recovered from {CaptureProvenance.read(facts).origin}"
    return "of unknown origin"


def thin_notice(stored: StoredTable | None) -> None:
    """Explain the empty columns of a thinned day."""
    if stored and "thinned" in stored.notes:
        kept = stored.notes.get("kept", "names and counters")
        st.info(f"This day was thinned on {stored.notes['thinned']}. It keeps {kept}.")


def figures(facts: Sequence[tuple[str, Any]]) -> None:
    """Numbers side by side, each under its label; on a phone as many as fit.

    Rendered here: a part of Streamlit's own comes once its script is there, after the charts.
    """
    items = "".join(
        f"<div><dt>{escape(name)}</dt>"
        f"<dd>{escape(value if isinstance(value, str) else number(value))}</dd></div>"
        for name, value in facts
    )
    st.html(f"<dl class=hf-figures>{items}</dl>")


def counted(found: Page, one: str, many: str) -> str:
    """Such as "1 234 models, the first 200 shown"."""
    said = f"{exact(found.total)} {one if found.total == 1 else many}"
    return said if found.total <= found.rows.height else f"{said}, the first {found.rows.height}"


def model_list(rows: pl.DataFrame, caption: str, **more: Any) -> None:
    """Models in a table; a name leads to its page, and the arrow to the Hub."""
    listed(rows, caption, names="models", **more)


def in_range(frame: pl.DataFrame, asked: str) -> pl.DataFrame:
    """The rows of the last days of a range, counted from the last day that is there."""
    days = RANGES[asked]
    if not days or frame.is_empty():
        return frame
    return frame.filter(pl.col("day") > pl.col("day").max() - pl.duration(days=days))


def choose_range(place: Any) -> str:
    """The choice of how many days a chart shows."""
    return address.choice(
        place,
        "Range",
        "range",
        list(RANGES),
        names=lambda key: _RANGE_NAMES[key],
    )


def drawn(
    place: Any,
    frame: pl.DataFrame,
    y: str,
    title: str,
    *,
    by: str | None = None,
    share: bool = False,
    links: Mapping[str, str] | None = None,
    **more: Any,
) -> None:
    """A chart of lines with its key as text, and in words for who does not see it.

    Args:
        place: where it is drawn.
        frame: as `charts.lines` takes it.
        y: the measure's column.
        title: what is measured, with the unit.
        by: a column of names.
        share: the values are parts of a whole.
        links: the address of a name's page.
    """
    from_zero = charts.from_zero(frame[y])
    said = title if from_zero else f"{title} (axis not from 0)"
    chart = charts.lines(frame, y, said, by=by, share=share, **more)
    place.altair_chart(chart, alt=_in_words(frame, y, title, by, more.get("x", "day"), share))
    if by is None:
        return
    items = "".join(
        f"<li><span class=hf-swatch style='background:{color}'></span>"
        f"{anchor(links[name], name) if links and name in links else escape(str(name))}</li>"
        for name, color in charts.colors(frame[by]).items()
    )
    place.html(f"<ul class=hf-key aria-label='Key'>{items}</ul>")


def _in_words(
    frame: pl.DataFrame,
    y: str,
    title: str,
    by: str | None,
    x: str,
    share: bool,
) -> str:
    """First and last value of each line."""
    ends = []
    known = frame.filter(pl.col(y).is_not_null()).sort(x)
    parts = known.partition_by(by, maintain_order=True) if by else [known]
    for part in parts:
        if part.is_empty():
            continue
        first, last = ((f"{value:.1%}" if share else number(value)) for value in part[y][[0, -1]])
        who = f"{part[by][0]} " if by else ""
        ends.append(f"{who}from {first} to {last}")
    over = "by day" if x == "day" else "by days since release"
    spanned = f", {known[x].min()} to {known[x].max()}" if known.height else ""
    return f"Lines: {title}, {over}{spanned}. {'; '.join(ends)}."


def moved(grown: Mapping[str, float | None], day: str) -> None:
    """A line on how downloads moved, where it is known."""
    said = [f"{change(value)} {over}" for over, value in grown.items() if value is not None]
    if said:
        st.caption(f"Downloads moved by {', '.join(said)}, to {day}.")
