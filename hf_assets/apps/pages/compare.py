"""The page that draws up to five models, authors, categories, licences or families on one chart."""

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from hf_assets.apps.explore import address
from hf_assets.apps.explore.components import (
    choose_range,
    drawn,
    heading,
    in_range,
    lake_reader,
    shown_day,
    traced,
)
from hf_assets.apps.explore.histories import GROUPS, Past, of_key, of_model
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.explore.renamed import OtherName, other_name
from hf_assets.apps.explore.tables import FIRST_ROWS
from hf_assets.apps.index.query import NONE_GIVEN, ModelQuery
from hf_assets.charts.numbers import plural
from hf_assets.storage.lake import iso

MOST = 5
_KINDS = {
    "model": "models",
    "author": "authors",
    "category": "categories",
    "library": "libraries",
    "license": "licences",
    "family": "families",
}
_METRICS = {
    "downloads": "downloads in 30 days",
    "downloads_all_time": "downloads since creation",
    "likes": "likes",
    "share_downloads": "share of all downloads",
    "rows": "models",
}
_WAYS = {
    "absolute": "as they are",
    "indexed": "indexed: 100 on the first day",
    "release": "aligned at release",
}
# Only these have a day of creation.
_RELEASED = ("model", "family")


def compare() -> None:
    """The chosen items of a kind, by a metric, over a range of days or from their release."""
    reader, day = lake_reader(), shown_day()
    places = st.container(), st.columns(4), st.container()
    kind = address.choice(
        places[1][0], "Compare", "of", list(_KINDS), names=lambda key: _KINDS[key], clears=("item",)
    )
    items = address.several(
        places[2],
        f"Up to five {_KINDS[kind]}",
        "item",
        _offered(reader, day, kind),
        MOST,
        accept_new_options=True,
        placeholder="Type a name, or choose",
    )
    metrics = [name for name in _METRICS if name != "rows" or kind != "model"]
    metric = address.choice(
        places[1][1], "Metric", "metric", metrics, names=lambda name: _METRICS[name]
    )
    ways = [way for way in _WAYS if way != "release" or kind in _RELEASED]
    way = address.choice(places[1][2], "Drawn", "as", ways, names=lambda way: _WAYS[way])
    asked = choose_range(places[1][3])
    with places[0]:
        heading(
            f"{_named(items)} compared" if items else "Compare",
            f"{_KINDS[kind].capitalize()}, by {_METRICS[metric]}",
        )
    if not items:
        st.info("Choose what to compare. The address then has all of it.")
        return
    pasts = {item: _past(reader, day, kind, item) for item in items}
    _draw(reader, {key: past for key, past in pasts.items() if past}, kind, metric, way, asked)


def _named(items: Sequence[str]) -> str:
    """The first two, and how many others: names are long."""
    if len(items) < 3:
        return " and ".join(items)
    return f"{items[0]}, {items[1]} and {plural(len(items) - 2, 'other')}"


def _offered(reader: LakeReader, day: str, kind: str) -> list[str]:
    if kind == "model":
        rows = reader.models(day, ModelQuery(), FIRST_ROWS).rows
        return rows["id"].to_list() if rows.width else []
    if kind != "family":
        return [key for key in reader.choices(day, kind) if key != NONE_GIVEN]
    found = reader.series(GROUPS[kind].asset)
    if found is None:
        return []
    roots = found.filter(pl.col("of") == "family", pl.col("day") == iso(day))
    return roots.sort("downloads", descending=True).select("key").collect()["key"].to_list()


def _past(reader: LakeReader, day: str, kind: str, item: str) -> Past | None:
    """The days of an item; what has none is said to have none."""
    model = reader.model(day, item) if kind in _RELEASED else None
    if kind == "model":
        if model is None:
            other = other_name(reader, day, item)
            more = f" {other.text}" if isinstance(other, OtherName) else ""
            address.notice(f"There is no model {item} on {day}: it is left out.{more}")
            return None
        past = of_model(reader, model)
    else:
        past = of_key(reader, kind, item)
        if past and model and not model["floor_dated"] and model["created_at"]:
            past = Past(past.rows, past.asset, model["created_at"].date())
    if past is None or past.rows.is_empty():
        more = ""
        if kind == "model" and past is None:
            more = " Materialise model_days to have the days of every model."
        address.notice(f"{item} has no stored history: it is left out.{more}")
        return None
    return past


def _draw(
    reader: LakeReader, pasts: dict[str, Past], kind: str, metric: str, way: str, asked: str
) -> None:
    frames = []
    for item, past in pasts.items():
        if metric not in past.rows.columns or past.rows[metric].is_null().all():
            address.notice(f"{item} has no history of its {_METRICS[metric]}: it is left out.")
        elif way == "release" and past.released is None:
            address.notice(f"The day of release of {item} is unknown: it is left out.")
        else:
            rows = past.rows.select(
                "day",
                value=pl.col(metric).cast(pl.Float64),
                which=pl.lit(item),
                age=(pl.col("day") - pl.lit(past.released)).dt.total_days()
                if past.released
                else pl.lit(None, pl.Int64),
            )
            frames.append(rows)
    if not frames:
        return
    rows = _ranged(pl.concat(frames), way, asked)
    if rows.is_empty():
        st.info(f"No stored day of theirs is within {asked} days of their release.")
        return
    more: dict[str, Any] = {"x": "age"} if way == "release" else {"flagged": list(reader.flags())}
    title = _METRICS[metric]
    share = metric == "share_downloads" and way != "indexed"
    if way == "indexed":
        rows = rows.with_columns(pl.col("value") / _first_known().over("which") * 100)
        title = f"{title}, first day = 100"
    pages = {item: _page(kind, item) for item in pasts}
    drawn(st, rows, "value", title, by="which", share=share, links=pages, height=380, **more)
    traced(*((asset, None) for asset in dict.fromkeys(past.asset for past in pasts.values())))


def _ranged(rows: pl.DataFrame, way: str, asked: str) -> pl.DataFrame:
    """The last days; of an alignment, the first days since release."""
    if way != "release":
        return in_range(rows, asked)
    return rows if asked == "all" else rows.filter(pl.col("age") <= int(asked))


def _first_known() -> pl.Expr:
    value = pl.col("value")
    return value.filter(value > 0).sort_by(pl.col("day").filter(value > 0)).first()


def _page(kind: str, item: str) -> str:
    if kind == "model":
        return address.link("model", id=item)
    group = GROUPS[kind]
    return address.link(group.page, **{group.part: item})
