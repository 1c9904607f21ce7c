"""Retention: old days lose rows and pages, whose aggregates the series read.

A thinned table keeps all its columns, with nulls in those that were dropped, and its footer says so
(`thinned`). No table is rebuilt from a thinned one. The first day of each month stays complete. A
day stays, too, that `day_quality` does not trust or calls stale, that lacks an aggregate, or that
the next day was not compared with yet.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import polars as pl

from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.hub.tables.schemas import ENRICHED_SPACES, HUB_DATASETS, MODELS
from hf_assets.object_store.errors import CommitConflict
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.storage.locks import BusyError
from hf_assets.storage.opened import read_each
from hf_assets.storage.parquet import Table

# What an old day keeps: who, of what kind, since when, and the counters: it can be compared still.
# And what is private, so that nobody publishes its name.
KEPT = {
    "models": (
        *("day", "hub_id", "id", "category", "created_at", "floor_dated", "gated"),
        *("private", "downloads", "downloads_all_time", "likes", "trending_score"),
    ),
    "enriched_spaces": (
        "day",
        "hub_id",
        "id",
        "private",
        "sdk",
        "likes",
        "trending_score",
        "n_models",
    ),
    "hub_datasets": (
        *("day", "hub_id", "id", "task_categories", "size_category", "created_at", "floor_dated"),
        *("gated", "private", "downloads", "downloads_all_time", "likes", "trending_score"),
    ),
}
TABLES = (MODELS, ENRICHED_SPACES, HUB_DATASETS)
# The table of each listing: it must be there before the pages go.
TABLE_OF = dict(zip(RAW, (table.name for table in TABLES), strict=True))
# Each is made from rows or pages of that day, and must be there before those go.
AGGREGATES = ("top_models", "model_usage", "daily_metrics", "daily_changes")


@dataclass(frozen=True)
class Thinned:
    """A day of an asset that was thinned: bytes before and after."""

    asset: str
    day: str
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
    """Thin every old day that may be, oldest first; what is thin already is not touched.

    Args:
        lake: where the days lie.
        trusted: days that `day_quality` trusts and does not call stale (`trusted_days`).
        today: the day it is.
        ages: how old is old.
        log: takes a line for each day that is old and has to wait, with the reason.
        dry: change nothing (`after` is then `before` for tables, 0 for pages).
    """
    ready = _Ready.of(lake, trusted)
    for table in TABLES:
        old = _older(lake.days(table.name), today, ages.tables)
        others = [day for day in old if not day.endswith("-01")]
        thin_already = read_each(partial(_is_thin, lake, table.name), others, lake.root)
        for day in (day for day, done in zip(others, thin_already, strict=True) if not done):
            if reason := ready.not_yet(day):
                log(f"{table.name} of {day} stays whole: {reason}")
                continue
            yield _thin_table(lake, table, day, today, dry)
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
    """Whether that day of a table was thinned."""
    return "thinned" in stored.notes


def _older(days: Iterable[str], today: str, age: int | None) -> list[str]:
    if age is None:
        return []
    limit = (date.fromisoformat(today) - timedelta(days=age)).isoformat()
    return [day for day in days if day < limit]


def _is_thin(lake: Lake, asset: str, day: str) -> bool:
    return thinned(lake.read(asset, day))


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


def _thin_table(lake: Lake, table: Table, day: str, today: str, dry: bool) -> Thinned:
    stored = lake.read(table.name, day)
    before = stored.bytes
    if dry:
        return Thinned(table.name, day, before, before)
    kept = KEPT[table.name]
    notes: dict[str, Any] = {**stored.notes, "thinned": today, "kept": ", ".join(kept)}
    table_write = TableWrite(
        _kept_rows(stored, table, kept), notes, stored.provenance, stored.asides
    )
    after = lake.write(table, day, table_write).bytes
    return Thinned(table.name, day, before, after)


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
    return Thinned(store.asset, day, size, size if dry else 0) if size else None
