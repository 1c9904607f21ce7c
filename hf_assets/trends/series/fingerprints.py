"""What each month of a series depends on, so that it is made anew only where that has changed.

A row depends on few days: those of its month, those that a rate may reach back to, and the trusted
days on either side of one that is spread. Of each it matters whether its file is the same, and what
`day_quality` says of it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from itertools import groupby

import numpy as np
import polars as pl

from hf_assets.storage.lake import iso
from hf_assets.storage.months import Mark, month_of
from hf_assets.storage.parquet import Table
from hf_assets.trends.series.calendar import NO_DAY, Calendar
from hf_assets.trends.series.panel import SLACK

# To be raised when the same days give other rows: what was made before is then made anew. So it is
# by another version of the package.
RULES = 1
# Days that the longest growth looks back.
REACH = 28 + SLACK


@dataclass(frozen=True)
class Need:
    """The days that the rows of a month depend on, and whatever matters of them."""

    days: Sequence[str]
    facts: object

    @cached_property
    def mark(self) -> str:
        """The same for as long as all of that is as it was."""
        return _digest(self.facts)


def marks_of(table: Table, needs: Mapping[str, Need]) -> dict[str, str]:
    """What tells of each month of a table that it need not be made anew."""
    made_by = [RULES, _package(), {name: str(kind) for name, kind in table.schema.items()}]
    return {month: _digest([made_by, need.mark]) for month, need in needs.items()}


@cache
def _package() -> str:
    return version("hf-assets")


def _digest(said: object) -> str:
    return hashlib.blake2b(json.dumps(said).encode(), digest_size=16).hexdigest()


def of_levels(stored: Sequence[str], known: Calendar, files: Mapping[str, Mark]) -> dict[str, Need]:
    """Of levels and their rates, by what `trends.series` and `Calendar.earlier` look at.

    Args:
        stored: the days, oldest first.
        known: the calendar of just those.
        files: their marks.
    """
    before, after = known.neighbours
    needs = {}
    for month, begin, end in _spans(stored):
        first = int(np.searchsorted(known.days, known.days[begin] - REACH))
        # A step goes back to the last trusted day; a line goes on to the next.
        lines = after[begin:end][~known.trusted[begin:end]]
        beside = {*before[begin:end].tolist(), *lines.tolist()} - {NO_DAY}
        places = sorted(beside | set(range(first, end)))
        days = [stored[place] for place in places]
        # Only spans of time count, and which days cover the same: not when the past begins.
        _, covers = np.unique(known.coverage[places], return_inverse=True)
        columns = (
            np.round(known.times[places] - known.times[places[0]], 6).tolist(),
            known.trusted[places].tolist(),
            _first_seen(covers.tolist()),
            [known.sources[place] for place in places],
        )
        needs[month] = Need(days, [[files[day] for day in days], days, *columns])
    return needs


def of_changes(quality: pl.DataFrame, files: Mapping[str, Mark]) -> dict[str, Need]:
    """Of counts between two days: whether both are trusted, and the later one is not stale.

    And who returned on it, which depends on all days before it.

    Args:
        quality: rows of `DAY_QUALITY`.
        files: the stored days of `daily_changes`, oldest first, with their marks.
    """
    rows = quality.select("day", "before", "trusted", "stale", "coverage", "returned").rows()
    trusted = {day for day, _, good, *_ in rows if good}
    facts = {
        day: (bool(good), bool(stale), str(before), before in trusted, *more)
        for day, before, good, stale, *more in rows
    }
    days = list(files)
    return {
        month: Need(days[begin:end], [(d, files[d], facts.get(iso(d))) for d in days[begin:end]])
        for month, begin, end in _spans(days)
    }


def _first_seen(numbers: Sequence[int]) -> list[int]:
    """Numbers in the order in which they come."""
    order: dict[int, int] = {}
    return [order.setdefault(number, len(order)) for number in numbers]


def _spans(days: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Each month with the places of its first day and of the one after its last."""
    begin = 0
    for month, of_month in groupby(days, key=month_of):
        end = begin + len(list(of_month))
        yield month, begin, end
        begin = end
