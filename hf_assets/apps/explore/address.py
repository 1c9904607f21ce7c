"""The address of a page decides what it shows: day, search, filters, order, subject.

Each widget here takes its value from the address and writes it back, so that a reload keeps it,
Back undoes it, and a copied address shows the same. Streamlit's own `bind="query-params"` writes
what is shown ("downloads, 30 days") in place of the value, and silently removes a value it does
not know: a day that is not stored would show another day.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import streamlit as st

from hf_assets.apps.index.query import LONGEST_SEARCH, MOST_VALUES

# The pages by their name in the address, with the title in the menu; those without one are reached
# by links.
TITLES = {
    "overview": "Overview",
    "models": "Models",
    "model": "",
    "new": "New and trending",
    "categories": "Categories",
    "category": "",
    "authors": "Authors",
    "author": "",
    "spaces": "Spaces",
    "compare": "Compare",
    "trends": "Trends",
    "data": "Data",
}
HUB = "https://huggingface.co"
# The parts of the Hub's addresses before a name.
_KINDS = {"model": "", "author": "", "space": "spaces/", "dataset": "datasets/"}
_SPAN = re.compile(r"([0-9-]*)\.\.([0-9-]*)")
# Larger numbers are none in a browser.
_DIGITS = 15
_FIRST, _LAST = date(2000, 1, 1), date(2100, 1, 1)
Bound = TypeVar("Bound", int, date)


@dataclass(frozen=True)
class Field:
    """A part of the address, and the text of what its widgets hold.

    Args:
        keys: of its widgets, in the session's state.
        texts: from their values to the values in the address; none where it is left out.
        clears: other parts of the address that a change of this one takes away.
    """

    keys: tuple[str, ...]
    texts: Callable[..., list[str]]
    clears: tuple[str, ...] = ()


def begin() -> None:
    """Forget the widgets of the run before; here is the place of notices."""
    st.session_state["fields"] = {}
    st.session_state["notices"] = st.container()


# --- links ---------------------------------------------------------------------------------------


def link(page: str, /, **parts: str | Sequence[str] | None) -> str:
    """The relative address of a page; it keeps the day of the current address.

    Args:
        page: its name; "overview" is the root.
        parts: of the address, several values for a repeated part; None leaves it out, and
            without a `day` it is the newest.
    """
    wanted = {"day": asked_day(), **parts}
    query = _query({name: value for name, value in wanted.items() if value})
    # Relative: the pages may be behind a proxy, under a path.
    return ("./" if page == "overview" else page) + (f"?{query}" if query else "")


def here(**changed: str | Sequence[str] | None) -> str:
    """The current page's address with some parts changed; None removes a part."""
    parts: dict[str, Any] = {name: st.query_params.get_all(name) for name in st.query_params}
    parts |= changed
    return "?" + _query({name: value for name, value in parts.items() if value})


def _query(parts: dict[str, Any]) -> str:
    return urlencode(parts, doseq=True, quote_via=quote, safe="/:")


def on_the_hub(kind: str, name: str) -> str:
    """The Hub's page of a model, Space, dataset or author."""
    return f"{HUB}/{_KINDS[kind]}{quote(name, safe='/')}"


def asked_day() -> str | None:
    """The day of the address; None stands for the newest."""
    return st.query_params.get("day") or None


def asked(name: str) -> str:
    """A part of the address; empty where it is missing."""
    return st.query_params.get(name, "")


def number_of(name: str, default: int, most: int) -> int:
    """A whole number of the address, at most `most`; the default where there is none."""
    text = asked(name)
    return min(int(text), most) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else default


def notice(text: str) -> None:
    """Say what is wrong with the address; the text is no Markdown, as it may be anybody's."""
    st.session_state["notices"].html(f"<p role=alert class=hf-notice>{escape(text)}</p>")


# --- widgets -------------------------------------------------------------------------------------


def text(place: Any, label: str, name: str, **more: Any) -> str:
    """A field of text; of a longer one of the address, the beginning counts, and that is said."""
    value = asked(name)
    if len(value) > LONGEST_SEARCH:
        notice(f"{name} has {len(value)} characters; the first {LONGEST_SEARCH} are used.")
    _prepare(
        name,
        value[:LONGEST_SEARCH],
        lambda value: [value.strip()] if value and value.strip() else [],
    )
    return place.text_input(
        label, key=_key(name), on_change=_write, max_chars=LONGEST_SEARCH, **more
    )


def choice(
    place: Any,
    label: str,
    name: str,
    options: Sequence[str],
    *,
    names: Callable[[str], str] = str,
    radio: bool = False,
    clears: tuple[str, ...] = (),
) -> str:
    """One of several values, the first by default; an unknown one in the address is reported.

    Args:
        place: where it is shown.
        label: what it is called.
        name: the part of the address.
        options: the values.
        names: a value as text.
        radio: all options are shown side by side.
        clears: other parts of the address that a change takes away.
    """
    value = asked(name) or options[0]
    if value not in options:
        notice(f"The address asks for {name} “{value[:80]}”, which is unknown here.")
        value = options[0]
    first = options[0]
    _prepare(name, value, lambda value: [] if value in (None, first) else [value], clears)
    more: dict[str, Any] = {"format_func": names, "key": _key(name), "on_change": _write}
    if radio:
        return place.radio(label, options, horizontal=True, **more)
    return place.selectbox(label, options, **more)


