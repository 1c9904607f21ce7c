"""Small lines beside a number: the points of each stretch without a gap."""

import math
from collections.abc import Sequence

from hf_assets.charts.lines import numbers, runs


def spark_points(
    days: Sequence[int], past: Sequence[float | None], width: int, height: int
) -> list[str]:
    """The points of an SVG's `polyline` for each stretch, in px; the scale begins at 0.

    Args:
        days: ordinals, ascending.
        past: a value a day; None where it is unknown.
        width: px, with a margin of 1 on each side.
        height: likewise.
    """
    first, last = days[0], days[-1]
    levels = numbers(past)
    most = max((level for level in levels if 0 < level < math.inf), default=1.0)
    x = [(day - first) / max(last - first, 1) * (width - 2) + 1 for day in days]
    y = height - 1 - (height - 2) * levels / most
    return [
        " ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in range(run.start, run.stop))
        for run in runs(days, past)
    ]
