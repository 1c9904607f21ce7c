"""The columns of the series over many days, each with its meaning and unit.

These tables have no partition: each holds every day. A day that `day_quality` does not trust keeps
its row, with levels interpolated between its trusted neighbours, so that no rate sees a zero and
then a jump. A missing day has no row.
"""

import polars as pl

from hf_assets.hub.quality.schemas import MILESTONES
from hf_assets.storage.parquet import Column, Table

_DAY = Column(pl.Date, "Day of the snapshot, UTC.")
_SOURCE = Column(pl.String, "Source of the day: captured, hub-stats or folder.")
_TRUSTED = Column(pl.Boolean, "The day passed the rules of `day_quality`.")
_DOWNLOADS = Column(pl.Float64, "Downloads in the last 30 days; interpolated on untrusted days.")
_ALL_TIME = Column(pl.Float64, "Downloads since creation; null before 2025-02-26.")
_LIKES = Column(pl.Float64, "Likes since creation.")
_DAILY = Column(
    pl.Float64, "Downloads a day since the last trusted day, from all-time counters; else null."
)
# Rates have seven digits: more would be noise, and a third of the bytes.
_GROWTH_7 = Column(
    pl.Float32,
    "Of downloads over 7 days, from days really spanned: 0.1 is a tenth more; base 1000 at least.",
)
_GROWTH_28 = Column(pl.Float32, "Likewise over 28 days.")
_ACCELERATION = Column(
    pl.Float32, "Change of the daily step of downloads, a day: downloads a day squared."
)
_RATES = {
    "daily_downloads": _DAILY,
    "growth_7": _GROWTH_7,
    "growth_28": _GROWTH_28,
    "acceleration": _ACCELERATION,
    "source": _SOURCE,
    "trusted": _TRUSTED,
}
PHASES = ("new", "rising", "peak", "falling", "plateau")


def _of_keys(
    name: str,
    key: str,
    more: dict[str, Column] | None = None,
    noun: str = "models",
    behind: dict[str, Column] | None = None,
) -> Table:
    compared = (
        "; against_base, license_root: of the derivatives compared" if noun == "models" else ""
    )
    return Table(
        name=name,
        required=("day",),
        preview_by="downloads",
        columns={
            "day": _DAY,
            **(more or {}),
            "key": Column(pl.String, key),
            "rows": Column(pl.Float64, f"{noun.capitalize()}; interpolated on untrusted days."),
            "downloads": _DOWNLOADS,
            "downloads_all_time": _ALL_TIME,
            "likes": _LIKES,
            "share_rows": Column(pl.Float32, f"Of all {noun}, 0 to 1{compared}."),
            "share_downloads": Column(pl.Float32, "Of their downloads, 0 to 1."),
            **_RATES,
            **(behind or {}),
        },
    )


# Never part of the served levels, shares and rates.
PREDICTED = {
    "predicted_rows": Column(
        pl.Float64,
        "Models without a category of which this one is predicted; null: no prediction on that "
        "day; interpolated on untrusted days.",
    ),
    "predicted_downloads": Column(pl.Float64, "Their downloads in the last 30 days; likewise."),
    "predicted_share_rows": Column(pl.Float32, "Of all models, 0 to 1; beside share_rows."),
    "predicted_share_downloads": Column(pl.Float32, "Of all downloads; beside share_downloads."),
}
CATEGORY_HISTORY = _of_keys(
    "category_history", "Category; null: the Hub gives none.", behind=PREDICTED
)
LIBRARY_HISTORY = _of_keys("library_history", "Library; null: the Hub gives none.")
AUTHOR_HISTORY = _of_keys("author_history", "User or organisation, of the top 1000 of each day.")
LICENSE_HISTORY = _of_keys(
    "license_history",
    "license: as tagged, null where none is; group: permissive, copyleft, openrail, restricted, "
    "none; against_base: looser, same, stricter, unknown (a derivative against its base model).",
    {"of": Column(pl.String, "What the key is: license, group or against_base.")},
)

