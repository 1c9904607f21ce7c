"""The page of Spaces."""

from typing import Literal

import streamlit as st

from hf_assets.apps.explore import address, charts
from hf_assets.apps.explore.components import (
    counted,
    heading,
    lake_reader,
    model_list,
    section,
    shown_day,
    thin_notice,
    traced,
)
from hf_assets.apps.explore.tables import FIRST_ROWS, MOST_ROWS, listed, more_rows
from hf_assets.charts.numbers import exact

ANY = "any"
_TITLES: dict[Literal["sdk", "stage", "hardware"], str] = {
    "sdk": "SDK",
    "stage": "Stage of the runtime",
    "hardware": "Hardware",
}


def spaces() -> None:
    """SDKs, stages and hardware of Spaces, the models they use, and a search."""
    reader, day = lake_reader(), shown_day()
    heading("Spaces", f"As listed on {day}", of=day)
    stored = reader.table("enriched_spaces", day)
    if stored is None or not stored.rows:
        st.info("The source of that day has no Spaces: choose another day.")
        return
    thin_notice(stored)
    section("Find a Space")
    left, right = st.columns([3, 1])
    search = address.text(left, "Search by name", "search", placeholder="chat demo")
    kinds = {column: reader.counted(day, column) for column in _TITLES}
    sdk = address.choice(right, "SDK", "sdk", [ANY, *kinds["sdk"]["key"]])
    first = address.number_of("rows", FIRST_ROWS, MOST_ROWS)
    found = reader.spaces(day, search, None if sdk == ANY else sdk, first)
    st.caption(counted(found, "Space", "Spaces"))
    if found.total:
        listed(found.rows, "Spaces", names="spaces", sorted_by="likes", keep=("likes",))
        more_rows(found.rows.height, found.total)
    else:
        st.info("No Space matches. Search for fewer words, or another SDK.")
    traced(("enriched_spaces", day))
    for place, (column, title) in zip(st.columns(3), _TITLES.items(), strict=True):
        with place:
            section(title)
            counts = kinds[column].head(8)
            said = ", ".join(f"{key} {exact(number)}" for key, number in counts.iter_rows())
            st.altair_chart(
                charts.bars(counts, "key", "spaces", "Spaces"), alt=f"Spaces by {title}: {said}"
            )
    traced(("enriched_spaces", day))
    section("Models that Spaces use most")
    used = reader.most_used(day, FIRST_ROWS)
    model_list(used, "Models by the Spaces that use them", keep=("spaces",))
    traced(("model_usage", day))
