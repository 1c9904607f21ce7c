"""All figures of many days, in as many processes as pay."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from hf_assets.charts.saving import Rendered, render
from hf_assets.trends.figures.day import models, spaces
from hf_assets.trends.figures.day.snapshot import FIGURES, Snapshot

# A process takes a second to start and a day of figures two to draw.
WORTH_PROCESSES = 4
# Importing these modules is what fills FIGURES.
SOURCES = (models, spaces)


def draw(snapshot: Snapshot) -> dict[str, Rendered]:
    """Every figure of a day, by name."""
    return {name: render(figure(snapshot)) for name, figure in FIGURES.items()}


def draw_days(snapshots: Sequence[Snapshot]) -> Iterator[dict[str, Rendered]]:
    """The figures of each day, in the same order.

    matplotlib draws from one thread at a time, so many days are shared out to processes; spawned
    ones, as a fork would inherit the locks of polars' threads.
    """
    processes = min(os.cpu_count() or 1, len(snapshots))
    if len(snapshots) < WORTH_PROCESSES or processes < 2:
        yield from map(draw, snapshots)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(draw, snapshots)
