"""The script that Streamlit runs for every visit: the menu, the choice of the day, the page."""

import sys
from bisect import bisect
from html import escape

import streamlit as st
from PIL import Image, ImageDraw

from hf_assets.apps.explore import address, charts
from hf_assets.apps.explore.components import dress, heading, lake_reader, links
from hf_assets.apps.explore.tables import anchor
from hf_assets.apps.pages import (
    compare,
    data,
    discover,
    keys,
    model,
    models,
    overview,
    spaces,
    trends,
)
from hf_assets.charts.numbers import plural

# What shows the page of a name in the address.
SHOWS = {
    "overview": overview.overview,
    "models": models.models,
    "model": model.model,
    "new": discover.new,
    "categories": keys.categories,
    "category": keys.category,
    "authors": keys.authors,
    "author": keys.author,
    "spaces": spaces.spaces,
    "compare": compare.compare,
    "trends": trends.trends,
    "data": data.data,
}
# The page of the menu that a page without an entry belongs to.
_PARENTS = {"model": "models", "category": "categories", "author": "authors"}


def run(root: str) -> None:
    """Show the page and the day of the address."""
    st.set_page_config(page_icon=_icon(), layout="wide")
    st.session_state["lake"] = root
    dress()
    pages = [
        st.Page(SHOWS[name], title=title or name, url_path=name, default=name == "overview")
        for name, title in address.TITLES.items()
    ]
    # Streamlit's own menu forgets the day, and is out of reach on a phone.
    chosen = st.navigation(pages, position="hidden")
    days = lake_reader().days()
    known = not address.asked_day() or address.asked_day() in days
    left, right = st.columns([4, 1])
    address.begin()
    with left:
        _menu(chosen.url_path or "overview", known)
    if not days:
        heading("Nothing is stored yet", f"{root} has no day of `models`.")
        st.markdown("Run `hf-assets demo`, or materialise `models` in the Dagster UI.")
        return
    with right:
        _day(days, known)
    if known:
        chosen.run()
    else:
        _no_such_day(days, address.asked_day() or "")


def _menu(current: str, known: bool) -> None:
    """The pages as links that keep the day."""
    current = _PARENTS.get(current, current)
    day = address.asked_day() if known else None
    items = "".join(
        f"<li>{anchor(address.link(name, day=day), title, _current(name == current))}</li>"
        for name, title in address.TITLES.items()
        if title
    )
    st.html(f"<nav aria-label=Pages><ul class=hf-menu>{items}</ul></nav>")


def _current(is_current: bool) -> str:
    return " aria-current=page" if is_current else ""


def _day(days: list[str], known: bool) -> None:
    reader = lake_reader()
    flags = reader.flags()
    shown = (address.asked_day() or reader.newest()) if known else None
    st.session_state["shown day"] = shown

    def said(day: str) -> str:
        return f"{day} ({', '.join(flags[day])})" if flags.get(day) else day

    address.day(st, "Day", days, shown, format_func=said, placeholder="Choose a stored day")
    st.caption(f"{plural(len(days), 'day')} stored. Not trusted, or missing: {len(flags)}.")


def _no_such_day(days: list[str], asked: str) -> None:
    """The address asks for a day that is not stored: say so, and show no other in its place."""
    asked = asked[:40]
    heading(f"There is no day {asked}", "No other day is shown under its address.", of="")
    flags = lake_reader().flags().get(asked, [])
    st.html(
        f"<p role=alert>The lake has no models of {escape(asked)}"
        f"{': the day is missing' if 'gap' in flags else ''}. It has {plural(len(days), 'day')}, "
        f"{days[-1]} to {days[0]}.</p>"
    )
    known = days[::-1]
    at = bisect(known, asked)
    near = [*known[max(at - 1, 0) : at], *known[at : at + 1]]
    links(*((address.here(day=day), day) for day in near), (address.here(day=None), "newest day"))


def _icon() -> Image.Image:
    """Three bars. Streamlit would fetch a named icon from another machine."""
    icon = Image.new("RGBA", (32, 32))
    draw = ImageDraw.Draw(icon)
    for left, top in ((4, 18), (13, 10), (22, 3)):
        draw.rectangle((left, top, left + 6, 29), fill=charts.BLUE)
    return icon


run(sys.argv[1])
