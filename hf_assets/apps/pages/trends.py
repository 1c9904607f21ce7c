"""The page of series over all stored days: all of them, or one with its metrics."""

from dataclasses import dataclass

import polars as pl
import streamlit as st

from hf_assets.apps.explore import address, charts
from hf_assets.apps.explore.components import (
    choose_range,
    drawn,
    heading,
    in_range,
    lake_reader,
    links,
    section,
    traced,
)
from hf_assets.apps.explore.histories import GROUPS
from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.explore.tables import NONE, listed, number

NO_HISTORY = "There is no history yet: materialise the group *trends/history*."
ALL = "all"
_AGES = (7, 30, 90, 180, 365)
# Keys on a chart; the others are added up where that makes sense.
_LEADING = 7


@dataclass(frozen=True)
class Metric:
    """What a chart of a series measures.

    Args:
        title: with its unit.
        columns: of the series; several are lines of one chart.
        share: parts of a whole.
        adds: the other keys can be added up.
    """

    title: str
    columns: tuple[str, ...]
    share: bool = False
    adds: bool = False


@dataclass(frozen=True)
class Trend:
    """A series, or the part of one that has one kind of key.

    Args:
        title: its heading.
        asset: the series.
        metrics: by their name in the address; the first is the default.
        of: the value of the column `of`; None where there is no such column.
        keyed: one line a key.
        group: of `GROUPS`, where a key has a page.
    """

    title: str
    asset: str
    metrics: dict[str, Metric]
    of: str | None = None
    keyed: bool = True
    group: str = ""


def _one(title: str, column: str, *, share: bool = False, adds: bool = False) -> Metric:
    return Metric(title, (column,), share, adds)


_LEVELS = {
    "share_downloads": _one("share of downloads", "share_downloads", share=True, adds=True),
    "share_rows": _one("share of models", "share_rows", share=True, adds=True),
    "downloads": _one("downloads in 30 days", "downloads", adds=True),
    "rows": _one("models", "rows", adds=True),
    "likes": _one("likes", "likes", adds=True),
    "growth_7": _one("growth in 7 days", "growth_7", share=True),
    "growth_28": _one("growth in 28 days", "growth_28", share=True),
}
# A licence group and a comparison overlap: their sum says nothing.
_PARTS = {name: Metric(one.title, one.columns, one.share) for name, one in _LEVELS.items()}
_TOPS = ("top_1", "top_10", "top_100", "top_1000")
TRENDS = {
    "category": Trend("Categories", "category_history", _LEVELS, group="category"),
    "library": Trend("Libraries", "library_history", _LEVELS, group="library"),
    "license": Trend("Licences", "license_history", _PARTS, of="group"),
    "author": Trend("Authors", "author_history", _PARTS, group="author"),
    "relation": Trend("Relations to a base model", "family_history", _PARTS, of="relation"),
    "family": Trend("Families", "family_history", _PARTS, of="family", group="family"),
    "concentration": Trend(
        "Concentration of downloads",
        "concentration_history",
        {
            "top": Metric("share of downloads", _TOPS, share=True),
            "gini": _one("Gini coefficient", "gini"),
            "effective_number": _one("equal models that would give it", "effective_number"),
            "turnover_7": _one("turnover of the first 100, 7 days", "turnover_7", share=True),
        },
        of="models",
        keyed=False,
    ),
    "lifecycle": Trend(
        "New models a day",
        "lifecycle",
        {
            "created_per_day": _one("new models a day", "created_per_day"),
            "deleted": _one("deleted models", "deleted"),
            "renamed": _one("renamed models", "renamed"),
            "gated": Metric("models", ("gated_on", "gated_off")),
            "models": _one("models", "models"),
        },
        keyed=False,
    ),
    "adoption": Trend("How long models take to a number of downloads", "adoption_history", {}),
    "usage": Trend(
        "Models that Spaces use most",
        "space_usage_history",
        {
            "spaces": _one("Spaces", "spaces"),
            "share": _one("share of all Spaces", "share", share=True),
            "authors": _one("authors of Spaces", "authors"),
        },
        of="model",
        group="model",
    ),
    "datasets": Trend(
        "Datasets by task",
        "dataset_group_history",
        {
            "rows": _one("datasets", "rows"),
            "downloads": _one("downloads in 30 days", "downloads"),
            "share_downloads": _one("share of their downloads", "share_downloads", share=True),
        },
        of="task",
    ),
}


