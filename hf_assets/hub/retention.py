"""Retention: old days lose rows and pages, whose aggregates and series have what is read.

An old day is emptied where its series (`model_days`, `dataset_days`, `space_days`) gives it back:
no row stays, and the footer names the series (`rows_in`); `old_days.read_day` reads it there. Where
the series does not, the day is thinned: it keeps its rows and, of its columns, those that a series
has, with nulls in the others. Both have the note `thinned`, and look alike to who reads them. No
table is rebuilt from such a day. The first day of each month stays complete. A day stays, too, that
`day_quality` does not trust or calls stale, that lacks an aggregate, or that the next day was not
compared with yet.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import polars as pl

from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.hub.repository_days.old_days import emptied_notes, gives_back
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import KIND_OF
from hf_assets.hub.tables.schemas import ENRICHED_SPACES, HUB_DATASETS, MODELS
from hf_assets.object_store.errors import CommitConflict, ReplacedError
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite, iso
from hf_assets.storage.locks import BusyError
from hf_assets.storage.opened import read_each
from hf_assets.storage.parquet import Table
from hf_assets.storage.stored import PRIVATE_ROWS, ROWS_IN, ROWS_MARK

# What an old day keeps: who, of what kind, since when, and the counters: it can be compared still.
# And what is private, so that nobody publishes its name.
KEPT = {name: ("day", *kind.kept) for name, kind in KIND_OF.items()}
TABLES = (MODELS, ENRICHED_SPACES, HUB_DATASETS)
# The table of each listing: it must be there before the pages go.
TABLE_OF = dict(zip(RAW, (table.name for table in TABLES), strict=True))
# The series of each table, which gives its old days back.
SERIES = {name: kind.table.name for name, kind in KIND_OF.items()}
# What becomes of a day.
EMPTIED, THINNED, PAGES = "emptied", "thinned", "pages deleted"
# Each is made from rows or pages of that day, and must be there before those go.
AGGREGATES = ("top_models", "model_usage", "daily_metrics", "daily_changes")


@dataclass(frozen=True)
class Thinned:
    """A day of an asset that was made smaller: how, and its bytes before and after."""

    asset: str
    day: str
    how: str
    before: int
    after: int


@dataclass(frozen=True)
class Ages:
    """Days after which something goes; None: never."""

    tables: int | None = 60
    pages: int | None = 30

    def __post_init__(self) -> None:
        for name in ("tables", "pages"):
            age = getattr(self, name)
            if age is not None and age < 1:
                raise ValueError(f"{name} must be 1 day or more, or null (never): {age}")


def thin(
    lake: Lake,
    trusted: Iterable[str],
    today: str,
    ages: Ages,
    *,
    log: Callable[[str], None] = lambda _: None,
    dry: bool = False,
) -> Iterator[Thinned]:
    """Make every old day smaller that may be, oldest first; one that is already is not touched.

    Args:
        lake: where the days lie.
        trusted: days that `day_quality` trusts and does not call stale (`trusted_days`).
        today: the day it is.
        ages: how old is old.
        log: takes a line for each day that is old and keeps more than it might, with the reason.
        dry: change nothing (`after` is then `before` for tables, 0 for pages).
    """
    ready = _Ready.of(lake, trusted)
    for table in TABLES:
        emptied = False
        for done in _smaller_tables(lake, table, ready, today, ages.tables, log, dry=dry):
            emptied |= done.how == EMPTIED
            yield done
        if emptied and not dry:
            _tell_series(lake, table, log)
    for asset in RAW:
        store = CaptureStore(lake, asset)
        for day in _older(store.days_with_pages(today), today, ages.pages):
            if reason := ready.not_yet(day, TABLE_OF[asset]):
                log(f"the pages of {asset} of {day} stay: {reason}")
                continue
            try:
                dropped = _drop_pages(store, day, today, dry)
            except (BusyError, CommitConflict):
                log(f"the pages of {asset} of {day} stay: another run captures that day")
                continue
            if dropped:
                yield dropped


def trusted_days(lake: Lake) -> list[str]:
    """The days that `day_quality` trusts, without stale ones: their comparison is not final.

    MissingDay where `day_quality` was never materialised.
    """
    good = pl.col("trusted") & ~pl.col("stale").fill_null(value=False)
    trusted = lake.read("day_quality", None).frame.filter(good).select("day").collect()
    return [day.isoformat() for day in trusted["day"]]


def thinned(stored: StoredTable) -> bool:
    """Whether that day of a table was thinned or emptied."""
    return "thinned" in stored.notes


def _older(days: Iterable[str], today: str, age: int | None) -> list[str]:
    if age is None:
        return []
    limit = (date.fromisoformat(today) - timedelta(days=age)).isoformat()
    return [day for day in days if day < limit]


@dataclass(frozen=True)
class _Ready:
    """What decides whether a day may lose anything: the days of each table, and trusted ones."""

    trusted: frozenset[str]
    days: dict[str, list[str]]

    @classmethod
    def of(cls, lake: Lake, trusted: Iterable[str]) -> "_Ready":
        """As it is now: on a store a request for 1,000 objects of those tables."""
        names = (*AGGREGATES, *TABLE_OF.values())
        days = read_each(lake.days, names, lake.root)
        return cls(frozenset(trusted), dict(zip(names, days, strict=True)))

    def not_yet(self, day: str, *tables: str) -> str | None:
        """Why nothing of that day may go before its aggregates and those tables are there."""
        for name in (*tables, *AGGREGATES):
            if day not in self.days[name]:
                return f"there is no {name} of that day"
        if day not in self.trusted:
            return "day_quality does not trust that day, or calls it stale"
        following = next((later for later in self.days["models"] if later > day), None)
        if following and following not in self.days["daily_changes"]:
            return (
                f"{following} was not compared with it yet (there is no daily_changes of that day)"
            )
        return None


def _smaller_tables(
    lake: Lake,
    table: Table,
    ready: _Ready,
    today: str,
    age: int | None,
    log: Callable[[str], None],
    *,
    dry: bool,
) -> Iterator[Thinned]:
    name, series = table.name, SERIES[table.name]
    has_series = bool(lake.months(series))
    old = [day for day in _older(lake.days(name), today, age) if not day.endswith("-01")]
    for day, notes in zip(old, read_each(partial(lake.notes, name), old, lake.root), strict=True):
        if ROWS_IN in notes:
            continue
        if reason := ready.not_yet(day):
            if "thinned" not in notes:
                log(f"{name} of {day} stays whole: {reason}")
            continue
        try:
            if has_series and (emptied := _emptied(lake, table, day, today, log, dry=dry)):
                yield emptied
                continue
            done = None if "thinned" in notes else _thin_table(lake, table, day, today, dry=dry)
        except (CommitConflict, ReplacedError):
            log(f"{name} of {day} stays: another run stored it meanwhile")
            continue
        except BusyError:
            log(f"{name} of {day} and of later days stays: another run refreshes {series}")
            return
        if done:
            yield done


def _tell_series(lake: Lake, table: Table, log: Callable[[str], None]) -> None:
    """Let the months note the days that they alone have: those stay without their table, too.

    Until then a day whose file is gone looks like one that was withdrawn.
    """
    try:
        refresh(lake, KIND_OF[table.name])
    except (MissingDay, BusyError, CommitConflict) as error:
        log(f"{SERIES[table.name]} does not know yet which days it alone has: {error}")


def _emptied(
    lake: Lake, table: Table, day: str, today: str, log: Callable[[str], None], *, dry: bool
) -> Thinned | None:
    """Empty a day; None, and a line in the log, where its rows have to stay."""
    # Until they are gone nobody may replace the month that has them.
    with nullcontext() if dry else lake.refreshing(SERIES[table.name]):
        stored = _with_rows(lake, table, day)
        if reason := _not_emptied(lake, stored, table.name):
            log(f"{table.name} of {day} keeps its rows: {reason}")
            return None
        after = stored if dry else _without_rows(lake, table, stored, today)
    return Thinned(table.name, day, EMPTIED, stored.bytes, after.bytes)


def _with_rows(lake: Lake, table: Table, day: str) -> StoredTable:
    """A day that had its rows when it was chosen. ReplacedError: another run emptied it since."""
    stored = lake.read(table.name, day)
    if stored.emptied:
        raise ReplacedError(stored.path)
    return stored


def _not_emptied(lake: Lake, stored: StoredTable, name: str) -> str | None:
    """Why the rows of a day have to stay; None where its series gives them back."""
    # Days are compared by name, too: of two rows the order decides then, which a series lacks.
    twice = stored.frame.select(pl.col("id").hash().is_duplicated().any())
    if twice.collect(engine="streaming").item():
        return f"{SERIES[name]} cannot tell: a name of two rows"
    return gives_back(lake, name, stored.day)


def _without_rows(lake: Lake, table: Table, stored: StoredTable, today: str) -> StoredTable:
    """Store a day without rows: what its footer says stays."""
    private = stored.frame.select(pl.col("private").sum()).collect(engine="streaming").item()
    notes = {
        "thinned": today,
        "kept": ", ".join(KEPT[table.name]),
        "rows": stored.rows,
        **stored.notes,
        **emptied_notes(lake, table.name, stored.day),
        ROWS_MARK: stored.file.mark,
        PRIVATE_ROWS: private,
    }
    content = TableWrite([], notes, stored.provenance, stored.asides, rows=stored.rows, over=stored)
    return lake.write(table, stored.day, content)


def _thin_table(lake: Lake, table: Table, day: str, today: str, *, dry: bool) -> Thinned:
    stored = _with_rows(lake, table, day)
    before = stored.bytes
    if dry:
        return Thinned(table.name, day, THINNED, before, before)
    kept = KEPT[table.name]
    notes: dict[str, Any] = {**stored.notes, "thinned": today, "kept": ", ".join(kept)}
    table_write = TableWrite(
        _kept_rows(stored, table, kept), notes, stored.provenance, stored.asides, over=stored
    )
    after = lake.write(table, day, table_write).bytes
    return Thinned(table.name, day, THINNED, before, after)


def _kept_rows(stored: StoredTable, table: Table, kept: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    """A row group at a time: a day of 2.5 M models does not fit in memory."""
    gone = [
        pl.lit(None, column.dtype).alias(name)
        for name, column in table.columns.items()
        if name not in kept
    ]
    with stored.file.arrow() as file:
        for group in range(file.num_row_groups):
            rows = pl.from_arrow(file.read_row_group(group, columns=list(kept)))
            assert isinstance(rows, pl.DataFrame)
            yield rows.with_columns(gone)


def _drop_pages(store: CaptureStore, day: str, today: str, dry: bool) -> Thinned | None:
    """Remove the pages of a capture. BusyError where another run holds the day."""
    if dry:
        size = store.page_bytes(day)
    else:
        with store.lock(day, wait=0):
            if size := store.page_bytes(day):
                store.drop_pages(day, iso(today).isoformat())
    return Thinned(store.asset, day, PAGES, size, size if dry else 0) if size else None
