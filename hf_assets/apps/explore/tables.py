"""Tables of the pages: real tables whose names are links, for a mouse, a keyboard and a reader.

Streamlit draws its tables on a canvas: its links open another tab, and neither Tab nor a phone
reaches a cell. What the Hub serves is escaped; nothing here is Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import Any
from urllib.parse import quote

import polars as pl
import streamlit as st

from hf_assets.apps.explore import address, charts
from hf_assets.apps.index.query import NONE_GIVEN
from hf_assets.charts.numbers import exact, human, percent

NONE = "\N{EN DASH}"
_DOWN = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"
# Rows of a list until more are asked for, and at most.
FIRST_ROWS = 50
MOST_ROWS = 1_000
_SPARK = (96, 22)
Say = Callable[[Any], str]


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


def _share(value: float) -> str:
    return percent(value, 1)


def _day(value: date | datetime) -> str:
    return f"{value:%Y-%m-%d}"


def _texts(values: Any) -> str:
    return ", ".join(values) or NONE


@dataclass(frozen=True)
class Shown:
    """How a column is shown.

    Args:
        title: its heading.
        say: a value as text.
        right: aligned as numbers.
        minor: left out on a phone.
        to: the page of a value, and the part of the address that takes it.
    """

    title: str
    say: Say = str
    right: bool = False
    minor: bool = True
    to: tuple[str, str] | None = None


COLUMNS: dict[str, Shown] = {
    "id": Shown("Name", minor=False),
    "key": Shown("Name", minor=False),
    "category": Shown("Category", to=("category", "id")),
    "library": Shown("Library", to=("models", "library")),
    "license": Shown("Licence", to=("models", "license")),
    "author": Shown("Author", to=("author", "id")),
    "relation": Shown("Relation", minor=False),
    "sdk": Shown("SDK", to=("spaces", "sdk")),
    "stage": Shown("Stage"),
    "hardware": Shown("Hardware"),
    "gated": Shown("Gated"),
    "known": Shown("Listed", lambda value: "yes" if value else "no"),
    "downloads": Shown("Downloads, 30 days", exact, right=True, minor=False),
    "downloads_all_time": Shown("Downloads, all time", exact, right=True),
    "likes": Shown("Likes", exact, right=True),
    "trending_score": Shown("Trending score", lambda value: f"{value:.1f}", right=True),
    "parameters": Shown("Parameters", human, right=True),
    "rows": Shown("Models", exact, right=True),
    "spaces": Shown("Spaces", exact, right=True),
    "authors": Shown("Authors", exact, right=True),
    "n_models": Shown("Models it uses", exact, right=True),
    "n_datasets": Shown("Datasets it uses", exact, right=True),
    "share_downloads": Shown("Share of downloads", _share, right=True),
    "growth_7": Shown("In 7 days", lambda value: change(value) or NONE, right=True, minor=False),
    "growth_28": Shown("In 28 days", lambda value: change(value) or NONE, right=True),
    "created_at": Shown("Created", _day),
    "day": Shown("Day", _day, minor=False),
    "unchanged_share": Shown("Unchanged downloads", _share, right=True),
    "hours": Shown("Hours since the baseline day", lambda value: f"{value:.1f}", right=True),
    "models": Shown("Models", exact, right=True),
    "flags": Shown("Flags", _texts, minor=False),
    "source": Shown("Source"),
    "origin": Shown("From"),
    "trusted": Shown("Trusted", lambda value: "yes" if value else "no", minor=False),
}


def listed(
    rows: pl.DataFrame,
    caption: str,
    *,
    names: str | None = None,
    sorted_by: str = "",
    sorts: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> None:
    """A table with readable column names.

    Args:
        rows: its first column names the row.
        caption: what it lists; read out, not shown.
        names: what the first column has: models, spaces, datasets, categories, authors or days.
        sorted_by: the column that orders the rows.
        sorts: columns whose heading is a link that orders by them.
        keep: columns that a phone shows, too.
    """
    shown = {name: COLUMNS.get(name, Shown(name)) for name in rows.columns if name != "trend"}
    if "trend" in rows.columns:
        shown["trend"] = Shown("Last weeks")
    heads = "".join(
        f"<th scope=col{_classes(column, name in keep)}{_order(name, sorted_by)}>"
        f"{_heading(name, column.title, sorted_by, sorts)}</th>"
        for name, column in shown.items()
    )
    body = "".join(
        "<tr>" + "".join(_cell(name, column, row, names, keep, at == 0)
                         for at, (name, column) in enumerate(shown.items())) + "</tr>"
        for row in rows.iter_rows(named=True)
    )  # fmt: skip
    st.html(
        f"<div class=hf-table><table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def more_rows(shown: int, total: int) -> int:
    """The link to more rows of a list, below it."""
    if shown >= total or shown >= MOST_ROWS:
        return shown
    further = min(shown + 2 * FIRST_ROWS, MOST_ROWS)
    st.html(f"<p>{anchor(address.here(rows=str(further)), 'Show more rows')}</p>")
    return shown


def anchor(href: str, text: str, more: str = "") -> str:
    """A link to another page, or another view of this one, as HTML."""
    return f'<a data-here href="{escape(href)}"{more}>{escape(text)}</a>'


def hub_link(kind: str, name: str, text: str = "\N{NORTH EAST ARROW}") -> str:
    """A link to a name on the Hub, as HTML; it opens another tab."""
    href, said = escape(address.on_the_hub(kind, name)), escape(f"{name} on the Hub")
    return (
        f'<a class=hf-hub href="{href}" target="_blank" rel="noopener noreferrer" '
        f'title="{said}" aria-label="{said}">{escape(text)}</a>'
    )


def named(kind: str, name: str) -> str:
    """A name as HTML: a link to its page here, if it has one, and one to the Hub."""
    pages: Mapping[str, tuple[str, str | None]] = {
        "models": ("model", "model"),
        "authors": ("author", "author"),
        "categories": ("category", None),
        "spaces": ("", "space"),
        "datasets": ("", "dataset"),
    }
    page, hub = pages[kind]
    if not page:
        return hub_link(hub or "", name, name).replace("class=hf-hub", "class=hf-name")
    there = anchor(address.link(page, id=name), name, " class=hf-name")
    # The arrow stays with the end of the name.
    return f"{there}&nbsp;{hub_link(hub, name)}" if hub else there


def _cell(
    name: str,
    column: Shown,
    row: dict[str, Any],
    names: str | None,
    keep: Sequence[str],
    first: bool,
) -> str:
    value = row[name]
    classes = _classes(column, name in keep)
    if name == "trend":
        return f"<td{classes}>{_spark(value)}</td>"
    if first:
        return f"<th scope=row{classes}>{_first(value, names)}</th>"
    if value is None:
        said = NONE
    elif column.to:
        page, part = column.to
        said = anchor(address.link(page, **{part: value}), str(value))
    else:
        said = escape(column.say(value))
    return f"<td{classes}>{said}</td>"


def _first(value: Any, names: str | None) -> str:
    if names is None or value is None:
        return escape(NONE if value is None else _text(value))
    if names == "days":
        return anchor(address.link("overview", day=_text(value)), _text(value))
    if names == "authors" and value == NONE_GIVEN:
        return escape(value)
    return named(names, value)


def _text(value: Any) -> str:
    return _day(value) if isinstance(value, date) else str(value)


def _classes(column: Shown, kept: bool) -> str:
    marks = ["hf-right"] * column.right + ["hf-date"] * (column.say is _day)
    marks += ["hf-minor"] * (column.minor and not kept)
    return f' class="{" ".join(marks)}"' if marks else ""


def _order(name: str, sorted_by: str) -> str:
    return ' aria-sort="descending"' if name == sorted_by else ""


def _heading(name: str, title: str, sorted_by: str, sorts: Sequence[str]) -> str:
    if name == sorted_by:
        return f"{escape(title)} <span aria-hidden=true>{_DOWN}</span>"
    if name in sorts:
        return anchor(address.here(sort=name, rows=None), title)
    return escape(title)


def _spark(values: Sequence[float | None] | None) -> str:
    """A line over the last weeks, as a picture with its first and last value as text.

    What is unknown breaks it.
    """
    shown = values or ()
    known = [float(value) for value in shown if value is not None]
    if len(known) < 2:
        return NONE
    width, height = _SPARK
    top, step = max(*known, 1.0), width / (len(shown) - 1)
    path, moves = "", "M"
    for at, value in enumerate(shown):
        if value is not None:
            path += f"{moves}{at * step:.1f},{(height - 2) * (1 - value / top) + 1:.1f}"
        moves = "M" if value is None else "L"
    picture = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'>"
        f"<path d='{path}' fill='none' stroke='{charts.BLUE}' stroke-width='1.5'/></svg>"
    )
    said = f"from {number(known[0])} to {number(known[-1])}"
    return (
        f'<img alt="{said}" title="{said}" width={width} height={height} '
        f'src="data:image/svg+xml,{quote(picture)}">'
    )
