"""A step: a day of a listing compared with its baseline day, for models and datasets alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from hf_assets.hub.quality.baselines import WHOLE_HUB, day_size
from hf_assets.hub.quality.records import ComparedCounts, LifecycleCounts, ListingComparison
from hf_assets.hub.quality.rules import null_counts
from hf_assets.hub.quality.schemas import ABSENCES, DATASET_ABSENCES, absence_rows
from hf_assets.hub.tables.records import CleaningCounts
from hf_assets.storage.lake import StoredTable, iso
from hf_assets.storage.records import CaptureProvenance


@dataclass(frozen=True)
class Listing:
    """A listing whose days are compared, and how its counters move.

    Args:
        table: its rows, a day a file.
        raw: the asset of its captures.
        noun: of its rows.
        prefix: of its dimensions in `daily_changes`, and of its columns in `day_quality`.
        absences: the side table of its rows that left and came.
        larger: downloads in 30 days from which a counter is expected to move every day.
        stalled: share of those counters, unchanged, that makes a stall.
    """

    table: str
    raw: str
    noun: str
    prefix: str
    absences: str
    larger: int
    stalled: float

    def capture(self, stored: StoredTable) -> CaptureProvenance:
        """The summary of the capture behind a day of its table."""
        return stored.capture(self.raw)


# Model Pulse takes a quarter of the models with 60,000 downloads or more; with 10,000 lists of a
# few hundred models have enough of them.
MODELS = Listing("models", "raw_models", "models", "", ABSENCES, larger=10_000, stalled=0.25)
# Datasets are downloaded less: the Hub counts all files that an address fetches in five minutes
# as a single download. 1,000 in 30 days are 33 a day; by chance the day that enters the window
# equals the day that leaves it in 1 of 20 such counters (two Poisson counts of 33), and in 4 of 9
# that are downloaded on one day of three. A half lies above both, and a stall freezes them all.
DATASETS = Listing(
    *("hub_datasets", "raw_datasets", "datasets", "datasets", DATASET_ABSENCES),
    larger=1_000,
    stalled=0.5,
)

Row = tuple[str, str, int | None, int | None, float | None]


@dataclass
class Step:
    """The comparison of a day with its baseline.

    Args:
        comparison: the counts of the step, as keywords of a `ListingComparison`.
        absences: the side table of that day.
        both: rows of both days, and `fresh` those of the day alone; None without a baseline.
    """

    comparison: dict[str, Any]
    absences: pl.DataFrame
    both: pl.DataFrame | None = None
    fresh: pl.DataFrame | None = None

    def rows(self, listing: Listing, listed: int) -> Iterator[Row]:
        """Its rows of `daily_changes`: dimension, key, age, rows, value.

        Args:
            listing: the listing.
            listed: the rows of the day.
        """
        counts = {name: self.comparison[name].to_json() for name in ("compared", "lifecycle")}
        for dimension, of_key in counts.items():
            name = f"{listing.prefix} {dimension}".strip()
            yield from ((name, key, None, count, None) for key, count in of_key.items())
        name = f"{listing.prefix} nulls".strip()
        for column, share in self.comparison["nulls"].items():
            yield name, column, None, round(share * listed), share


def compare(
    listing: Listing,
    now: StoredTable,
    before: StoredTable | None,
    day: str,
    *,
    partial: bool,
    carried: ListingComparison,
) -> Step:
    """The step from a baseline day to a day.

    In the whole Hub a row that was not listed before counts as created if it was created on the
    baseline day or since, as older if it was created before (`absences` finds those that returned),
    and as undated where its source has no date; one that is no longer listed counts as deleted. In
    a list of some of the Hub they entered it or left it.

    Args:
        listing: the listing.
        now: that day of its table.
        before: the baseline day of its table, or None.
        day: the partition key.
        partial: the day broke off.
        carried: an earlier comparison whose `lifecycle` and `nulls` are still true, for counts that
            the rows of a thinned day do not tell any more.
    """
    captures = [listing.capture(stored) for stored in (now, before) if stored]
    capture = captures[0]
    by_name = any(one.identity == "name" for one in captures)
    size = day_size(day, capture, now.rows)
    mine = _slim(now, by_name=by_name)
    counts = ComparedCounts(rows=mine.height)
    lifecycle = LifecycleCounts()
    absences = absence_rows((), (), ())
    both = fresh = None
    if before is not None:
        other = _slim(before, by_name=by_name).drop("born", "floor")
        both = mine.join(other, on="key", suffix="_before")
        fresh = mine.join(other.select("key"), on="key", how="anti")
        gone = other.join(mine.select("key"), on="key", how="anti")
        counts = _compared(both, mine.height, other.height, listing.larger)
        lifecycle = _lifecycle(both, by_name=by_name)
        if size.scope == WHOLE_HUB:
            _count_births(lifecycle, now, fresh, gone, before.day)
        else:
            lifecycle.entered, lifecycle.left = fresh.height, gone.height
        lifecycle = lifecycle.completed(carried.lifecycle)
        absences = _absences(now, before, fresh, gone, by_name=by_name, partial=partial)
    comparison = {
        "source": capture.source,
        "origin": capture.origin,
        "scope": size.scope,
        "identity": "name" if by_name else "hub",
        "absent_columns": sorted(capture.absent),
        "sha256": capture.sha256,
        "baseline_day": before.day if before else None,
        "baseline_sha256": captures[1].sha256 if before else None,
        "hours": _hours(*reversed(captures)) if before else None,
        "partial": partial,
        "time_known": all(one.time_known for one in captures),
        "downloads": _total(mine["downloads"]),
        "downloads_all_time": _total(mine["downloads_all_time"]),
        "compared": counts,
        "lifecycle": lifecycle,
        "nulls": (carried.nulls if kept_columns(now) else {}) | _null_shares(now),
        "absences": True,
    }
    return Step(comparison, absences, both, fresh)


def _hours(before: CaptureProvenance, now: CaptureProvenance) -> float | None:
    """From the end of one capture to the end of the other."""
    if before.finished is None or now.finished is None:
        return None
    first, second = (datetime.fromisoformat(one.finished or "") for one in (before, now))
    return round(max((second - first).total_seconds(), 0.0) / 3600, 3)


def _total(counters: pl.Series) -> int | None:
    return int(counters.sum()) if counters.count() else None


def _slim(stored: StoredTable, *, by_name: bool) -> pl.DataFrame:
    """One short row each; identities as 64-bit hashes, which hardly ever collide."""
    slim = stored.frame.select(
        key=pl.col("id" if by_name else "hub_id").hash(),
        name=pl.col("id").hash(),
        born=pl.col("created_at").dt.date(),
        floor=pl.col("floor_dated"),
        downloads=pl.col("downloads"),
        downloads_all_time=pl.col("downloads_all_time"),
        gated=pl.col("gated") != "false",
    ).collect(engine="streaming")
    # Two rows that swapped names during the listing have the same name.
    return slim.unique("key", keep="first") if by_name else slim


def _compared(both: pl.DataFrame, rows: int, rows_before: int, least: int) -> ComparedCounts:
    now, then = pl.col("downloads"), pl.col("downloads_before")
    ever, ever_then = pl.col("downloads_all_time"), pl.col("downloads_all_time_before")
    larger = now.is_not_null() & (then >= least)
    counts = both.select(
        both=pl.len(),
        larger=larger.sum(),
        larger_unchanged=(larger & (now == then)).sum(),
        all_time=(ever.is_not_null() & ever_then.is_not_null()).sum(),
        all_time_fell=(ever < ever_then).sum(),
    ).row(0, named=True)
    return ComparedCounts(rows=rows, rows_before=rows_before, **counts)


def _lifecycle(both: pl.DataFrame, *, by_name: bool) -> LifecycleCounts:
    gated, was = pl.col("gated"), pl.col("gated_before")
    # A thinned day, or a source without the field, has no gates to count: null, and not 0.
    known = (gated.count() > 0) & (was.count() > 0) | (pl.len() == 0)
    renamed = {} if by_name else {"renamed": (pl.col("name") != pl.col("name_before")).sum()}
    counts = both.select(
        **renamed,
        gated_on=pl.when(known).then((gated & ~was).sum()),
        gated_off=pl.when(known).then((was & ~gated).sum()),
    ).row(0, named=True)
    return LifecycleCounts(**counts)


def _count_births(
    lifecycle: LifecycleCounts,
    now: StoredTable,
    fresh: pl.DataFrame,
    gone: pl.DataFrame,
    before: str,
) -> None:
    """Set the counts that only days of the whole Hub have."""
    born = fresh["born"]
    lifecycle.deleted = gone.height
    lifecycle.created = lifecycle.older = lifecycle.undated = None
    kept = kept_columns(now)
    # Days that an early version thinned have no dates of creation.
    if not kept or "created_at" in kept:
        lifecycle.created = int((born >= iso(before)).sum())
        lifecycle.older = int((born < iso(before)).sum())
        lifecycle.undated = born.null_count()


def _absences(
    now: StoredTable,
    before: StoredTable,
    fresh: pl.DataFrame,
    gone: pl.DataFrame,
    *,
    by_name: bool,
    partial: bool,
) -> pl.DataFrame:
    """Rows that left, and rows that came and may have been listed before."""
    born = pl.col("born")
    older, undated = fresh.filter(born < iso(before.day)), fresh.filter(born.is_null())
    left = gone.clear() if partial else gone
    return absence_rows(
        _identities(before, left, by_name=by_name),
        _identities(now, older, by_name=by_name),
        _identities(now, undated, by_name=by_name),
    )


def _identities(stored: StoredTable, wanted: pl.DataFrame, *, by_name: bool) -> list[str]:
    """The identities of hashed keys."""
    if wanted.is_empty():
        return []
    name = pl.col("id" if by_name else "hub_id")
    hashed = stored.frame.select(name=name, key=name.hash())
    rows = hashed.join(wanted.lazy().select("key"), on="key", how="semi")
    return rows.collect(engine="streaming")["name"].unique().sort().to_list()


def _null_shares(stored: StoredTable) -> dict[str, float]:
    """Share of nulls by column, 0 to 1; without the columns that a thinned day has lost."""
    counts = null_counts(stored) if stored.rows else {}
    kept = kept_columns(stored) or counts.keys()
    return {name: counts[name] / stored.rows for name in counts if name in kept and name != "day"}


def kept_columns(stored: StoredTable) -> set[str] | None:
    """The columns that a thinned day has; None for one with all its columns."""
    return CleaningCounts.read(stored.notes).kept_columns
