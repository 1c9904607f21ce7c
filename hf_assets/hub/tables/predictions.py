"""The table of predicted categories of a day, and the record in its footer.

A served category is what the Hub gives (`models.category`); a predicted one is a classifier's
answer where the Hub gives none. The two never share a column.
"""

from collections.abc import Iterable

import msgspec
import polars as pl

from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.parquet import Column, Table
from hf_assets.storage.records import Record

PREDICTED_CATEGORIES = Table(
    name="predicted_categories",
    required=("day", "hub_id"),
    encodings={"hub_id": "DELTA_BYTE_ARRAY", "id": "DELTA_BYTE_ARRAY"},
    preview_by="probability",
    columns={
        **{name: MODELS.columns[name] for name in ("day", "hub_id", "id")},
        "label": Column(pl.String, "The predicted category; null: unknown, see `reason`."),
        "probability": Column(
            pl.Float32, "Of the likeliest category, calibrated on validation; null: not asked."
        ),
        "reason": Column(pl.String, "Why it stays unknown; null where a category is predicted."),
        "text": Column(pl.Int64, "CRC-32 of the text that was read; a change asks again."),
        "model": Column(pl.String, "The model that said so: TF-IDF, or the base model of an int8."),
        "version": Column(pl.String, "Fingerprint of that model's files and its threshold."),
    },
)
# Models that the Hub gave a category after one was predicted; a side table of the day.
CHECKED = {
    "hub_id": pl.String,
    "id": pl.String,
    "label": pl.String,
    "category": pl.String,
    "probability": pl.Float32,
    "version": pl.String,
}

# Reasons why a model stays unknown.
UNSURE = "below the probability of 95 % precision"
NOT_REACHED = "not reached within the time of a night"
NO_CLASSIFIER = "no classifier"


class LabelSum(msgspec.Struct):
    """Models of a predicted category, and their downloads of the last 30 days."""

    rows: int = 0
    downloads: int = 0


class Answers(msgspec.Struct):
    """Predictions that the Hub has answered: how many were right."""

    right: int = 0
    wrong: int = 0


class PredictionRecord(Record):
    """The footer's record of a day of predicted categories.

    Attributes:
        version, model: of the classifier; None where there was none.
        probability: from which on a category is predicted; None: nothing is.
        models: of the day; with_category: those that the Hub gives one.
        predicted, unknown: of the others; unknown by reason.
        kept: predictions taken over from `kept_from`, as neither text nor classifier changed.
        labels: sums by predicted category.
        checked_against: the earlier day whose predictions were checked, and its classifier's
            version; None where there is no such day.
        checked: models that had a predicted category on it and now have a served one, by predicted
            category.
        answered_unknown: those that stayed unknown on it and now have a served category.
        why_not: why nothing was predicted.
    """

    version: str | None = None
    model: str | None = None
    probability: float | None = None
    models: int = 0
    with_category: int = 0
    predicted: int = 0
    unknown: dict[str, int] = msgspec.field(default_factory=dict)
    kept: int = 0
    kept_from: str | None = None
    labels: dict[str, LabelSum] = msgspec.field(default_factory=dict)
    checked_against: str | None = None
    checked_version: str | None = None
    checked: dict[str, Answers] = msgspec.field(default_factory=dict)
    answered_unknown: int = 0
    why_not: str | None = None

    @property
    def answers(self) -> Answers:
        """The checked predictions of all categories."""
        return Answers(
            sum(one.right for one in self.checked.values()),
            sum(one.wrong for one in self.checked.values()),
        )


def all_answers(checks: Iterable[tuple[str | None, Answers]]) -> Answers:
    """The answers of several days, each once.

    Of days that were checked against the same one, as a day that was made late is, the last counts:
    it has the answers of the others.

    Args:
        checks: the day that was checked against, and the answers; in the order of the days.
    """
    last = {day: answers for day, answers in checks if day}
    right, wrong = (sum(getattr(one, name) for one in last.values()) for name in ("right", "wrong"))
    return Answers(right, wrong)
