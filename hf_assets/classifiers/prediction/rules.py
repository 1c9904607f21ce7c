"""Rules over predicted categories: as precise as promised, and none lost."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from hf_assets.classifiers.prediction.calibration import PRECISION
from hf_assets.classifiers.prediction.predictor import PredictorRecord, described
from hf_assets.hub.tables.predictions import PredictionRecord, all_answers
from hf_assets.proportions import wilson
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable


def precision_on_test(
    predictor: PredictorRecord | None, why_not: str, day: PredictionRecord, *, torn: bool = False
) -> RuleResult:
    """The precision on test is that of validation, or the interval of it reaches there; else warn.

    Args:
        predictor: the stored one, or None.
        why_not: why there is none.
        day: the record of the predicted day.
        torn: there is one, which cannot be opened.
    """
    if torn:
        return RuleResult(False, f"Nothing is predicted: {why_not}", severity="WARN")
    if predictor is None:
        return RuleResult(True, f"Nothing is predicted: {why_not}")
    figures: dict[str, Any] = {
        "model": predictor.model,
        "precision on test": predictor.test.precision,
        "coverage on test": predictor.test.coverage,
        "texts of test": predictor.test.rows,
        "precision on validation": predictor.validation.precision,
        "probability": predictor.threshold,
    }
    if day.version is None:
        text = f"Nothing was predicted: {day.why_not}. Materialise predicted_categories again."
        return RuleResult(False, text, figures, severity="WARN")
    if day.version != predictor.version:
        text = f"Predicted by classifier {day.version}, which is replaced: materialise it again."
        return RuleResult(True, text, figures)
    if predictor.threshold is None:
        text = f"No probability reaches {PRECISION:.0%} on validation: every model stays unknown."
        return RuleResult(False, text, figures, severity="WARN")
    good = predictor.test.precision is None or predictor.test.high >= PRECISION
    return RuleResult(good, f"On test, {described(predictor.test)}.", figures, severity="WARN")


def still_precise(days: Sequence[PredictionRecord]) -> RuleResult:
    """Of the answers that the Hub has given since, the share that was predicted right.

    Args:
        days: records up to the checked day, oldest first; those of its classifier count.
    """
    version = days[-1].version if days else None
    mine = (one for one in days if version and one.checked_version == version)
    total = all_answers((one.checked_against, one.answers) for one in mine)
    right, wrong = total.right, total.wrong
    low, high = wilson(right, right + wrong)
    figures = {"right": right, "wrong": wrong, "low": low, "high": high}
    if not right + wrong:
        return RuleResult(True, "The Hub has answered no prediction of this classifier.", figures)
    text = (
        f"The Hub has categorised {right + wrong:,} models after a prediction: "
        f"{right / (right + wrong):.1%} were right ({low:.1%} to {high:.1%})"
    )
    if high < PRECISION:
        text += f", fewer than {PRECISION:.0%}: build the corpus, baseline and predictor again."
        return RuleResult(False, text, figures, severity="WARN")
    return RuleResult(True, f"{text}.", figures)


def predictions_add_up(stored: StoredTable, models: StoredTable) -> RuleResult:
    """With a category, predicted and unknown: together the models of the day, and none twice."""
    record = PredictionRecord.read(stored.notes)
    unknown = sum(record.unknown.values())
    rows, distinct, labelled = (
        stored.frame.select(
            pl.len(), pl.col("hub_id").n_unique().alias("ids"), pl.col("label").count().alias("of")
        )
        .collect()
        .row(0)
    )
    served = models.frame.select(pl.col("category").count()).collect().item()
    figures = {
        "models": models.rows,
        "with a category": served,
        "predicted": labelled,
        "unknown": unknown,
        **{f"unknown: {reason}": count for reason, count in record.unknown.items()},
    }
    sums = sum(one.rows for one in record.labels.values())
    good = (
        served + labelled + unknown == models.rows
        and rows == distinct == labelled + unknown
        and record.predicted == labelled == sums
        and record.with_category == served
    )
    text = f"{served:,} + {labelled:,} + {unknown:,} of {models.rows:,} models"
    if not good:
        text += f", {rows:,} rows, {distinct:,} of them distinct: materialise the day again"
    return RuleResult(good, f"{text}.", figures)