FAMILY_HISTORY = _of_keys(
    "family_history",
    "relation: finetune, adapter, quantized, merge, unknown, root (others are made from it), null "
    "(neither); family: the root's id, of the 300 most downloaded of each day; family_relation: "
    "relation/root, of the first 20; format, parameters: as in daily_metrics, null where none is "
    "given; quantiser: the author, of the first 100; license_root: looser, same, stricter, "
    "unknown.",
    {
        "of": Column(
            pl.String,
            "relation, family, family_relation, format, parameters, quantiser or license_root.",
        )
    },
)

DATASET_GROUP_HISTORY = _of_keys(
    "dataset_group_history",
    "Value of what `of` names; null: the Hub gives none. A dataset with several is in each.",
    {"of": Column(pl.String, "task, language, size, modality, format or license.")},
    noun="datasets",
)


def _of_each(name: str, noun: str, category: dict[str, Column]) -> Table:
    return Table(
        name=name,
        required=("day", "hub_id"),
        preview_by="downloads",
        columns={
            "day": _DAY,
            "hub_id": Column(pl.String, "The Hub's own identity; survives a rename."),
            "id": Column(pl.String, "author/name, as of that day."),
            **category,
            "created": Column(pl.Date, "Day of creation; null where unknown."),
            "rank": Column(pl.Int32, "By downloads, 1 to 1000; null on untrusted days."),
            "downloads": _DOWNLOADS,
            "downloads_all_time": _ALL_TIME,
            "likes": _LIKES,
            "share_downloads": Column(pl.Float32, f"Of the whole Hub's {noun}, 0 to 1."),
            "velocity": Column(
                pl.Float32,
                "All-time downloads a day of age (1 at least); at most, if created 2022-03-02.",
            ),
            **_RATES,
        },
    )


MODEL_HISTORY = _of_each(
    "model_history",
    "downloads",
    {"category": Column(pl.String, "The Hub's `pipeline_tag` of that day.")},
)
DATASET_HISTORY = _of_each(
    "dataset_history",
    "downloads of datasets",
    {"task": Column(pl.String, "The first of its task categories of that day.")},
)

_BASE = "to the newest trusted day, 100 or more before; null: not listed"
GROWTH = {
    "growth_7": Column(pl.Float32, f"Of downloads over 7 days {_BASE}."),
    "growth_28": Column(pl.Float32, f"Of downloads over 28 days {_BASE}."),
    "peak_share": Column(pl.Float32, "Largest day's share of that week's downloads, 0 to 1; null: "
                         "under 5 days known, or no growth_7."),
}  # fmt: skip
MODEL_PHASES = Table(
    name="model_phases",
    required=("hub_id",),
    encodings={"hub_id": "DELTA_BYTE_ARRAY"},
    row_group=1 << 14,
    preview_by="latest",
    columns={
        "hub_id": Column(pl.String, "The Hub's own identity; `name:` and the name without one."),
        "id": Column(pl.String, "author/name, as last seen."),
        "category": Column(pl.String, "As last seen."),
        "created": Column(pl.Date, "Day of creation; null where unknown."),
        "first_day": Column(pl.Date, "First stored day that lists it."),
        "last_day": Column(pl.Date, "Last day that lists it, with known downloads."),
        "days": Column(pl.Int32, "Days that list it."),
        "phase": Column(
            pl.String,
            f"On its last day: {', '.join(PHASES)}; null: seen too little. See `series.phases`.",
        ),
        "peak_day": Column(pl.Date, "Day of the highest smoothed downloads."),
        "peak": Column(pl.Float64, "Smoothed downloads (30 days) at the peak."),
        "latest": Column(pl.Float64, "Downloads (30 days) on its last day."),
        "peak_to_plateau": Column(
            pl.Float64, "Peak over the median of the last 14 days; null before the peak is past."
        ),
        "half_life": Column(
            pl.Int32, "Days from the peak until downloads halve, and stay so; null: not yet."
        ),
        **{
            f"days_to_{number}": Column(
                pl.Int32,
                f"Days from creation to {number:,} downloads; null: still waiting, or not seen.",
            )
            for number in MILESTONES
        },
        **GROWTH,
    },
)

