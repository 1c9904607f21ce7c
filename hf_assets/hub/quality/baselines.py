"""Baseline days: which earlier day a day is compared with, and whether the day is partial.

The same rule serves captures, before tables are made of them, and stored days of models.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TypeVar

from hf_assets.storage.lake import iso
from hf_assets.storage.records import CaptureProvenance

# Share of the expected rows under which a listing broke off (hub-stats, 2025-11-24: 289 K of
# 1.13 M).
PARTIAL = 0.5
# The first day of a scope has no earlier one: the median of so many days after it, within a month,
# is expected. The Hub takes a year to double.
FOLLOWING = 7
SOON = timedelta(days=31)
# Stored days that are read first to find the last complete one: reading a day costs a file.
LOOK_BACK = 30

T = TypeVar("T")

# Scopes: only days of equal scope can be compared.
WHOLE_HUB, FOLDER, LIMITED = "the whole Hub", "the lists of a folder", "a limited capture"


@dataclass(frozen=True)
class DaySize:
    """Scope and size of a day of one listing.

    Args:
        day: the partition key.
        scope: WHOLE_HUB, FOLDER or LIMITED.
        rows: without duplicates.
        absent: the source has no rows of this kind, so that none are missing.
        complete: False: the day cannot be a baseline.
    """

    day: str
    scope: str
    rows: int
    absent: bool = False
    complete: bool = True


@dataclass(frozen=True)
class Baseline:
    """The earlier day that a day is compared with.

    Args:
        day: the last complete day of the same scope, if any.
        expected_rows: of that day; without one, of the days that follow; else None.
        partial: the compared day has under half of the expected rows.
    """

    day: str | None
    expected_rows: int | None
    partial: bool


def day_size(day: str, capture: CaptureProvenance, rows: int) -> DaySize:
    """The size of a day.

    Args:
        day: the partition key.
        capture: of the listing.
        rows: without duplicates.
    """
    limited = LIMITED if capture.limited else WHOLE_HUB
    scope = FOLDER if capture.source == "folder" else limited
    return DaySize(day, scope, rows, absent=bool(capture.absent_kind))


def baselines(sizes: Iterable[DaySize]) -> dict[str, Baseline]:
    """The baseline of each day: the last complete day before it of the same scope.

    A day of under half the rows of its baseline is partial, and is no baseline itself: it would let
    a second partial day pass. The first day of a scope is measured by the days that follow it. A
    limited capture is never partial.

    Args:
        sizes: oldest first.
    """
    days = list(sizes)
    last_complete: dict[str, DaySize] = {}
    results: dict[str, Baseline] = {}
    for index, size in enumerate(days):
        last = last_complete.get(size.scope)
        expected = last.rows if last else _rows_of_following_days(days, index)
        short = expected is not None and size.rows < PARTIAL * expected
        partial = short and not size.absent and size.scope != LIMITED
        results[size.day] = Baseline(last.day if last and size.rows else None, expected, partial)
        if size.rows and size.complete and not partial:
            last_complete[size.scope] = size
    return results


def baseline_among(count: int, index: int, size: Callable[[int], DaySize]) -> Baseline:
    """The baseline of one stored day; it does not depend on which other days are asked for.

    Args:
        count: how many days are stored.
        index: of that day, oldest first.
        size: of the day of an index; called for as few days as possible.
    """
    look_back = LOOK_BACK
    while True:
        begin = max(index - look_back, 0)
        # A few days after it as well: they measure a day that is the first of its scope.
        near = [size(at) for at in range(begin, min(index + 1 + FOLLOWING, count))]
        day = near[index - begin]
        baseline = baselines(near)[day.day]
        if not begin or baseline.day or not day.rows:
            return baseline
        look_back *= 4


def _rows_of_following_days(sizes: Sequence[DaySize], index: int) -> int | None:
    """The median rows of the days after one; None without such days."""
    first, rows = sizes[index], []
    for size in sizes[index + 1 :]:
        if iso(size.day) - iso(first.day) > SOON or len(rows) == FOLLOWING:
            break
        if size.scope == first.scope and size.rows and size.complete:
            rows.append(size.rows)
    return int(median(rows)) if rows else None


def last_alike(
    days: Sequence[str], day: str, read: Callable[[str], T], alike: Callable[[T, T], bool]
) -> T | None:
    """The last day before a day that is like it, among the 30 stored days before it.

    Sources differ in columns and in nulls by construction: a step from an archived day to a
    captured one says nothing about the Hub.

    Args:
        days: the stored days, oldest first.
        day: the partition key.
        read: the day of a key.
        alike: whether the day can be compared with an earlier one, in that order.
    """
    at = bisect_left(days, day)
    now = read(day)
    earlier = (read(key) for key in reversed(days[max(at - LOOK_BACK, 0) : at]))
    return next((one for one in earlier if alike(now, one)), None)
