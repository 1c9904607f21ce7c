"""Schemas of the tables of day-over-day changes and of the quality of days."""

from collections.abc import Iterable
from hashlib import blake2b

import polars as pl

from hf_assets.storage.parquet import Column, Table

# Downloads since creation that adoption counts.
MILESTONES = (1_000, 10_000, 100_000, 1_000_000)

# Side tables of a day of `daily_changes`: rows that left and rows that came, as numbers.
ABSENCES = "absences"
DATASET_ABSENCES = "dataset_absences"  # the same of datasets
# `came` is false for models that left; `undated`: the source has no date of creation.
ABSENCES_SCHEMA = {"key": pl.UInt64, "came": pl.Boolean, "undated": pl.Boolean}

DAILY_CHANGES = Table(
    name="daily_changes",
    required=("dimension",),
    columns={
        "day": Column(pl.Date, "Day of the snapshot, UTC: the partition."),
        "before": Column(pl.Date, "The baseline day; null for the first day."),
        "hours": Column(pl.Float64, "Hours between the two captures, end to end."),
        "dimension": Column(
            pl.String,
            "compared (rows, larger models, counters), lifecycle (created, older, deleted, …; in "
            "lists entered and left), nulls (by column), adoption (models on their way to a number "
            "of downloads, for two years); datasets compared, datasets lifecycle, datasets nulls: "
            "the same of datasets, against their own baseline day.",
        ),
        "key": Column(pl.String, "What is counted; nulls: the column; adoption: the number."),
        "age": Column(pl.Int32, "adoption: days since creation, at the end of the step."),
        "rows": Column(
            pl.Int64, "Models, or datasets, counted; adoption: those still below the number."
        ),
        "value": Column(
            pl.Float64, "nulls: share of nulls, 0 to 1; adoption: models that reached the number."
        ),
    },
)

DAY_QUALITY = Table(
    name="day_quality",
    required=("day",),
    columns={
        "day": Column(pl.Date, "Every day from the first stored to the last, gaps included."),
        "source": Column(pl.String, "captured, hub-stats, or folder; null: a gap."),
        "origin": Column(pl.String, "Endpoint, revision or file of the day."),
        "coverage": Column(
            pl.String,
            "Part of the Hub that the day lists; only days of equal coverage are compared.",
        ),
        "models": Column(pl.Int64, "Rows of `models`."),
        "spaces": Column(pl.Int64, "Rows of `enriched_spaces`; null: the source has no Spaces."),
        "downloads": Column(pl.Int64, "Downloads in the last 30 days, summed over models."),
        "before": Column(pl.Date, "The baseline day that it was compared with."),
        "hours": Column(pl.Float64, "Hours since the capture of the baseline day."),
        "gap": Column(pl.Boolean, "The lake has no data of this day."),
        "partial": Column(pl.Boolean, "Under half the rows of the last complete day."),
        "stalled": Column(
            pl.Boolean,
            "A quarter or more of the larger models have the downloads of the baseline day, or the "
            "total is under 0.3 of its median over 15 days.",
        ),
        "rolled_back": Column(pl.Boolean, "More than 5 % of the all-time counters fell."),
        "short": Column(pl.Boolean, "Under 18 hours after the baseline day."),
        "unchanged_share": Column(pl.Float64, "Larger models with unchanged downloads, 0 to 1."),
        "fell_share": Column(pl.Float64, "All-time counters that fell, 0 to 1."),
        "renamed": Column(pl.Int64, "Models with a new id; null: unknown."),
        "deleted": Column(pl.Int64, "Models that are no longer listed; null: the day is a list."),
        "returned": Column(
            pl.Int64,
            "Models listed again: on an earlier day, and not on the baseline day. Null: unknown, "
            "as an early version compared an earlier day.",
        ),
        "first_seen_late": Column(
            pl.Int64,
            "New models that are older than the baseline day and on no stored day before: private, "
            "or missed. Null: unknown, or the day is a list.",
        ),
        "entered": Column(
            pl.Int64, "In a list (of a folder, a limited capture): models that were not on it."
        ),
        "left": Column(pl.Int64, "In a list: models that are no longer on it."),
        "null_shifts": Column(
            pl.List(pl.String), "Columns whose share of nulls moved by more than 5 points."
        ),
        "schema_changes": Column(
            pl.List(pl.String), "Fields that the source has again (+) or lacks now (-)."
        ),
        "stale": Column(
            pl.Boolean,
            "The baseline day is another one now, or it or the day was replaced since.",
        ),
        "flags": Column(pl.List(pl.String), "Reasons to distrust the day, a word or two each."),
        "trusted": Column(
            pl.Boolean, "Models: neither a gap, nor partial, stalled, rolled back or stale."
        ),
        "datasets": Column(pl.Int64, "Rows of `hub_datasets`; null: the day has none."),
        "datasets_source": Column(pl.String, "As `source`, of the day's datasets."),
        "datasets_coverage": Column(pl.String, "Part of the Hub that the day's datasets list."),
        "datasets_downloads": Column(pl.Int64, "Downloads in the last 30 days, over datasets."),
        "datasets_before": Column(pl.Date, "The datasets' own baseline day."),
        "datasets_hours": Column(pl.Float64, "Hours since the capture of that day's datasets."),
        "datasets_gap": Column(
            pl.Boolean, "No datasets, between the first day that has any and the last."
        ),
        "datasets_partial": Column(pl.Boolean, "Under half the rows of their baseline day."),
        "datasets_stalled": Column(
            pl.Boolean,
            "Half or more of the larger datasets (1,000 downloads) have the downloads of their "
            "baseline day, or the total is under 0.3 of its median over 15 days.",
        ),
        "datasets_rolled_back": Column(
            pl.Boolean, "More than 5 % of the datasets' all-time counters fell."
        ),
        "datasets_unchanged_share": Column(
            pl.Float64, "Larger datasets with unchanged downloads, 0 to 1."
        ),
        "datasets_fell_share": Column(pl.Float64, "Their all-time counters that fell, 0 to 1."),
        "datasets_renamed": Column(pl.Int64, "Datasets with a new id; null: unknown."),
        "datasets_deleted": Column(pl.Int64, "Datasets that are no longer listed."),
        "datasets_returned": Column(pl.Int64, "Datasets listed again, as `returned`."),
        "datasets_first_seen_late": Column(pl.Int64, "As `first_seen_late`, of datasets."),
        "datasets_entered": Column(pl.Int64, "In a list: datasets that were not on it."),
        "datasets_left": Column(pl.Int64, "In a list: datasets that are no longer on it."),
        "datasets_flags": Column(
            pl.List(pl.String), "Reasons to distrust the day's datasets; null: it has none."
        ),
        "datasets_trusted": Column(
            pl.Boolean, "As `trusted`, of the datasets; null: before the first day with datasets."
        ),
    },
)


def absence_rows(left: Iterable[str], came: Iterable[str], undated: Iterable[str]) -> pl.DataFrame:
    """The side table `absences` of a day.

    Args:
        left: identities of models that are no longer listed.
        came: of new models that were created before the baseline.
        undated: of new models without a date.
    """
    parts = ((left, False, False), (came, True, False), (undated, True, True))
    rows = [(_number(identity), *flags) for names, *flags in parts for identity in names]
    return pl.DataFrame(rows, schema=ABSENCES_SCHEMA, orient="row")


def _number(identity: str) -> int:
    # Not polars' own hash: its next version may compute another one.
    return int.from_bytes(blake2b(identity.encode(), digest_size=8).digest(), "little")
