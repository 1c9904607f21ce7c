"""The series of every repository brought up to date, a month at a time.

The footer of a month names its days, each with the file it was made of and whether it is trusted. A
day that is made again, withdrawn or judged anew changes its month and no other.
"""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import msgspec

from hf_assets.hub.repository_days.facts import DAYS_NOTE, DayFacts, days_of, digest
from hf_assets.hub.repository_days.layout import encoded
from hf_assets.hub.repository_days.schemas import Kind
from hf_assets.hub.repository_days.sources import given_back, judged, rows_of_day, without_counters
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.storage.months import Mark, marks, month_of

# Raise it when the same days give other rows: every month is then rebuilt.
RULES = 1
_RULES_NOTE = "rules"


@dataclass(frozen=True)
class _Wanted:
    """A day as it should be in its month."""

    mark: Mark
    trusted: bool


def refresh(lake: Lake, kind: Kind, *, full_refresh: bool = False) -> StoredTable:
    """Bring a series up to date. Waits for another process that refreshes the same series.

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
    trusted = judged(lake, kind)
    wanted = {
        day: _Wanted(mark, trusted.get(day, False))
        for day, mark in marks(lake, kind.source.name).items()
    }
    months = {month: list(days) for month, days in itertools.groupby(wanted, key=month_of)}
    stored = lake.month_notes(name)
    made = 0
    for month, days in months.items():
        notes = stored.get(month, {})
        there = days_of(notes) if notes.get(_RULES_NOTE) == RULES else {}
        if full_refresh or not _same(lake, kind, there, {day: wanted[day] for day in days}):
            _write(lake, kind, month, {day: wanted[day] for day in days})
            made += 1
    if not months:
        lake.write(kind.table, None, TableWrite([]))
    facts = [one for notes in lake.month_notes(name).values() for one in days_of(notes).values()]
    notes = {
        "days": len(wanted),
        "days not trusted": sum(not one.trusted for one in wanted.values()),
        **({"first day": min(wanted), "last day": max(wanted)} if wanted else {}),
        "rows a day": sum(one.rows for one in facts),
        "months": len(months),
        "months made": made,
    }
    return lake.join_months(name, list(months), notes, time.perf_counter() - started)


def _same(
    lake: Lake, kind: Kind, there: Mapping[str, DayFacts], wanted: Mapping[str, _Wanted]
) -> bool:
    if there.keys() != wanted.keys():
        return False
    return all(
        one.trusted == there[day].trusted
        and (one.mark == there[day].mark or "thinned" in lake.notes(kind.source.name, day))
        for day, one in wanted.items()
    )


def _write(
    lake: Lake,
    kind: Kind,
    month: str,
    wanted: Mapping[str, _Wanted],
) -> None:
    days, facts = [], {}
    for day, one in wanted.items():
        stored = lake.read(kind.source.name, day)
        repeated = 0
        if without_counters(stored, kind):
            rows = given_back(lake, kind, day)
            rows = rows.join(stored.frame.select("hub_id", "id").collect(), on="hub_id", how="left")
        else:
            rows, repeated = rows_of_day(stored, kind)
        days.append((iso(day), rows))
        facts[day] = DayFacts(
            trusted=one.trusted,
            rows=rows.height,
            digest=digest([rows], kind),
            mark=one.mark,
            repeated=repeated,
        )
    table = encoded(days, kind, [one.trusted for one in wanted.values()])
    notes = {
        _RULES_NOTE: RULES,
        "version": version("hf-assets"),
        DAYS_NOTE: msgspec.to_builtins(facts),
    }
    lake.write(kind.table, month, TableWrite([table], notes=notes))
