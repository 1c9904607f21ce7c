"""What `model_phases` keeps of the days before a month, so that a night reads some weeks alone.

`model_phases/so_far` has a row for every model that was listed before the first day of a month. It
names what it is made of: the days, their rows and their trust, and those that follow as far as they
change these. Where one of them has changed, all is made again from the first day.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from hf_assets.hub.repository_days.facts import DayFacts
from hf_assets.object_store.errors import StoreError
from hf_assets.storage.lake import DATA_FILE, Lake, MissingDay, StoredTable
from hf_assets.storage.parquet import Column, Table
from hf_assets.trends.series.calendar import EPOCH, NO_DAY, Calendar
from hf_assets.trends.series.phases import KEPT, SMOOTH, WINDOW
from hf_assets.trends.series.schemas import GROWTH, MODEL_PHASES

# Raise it when the same days give other rows.
RULES = 1
# Days before the new ones whose levels the medians of new days need.
CONTEXT = WINDOW + SMOOTH
# Days after which an untrusted day is not expected to be interpolated any more.
_PATIENCE = 28
UNTIL, _MADE_OF = "until", "made of"
_AGES = [name for name in MODEL_PHASES.columns if name.startswith("days_to_")]
CROSSED = tuple(name.replace("days_to_", "crossed_") for name in _AGES)
_AS_THERE = [name for name in MODEL_PHASES.columns if name not in (*GROWTH, *_AGES)]
# Not an asset: the input of `model_phases`.
SO_FAR = Table(
    name="model_phases/so_far",
    required=("hub_id",),
    encodings={"hub_id": "DELTA_BYTE_ARRAY", "id": "DELTA_LENGTH_BYTE_ARRAY"},
    row_group=1 << 13,
    columns={
        **{name: MODEL_PHASES.columns[name] for name in _AS_THERE},
        **{
            name: Column(pl.Date, "Day on which that many downloads were first seen.")
            for name in CROSSED
        },
        KEPT[0]: Column(pl.Float64, "Lowest smoothed downloads of the 60 days before the peak."),
        KEPT[1]: Column(pl.Float64, "Highest downloads since creation."),
        "minima_days": Column(
            pl.List(pl.Int32), "Of the last 60 days those lower than all later ones; since 1970."
        ),
        "minima": Column(pl.List(pl.Float64), "Smoothed downloads on them."),
    },
)


def boundary(calendar: Calendar) -> int | None:
    """The last first day of a month before which nothing changes any more; None: there is none.

    Args:
        calendar: of the stored days.
    """
    for begin in _months(calendar):
        if begin <= calendar.days[0]:
            return None
        if begin + SMOOTH <= calendar.days[-1] and not _waits(calendar, begin + SMOOTH):
            return begin
    return None


def _months(calendar: Calendar) -> Iterator[int]:
    """The first days of months, from that of the newest day back."""
    if not len(calendar):
        return
    first = (EPOCH + timedelta(int(calendar.days[-1]))).replace(day=1)
    while True:
        yield (first - EPOCH).days
        first = (first - timedelta(1)).replace(day=1)


def _waits(calendar: Calendar, end: int) -> bool:
    """Whether a day before `end` is to be interpolated as soon as there is a trusted one."""
    before, after = calendar.neighbours
    days = calendar.days
    waits = ~calendar.trusted & (before != NO_DAY) & (after == NO_DAY) & (days < end)
    return bool((waits & (days >= days[-1] - _PATIENCE)).any())


def made_of(calendar: Calendar, facts: Mapping[str, DayFacts], begin: int) -> str:
    """What the rows of days before `begin` depend on: days, rows, trust, neighbours."""
    before, after = calendar.neighbours
    names = list(facts)

    def about(at: int) -> list[Any]:
        fact = facts[names[at]]
        here = [names[at], fact.digest, bool(calendar.trusted[at])]
        return [*here, float(calendar.times[at]), int(calendar.coverage[at])]

    every = []
    for at in np.flatnonzero(calendar.days < begin + SMOOTH).tolist():
        near = [] if calendar.trusted[at] else [int(before[at]), int(after[at])]
        every.append([about(at), [about(one) if one != NO_DAY else None for one in near]])
    return hashlib.blake2b(json.dumps([RULES, every]).encode(), digest_size=16).hexdigest()


def notes(calendar: Calendar, facts: Mapping[str, DayFacts], begin: int) -> dict[str, Any]:
    """The notes of rows about the days before `begin`."""
    return {UNTIL: begin, _MADE_OF: made_of(calendar, facts, begin)}


def is_kept(lake: Lake) -> bool:
    """Whether there is such a file, whatever is in it."""
    return (lake.folder(SO_FAR.name, None) / DATA_FILE).exists()


def stored(lake: Lake, calendar: Calendar, facts: Mapping[str, DayFacts]) -> StoredTable | None:
    """The rows in the lake, where what they are made of is as it was."""
    try:
        found = lake.read(SO_FAR.name, None)
    except (MissingDay, StoreError) as error:
        if isinstance(error, StoreError):
            raise  # nothing is wrong with the file
        return None
    except (OSError, ValueError, pl.exceptions.PolarsError):  # a damaged file
        return None
    begin = found.notes.get(UNTIL)
    if begin is None or found.notes != notes(calendar, facts, begin):
        return None
    return found


def window(calendar: Calendar, begin: int | None, end: int | None) -> Calendar:
    """The days from `begin` to before `end`, shown; and those that these depend on.

    Such are the days after them that medians need, and those that others are interpolated from.
    """
    days = calendar.days
    wanted = np.ones(len(calendar), bool) if begin is None else days >= begin
    shown = wanted if end is None else wanted & (days < end)
    if end is not None:
        wanted = wanted & (days < end + SMOOTH)
    before, after = calendar.neighbours
    near = np.concatenate([one[wanted & ~calendar.trusted] for one in (before, after)])
    every = np.union1d(np.flatnonzero(wanted), near[near != NO_DAY])
    return calendar.subset(every, shown[every])
