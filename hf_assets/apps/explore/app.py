"""The script that Streamlit runs for every visit: the list of pages, and the choice of the day."""

import sys

import streamlit as st
from PIL import Image, ImageDraw

from hf_assets.apps.explore import charts, hub_views, model_views, trend_views
from hf_assets.apps.explore.components import heading, lake_reader
from hf_assets.charts.numbers import plural

PAGES = {
    "overview": (hub_views.overview, "Overview", "monitoring"),
    "models": (model_views.models, "Models", "deployed_code"),
    "model": (model_views.model, "A model", "deployed_code"),
    "categories": (hub_views.categories, "Categories", "category"),
    "authors": (hub_views.authors, "Authors", "groups"),
    "spaces": (hub_views.spaces, "Spaces", "space_dashboard"),
    "trends": (trend_views.trends, "Trends", "trending_up"),
    "data": (trend_views.data, "Data", "database"),
}
# Streamlit's CSV button writes cells that a spreadsheet may run; the page `data` has a safe one.
NO_CSV_OF_ITS_OWN = "<style>button[aria-label^='Download as CSV'] { display: none }</style>"


def run(root: str) -> None:
    """Show the chosen page for the chosen day."""
    st.set_page_config("Hub insights", _icon(), layout="wide")
    st.html(NO_CSV_OF_ITS_OWN)
    pages = {
        name: st.Page(
            page,
            title=title,
            icon=f":material/{icon}:",
            url_path=name,
            default=name == "overview",
            visibility="hidden" if name == "model" else "visible",
        )
        for name, (page, title, icon) in PAGES.items()
    }
    st.session_state["lake"], st.session_state["pages"] = root, pages
    chosen = st.navigation(list(pages.values()), position="top")
    if _day():
        chosen.run()
    else:
        heading("Nothing is stored yet", f"{root} has no day of `models`.")
        st.markdown("Run `hf-assets demo`, or materialise `models` in the Dagster UI.")


def _day() -> bool:
    """The choice of the day, in the sidebar; False in an empty lake."""
    reader = lake_reader()
    days, flags = reader.days(), reader.flags()
    if not days:
        return False
    asked = st.query_params.get("day", st.session_state.get("day"))
    first = asked if asked in days else reader.newest()

    def said(day: str) -> str:
        return f"{day} ({', '.join(flags[day])})" if flags.get(day) else day

    with st.sidebar:
        st.session_state["day"] = st.selectbox(
            "Day", days, index=days.index(first or days[0]), format_func=said, key="chosen day"
        )
        st.caption(f"{plural(len(days), 'day')} stored. Not trusted, or missing: {len(flags)}.")
    return True


def _icon() -> Image.Image:
    """Three bars. Streamlit would fetch a named icon from another machine."""
    icon = Image.new("RGBA", (32, 32))
    draw = ImageDraw.Draw(icon)
    for left, top in ((4, 18), (13, 10), (22, 3)):
        draw.rectangle((left, top, left + 6, 29), fill=charts.BLUE)
    return icon


run(sys.argv[1])
