"""How much each day covers, which day before it can be beside it, and whether it broke off.

One rule for captures, before anything is made of them, and for stored days of models.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from hf_assets.storage.lake import iso

# A listing that gives under half of the rows that are usual broke off (hub-stats, 2025-11-24:
# 289 K of 1.13 M).
PARTIAL = 0.5
# The first of its kind has no day before it: so many that follow, within a month, tell what is
# usual. The Hub takes a year to double.
FOLLOWING = 7
SOON = timedelta(days=31)
# Stored days that are looked at first to find the last whole one: a day costs what a day costs.
LOOK_BACK = 30

# What can be compared: a list that somebody kept says nothing of the whole Hub, nor does a part.
WHOLE_HUB, FOLDER, LIMITED = "the whole Hub", "the lists of a folder", "a limited capture"


@dataclass(frozen=True)
class Extent:
    """How much a day of one listing covers."""

    day: str
    coverage: str
    rows: int
    absent: bool = False  # the source has none of this kind, which is not a break
    complete: bool = True  # else it is no measure for others


@dataclass(frozen=True)
class Place:
    """A day among the others.

    Args:
        before: the day that it is compared with, the last whole one that covers the same, if any.
        usual: rows of that day; without one, of the days that follow; else None.
        partial: it has under half of them.
    """

    before: str | None
    usual: int | None
    partial: bool


def extent_of(day: str, facts: Mapping[str, Any], rows: int) -> Extent:
    """The extent of a day.

    Args:
        day: the partition key.
        facts: what its capture says of itself (`Capture.provenance`).
        rows: without doubles.
    """
    limited = LIMITED if facts.get("limited") else WHOLE_HUB
    coverage = FOLDER if facts.get("source") == "folder" else limited
    return Extent(day, coverage, rows, absent=bool(facts.get("absent_kind")))


def places(days: Iterable[Extent]) -> dict[str, Place]:
    """Each day's place: beside the last whole one before it that covers the same.

    A day of under half the rows of the last whole one is partial, and nothing is compared with it:
    it would let a second one pass. The first that covers so much is measured by those that follow
    it. A limited capture is never partial.

    Args:
        days: oldest first.
    """
    every = list(days)
    whole: dict[str, Extent] = {}
    found: dict[str, Place] = {}
    for at, one in enumerate(every):
        last = whole.get(one.coverage)
        usual = last.rows if last else _usual_after(every, at)
        short = usual is not None and one.rows < PARTIAL * usual
        partial = short and not one.absent and one.coverage != LIMITED
        found[one.day] = Place(last.day if last and one.rows else None, usual, partial)
        if one.rows and one.complete and not partial:
            whole[one.coverage] = one
    return found


def place_among(count: int, at: int, extent: Callable[[int], Extent]) -> Place:
    """The place of one of the stored days, by those around it: the same whoever asks for which.

    Args:
        count: how many days there are.
        at: the number of that day, oldest first.
        extent: of the day of that number; asked of no more days than are needed.
    """
    look_back = LOOK_BACK
    while True:
        begin = max(at - look_back, 0)
        # A few days after it as well: they measure one that has none before it.
        near = [extent(number) for number in range(begin, min(at + 1 + FOLLOWING, count))]
        one = near[at - begin]
        place = places(near)[one.day]
        if not begin or place.before or not one.rows:
            return place
        look_back *= 4


def _usual_after(days: Sequence[Extent], at: int) -> int | None:
    """Rows that are usual in the days that follow; None where none does."""
    one, rows = days[at], []
    for other in days[at + 1 :]:
        if iso(other.day) - iso(one.day) > SOON or len(rows) == FOLLOWING:
            break
        if other.coverage == one.coverage and other.rows and other.complete:
            rows.append(other.rows)
    return int(median(rows)) if rows else None
