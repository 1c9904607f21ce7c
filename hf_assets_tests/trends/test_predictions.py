"""The series of predictions: counts of each day, and the precision by the Hub's later answers."""

from pathlib import Path

import pytest

from hf_assets.hub.tables.predictions import PREDICTED_CATEGORIES, Answers, PredictionRecord
from hf_assets.proportions import wilson
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.predictions import prediction_history


def test_answers_of_a_classifier_add_up(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    records = {
        "2026-03-01": PredictionRecord(version="a", models=10, with_category=6, predicted=3,
                                       unknown={"x": 1}),
        "2026-03-02": PredictionRecord(version="a", checked_version="a",
                                       checked_against="2026-03-01",
                                       checked={"t": Answers(8, 1), "u": Answers(1, 0)}),
        "2026-03-03": PredictionRecord(version="b", checked_version="a",
                                       checked_against="2026-03-02",
                                       checked={"t": Answers(1, 0)}),
        "2026-03-04": PredictionRecord(version="b", checked_version="b",
                                       checked_against="2026-03-03",
                                       checked={"t": Answers(2, 2)}),
        "2026-03-05": PredictionRecord(),
    }  # fmt: skip
    for day, record in records.items():
        lake.write(PREDICTED_CATEGORIES, day, TableWrite([], record=record))
    (frame,) = prediction_history(lake).frames
    rows = {str(row["day"]): row for row in frame.to_dicts()}
    assert rows["2026-03-01"]["unknown"] == 1
    assert rows["2026-03-01"]["precision"] is None
    second = rows["2026-03-02"]
    assert (second["right"], second["wrong"], second["precision"]) == (9, 1, 0.9)
    assert (second["low"], second["high"]) == pytest.approx(wilson(9, 10))
    # Answers to the old classifier say nothing of the new one.
    assert (rows["2026-03-03"]["right"], rows["2026-03-03"]["precision"]) == (1, None)
    assert rows["2026-03-04"]["precision"] == 0.5
    assert rows["2026-03-05"]["version"] is None
    assert rows["2026-03-05"]["precision"] is None


def test_a_lake_without_predictions_has_no_rows(tmp_path: Path) -> None:
    (frame,) = prediction_history(Lake(tmp_path)).frames
    assert frame.is_empty()
