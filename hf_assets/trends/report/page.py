"""The insights as one page: no request leaves it, no script is on it.

What belongs here: what stands where on the page. What does not: its numbers (`report_numbers.py`)
and its figures (`report_figures.py`). Everything that came from the Hub is escaped by the template.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from hf_assets.charts.axes import day_name
from hf_assets.charts.wording import clean, exact, plural
from hf_assets.storage.lake import Lake
from hf_assets.trends.figures.day.snapshot import Snapshot, snapshot_of
from hf_assets.trends.figures.history.history import TABLES, History, sources
from hf_assets.trends.report.figures import Image, Picture, pictures
from hf_assets.trends.report.numbers import flagged_days, newest_trusted, numbers

TITLE = "Hugging Face Hub, insights"


def write_report(history: History, day: Snapshot | None, processes: int = 0) -> dict[str, bytes]:
    """The report's files by name: `index.html` and, for a static Space, `README.md`.

    Args:
        history: the series.
        day: the newest trusted day with figures of its own, if there is one.
        processes: how many draw the figures.
    """
    given = {"trend": history} | ({"day": day} if day else {})
    drawn = pictures(given, processes)
    return {
        "index.html": _page(history, day, drawn).encode("utf-8", "replace"),
        "README.md": _card(history).encode(),
    }


def newest_day(lake: Lake, history: History) -> Snapshot | None:
    """The newest trusted day whose aggregates are there, for the figures of a day."""
    trusted = history.days.filter(history.days["trusted"].fill_null(False))["day"]
    known = set(lake.days("daily_metrics")) & set(lake.days("model_usage"))
    for day in map(str, trusted[::-1]):
        if day in known:
            return snapshot_of(lake.read("daily_metrics", day), lake.read("model_usage", day))
    return None


def _page(history: History, day: Snapshot | None, drawn: Mapping[str, Sequence[Picture]]) -> str:
    style = _source("style.css")
    days, more = flagged_days(history)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _template("index.html.jinja").render(
        title=TITLE,
        style=style,
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'",
        span=_span(history),
        sources=sources(history.days.to_dicts()),
        newest=day_name(newest) if (newest := newest_trusted(history)) else "",
        numbers=numbers(history),
        trends=drawn.get("trend", []),
        day=day,
        today=drawn.get("day", []),
        flagged=days,
        more=more,
        assets=", ".join(TABLES),
    )


def _card(history: History) -> str:
    """The Space card; only words of ours and dates stand in its front matter."""
    return _template("README.md.jinja").render(title=TITLE, span=_span(history))


def _span(history: History) -> str:
    """Such as "27 Sep 2026 to 25 Nov 2026, 58 days"."""
    there = history.days.filter(~history.days["gap"].fill_null(False))["day"]
    if not len(there):
        return "no day yet"
    first, last = day_name(there[0]), day_name(there[-1])
    counted = plural(len(there), "day", number=exact)
    return f"{first}, {counted}" if first == last else f"{first} to {last}, {counted}"


def _source(name: str) -> str:
    return files("hf_assets.trends.report").joinpath(name).read_text("utf-8")


def _template(name: str) -> jinja2.Template:
    world = jinja2.Environment(
        autoescape=name.startswith("index"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_source),
    )
    world.filters["image"] = _image
    world.filters["clean"] = _inert
    return world.get_template(name)


def _image(image: Image) -> str:
    return f"data:image/webp;base64,{base64.b64encode(image.data).decode()}"


def _inert(value: Any) -> str:
    """One line, without control and direction characters; the template escapes it."""
    return clean(str(value), 200) if value else ""
