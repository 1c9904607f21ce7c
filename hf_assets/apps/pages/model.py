"""The page of a model: its numbers, history, rank, Spaces, base models and derivatives."""

from typing import Any

import polars as pl
import streamlit as st

from hf_assets.apps.explore import address
from hf_assets.apps.explore.components import (
    GENERATED,
    counted,
    drawn,
    figures,
    heading,
    lake_reader,
    links,
    model_list,
    moved,
    origin,
    section,
    shown_day,
    thin_notice,
    traced,
)
from hf_assets.apps.explore.histories import of_model
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.explore.renamed import OtherName, other_name
from hf_assets.apps.explore.tables import FIRST_ROWS, NONE, hub_link, listed
from hf_assets.apps.index.renames import TABLE
from hf_assets.charts.numbers import exact
from hf_assets.storage.lake import iso


def model() -> None:
    """The model of the address; an unknown or missing one is said to be so."""
    reader, day = lake_reader(), shown_day()
    name = address.asked("id")
    row = reader.model(day, name) if name else None
    if row is None:
        _no_such_model(reader, day, name)
        return
    about = (row["category"], row["library"], row["license"])
    heading(
        name,
        " · ".join(part for part in about if part) + f" · on {day}",
        of="model",
        links=hub_link("model", name),
    )
    _ways(name, row)
    thin_notice(reader.table("models", day))
    _numbers(reader, day, row)
    _history(reader, day, row)
    _family(reader, day, row)
    _usage(reader, day, name)


def _no_such_model(reader: LakeReader, day: str, name: str) -> None:
    if not name:
        heading("No model chosen", "The address names no model.", of="model")
        links((address.link("models"), "All models"))
        return
    other = other_name(reader, day, name)
    renamed = isinstance(other, OtherName)
    said = f"There is no such model on {day}.{f' {other.text}' if renamed else ''}"
    heading(name, said, of="no such model")
    words, seen = name.rpartition("/")[2], reader.listed_between(name)
    others = [
        (address.link("models", search=words), f"Search for {words[:60]}"),
        (address.link("models"), "All models"),
    ]
    if renamed:
        on = {} if other.day == day else {"day": other.day}
        links((address.link("model", id=other.id, **on), f"The page of {other.id}"), *others)
        traced((TABLE, None))
        return
    if seen:
        first, last = (day.isoformat() for day in seen)
        st.info(f"Stored days list it from {first} to {last}.")
        links((address.link("model", id=name, day=last), f"Its page on {last}"), *others)
        traced(("model_phases", None))
        return
    if other == "unread":
        st.info("The names that models had before are being read: reload in a minute.")
    st.info("It may have another name on that day, or none yet: choose another day or model.")
    links(*others)


def _ways(name: str, row: dict[str, Any]) -> None:
    """To its author, its category, and a comparison."""
    ways = [(address.link("compare", item=[name]), "Compare")]
    if row["author"]:
        ways.append((address.link("author", id=row["author"]), f"By {row['author']}"))
    if row["category"]:
        ways.append((address.link("category", id=row["category"]), row["category"]))
    ways.append((address.link("models", base_model=[name]), "Made from it"))
    links(*ways)


def _numbers(reader: LakeReader, day: str, row: dict[str, Any]) -> None:
    place = reader.rank_in_category(day, row)
    said = f"{exact(place[0])} of {exact(place[1])}" if place else NONE
    phase = reader.phase(row)
    figures(
        [
            ("Downloads, 30 days", row["downloads"]),
            ("Downloads, all time", row["downloads_all_time"]),
            ("Likes", row["likes"]),
            ("Parameters", row["parameters"]),
            ("Rank in its category", said),
            ("Phase", phase["phase"] if phase and phase["phase"] else NONE),
        ]
    )
    created = row["created_at"]
    dated = f"{created:%Y-%m-%d}" if created else "on an unknown day"
    dated = "on or before 2022-03-02" if row["floor_dated"] else dated
    st.caption(f"Created {dated}; gated: {row['gated'] or 'unknown'}.")
    if GENERATED in origin(reader.table("models", day)):
        st.caption("A generated name: the Hub has no such model.")
    traced(("models", day), *([("model_phases", None)] if phase else []))


def _history(reader: LakeReader, day: str, row: dict[str, Any]) -> None:
    section("Over time")
    past = of_model(reader, row)
    if past is None:
        wanted = st.button(
            "Look it up on every stored day",
            help="Without model_days, this reads every stored day.",
        )
        if not wanted:
            st.info(
                "Its days are in no series: materialise *model_days* to have those of every model."
            )
            return
        with st.spinner("Reading every stored day …"):
            past = of_model(reader, row, dear=True)
    if past is None or past.rows.height < 2:
        st.info("This model is stored on one day only: a history needs two.")
        return
    flagged = list(reader.flags())
    left, right = st.columns(2)
    drawn(left, past.rows, "downloads", "downloads in 30 days", flagged=flagged)
    drawn(right, past.rows, "likes", "likes", flagged=flagged)
    now = past.rows.filter(pl.col("day") == iso(day))
    if "growth_7" in past.rows.columns and now.height:
        moved({"in 7 days": now["growth_7"][0], "in 28 days": now["growth_28"][0]}, day)
    traced((past.asset, None))


def _family(reader: LakeReader, day: str, row: dict[str, Any]) -> None:
    bases = pl.DataFrame(row["base_models"] or [], schema={"id": pl.String, "relation": pl.String})
    made = reader.derivatives(day, row["id"], FIRST_ROWS)
    if bases.height:
        section("Made from")
        model_list(bases, "Base models")
    if made.total:
        section("Made from it")
        st.caption(counted(made, "model", "models"))
        model_list(made.rows, "Derivatives")
    if bases.height or made.total:
        traced(("models", day))


def _usage(reader: LakeReader, day: str, name: str) -> None:
    section("Spaces that use it")
    found = reader.spaces_using(day, name, FIRST_ROWS)
    if found.total:
        st.caption(counted(found, "Space", "Spaces"))
        listed(found.rows, "Spaces that use it", names="spaces", keep=("likes",))
    else:
        st.caption("None on that day.")
    traced(("enriched_spaces", day))