def several(
    place: Any, label: str, name: str, options: Sequence[str], most: int | None = None, **more: Any
) -> tuple[str, ...]:
    """Any number of values; those of the address need not be among the options."""
    most = most or MOST_VALUES
    values = [value for value in dict.fromkeys(st.query_params.get_all(name)) if value]
    if len(values) > most:
        notice(f"The address names {len(values)} of {name}; the first {most} are used.")
        values = values[:most]
    known = list(dict.fromkeys([*options, *values]))
    _prepare(name, values, lambda values: list(values or ()))
    chosen = place.multiselect(
        label, known, key=_key(name), on_change=_write, max_selections=most, **more
    )
    return tuple(chosen)


def counters(place: Any, label: str, name: str) -> tuple[int | None, int | None]:
    """From and to of a counter, both included; None without a bound. `1000..` in the address."""
    low, high = _span(name, _counter)
    _between(name, low, high)
    left, right = place.columns(2)
    more: dict[str, Any] = {"on_change": _write, "min_value": 0, "step": 1}
    return (
        left.number_input(f"{label} from", key=_key(name, "from"), placeholder="any", **more),
        right.number_input(f"{label} to", key=_key(name, "to"), placeholder="any", **more),
    )


def dates(place: Any, label: str, name: str) -> tuple[date | None, date | None]:
    """From and to of a date, both included; None without a bound."""
    low, high = _span(name, _date)
    _between(name, low, high)
    left, right = place.columns(2)
    more: dict[str, Any] = {"on_change": _write, "format": "YYYY-MM-DD"}
    bounds = {"min_value": _FIRST, "max_value": _LAST}
    return (
        left.date_input(f"{label} from", key=_key(name, "from"), **bounds, **more),
        right.date_input(f"{label} to", key=_key(name, "to"), **bounds, **more),
    )


def day(place: Any, label: str, days: Sequence[str], shown: str | None, **more: Any) -> None:
    """The choice of the day. A chosen day stays in the address, the newest day, too."""
    unasked = asked_day() is None
    _prepare("day", shown, lambda value: [] if value is None or (unasked and value == shown)
             else [value])  # fmt: skip
    place.selectbox(label, days, key=_key("day"), on_change=_write, **more)


def _span(name: str, read: Callable[[str], Bound | None]) -> tuple[Bound | None, Bound | None]:
    """Both bounds of the address; what cannot be read is reported, and no bound."""
    value = asked(name)
    if not value:
        return None, None
    try:
        match = _SPAN.fullmatch(value)
        if match is None:
            raise ValueError(value)
        low, high = (read(text) if text else None for text in match.groups())
        return low, high
    except ValueError:
        notice(f"The address asks for {name} “{value[:80]}”: write it as from..to.")
        return None, None


def _counter(text: str) -> int:
    if not text.isdecimal() or len(text) > _DIGITS:
        raise ValueError(text)
    return int(text)


def _date(text: str) -> date:
    found = date.fromisoformat(text)
    if not _FIRST <= found <= _LAST:
        raise ValueError(text)
    return found


def _between(name: str, low: Any, high: Any) -> None:
    st.session_state[_key(name, "from")], st.session_state[_key(name, "to")] = low, high
    keys = (_key(name, "from"), _key(name, "to"))
    st.session_state["fields"][name] = Field(keys, _as_span)


def _as_span(low: Any, high: Any) -> list[str]:
    said = ["" if value is None else str(value) for value in (low, high)]
    return ["..".join(said)] if any(said) else []


def _prepare(
    name: str, value: Any, texts: Callable[[Any], list[str]], clears: tuple[str, ...] = ()
) -> None:
    """Give a widget the address's value, and remember how to write it back."""
    st.session_state[_key(name)] = value
    st.session_state["fields"][name] = Field((_key(name),), texts, clears)


def _key(name: str, part: str = "") -> str:
    return f"address {name} {part}".strip()


def _write() -> None:
    """Write what all widgets hold to the address, in one step: one step of Back undoes it."""
    parts: dict[str, Any] = {name: st.query_params.get_all(name) for name in st.query_params}
    # A new selection begins at its first row.
    cleared = {"rows"}
    for name, field in st.session_state["fields"].items():
        if not all(key in st.session_state for key in field.keys):
            continue
        written = field.texts(*(st.session_state[key] for key in field.keys))
        if written != parts.get(name, []):
            cleared.update(field.clears)
        parts[name] = written
    parts |= dict.fromkeys(cleared)
    parts = {name: value for name, value in parts.items() if value}
    st.query_params.from_dict(parts)
