"""Day-over-day changes: a day of models compared with its baseline day.

A few thousand numbers, however many models there are. `day_quality` and the series over many days
read these numbers and the footer, and never two days of models.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache

import polars as pl

from hf_assets.hub.quality.baselines import (
    WHOLE_HUB,
    Baseline,
    DaySize,
    baseline_among,
    day_size,
)
from hf_assets.hub.quality.records import ComparedCounts, DayComparison, LifecycleCounts
from hf_assets.hub.quality.rules import NULL_RATE_STEP, null_counts
from hf_assets.hub.quality.schemas import ABSENCES, MILESTONES, absence_rows
from hf_assets.hub.tables.records import CleaningCounts
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.storage.records import CaptureProvenance

# Downloads in 30 days from which a model counts as larger: its counter moves every day. (Model
# Pulse takes 60,000; with 10,000 lists of a few hundred models have enough of them.)
LARGER = 10_000
# Longest step in days whose milestones tell ages: a month. Of simulated lives looked at once a
# month the median comes out within two days (`trends.survival`).
LONGEST_STEP = 31
# Days since creation for which adoption is followed: two years.
MAX_AGE = 730
# Share of all-time counters that may fall; more is a rollback (Model Pulse).
ROLLED_BACK = 0.05

_ROWS = {
    "dimension": pl.String,
    "key": pl.String,
    "age": pl.Int32,
    "rows": pl.Int64,
    "value": pl.Float64,
}


def stored_baselines(lake: Lake, days: Iterable[str]) -> dict[str, Baseline]:
    """The baseline of each of these days among the stored days of `models`, from footers.

    Each is computed alone: a day has the same baseline in a run of many days as in its own.
    """
    stored_days = lake.days("models")
    index = {day: at for at, day in enumerate(stored_days)}

    @cache
    def size(at: int) -> DaySize:
        stored = lake.read("models", stored_days[at])
        return day_size(stored_days[at], capture_of(stored), stored.rows)

    return {day: baseline_among(len(stored_days), index[day], size) for day in sorted(days)}


def daily_changes(
    now: StoredTable,
    before: StoredTable | None,
    day: str,
    *,
    partial: bool = False,
    carried: DayComparison | None = None,
) -> TableWrite:
    """The changes of a day. Columns: `schemas.DAILY_CHANGES`; record: `DayComparison`.

    In the whole Hub a model that was not listed before counts as created if it was created on the
    baseline day or since, as older if it was created before (`absences` finds those that returned),
    and as undated where its source has no date; one that is no longer listed counts as deleted. In
    a list of some models they entered it or left it. Adoption: a model below a number of downloads
    on the baseline day is at risk at each age that it steps through (ages in whole days, from the
    day of its creation), and has reached the number, or not, at the last; a model created between
    the two days is at risk from its birth. A step of more than a month, a partial day and counters
    that were rolled back have no adoption.

    Args:
        now: that day's `models`.
        before: the `models` of its baseline day, or None.
        day: the partition key.
        partial: the day broke off.
        carried: an earlier comparison whose `lifecycle` and `nulls` are still true, for counts that
            the rows of a thinned day do not tell any more.
    """
    carried = carried or DayComparison()
    captures = [capture_of(stored) for stored in (now, before) if stored]
    capture = captures[0]
    by_name = any(one.identity == "name" for one in captures)
    size = day_size(day, capture, now.rows)
    nulls = (carried.nulls if _kept(now) else {}) | _null_shares(now)
    mine = _slim(now, by_name=by_name)
    counts = ComparedCounts(rows=mine.height)
    lifecycle = LifecycleCounts()
    absences = absence_rows((), (), ())
    adoption = pl.DataFrame(schema=_ROWS)
    if before is not None:
        other = _slim(before, by_name=by_name).drop("born", "floor")
        both = mine.join(other, on="key", suffix="_before")
        fresh = mine.join(other.select("key"), on="key", how="anti")
        gone = other.join(mine.select("key"), on="key", how="anti")
        counts = _compared(both, mine.height, other.height)
        lifecycle = _lifecycle(both, by_name=by_name)
        if size.scope == WHOLE_HUB:
            _count_births(lifecycle, now, fresh, gone, before.day)
        else:
            lifecycle.entered, lifecycle.left = fresh.height, gone.height
        lifecycle = lifecycle.completed(carried.lifecycle)
        absences = _absences(now, before, fresh, gone, by_name=by_name, partial=partial)
        step = (iso(day) - iso(before.day)).days
        has_counters = mine["downloads_all_time"].count() > 0
        if has_counters and not partial and step <= LONGEST_STEP and not rolled_back(counts):
            adoption = _adoption(both, fresh, day, before.day)
    rows = [
        *(("compared", key, None, count, None) for key, count in counts.to_json().items()),
        *(("lifecycle", key, None, count, None) for key, count in lifecycle.to_json().items()),
        *(("nulls", key, None, round(share * now.rows), share) for key, share in nulls.items()),
    ]
    hours = _hours(*reversed(captures)) if before else None
    frame = pl.concat([pl.DataFrame(rows, schema=_ROWS, orient="row"), adoption]).with_columns(
        day=pl.lit(iso(day)),
        before=pl.lit(iso(before.day) if before else None, pl.Date),
        hours=pl.lit(hours, pl.Float64),
    )
    comparison = DayComparison(
        rows=frame.height,
        source=capture.source,
        origin=capture.origin,
        scope=size.scope,
        identity="name" if by_name else "hub",
        absent_columns=sorted(capture.absent),
        models=None if size.absent else now.rows,
        sha256=capture.sha256,
        baseline_day=before.day if before else None,
        baseline_sha256=captures[1].sha256 if before else None,
        hours=hours,
        partial=partial,
        time_known=all(one.time_known for one in captures),
        downloads=_total(mine["downloads"]),
        downloads_all_time=_total(mine["downloads_all_time"]),
        compared=counts,
        lifecycle=lifecycle,
        nulls=nulls,
        absences=True,
    )
    return TableWrite(
        frames=[frame],
        provenance=dict(now.provenance),
        aside={ABSENCES: absences},
        record=comparison,
    )


def rolled_back(compared: ComparedCounts) -> bool:
    """More than one in twenty of the counters that only rise fell."""
    return (compared.all_time_fell or 0) > ROLLED_BACK * (compared.all_time or 0)


def null_steps(now: dict[str, float], before: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Columns whose share of nulls moved by more than five points: the share before and now."""
    shares = {name: (before[name], share) for name, share in now.items() if name in before}
    return {name: (a, b) for name, (a, b) in shares.items() if abs(b - a) > NULL_RATE_STEP}


