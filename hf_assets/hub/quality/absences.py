"""Returned models, or datasets: those new to a day that an earlier day had listed.

Two days alone do not tell whether a new, older model was listed before. So each day of
`daily_changes` stores the models that left it, and the models that came and may have been listed
before, as 64-bit numbers made of the Hub's identity (of the name, where a source has no other): a
few thousand a day. A model that came on a day and left on an earlier day has returned. All days are
evaluated together, in any order of their making: a past day that is added later may turn "first
seen late" into "returned" on the days after it.

Only stored days count: a model that was listed between two of them is unknown. A name is not
matched with an identity: where the sources of consecutive days change from one to the other, models
that returned across that change are not counted. A partial day has no models that left.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from hf_assets.hub.quality.day_summary import DaySummary
from hf_assets.hub.quality.schemas import ABSENCES_SCHEMA
from hf_assets.hub.quality.step import MODELS, Listing
from hf_assets.storage.lake import Lake, iso
from hf_assets.storage.months import frames_by_month

_COPY = {"day": pl.Date, **ABSENCES_SCHEMA}
_TABLE = "daily_changes"


@dataclass(frozen=True)
class Returned:
    """Counts of the models of a day that an earlier day had listed: of known age, and undated."""

    dated: int
    undated: int


def returned(
    lake: Lake, days: Sequence[DaySummary], listing: Listing = MODELS
) -> dict[str, Returned]:
    """The returned models, or datasets, of each compared day; without unknown ones.

    They are unknown where an early version compared the day, or an earlier day of the same scope,
    without `absences`: `stale_days` has those days, and once their `daily_changes` is rebuilt, they
    are known. A thinned day has returned models, and none first seen late.

    Args:
        lake: the lake.
        days: all days of that listing, oldest first.
        listing: models or datasets.
    """
    compared = [day for day in days if day.compared and day.comparison.baseline_day]
    if not compared:
        return {}
    steps = pl.DataFrame(
        [
            (iso(day.day), iso(day.comparison.baseline_day or ""), day.size.scope)
            for day in compared
        ],
        schema={"day": pl.Date, "before": pl.Date, "scope": pl.String},
        orient="row",
    )
    rows = _all_absences(lake, listing)
    came = rows.filter("came")
    # Some years have millions that left; a tenth as many came, and only those matter.
    left = rows.filter(~pl.col("came")).join(came.select("key"), on="key", how="semi")
    first_left = (
        left.select("day", "key")
        .join(steps.drop("before"), on="day")
        .group_by("scope", "key")
        .agg(pl.col("day").min())
    )
    counts = (
        came.join(steps, on="day")
        .join(first_left, on=("scope", "key"), suffix="_left")
        .filter(pl.col("day_left") <= pl.col("before"))
        .group_by("day")
        .agg(dated=(~pl.col("undated")).sum(), undated=pl.col("undated").sum())
    )
    by_day = {str(day): Returned(dated, undated) for day, dated, undated in counts.iter_rows()}
    return {day: by_day.get(day, Returned(0, 0)) for day in _with_full_history(compared)}


def _with_full_history(compared: Iterable[DaySummary]) -> Iterable[str]:
    """The days with `absences` whose earlier days of the same scope all have them."""
    incomplete: defaultdict[str, bool] = defaultdict(bool)
    for day in compared:
        has_absences = day.comparison.absences
        if not day.comparison.partial:
            incomplete[day.size.scope] |= not has_absences
        if has_absences and not incomplete[day.size.scope]:
            yield day.day


def _all_absences(lake: Lake, listing: Listing) -> pl.DataFrame:
    """The side tables of all days, with the day of each; copied into one file per month."""

    def rows_of(lake: Lake, day: str) -> pl.DataFrame | None:
        rows = lake.read(_TABLE, day).aside(listing.absences)
        if rows is None:
            return None
        return rows.select(pl.lit(iso(day)).alias("day"), *ABSENCES_SCHEMA)

    return frames_by_month(lake, _TABLE, listing.absences, _COPY, rows_of)