def trends() -> None:
    """All series with their first metric, or the chosen one with the chosen metric."""
    reader = lake_reader()
    head, row = st.container(), st.columns(4)
    series = address.choice(
        row[0], "Series", "series", [ALL, *TRENDS], clears=("metric",),
        names=lambda name: "all" if name == ALL else TRENDS[name].title,
    )  # fmt: skip
    trend = TRENDS.get(series)
    metric = ""
    if trend and trend.metrics:
        names = {name: one.title for name, one in trend.metrics.items()}
        metric = address.choice(
            row[1], "Metric", "metric", list(names), names=lambda name: names[name]
        )
    asked = choose_range(row[2])
    with head:
        heading(
            trend.title if trend else "Trends",
            "Over all stored days; days that are not trusted are shaded",
            of="Trends" if trend else "",
        )
    chosen = {series: trend} if trend else TRENDS
    drawn_here = [_draw(reader, name, one, metric, asked, trend is None)
                  for name, one in chosen.items()]  # fmt: skip
    if not any(drawn_here):
        st.info(NO_HISTORY)


def _draw(
    reader: LakeReader,
    name: str,
    trend: Trend,
    metric: str,
    asked: str,
    among: bool,
) -> bool:
    """Show a series; False where nothing of it is stored."""
    found = reader.series(trend.asset)
    if found is None:
        return False
    rows = found if trend.of is None else found.filter(pl.col("of") == trend.of)
    if not trend.metrics:
        frame = rows.select("milestone", "age", "share").collect()
        if frame.is_empty():
            return False
        section(trend.title)
        _adoption(frame)
        traced((trend.asset, None))
        return True
    measured = trend.metrics[metric or next(iter(trend.metrics))]
    keys = ("key",) if trend.keyed else ()
    frame = rows.select("day", *keys, *measured.columns).collect()
    # Archived days without creation dates have no new models to show.
    if frame.select(pl.all_horizontal(pl.col(measured.columns).is_null()).all()).item():
        return False
    if among:
        section(trend.title)
    _lines(reader, trend, measured, in_range(frame, asked))
    if among:
        links((address.here(series=name), f"{trend.title}: metrics"))
    traced((trend.asset, None))
    return True


def _lines(reader: LakeReader, trend: Trend, metric: Metric, frame: pl.DataFrame) -> None:
    flagged, by = list(reader.flags()), None
    column, pages = metric.columns[0], {}
    if trend.keyed:
        by = "key"
        frame = charts.leading(frame, "key", column, most=_LEADING, rest=metric.adds)
        pages = {key: _page(trend.group, key) for key in frame["key"].unique()}
    elif len(metric.columns) > 1:
        by, column = "which", "value"
        frame = frame.unpivot(index="day", variable_name=by, value_name=column)
        named = pl.col(by).str.replace("top_", "first ").str.replace("_", " ")
        frame = frame.with_columns(named)
    drawn(
        st, frame.sort("day", maintain_order=True) if by is None else frame, column, metric.title,
        by=by, share=metric.share, flagged=flagged,
        links={key: page for key, page in pages.items() if page},
    )  # fmt: skip


def _page(group: str, key: str) -> str:
    if key in (charts.OTHER, "none given"):
        return ""
    if group == "model":
        return address.link("model", id=key)
    if group not in GROUPS:
        return ""
    return address.link(GROUPS[group].page, **{GROUPS[group].part: key})


def _adoption(frame: pl.DataFrame) -> None:
    listed(_reached(frame), "Share of models that reached a number of downloads", keep=_COLUMNS)
    st.caption(
        "Kaplan-Meier, or Turnbull where captures are days apart; models that have not reached a "
        "milestone yet are censored."
    )


_COLUMNS = tuple(f"after {age} days" for age in _AGES)


def _reached(frame: pl.DataFrame) -> pl.DataFrame:
    """Share of models that reached each milestone, at some ages, in percent."""
    rows = []
    for milestone, curve in frame.sort("age").group_by("milestone", maintain_order=True):
        row: dict[str, object] = {"Downloads": number(float(str(milestone[0])))}
        for age, column in zip(_AGES, _COLUMNS, strict=True):
            known = curve.filter(pl.col("age") <= age)
            seen = curve["age"].max()
            enough = isinstance(seen, int) and seen >= age and known.height
            row[column] = f"{known['share'][-1]:.2%}" if enough else NONE
        rows.append(row)
    return pl.DataFrame(rows)
