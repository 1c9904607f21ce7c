"""How much of a run is done: parts of past days in the lake, or steps in its log."""

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.hub.capture_store.watching import WatchedCapture
from hf_assets.object_store.local import local_root
from hf_assets.object_store.path import LakePath
from hf_assets.storage.lake import Lake

# Of every day; days of earlier versions, and of some archives, have no `hub_datasets`.
TABLES = (
    *("models", "enriched_spaces", "top_models", "model_usage", "families"),
    *("uses", "used_by"),
    *("daily_metrics", "daily_changes"),
)
# Days of earlier versions lack these; without pages they stay so.
LATER_TABLES = ("families", "uses", "used_by")
# So many rows of a listing take about as long as a step that derives something.
ROWS_A_STEP = 10_000
# Rows a model on the Hub, for a first capture: a listing's own count comes with its first page.
ROWS_A_MODEL = {"raw_models": 1.0, "raw_spaces": 0.4, "raw_datasets": 0.4}

# What Dagster and `LakeResource` write of a run's steps.
_STEPS = re.compile(r"This run has (\d+) step")
_BEGUN = re.compile(r' - STEP_START - Started execution of step "(.+?)"')
_DONE = re.compile(r" - (.+?) - STEP_(?:SUCCESS|FAILURE|SKIPPED) - ")


@dataclass(frozen=True)
class Look:
    """How far a run is: so much of a total, which may be unknown yet; and what it does now."""

    done: float
    total: float | None
    now: str = ""


def lacking_tables(lake: Lake, days: Collection[str], store: CaptureStore) -> set[str]:
    """Those of some days that lack a table, without days of earlier versions that have no pages.

    Args:
        lake: the lake.
        days: partition keys, captured ones.
        store: of `raw_models`, which tells whose pages were deleted.
    """
    bare = {*days} - set.intersection(*({*lake.days(table)} for table in TABLES))
    earlier = [table for table in TABLES if table not in LATER_TABLES]
    made = bare & set.intersection(*({*lake.days(table)} for table in earlier))
    captures = store.complete_each(made)
    return bare - {day for day, one in captures.items() if one and one.pages_dropped}


def parts_written(data: Path, days: Sequence[str], since: float) -> int:
    """Stored parts of those days: captures of any time, tables since the run began.

    Args:
        data: root of the lake.
        days: partition keys.
        since: when the run began, seconds since the epoch.
    """
    # A day that was captured before is not captured again.
    stores = [CaptureStore(Lake(data), asset) for asset in RAW]
    count = sum(len({*store.days()} & {*days}) for store in stores)
    for table in TABLES:
        for day in days:
            try:
                written = os.stat(f"{data}/{table}/day={day}/data.parquet").st_mtime
            except OSError:
                continue
            count += written >= since
    return count


@dataclass
class StepsInLog:
    """The steps of a run, in its growing log.

    Args:
        log: the file; what it holds now is of earlier runs.
    """

    log: Path
    total: int | None = None
    done: set[str] = field(default_factory=set)
    now: str = ""
    _offset: int = 0

    def __post_init__(self) -> None:
        self._offset = self.log.stat().st_size if self.log.exists() else 0

    def look(self) -> None:
        """Read what is new; a torn last line waits."""
        if not self.log.exists():
            return
        with self.log.open("rb") as log:
            log.seek(self._offset)
            complete, end, _torn = log.read().rpartition(b"\n")
        self._offset += len(complete) + len(end)
        for line in complete.decode(errors="replace").split("\n"):
            if match := _BEGUN.search(line):
                self.now = match[1]
            elif match := _DONE.search(line):
                self.done.add(match[1].rpartition(" - ")[2])
            elif match := _STEPS.search(line):
                self.total = int(match[1])


class RunParts:
    """Looks at a run again and again.

    Args:
        data: root of the lake that it writes to.
        log: the file that takes its output.
        since: when it began, seconds since the epoch.
        days: the past days that it makes.
        today: the day whose listings it captures; "" for none.
    """

    def __init__(
        self, data: LakePath, log: Path, since: float, days: Sequence[str] = (), today: str = ""
    ) -> None:
        self._since, self._steps, lake = since, StepsInLog(log), Lake(data)
        self._data = local_root(data)
        if self._data is None:
            # A look at a store is a request for each table and day: the log alone tells.
            days, today = (), ""
        self._days = days
        self._captures = {
            asset: WatchedCapture(CaptureStore(lake, asset), today)
            for asset in (RAW if today else ())
        }

    def look(self) -> Look:
        """How far it is."""
        steps = self._steps
        steps.look()
        if self._days and self._data:
            parts = len(self._days) * len(RAW + TABLES)
            done = min(parts_written(self._data, self._days, self._since), parts)
            return Look(done, parts, steps.now)
        done, total, now = float(len(steps.done)), steps.total, steps.now
        under_way: list[tuple[int, int | None]] = []
        models: int | None = None
        for asset, capture in self._captures.items():
            rows, all_rows = capture.look()
            if all_rows is None and models:
                all_rows = round(ROWS_A_MODEL[asset] * models)
            models = models or all_rows
            if all_rows is None:
                total = None
                weight = 1.0
            else:
                weight = max(1.0, all_rows / ROWS_A_STEP)
                total = total and total - 1 + weight
            if asset in steps.done:
                done += weight - 1
                continue
            # One step may capture the listings of the others, too: their own have little left.
            work = weight if steps.now == asset else weight - 1
            done += work * min(rows / all_rows, 1) if all_rows else 0
            if steps.now == asset or (rows and rows != all_rows):
                under_way.append((rows, all_rows))
        if now in self._captures:
            name = now if len(under_way) == 1 else f"{len(under_way)} listings"
            rows = sum(rows for rows, _ in under_way)
            known = [count for _, count in under_way if count]
            of_all = f" of {sum(known):,}" if len(known) == len(under_way) else ""
            now = f"{name}: {rows:,}{of_all} rows"
        return Look(done, total, now)
