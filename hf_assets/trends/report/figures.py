"""The report's figures: each drawn for a wide page and for a phone, or written as a table."""

import os
from collections.abc import Collection, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import starmap
from multiprocessing import get_context

from matplotlib.figure import Figure

from hf_assets.charts.marks import Drawn, page
from hf_assets.charts.saving import webp
from hf_assets.charts.wording import DPI
from hf_assets.trends.figures.history.history import History
from hf_assets.trends.figures.history.movers import Movers, all_risers, weekly_movers
from hf_assets.trends.figures.registry import Data, drawings

WIDE, NARROW = 1000, 480  # px of the two pages


@dataclass(frozen=True)
class Image:
    """A drawing: WebP bytes, and its size in px of the page."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """A figure with its words: two drawings, or a table where it has `movers`.

    Attributes:
        name: its anchor.
    """

    name: str
    title: str
    finding: str
    caption: str
    wide: Image | None = None
    narrow: Image | None = None
    movers: Movers | None = None


_Words = tuple[str, str, str]


def pictures(data: Mapping[str, Data], processes: int = 0) -> dict[str, list[Picture]]:
    """All figures of each day and history, under the same names.

    Args:
        data: by the prefix of its figures' anchors.
        processes: how many draw; as many as there are processors by default.
    """
    tables = {name: _tables(one) for name, one in data.items()}
    jobs = [(one, width, tuple(tables[name])) for name, one in data.items()
            for width in (WIDE, NARROW)]  # fmt: skip
    processes = min(processes or os.cpu_count() or 1, len(jobs))
    if processes < 2:
        drawn = list(starmap(_draw, jobs))
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            drawn = list(pool.map(_draw, *zip(*jobs, strict=True)))
    return {
        name: [
            _picture(name, key, drawn[2 * i], drawn[2 * i + 1], tables[name])
            for key in drawings(one)
        ]
        for i, (name, one) in enumerate(data.items())
    }


def _tables(data: Data) -> dict[str, Movers]:
    """What a table shows better than a drawing: names in full, with links."""
    if not isinstance(data, History):
        return {}
    found = {name: weekly_movers(data, rising=name == "risers") for name in ("risers", "fallers")}
    found["risers_of_all"] = all_risers(data)
    return {name: movers for name, movers in found.items() if movers.rows}


def _picture(
    prefix: str,
    key: str,
    wide: Mapping[str, tuple[_Words, Image]],
    narrow: Mapping[str, tuple[_Words, Image]],
    tables: Mapping[str, Movers],
) -> Picture:
    anchor = f"{prefix}-{key.replace('_', '-')}"
    if key in tables:
        movers = tables[key]
        return Picture(
            anchor, movers.title, movers.finding(str), " · ".join(movers.caption), movers=movers
        )
    words, image = wide[key]
    return Picture(anchor, *words, image, narrow[key][1])


def _draw(data: Data, width: int, without: Collection[str]) -> dict[str, tuple[_Words, Image]]:
    """The other figures by name, bare of the words that the page has as text."""
    with page(width):
        drawn = {name: make() for name, make in drawings(data).items() if name not in without}
    return {name: (_words(figure), _image(figure)) for name, figure in drawn.items()}


def _words(figure: Figure) -> _Words:
    assert isinstance(figure, Drawn), "every figure is drawn on a Sheet"
    return figure.title, figure.finding, figure.caption


def _image(figure: Figure) -> Image:
    width, height = (round(inches * DPI) for inches in figure.get_size_inches())
    return Image(webp(figure), width, height)
