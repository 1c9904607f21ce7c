"""How many categories are predicted, day by day, and how many of them the Hub has confirmed since.

Reads the footers of `predicted_categories` alone.
"""

from collections import defaultdict

import polars as pl

from hf_assets.hub.tables.predictions import (
    PREDICTED_CATEGORIES,
    Answers,
    PredictionRecord,
    all_answers,
)
from hf_assets.proportions import wilson
from hf_assets.storage.lake import Lake, TableWrite, iso
from hf_assets.trends.series.schemas import PREDICTION_HISTORY


def prediction_history(lake: Lake) -> TableWrite:
    """A row a day of predictions. Columns: `PREDICTION_HISTORY`."""
    name = PREDICTED_CATEGORIES.name
    checked = defaultdict[str | None, list[tuple[str | None, Answers]]](list)
    rows = []
    for day in lake.days(name):
        record = PredictionRecord.read(lake.notes(name, day))
        answers = record.answers
        checked[record.checked_version].append((record.checked_against, answers))
        mine = all_answers(checked[record.version]) if record.version else Answers()
        count = mine.right + mine.wrong
        low, high = wilson(mine.right, count) if count else (None, None)
        rows.append(
            {
                "day": iso(day),
                "models": record.models,
                "with_category": record.with_category,
                "predicted": record.predicted,
                "unknown": sum(record.unknown.values()),
                "kept": record.kept,
                "right": answers.right,
                "wrong": answers.wrong,
                "all_right": mine.right,
                "all_wrong": mine.wrong,
                "precision": mine.right / count if count else None,
                "low": low,
                "high": high,
                "version": record.version,
                "model": record.model,
            }
        )
    frame = pl.DataFrame(rows, schema=PREDICTION_HISTORY.schema)
    return TableWrite([frame], notes={"days": frame.height})
