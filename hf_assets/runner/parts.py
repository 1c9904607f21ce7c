"""The parts of a past day, and how many of them are stored."""

import os
from collections.abc import Sequence
from pathlib import Path

from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.storage.lake import Lake

LISTINGS = ("raw_models", "raw_spaces")
TABLES = (
    *("models", "enriched_spaces", "top_models", "model_usage"),
    *("daily_metrics", "daily_changes"),
)


def parts_written(data: Path, days: Sequence[str], since: float) -> int:
    """Stored parts of those days: captures of any time, tables since the run began.

    Args:
        data: root of the lake.
        days: partition keys.
        since: when the run began, seconds since the epoch.
    """
    # A day that was captured before is not captured again.
    stores = [CaptureStore(Lake(data), asset) for asset in LISTINGS]
    count = sum(len({*store.days()} & {*days}) for store in stores)
    for table in TABLES:
        for day in days:
            try:
                written = os.stat(f"{data}/{table}/day={day}/data.parquet").st_mtime
            except OSError:
                continue
            count += written >= since
    return count
