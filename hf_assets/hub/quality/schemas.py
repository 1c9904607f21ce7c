"""The tables that say what moved from one day to the next, and which days can be trusted.

Columns only; what fills them is in `hub.changes` (a day beside the last) and `hub.day_quality`.
"""

import polars as pl

from hf_assets.storage.parquet import Column, Table

# Downloads since creation that a model is on its way to.
MILESTONES = (1_000, 10_000, 100_000, 1_000_000)

DAILY_CHANGES = Table(
    name="daily_changes",
    required=("dimension",),
    columns={
        "day": Column(pl.Date, "Day of the snapshot, UTC: the partition."),
        "before": Column(pl.Date, "The stored day it is compared with; null for the first."),
        "hours": Column(pl.Float64, "Hours between the two captures, end to end."),
        "dimension": Column(
            pl.String,
            "compared (rows, larger models, counters), lifecycle (created, older, deleted, …; of "
            "lists entered and left), nulls (a "
            "column each), adoption (models on their way to a number of downloads, for two years).",
        ),
        "key": Column(pl.String, "What is counted; nulls: the column; adoption: the number."),
        "age": Column(pl.Int32, "adoption: days since creation, at the end of the step."),
        "rows": Column(pl.Int64, "Models counted; adoption: those still below the number."),
        "value": Column(
            pl.Float64, "nulls: share of nulls, 0 to 1; adoption: models that reached the number."
        ),
    },
)

DAY_QUALITY = Table(
    name="day_quality",
    required=("day",),
    columns={
        "day": Column(pl.Date, "A day from the first stored to the last, gaps among them."),
        "source": Column(pl.String, "captured, hub-stats, or folder; null: a gap."),
        "origin": Column(pl.String, "Endpoint, revision or file that the day came from."),
        "coverage": Column(
            pl.String, "What part of the Hub it lists; only days of equal coverage are compared."
        ),
        "models": Column(pl.Int64, "Rows of `models`."),
        "spaces": Column(pl.Int64, "Rows of `enriched_spaces`; null: the source has no Spaces."),
        "downloads": Column(pl.Int64, "Downloads in the last 30 days, added up."),
        "before": Column(pl.Date, "The day it was compared with."),
        "hours": Column(pl.Float64, "Hours since that day's capture."),
        "gap": Column(pl.Boolean, "Nobody has this day."),
        "partial": Column(pl.Boolean, "Under half the rows of the last whole day."),
        "stalled": Column(
            pl.Boolean,
            "Downloads of a quarter of the larger models or more are as the day before, or their "
            "total is under 0.3 of its median over 15 days.",
        ),
        "rolled_back": Column(pl.Boolean, "More than 5 % of the all-time counters fell."),
        "short": Column(pl.Boolean, "Under 18 hours after the last."),
        "unchanged_share": Column(pl.Float64, "Larger models with unchanged downloads, 0 to 1."),
        "fell_share": Column(pl.Float64, "All-time counters that fell, 0 to 1."),
        "renamed": Column(pl.Int64, "Models with a new id; null where it cannot be told."),
        "deleted": Column(pl.Int64, "Models that are no longer listed; null: the day is a list."),
        "returned": Column(
            pl.Int64,
            "Models listed again: they were on an earlier day, and not on the last. Null: not "
            "known, as a day before was compared by a version that did not remember.",
        ),
        "first_seen_late": Column(
            pl.Int64,
            "Models older than the last day and on no stored day before: private, or missed. Null: "
            "not known, or the day is a list.",
        ),
        "entered": Column(
            pl.Int64, "Of a list (a folder's, a limited capture): models that were not on it."
        ),
        "left": Column(pl.Int64, "Of a list: models that are on it no more."),
        "null_shifts": Column(pl.List(pl.String), "Columns null much more, or less, often."),
        "schema_changes": Column(pl.List(pl.String), "Columns that came (+) or went (-)."),
        "stale": Column(
            pl.Boolean,
            "`daily_changes` compares with a day that is no neighbour, or was replaced since.",
        ),
        "flags": Column(pl.List(pl.String), "What is wrong with the day, a word each."),
        "trusted": Column(pl.Boolean, "Neither gap, partial, stalled, rolled back nor stale."),
    },
)
