"""The figures of days and histories as files, drawn in as many processes as pay."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from hf_assets.charts.saving import Rendered, render
from hf_assets.trends.figures.day.snapshot import Snapshot
from hf_assets.trends.figures.registry import Data, drawings

# A process takes a second to start and a day of figures two to draw.
WORTH_PROCESSES = 4


def draw(data: Data) -> dict[str, Rendered]:
    """Every figure of some data, by name."""
    return {name: render(make()) for name, make in drawings(data).items()}


def draw_days(snapshots: Sequence[Snapshot]) -> Iterator[dict[str, Rendered]]:
    """The figures of each day, in the order of the days.

    matplotlib draws from one thread at a time, so processes share the days. They are spawned: a
    fork would inherit the locks of polars' threads.
    """
    processes = min(os.cpu_count() or 1, len(snapshots))
    if len(snapshots) < WORTH_PROCESSES or processes < 2:
        yield from map(draw, snapshots)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(draw, snapshots)