def capture_of(models: StoredTable) -> CaptureProvenance:
    """The summary of the capture behind a day of `models`."""
    return models.capture("raw_models")


def _hours(before: CaptureProvenance, now: CaptureProvenance) -> float | None:
    """From the end of one capture to the end of the other."""
    if before.finished is None or now.finished is None:
        return None
    first, second = (datetime.fromisoformat(one.finished or "") for one in (before, now))
    return round(max((second - first).total_seconds(), 0.0) / 3600, 3)


def _total(counters: pl.Series) -> int | None:
    return int(counters.sum()) if counters.count() else None


def _slim(stored: StoredTable, *, by_name: bool) -> pl.DataFrame:
    """One short row per model; identities as 64-bit hashes, which hardly ever collide."""
    slim = stored.frame.select(
        key=pl.col("id" if by_name else "hub_id").hash(),
        name=pl.col("id").hash(),
        born=pl.col("created_at").dt.date(),
        floor=pl.col("floor_dated"),
        downloads=pl.col("downloads"),
        downloads_all_time=pl.col("downloads_all_time"),
        gated=pl.col("gated") != "false",
    ).collect(engine="streaming")
    # Two models that swapped names during the listing have the same name.
    return slim.unique("key", keep="first") if by_name else slim


def _compared(both: pl.DataFrame, rows: int, rows_before: int) -> ComparedCounts:
    now, then = pl.col("downloads"), pl.col("downloads_before")
    ever, ever_then = pl.col("downloads_all_time"), pl.col("downloads_all_time_before")
    larger = now.is_not_null() & (then >= LARGER)
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
    kept = _kept(now)
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
    """Models that left, and models that came and may have been listed before."""
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


def _adoption(both: pl.DataFrame, fresh: pl.DataFrame, day: str, before: str) -> pl.DataFrame:
    """At risk and reached, by number and age. Models dated by the Hub's floor have no age."""
    age = (pl.lit(iso(day)) - pl.col("born")).dt.total_days().cast(pl.Int32)
    step = (iso(day) - iso(before)).days
    listed = both.lazy().select(
        *("floor", "downloads_all_time"), "downloads_all_time_before", age=age, first=age - step + 1
    )
    newborn = (
        fresh.lazy()
        .filter(pl.col("born") >= iso(before))
        .select(
            *("floor", "downloads_all_time"),
            downloads_all_time_before=pl.lit(0, pl.Int64),
            age=age,
            first=pl.lit(0, pl.Int32),
        )
    )
    now, then = pl.col("downloads_all_time"), pl.col("downloads_all_time_before")
    models = (
        pl.concat([listed, newborn])
        .filter(~pl.col("floor"), pl.col("age").is_between(0, MAX_AGE))
        .filter(now.is_not_null(), then.is_not_null())
    )
    return _steps_toward(models).collect(engine="in-memory")


def _steps_toward(models: pl.LazyFrame) -> pl.LazyFrame:
    now, then = pl.col("downloads_all_time"), pl.col("downloads_all_time_before")
    below = {number: then < number for number in MILESTONES}
    steps = models.group_by("first", "age").agg(
        *(under.sum().alias(f"below {number}") for number, under in below.items()),
        *((under & (now >= number)).sum().alias(f"to {number}") for number, under in below.items()),
    )
    each = [
        steps.select(
            *("first", "age"),
            number=pl.lit(number),
            rows=pl.col(f"below {number}").cast(pl.Int64),
            value=pl.col(f"to {number}").cast(pl.Float64),
        )
        for number in MILESTONES
    ]
    return (
        pl.concat(each)
        .filter(pl.col("rows") > 0)
        .with_columns(at=pl.int_ranges("first", pl.col("age") + 1, dtype=pl.Int32))
        .explode("at")
        .with_columns(value=pl.when(pl.col("at") == pl.col("age")).then("value").otherwise(0.0))
        .group_by("number", age="at")
        .agg(pl.col("rows").sum(), pl.col("value").sum())
        .select(
            pl.lit("adoption").alias("dimension"),
            pl.col("number").cast(pl.String).alias("key"),
            *("age", "rows", "value"),
        )
    )


def _null_shares(stored: StoredTable) -> dict[str, float]:
    """Share of nulls by column, 0 to 1; without the columns that a thinned day has lost."""
    counts = null_counts(stored) if stored.rows else {}
    kept = _kept(stored) or counts.keys()
    return {name: counts[name] / stored.rows for name in counts if name in kept and name != "day"}


def _kept(stored: StoredTable) -> set[str] | None:
    """The columns that a thinned day has; None for one with all its columns."""
    return CleaningCounts.read(stored.notes).kept_columns