_MILESTONE = Column(pl.Int64, "Downloads since creation that are to be reached.")
_AGE = Column(pl.Int32, "Days since creation.")

ADOPTION_HISTORY = Table(
    name="adoption_history",
    required=("milestone",),
    columns={
        "milestone": _MILESTONE,
        "age": _AGE,
        "at_risk": Column(
            pl.Float64,
            "Model-days observed at that age, still below; expected, where looks are days apart.",
        ),
        "reached": Column(pl.Float64, "Models that reached it at that age; likewise."),
        "share": Column(
            pl.Float64,
            "Share that has reached it by then, 0 to 1: Kaplan-Meier; Turnbull, where looks are "
            "days apart.",
        ),
        "low": Column(pl.Float64, "Lower end of its 95 % interval. See `trends.survival`."),
        "high": Column(pl.Float64, "Upper end."),
    },
)

SPACE_USAGE_HISTORY = Table(
    name="space_usage_history",
    required=("day", "of"),
    preview_by="spaces",
    columns={
        "day": _DAY,
        "of": Column(pl.String, "model (the 300 most used of each day), sdk, or total."),
        "key": Column(pl.String, "Model id as Spaces name it; sdk; total: what is counted."),
        "category": Column(pl.String, "Of the model."),
        "spaces": Column(pl.Float64, "Spaces; interpolated on untrusted days."),
        "authors": Column(pl.Float64, "Distinct authors of those Spaces."),
        "likes": Column(pl.Float64, "Likes of those Spaces, added up."),
        "share": Column(pl.Float32, "Of all Spaces, 0 to 1."),
        "growth_7": Column(pl.Float32, "Of Spaces over 7 days; 10 Spaces at least."),
        "growth_28": Column(pl.Float32, "Likewise over 28 days."),
        "source": _SOURCE,
        "trusted": _TRUSTED,
    },
)

USED_BY_HISTORY = Table("used_by_history", required=("day", "of"), preview_by="models", columns={
    "day": _DAY,
    "of": Column(pl.String, "What the key is: edges, training_data, model, dataset or paper."),
    "key": Column(pl.String, "A kind of edge; all (models that name a dataset); or a target's id."),
    "edges": Column(pl.Float64, "Edges of that kind; interpolated on untrusted days."),
    "models": Column(pl.Float64, "Models that name it; interpolated on untrusted days."),
    "spaces": Column(pl.Float64, "Spaces that use it."),
    "downloads": Column(pl.Float64, "Downloads in the last 30 days of those models."),
    "share_models": Column(pl.Float32, "Those models, of all models, 0 to 1."),
    "share_downloads": Column(pl.Float32, "Their downloads, of all downloads, 0 to 1."),
    "growth_7": Column(pl.Float32, "Of models (or edges) over 7 days; 10 at least."),
    "growth_28": _GROWTH_28, "source": _SOURCE, "trusted": _TRUSTED,
})  # fmt: skip

CONCENTRATION_HISTORY = Table(
    name="concentration_history",
    required=("day", "of"),
    columns={
        "day": _DAY,
        "of": Column(
            pl.String,
            "models or authors, by downloads in the last 30 days; datasets or dataset authors.",
        ),
        "gini": Column(pl.Float64, "0: all are equal; 1: a single one has everything."),
        "hhi": Column(pl.Float64, "Sum of squared shares, 0 to 10 000."),
        "effective_number": Column(pl.Float64, "10 000 / HHI: equal ones that would give it."),
        **{
            f"top_{k}": Column(pl.Float64, f"Share of the first {k}, 0 to 1.")
            for k in (1, 10, 100, 1000)
        },
        "top_1_percent": Column(pl.Float64, "Share of the first hundredth, 0 to 1."),
        "turnover_7": Column(
            pl.Float64, "Share of the first 100 that were not among them 7 (to 14) days before."
        ),
        "turnover_28": Column(pl.Float64, "Likewise 28 (to 35) days before."),
        "source": _SOURCE,
        "trusted": _TRUSTED,
    },
)

