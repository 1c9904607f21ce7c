"""What a past day consists of, and how much of it is stored."""

import os
from collections.abc import Sequence
from pathlib import Path

# The file by which each part of a past day is complete.
PARTS = {
    "raw_models": "capture.json",
    "raw_spaces": "capture.json",
    **dict.fromkeys(
        (
            *("models", "enriched_spaces", "top_models", "model_usage"),
            *("daily_metrics", "daily_changes"),
        ),
        "data.parquet",
    ),
}
LISTINGS = ("raw_models", "raw_spaces")


def parts_written(data: Path, days: Sequence[str], since: float) -> int:
    """Parts of those days that are stored: captures of any time, tables since the run began.

    Args:
        data: root of the lake.
        days: partition keys.
        since: when the run began, seconds since the epoch.
    """
    count = 0
    for asset, name in PARTS.items():
        for day in days:
            try:
                written = os.stat(f"{data}/{asset}/day={day}/{name}").st_mtime
            except OSError:
                continue
            # A day that was captured before is not captured again.
            count += asset in LISTINGS or written >= since
    return count
