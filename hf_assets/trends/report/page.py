"""The insights as a page without scripts that sends no request of its own.

The template escapes every text of the Hub.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from hf_assets.charts.axes import day_name
from hf_assets.charts.numbers import exact, human, plural
from hf_assets.charts.wording import clean
from hf_assets.storage.lake import Lake
from hf_assets.trends.figures.day.snapshot import Snapshot, snapshot_of
from hf_assets.trends.figures.day.space_code import LIMITS, SpaceCode, space_code_of
from hf_assets.trends.figures.history.history import TABLES, History, grown, is_embedded, sources
from hf_assets.trends.figures.history.movers import Mover, Movers
from hf_assets.trends.figures.registry import Data
from hf_assets.trends.report.figures import Image, Picture, pictures
from hf_assets.trends.report.numbers import flagged_days, newest_trusted, numbers
from hf_assets.trends.report.sparks import spark_points

TITLE = "Hugging Face Hub, insights"
HUB = "https://huggingface.co/"
# As the Hub allows them: what came otherwise is no address.
_REPO_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?")
_SPARK_WIDTH, _SPARK_HEIGHT = 120, 22  # px


def write_report(
    history: History, day: Snapshot | None, processes: int = 0, code: SpaceCode | None = None
) -> dict[str, bytes]:
    """The report's files by name: `index.html` and, for a static Space, `README.md`.

    Args:
        history: the series.
        day: the newest trusted day with figures of its own, or None.
        processes: how many draw the figures.
        code: the newest day of Spaces' code, or None.
    """
    data: dict[str, Data] = {"trend": history}
    data |= ({"day": day} if day else {}) | ({"code": code} if code else {})
    drawn = pictures(data, processes)
    return {
        "index.html": _page(history, day, drawn, code).encode("utf-8", "replace"),
        "README.md": _card(history).encode(),
    }


def newest_day(lake: Lake, history: History) -> Snapshot | None:
    """The newest trusted day with aggregates, for the figures of a day."""
    trusted = history.days.filter(history.days["trusted"].fill_null(False))["day"]
    stored = set(lake.days("daily_metrics")) & set(lake.days("model_usage"))
    for day in map(str, trusted[::-1]):
        if day in stored:
            return snapshot_of(lake.read("daily_metrics", day), lake.read("model_usage", day))
    return None


def newest_code(lake: Lake) -> SpaceCode | None:
    """The newest stored day of `space_code`."""
    days = lake.days("space_code")
    return space_code_of(lake.read("space_code", days[-1])) if days else None


def _page(
    history: History,
    day: Snapshot | None,
    drawn: Mapping[str, Sequence[Picture]],
    code: SpaceCode | None = None,
) -> str:
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
        link=_link if _is_public(history) else _no_link,
        trends=drawn.get("trend", []),
        day=day,
        today=drawn.get("day", []),
        code=code,
        of_code=drawn.get("code", []),
        limits=LIMITS,
        flagged=days,
        more=more,
        assets=", ".join(TABLES),
    )


def _card(history: History) -> str:
    """The Space card; its front matter holds our own words and dates only."""
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
    world.filters["human"] = human
    world.filters["grown"] = grown
    world.filters["spark"] = _spark
    return world.get_template(name)


def _image(image: Image) -> str:
    return f"data:image/webp;base64,{base64.b64encode(image.data).decode()}"


def _inert(value: Any) -> str:
    """One line, without control and direction characters; the template escapes it."""
    return clean(str(value), 200) if value else ""


def _is_public(history: History) -> bool:
    """Whether the newest trusted day is of the public Hub, and no embedded one's."""
    trusted = history.days.filter(history.days["trusted"].fill_null(False))
    return not trusted.height or not is_embedded(trusted.row(-1, named=True))


def _link(model: str) -> str:
    """A model's page on the Hub; empty where its name is no repository's."""
    return HUB + model if _REPO_ID.fullmatch(model) else ""


def _no_link(_: str) -> str:
    return ""


def _spark(mover: Mover, movers: Movers) -> list[str]:
    return spark_points(movers.days, mover.past, _SPARK_WIDTH, _SPARK_HEIGHT)