PREDICTION_HISTORY = Table(
    name="prediction_history",
    required=("day",),
    columns={
        "day": _DAY,
        "models": Column(pl.Int64, "Models listed."),
        "with_category": Column(pl.Int64, "Models that the Hub gives a category."),
        "predicted": Column(pl.Int64, "Others with a predicted one."),
        "unknown": Column(pl.Int64, "Others without."),
        "kept": Column(pl.Int64, "Answers taken over from an earlier day of the same classifier."),
        "right": Column(pl.Int64, "Predictions that the Hub answered that day, and agreed with."),
        "wrong": Column(pl.Int64, "Those with which it did not agree."),
        "all_right": Column(pl.Int64, "Right ones of the same classifier up to that day."),
        "all_wrong": Column(pl.Int64, "Wrong ones of the same classifier up to that day."),
        "precision": Column(pl.Float64, "all_right of both, 0 to 1; null: no answer yet."),
        "low": Column(pl.Float64, "Lower end of its 95 % interval (Wilson)."),
        "high": Column(pl.Float64, "Upper end."),
        "version": Column(pl.String, "The classifier's; null where nothing was predicted."),
        "model": Column(pl.String, "TF-IDF, or the base model of an int8."),
    },
)

LIFECYCLE = Table(
    name="lifecycle",
    required=("day",),
    columns={
        "day": _DAY,
        "before": Column(pl.Date, "The day it is compared with."),
        "days_spanned": Column(pl.Float64, "Days between the two captures, in fractions."),
        "models": Column(pl.Int64, "Models listed."),
        "created": Column(
            pl.Int64, "New: created since the day before; null: the day is a list of some models."
        ),
        "returned": Column(
            pl.Int64,
            "Listed again: they were on an earlier day, and not on the last; null: unknown.",
        ),
        "first_seen_late": Column(
            pl.Int64,
            "Older than the last day and on no stored day before: private till then, or missed.",
        ),
        "deleted": Column(pl.Int64, "No longer listed; null: the day is a list of some models."),
        "entered": Column(
            pl.Int64,
            "Of a list (a folder's, a limited capture): models on it that were not on the last.",
        ),
        "left": Column(pl.Int64, "Of a list: models that are on it no more."),
        "renamed": Column(pl.Int64, "Same identity, new id; null where unknown."),
        "gated_on": Column(pl.Int64, "Became gated."),
        "gated_off": Column(pl.Int64, "Are no longer gated."),
        "created_per_day": Column(pl.Float64, "New models a day, over the days really spanned."),
        "trusted": Column(pl.Boolean, "Both days passed the rules of `day_quality`."),
        "datasets": Column(pl.Int64, "Datasets listed; null: the day has none."),
        "datasets_before": Column(pl.Date, "The day that its datasets are compared with."),
        "datasets_days_spanned": Column(pl.Float64, "Days between their two captures."),
        **{
            f"datasets_{name}": Column(pl.Int64, f"As `{name}`, of datasets.")
            for name in (
                *("created", "returned", "first_seen_late", "deleted", "entered", "left"),
                *("renamed", "gated_on", "gated_off"),
            )
        },
        "datasets_created_per_day": Column(pl.Float64, "New datasets a day."),
        "datasets_trusted": Column(
            pl.Boolean, "Datasets of both days are trusted; null: the day has none."
        ),
    },
)
