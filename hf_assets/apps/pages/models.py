"""The list of models: search, filters and order, all of them in the address."""

import streamlit as st

from hf_assets.apps.explore import address
from hf_assets.apps.explore.components import (
    counted,
    files,
    heading,
    lake_reader,
    links,
    model_list,
    origin,
    shown_day,
    thin_notice,
    traced,
)
from hf_assets.apps.explore.filters import asked_query
from hf_assets.apps.explore.selections import selection_link
from hf_assets.apps.explore.tables import FIRST_ROWS, MOST_ROWS, more_rows
from hf_assets.apps.index.query import SORTS
from hf_assets.charts.numbers import exact


def models() -> None:
    """Search, filter and sort the models of a day."""
    reader, day = lake_reader(), shown_day()
    heading("Models", f"As listed on {day}", of=day)
    query = asked_query(reader, day)
    first = address.number_of("rows", FIRST_ROWS, MOST_ROWS)
    found = reader.models(day, query, first)
    thin_notice(reader.table("models", day))
    st.caption(counted(found, "model", "models"))
    if found.total:
        # A phone shows the column that orders the rows, too.
        kept = "likes" if query.sort == "downloads" else query.sort
        model_list(found.rows, "Models", sorted_by=query.sort, sorts=SORTS, keep=(kept,))
        more_rows(found.rows.height, found.total)
        if found.total > 1:
            first_five = found.rows["id"].head(5).to_list()
            links((address.link("compare", item=first_five), "Compare the first"))
        files(
            f"All {exact(found.total)} with every column: ",
            {kind: selection_link(day, query, kind.lower()) for kind in ("CSV", "Parquet")},
        )
    else:
        st.info("No model matches. Remove a filter, or search for fewer words.")
    traced(("models", day))
    share = reader.index_share(day)
    if share is not None:
        st.caption(
            f"An index of this day is being made, {share:.0%} is done: soon it answers faster."
        )
    st.caption(f"This day was {origin(reader.table('models', day))}.")
