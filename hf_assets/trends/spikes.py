"""One-day spikes: models most of whose downloads of a week fell on a single day.

A riser whose week is one day of a script or a mirror says nothing about interest. The rule is that
of a public board of the Hub's growth (tardellirs/modelpulse, read 2026-10), in whose audit 37 of
100 risers were such spikes: more than 60 % of the week on one day, 80 % for a new model, whose
first day is often its largest. What is new that board does not say; here it is a model younger than
the 30 days that downloads are counted over.
"""

import datetime

import polars as pl

WEEK = 7
MOST_OF_WEEK = 0.6
MOST_IF_NEW = 0.8
NEW_DAYS = 30
# Daily downloads that must be known: of fewer days, one has a large share in any case.
LEAST_DAYS = 5


def is_spike(share: pl.Expr, created: pl.Expr, day: datetime.date | pl.Expr) -> pl.Expr:
    """Whether a week is a spike; false where its share is unknown.

    Args:
        share: the largest day's share of the week's downloads, 0 to 1.
        created: day of creation.
        day: the last day of the week.
    """
    last = day if isinstance(day, pl.Expr) else pl.lit(day, pl.Date)
    limit = pl.when((last - created).dt.total_days() < NEW_DAYS).then(MOST_IF_NEW)
    return (share > limit.otherwise(MOST_OF_WEEK)).fill_null(value=False)


def spikes(models: pl.LazyFrame, day: datetime.date) -> pl.DataFrame:
    """The models whose week up to a day was a spike.

    Daily downloads come from all-time counters. Where a source has none, or a week has fewer than
    five days, nothing is known, and nothing is a spike.

    Args:
        models: rows of `model_history`.
        day: the last day of the week.

    Returns:
        hub_id, and `peak_share`: the share of its downloads on the largest day, 0 to 1.
    """
    daily = pl.col("daily_downloads")
    week = models.filter(
        pl.col("day") > day - datetime.timedelta(WEEK), pl.col("day") <= day, daily.is_finite()
    )
    return (
        week.group_by("hub_id")
        .agg(
            pl.col("created").last(),
            days=pl.col("day").n_unique(),
            peak_share=pl.when(daily.sum() > 0).then(daily.max() / daily.sum()),
        )
        .filter(
            pl.col("days") >= LEAST_DAYS,
            is_spike(pl.col("peak_share"), pl.col("created"), day),
        )
        .select("hub_id", "peak_share")
        .collect()
    )
