"""Day-over-day changes: a day of models, and of datasets, compared with its baseline day.

A few thousand numbers, however many rows there are. `day_quality` and the series over many days
read these numbers and the footer, and never two days of rows.
"""

from collections.abc import Iterable
from functools import cache

import polars as pl

from hf_assets.hub.quality.baselines import Baseline, DaySize, baseline_among, day_size
from hf_assets.hub.quality.records import ComparedCounts, DatasetsComparison, DayComparison
from hf_assets.hub.quality.rules import NULL_RATE_STEP
from hf_assets.hub.quality.schemas import MILESTONES
from hf_assets.hub.quality.step import DATASETS, MODELS, Listing, Row, Step, compare
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso
from hf_assets.storage.records import CaptureProvenance

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


def stored_baselines(
    lake: Lake, days: Iterable[str], listing: Listing = MODELS
) -> dict[str, Baseline]:
    """The baseline of each of these days among the stored days of a listing, from footers.

    Each is computed alone: a day has the same baseline in a run of many days as in its own. Only
    days that have models count: a day of datasets alone is no day of `day_quality`.
    """
    stored_days = lake.days(listing.table)
    if listing is not MODELS and stored_days:
        with_models = set(lake.days(MODELS.table))
        stored_days = [day for day in stored_days if day in with_models]
    index = {day: at for at, day in enumerate(stored_days)}

    @cache
    def size(at: int) -> DaySize:
        stored = lake.read(listing.table, stored_days[at])
        return day_size(stored_days[at], listing.capture(stored), stored.rows)

    return {
        day: baseline_among(len(stored_days), index[day], size)
        for day in sorted(days)
        if listing is MODELS or day in index
    }


def daily_changes(
    now: StoredTable,
    before: StoredTable | None,
    day: str,
    *,
    partial: bool = False,
    carried: DayComparison | None = None,
) -> TableWrite:
    """The changes of a day of models. Columns: `schemas.DAILY_CHANGES`; record: `DayComparison`.

    Adoption: a model below a number of downloads on the baseline day is at risk at each age that it
    steps through (ages in whole days, from the day of its creation), and has reached the number, or
    not, at the last; a model created between the two days is at risk from its birth. A step of more
    than a month, a partial day and counters that were rolled back have no adoption.

    Args:
        now: that day's `models`.
        before: the `models` of its baseline day, or None.
        day: the partition key.
        partial: the day broke off.
        carried: as for `step.compare`.
    """
    carried = carried or DayComparison()
    step = compare(MODELS, now, before, day, partial=partial, carried=carried)
    frame = _frame(step, MODELS, now.rows, day)
    if before is not None and step.both is not None and step.fresh is not None:
        days = (iso(day) - iso(before.day)).days
        counted = step.comparison["downloads_all_time"] is not None
        compared = step.comparison["compared"]
        if counted and not partial and days <= LONGEST_STEP and not rolled_back(compared):
            adoption = _adoption(step.both, step.fresh, day, before.day)
            frame = pl.concat([frame, _dated(adoption, step, day)])
    absent = capture_of(now).absent_kind
    comparison = DayComparison(
        rows=frame.height, models=None if absent else now.rows, **step.comparison
    )
    return TableWrite(
        frames=[frame],
        provenance=dict(now.provenance),
        aside={MODELS.absences: step.absences},
        record=comparison,
    )


def datasets_changes(
    now: StoredTable,
    before: StoredTable | None,
    *,
    partial: bool = False,
    carried: DatasetsComparison | None = None,
) -> tuple[DatasetsComparison, pl.DataFrame, pl.DataFrame]:
    """The changes of the datasets of a day: their record, rows of `DAILY_CHANGES`, and absences.

    Args:
        now: that day's `hub_datasets`.
        before: the `hub_datasets` of its baseline day, or None.
        partial: the day broke off.
        carried: as for `step.compare`.
    """
    carried = carried or DatasetsComparison()
    step = compare(DATASETS, now, before, now.day, partial=partial, carried=carried)
    comparison = DatasetsComparison(datasets=now.rows, **step.comparison)
    return comparison, _frame(step, DATASETS, now.rows, now.day), step.absences


def _frame(step: Step, listing: Listing, listed: int, day: str) -> pl.DataFrame:
    rows: list[Row] = list(step.rows(listing, listed))
    return _dated(pl.DataFrame(rows, schema=_ROWS, orient="row"), step, day)


def _dated(rows: pl.DataFrame, step: Step, day: str) -> pl.DataFrame:
    before = step.comparison["baseline_day"]
    return rows.with_columns(
        day=pl.lit(iso(day)),
        before=pl.lit(iso(before) if before else None, pl.Date),
        hours=pl.lit(step.comparison["hours"], pl.Float64),
    )


def rolled_back(compared: ComparedCounts) -> bool:
    """More than one in twenty of the counters that only rise fell."""
    return (compared.all_time_fell or 0) > ROLLED_BACK * (compared.all_time or 0)


def null_steps(now: dict[str, float], before: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Columns whose share of nulls moved by more than five points: the share before and now."""
    shares = {name: (before[name], share) for name, share in now.items() if name in before}
    return {name: (a, b) for name, (a, b) in shares.items() if abs(b - a) > NULL_RATE_STEP}


def capture_of(stored: StoredTable, listing: Listing = MODELS) -> CaptureProvenance:
    """The summary of the capture behind a day of `models`, or of another listing's table."""
    return listing.capture(stored)


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
