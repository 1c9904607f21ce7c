"""The series of every repository made current, a month at a time.

The footer of a month names its days, each with the file it was made of and whether it is trusted. A
later day is joined to those that the month has; a day that is made again, withdrawn or trusted no
longer changes its month and no other. `months.json` names the days that nothing else has: where
both a month and the files of those days are gone, that is an error, and no withdrawal.
"""

import itertools
import time
from collections.abc import Collection, Mapping

from msgspec.structs import replace

from hf_assets.errors import InputError
from hf_assets.hub.repository_days.facts import DayFacts
from hf_assets.hub.repository_days.rebuilding import Month, Rebuilt
from hf_assets.hub.repository_days.schemas import ROWS_DIGEST, Kind
from hf_assets.hub.repository_days.sources import (
    SourceDay,
    TableRows,
    is_only_in_month,
    source_days,
)
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite
from hf_assets.storage.month_files import MonthFiles
from hf_assets.storage.months import month_of

# The note of `months.json` that names the days whose rows nothing else has.
ONLY_HERE_NOTE = "days it alone has"


def refresh(
    lake: Lake, kind: Kind, *, full_refresh: bool = False, withdraw: Collection[str] = ()
) -> StoredTable:
    """Make a series current. Waits for another process that refreshes the same series.

    Args:
        lake: the lake.
        kind: the series.
        full_refresh: rebuild every month, as after a change of code.
        withdraw: days whose rows it alone has, and that go for good; their tables are gone.

    Raises:
        MissingDay: `day_quality` was never materialised; or the rows of an old day are nowhere: a
            month that had them is lost or damaged.
        InputError: a day to withdraw has a table yet, or the series does not have it.
        BusyError: another process has been refreshing it for too long.
    """
    with lake.refreshing(kind.table.name):
        return _refresh(lake, kind, full_refresh, {*withdraw})


def _refresh(lake: Lake, kind: Kind, full_refresh: bool, withdraw: set[str]) -> StoredTable:
    started, name = time.perf_counter(), kind.table.name
    stored = {month: Month.of(month, notes) for month, notes in lake.month_notes(name).items()}
    source, alone = source_days(lake, kind), {*_only_here(lake, name)}
    facts = {day: one for month in stored.values() for day, one in month.facts.items()}
    for day in sorted(withdraw):
        _may_be_withdrawn(kind, day, source, alone | facts.keys())
    gone = {
        day: one
        for day, one in facts.items()
        if day not in withdraw and (one.only_here or day in alone)
    }
    every = _with_gone(source, gone)
    if lost := sorted(alone - withdraw - every.keys()):
        raise MissingDay(_lost(kind, lost))
    months = itertools.groupby(every, key=month_of)
    wanted = {month: {day: every[day] for day in days} for month, days in months}
    made = [
        month
        for month, days in wanted.items()
        if full_refresh or month not in stored or not stored[month].has(days)
    ]
    written = {month: one.facts for month, one in stored.items()}
    for month in made:
        there = stored.get(month, Month(month))
        written[month] = _write(lake, kind, wanted[month], there, again=full_refresh)
    if not wanted:
        lake.write(kind.table, None, TableWrite([]))
    notes = {
        "days": len(every),
        "days not trusted": sum(not one.trusted for one in every.values()),
        **({"first day": min(every), "last day": max(every)} if every else {}),
        "months": len(wanted),
        "months made": len(made),
        ONLY_HERE_NOTE: [
            day for month in wanted for day, one in written[month].items() if one.only_here
        ],
    }
    return lake.join_months(name, list(wanted), notes, time.perf_counter() - started)


def _only_here(lake: Lake, name: str) -> list[str]:
    """The days that the table alone had when it was published last."""
    return MonthFiles(lake.folder(name, None)).manifest().notes.get(ONLY_HERE_NOTE, [])


def _may_be_withdrawn(
    kind: Kind, day: str, source: Collection[str], known: Collection[str]
) -> None:
    if day in source:
        table = kind.source.name
        raise InputError(
            f"{table} of {day} is stored: delete the folder {table}/day={day} first. A day whose "
            "table has rows is withdrawn by that alone"
        )
    if day not in known:
        raise InputError(f"{kind.table.name} does not have {day}: there is nothing to withdraw")


def _lost(kind: Kind, days: list[str]) -> str:
    name, table = kind.table.name, kind.source.name
    return (
        f"the rows of {table} of {', '.join(days)} were in {name} alone, which does not have them "
        f"any more, and the tables of these days are gone, too: restore {name} from a backup; or, "
        f"where they are to go, materialise {name} with `withdraw: [{', '.join(days)}]`"
    )


def _with_gone(
    source: Mapping[str, SourceDay], alone: Mapping[str, DayFacts]
) -> dict[str, SourceDay]:
    """The days of tables, and those whose rows only a month has: they stay without their table."""
    gone = {
        day: SourceDay(one.mark, one.trusted, gone=True)
        for day, one in alone.items()
        if day not in source
    }
    return dict(sorted({**source, **gone}.items()))


def _write(
    lake: Lake, kind: Kind, wanted: Mapping[str, SourceDay], month: Month, *, again: bool
) -> Mapping[str, DayFacts]:
    """Write a month: what it has stays, if those days are as they were and the others are later.

    It is replaced once, when all of it is written: rows that are nowhere else are in the old one
    until then.
    """
    file = month.opened(lake, kind)
    new = [day for day in wanted if day not in month.facts]
    later = not month.facts or not new or new[0] > max(month.facts)
    facts = dict[str, DayFacts]()
    if month.current and later and not again:
        kept = {day: _kept(lake, kind, day, one, wanted) for day, one in month.facts.items()}
        facts = {day: one for day, one in kept.items() if one}
    if len(facts) < len(month.facts):
        facts, new = {}, list(wanted)
    rebuilt = Rebuilt(lake, kind, wanted, month, file)
    return rebuilt.write(facts, new)


def _kept(
    lake: Lake, kind: Kind, day: str, there: DayFacts, wanted: Mapping[str, SourceDay]
) -> DayFacts | None:
    """What a month says of a day that still has the same rows; None where it has others.

    One that was made again or thinned often has the same.
    """
    if day not in wanted:
        return None
    now = wanted[day]
    if there.mark == now.mark and not now.gone:
        return replace(there, trusted=now.trusted)
    if is_only_in_month(lake, kind, day, now):
        # The month may be an older copy of the one that the rows were left to.
        notes = {} if now.gone else lake.notes(kind.source.name, day)
        if notes.get(ROWS_DIGEST, there.digest) != there.digest:
            return None
        return replace(there, mark=now.mark, trusted=now.trusted, only_here=True)
    rows = TableRows(lake, kind, day).read_all()
    same = (rows.digest, rows.repeated) == (there.digest, there.repeated)
    return replace(there, mark=now.mark, trusted=now.trusted, only_here=False) if same else None
