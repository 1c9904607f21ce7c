"""Rules over a leaderboard: is the classifier better than the baselines?

Light to import: neither torch nor scikit-learn.
"""

from typing import Any

import polars as pl

from hf_assets.classifiers.evaluation.results import (
    CONSTANT,
    FLOOR,
    NOTHING,
    TFIDF,
    served_row,
    threshold_note,
)
from hf_assets.rule_result import RuleResult

_MODELS = pl.col("strategy").is_not_null()


def beats_floors(rows: pl.DataFrame) -> RuleResult:
    """What is served, int8 or int8 with TF-IDF, beats both constant answers in micro-F1 on test.

    Another model that does not is a warning.
    """
    served = served_row(rows)
    if served is None:
        return _none()
    floors = {row["model"]: row["micro_f1"] for row in rows.filter(runtime=FLOOR).to_dicts()}
    highest = max(floors.values())
    figures: dict[str, Any] = {
        _named(served): served["micro_f1"],
        NOTHING: floors.get(NOTHING),
        CONSTANT: floors.get(CONSTANT),
    }
    description = f"Micro-F1 of {_described(served)}; the best floor has {_points(highest)}."
    description += threshold_note(served)
    if served["micro_f1"] <= highest:
        return RuleResult(False, f"No better than a constant answer. {description}", figures)
    below = rows.filter(_MODELS & (pl.col("micro_f1") <= highest)).sort("model", "runtime")
    if below.height:
        figures |= {_named(row): row["micro_f1"] for row in below.to_dicts()}
        names = ", ".join(_named(row) for row in below.to_dicts())
        return RuleResult(False, f"{description} Not above it: {names}.", figures, severity="WARN")
    return RuleResult(True, description, figures)


def beats_tfidf(rows: pl.DataFrame) -> RuleResult:
    """What is served has a higher micro-F1 on test than TF-IDF alone; else a warning."""
    served = served_row(rows)
    if served is None:
        return _none()
    tfidf = rows.filter(model=TFIDF).to_dicts()[0]
    figures = {
        _named(served): served["micro_f1"],
        "its 95 % interval": f"{_points(served['micro_f1_low'])} to "
        f"{_points(served['micro_f1_high'])}",
        TFIDF: tfidf["micro_f1"],
        f"{_named(served)}, macro": served["macro_f1"],
        f"{TFIDF}, macro": tfidf["macro_f1"],
    }
    description = f"Micro-F1 of {_described(served)}; TF-IDF has {_points(tfidf['micro_f1'])}."
    description += threshold_note(served)
    if served["micro_f1"] <= tfidf["micro_f1"]:
        return RuleResult(False, f"Words alone do as well. {description}", figures, severity="WARN")
    if served["micro_f1_low"] <= tfidf["micro_f1"]:
        description += " That is within what other test rows might have given."
    return RuleResult(True, description, figures)


def _none() -> RuleResult:
    # Nothing is served, so nothing worse than a floor is: what a linear model predicts may go on.
    text = "There is no int8 model yet: materialise quantized_classifier."
    return RuleResult(False, text, severity="WARN")


def _named(row: dict[str, Any]) -> str:
    return f"{row['model']}, {row['runtime']}"


def _described(row: dict[str, Any]) -> str:
    return f"{_named(row)}, is {_points(row['micro_f1'])}"


def _points(share: float) -> str:
    return f"{100 * share:.1f} %"
