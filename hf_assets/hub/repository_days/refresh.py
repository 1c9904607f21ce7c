"""The series of every repository made current, a month at a time.

The footer of a month names its days, each with the file it was made of and whether it is trusted. A
later day is joined to those that the month has; a day that is made again, withdrawn or trusted no
longer changes its month and no other.
"""

import itertools
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version

import msgspec
import polars as pl
from msgspec.structs import replace

from hf_assets.hub.repository_days.building import extended
from hf_assets.hub.repository_days.facts import (
    DAYS_NOTE,
    DayFacts,
    days_of,
    digest,
    digest_of_names,
)
from hf_assets.hub.repository_days.schemas import Kind
from hf_assets.hub.repository_days.sources import (
    SourceDay,
    has_no_counters,
    rows_of_day,
    source_days,
)
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.storage.months import month_of

# Raise it when the same days give other rows: every month is then rebuilt.
RULES = 1
_RULES_NOTE = "rules"
# Rows of days that are in memory at a time, where several are added.
ROWS_AT_ONCE = 6_000_000


def refresh(lake: Lake, kind: Kind, *, full_refresh: bool = False) -> StoredTable:
    """Make a series current. Waits for another process that refreshes the same series.

    Args:
        lake: the lake.
        kind: the series.
        full_refresh: rebuild every month, as after a change of code.

    Raises:
        MissingDay: `day_quality` was never materialised; or a thinned day's counters are nowhere.
        BusyError: another process has been refreshing it for too long.
    """
    with lake.refreshing(kind.table.name):
        return _refresh(lake, kind, full_refresh)


def _refresh(lake: Lake, kind: Kind, full_refresh: bool) -> StoredTable:
    started, name = time.perf_counter(), kind.table.name
    every = source_days(lake, kind)
    months = itertools.groupby(every, key=month_of)
    wanted = {month: {day: every[day] for day in days} for month, days in months}
    there = {} if full_refresh else _stored(lake, kind)
    made = [month for month, days in wanted.items() if not _equal(there.get(month, {}), days)]
    for month in made:
        _write(lake, kind, month, wanted[month], there.get(month, {}))
    if not wanted:
        lake.write(kind.table, None, TableWrite([]))
    notes = {
        "days": len(every),
        "days not trusted": sum(not one.trusted for one in every.values()),
        **({"first day": min(every), "last day": max(every)} if every else {}),
        "months": len(wanted),
        "months made": len(made),
    }
    return lake.join_months(name, list(wanted), notes, time.perf_counter() - started)


def _stored(lake: Lake, kind: Kind) -> dict[str, dict[str, DayFacts]]:
    """The days of each month as it was written last."""
    return {
        month: days_of(notes)
        for month, notes in lake.month_notes(kind.table.name).items()
        if notes.get(_RULES_NOTE) == RULES
    }


def _equal(there: Mapping[str, DayFacts], wanted: Mapping[str, SourceDay]) -> bool:
    return {day: (one.mark, one.trusted) for day, one in there.items()} == {
        day: (one.mark, one.trusted) for day, one in wanted.items()
    }


def _write(
    lake: Lake,
    kind: Kind,
    month: str,
    wanted: Mapping[str, SourceDay],
    there: Mapping[str, DayFacts],
) -> None:
    """Write a month: what it has stays, if those days are as they were and the others are later."""
    new = [day for day in wanted if day not in there]
    later = not there or not new or new[0] > max(there)
    if later and all(_stays(lake, kind, day, one, wanted) for day, one in there.items()):
        facts = {
            day: replace(one, mark=wanted[day].mark, trusted=wanted[day].trusted)
            for day, one in there.items()
        }
    else:
        facts, new = {}, list(wanted)
    for days in _batches(lake, kind, new):
        file = lake.read(kind.table.name, month).file if facts else None
        rows = []
        for day in days:
            of_day, facts[day] = _read(lake, kind, day, wanted[day])
            rows.append((iso(day), of_day))
        trusted = {iso(day): one.trusted for day, one in facts.items()}
        notes = {
            _RULES_NOTE: RULES,
            "version": version("hf-assets"),
            DAYS_NOTE: msgspec.to_builtins(facts),
        }
        frames = extended(file, rows, kind, trusted)
        lake.write(kind.table, month, TableWrite(frames, notes=notes))


def _stays(
    lake: Lake, kind: Kind, day: str, there: DayFacts, wanted: Mapping[str, SourceDay]
) -> bool:
    """Whether a day of a month still has the same rows.

    One that was made again or thinned often has; one without counters is what the month has.
    """
    if day not in wanted:
        return False
    if there.mark == wanted[day].mark or has_no_counters(lake, kind, day):
        return True
    _, now = _read(lake, kind, day, wanted[day])
    return (now.digest, now.names) == (there.digest, there.names)


def _read(lake: Lake, kind: Kind, day: str, wanted: SourceDay) -> tuple[pl.DataFrame, DayFacts]:
    """The rows of a day, and what its month says about it."""
    rows, repeated = rows_of_day(lake, kind, day)
    facts = DayFacts(
        trusted=wanted.trusted,
        rows=rows.height,
        digest=digest(rows, kind),
        names=digest_of_names(rows),
        mark=wanted.mark,
        repeated=repeated,
    )
    return rows, facts


def _batches(lake: Lake, kind: Kind, days: list[str]) -> Iterator[list[str]]:
    """Days that are added together; an empty batch where no day is new."""
    batch: list[str] = []
    rows = 0
    for day in days:
        more = lake.read(kind.source.name, day).rows
        if batch and rows + more > ROWS_AT_ONCE:
            yield batch
            batch, rows = [], 0
        batch.append(day)
        rows += more
    yield batch
