"""The report's figures: each drawn for a wide page and for a phone, its words beside it.

Not here: the page they stand on (`report.py`).
"""

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import starmap
from multiprocessing import get_context

from matplotlib.figure import Figure

from hf_assets.charts.marks import Drawn, page
from hf_assets.charts.saving import webp
from hf_assets.charts.wording import DPI
from hf_assets.trends.figures.day.render import FIGURES
from hf_assets.trends.figures.day.snapshot import Snapshot
from hf_assets.trends.figures.history.history import History
from hf_assets.trends.figures.history.render import every_figure

WIDE, NARROW = 1000, 480  # px of the two pages


@dataclass(frozen=True)
class Image:
    """One drawing: WebP bytes, and its size in px of the page."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Picture:
    """A figure and its words; `name` is its anchor."""

    name: str
    title: str
    finding: str
    caption: str
    wide: Image
    narrow: Image


Given = Snapshot | History
_Words = tuple[str, str, str]


def pictures(given: Mapping[str, Given], processes: int = 0) -> dict[str, list[Picture]]:
    """All figures of each day or history, by the name it was given under.

    Args:
        given: a `Snapshot` gets the figures of a day, a `History` those of many.
        processes: how many draw; as many as there are processors by default.
    """
    jobs = [(name, one, width) for name, one in given.items() for width in (WIDE, NARROW)]
    processes = min(processes or os.cpu_count() or 1, len(jobs))
    if processes < 2:
        made = list(starmap(_draw, jobs))
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            made = list(pool.map(_draw, *zip(*jobs, strict=True)))
    found = {}
    for i, name in enumerate(given):
        wide, narrow = made[2 * i], made[2 * i + 1]
        found[name] = [
            Picture(key, *words, image, narrow[key][1]) for key, (words, image) in wide.items()
        ]
    return found


def _draw(name: str, given: Given, width: int) -> dict[str, tuple[_Words, Image]]:
    """Every figure of what is given, by anchor, bare of the words that stand beside it."""
    found = {}
    with page(width):
        if isinstance(given, Snapshot):
            drawn = {key: figure(given) for key, figure in FIGURES.items()}
        else:
            drawn = {key: figure(given) for key, figure in every_figure().items()}
    for key, figure in drawn.items():
        found[f"{name}-{key.replace('_', '-')}"] = (_words(figure), _image(figure))
    return found


def _words(figure: Figure) -> _Words:
    assert isinstance(figure, Drawn), "every figure is drawn on a Sheet"
    return figure.title, figure.finding, figure.caption


def _image(figure: Figure) -> Image:
    width, height = (round(inches * DPI) for inches in figure.get_size_inches())
    return Image(webp(figure), width, height)
