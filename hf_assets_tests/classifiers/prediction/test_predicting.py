"""A day of predictions: asked, kept, changed, checked by the Hub's later answers, and complete."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace

from hf_assets.classifiers.prediction import predicting
from hf_assets.classifiers.prediction.calibration import Precision
from hf_assets.classifiers.prediction.predicting import Earlier, predict_day
from hf_assets.classifiers.prediction.predictor import Predictor
from hf_assets.classifiers.prediction.rules import (
    precision_on_test,
    predictions_add_up,
    still_precise,
)
from hf_assets.hub.tables.predictions import (
    NO_CLASSIFIER,
    NOT_REACHED,
    PREDICTED_CATEGORIES,
    UNSURE,
    Answers,
    PredictionRecord,
    all_answers,
)
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.support.hub.categorised import (
    FIRST_DAY,
    SECOND_DAY,
    THIRD_DAY,
    categorised,
    corpus_of,
    predictor_of,
    some_days,
    stored,
)
from hf_assets_tests.support.hub.days import Row


class Asked:
    """A predictor that records what it is asked."""

    def __init__(self, predictor: Predictor) -> None:
        self.texts: list[str] = []
        self.predictor = Predictor(predictor.record, self._scores)
        self._own = predictor.scores

    def _scores(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return self._own(texts)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    root = tmp_path_factory.mktemp("trained")
    return predictor_of(corpus_of(stored(root), root / "corpus"), root)


@pytest.fixture
def asked(trained: Predictor) -> Asked:
    return Asked(trained)


def _day(
    root: Path, rows: list[Row], day: str, predictor: Predictor | None, longest: float = 600
) -> tuple[StoredTable, PredictionRecord]:
    lake, models = Lake(root), stored(root, rows, day)
    version = predictor.record.version if predictor else None
    write = predict_day(models, predictor, Earlier.of(lake, day, version), "none", longest)
    table = lake.write(PREDICTED_CATEGORIES, day, write)
    assert predictions_add_up(table, models).passed
    return table, PredictionRecord.read(table.notes)


def test_rows_stay_in_the_order_of_the_models(tmp_path: Path, trained: Predictor) -> None:
    """Whatever is kept and whatever is asked again: another run writes the same file."""
    rows = some_days()
    _day(tmp_path, rows, FIRST_DAY, trained)
    changed = [row | {"tags": ["new"]} if at % 2 else row for at, row in enumerate(rows)]
    table, record = _day(tmp_path, changed, SECOND_DAY, trained)
    assert 0 < record.kept < table.rows
    order = [row["hub_id"] for row in rows if row["category"] is None]
    assert table.frame.collect()["hub_id"].to_list() == order


def test_every_model_without_a_category_has_a_row(tmp_path: Path, trained: Predictor) -> None:
    rows = some_days()
    table, record = _day(tmp_path, rows, FIRST_DAY, trained)
    frame = table.frame.collect()
    without = {row["hub_id"]: row for row in rows if row["category"] is None}
    assert set(frame["hub_id"]) == set(without)
    sure = frame["probability"] >= trained.record.threshold
    assert frame["label"].is_not_null().to_list() == sure.to_list()
    assert set(frame["reason"].drop_nulls()) <= {UNSURE}
    assert frame["version"].unique().to_list() == [trained.record.version]
    assert record.predicted > 50
    for label, sums in record.labels.items():
        mine = frame.filter(label=label)["hub_id"]
        assert sums.rows == len(mine)
        assert sums.downloads == sum(without[name]["downloads"] for name in mine)


def test_a_prediction_is_mostly_right(tmp_path: Path, trained: Predictor) -> None:
    frame = _day(tmp_path, some_days(), FIRST_DAY, trained)[0].frame.collect()
    right = {categorised(at)["hub_id"]: categorised(at)["category"] for at in range(1200)}
    said = frame.filter(pl.col("label").is_not_null())
    hits = [right[name] == label for name, label in said.select("hub_id", "label").iter_rows()]
    assert sum(hits) / len(hits) > 0.8


def test_only_new_and_changed_models_are_asked(tmp_path: Path, asked: Asked) -> None:
    rows = some_days()
    first, _ = _day(tmp_path, rows, FIRST_DAY, asked.predictor)
    assert len(asked.texts) == first.rows == 400
    asked.texts.clear()
    rows[0] = rows[0] | {"tags": ["another"]}
    rows[3] = rows[3] | {"downloads": 10**6, "likes": 5}
    rows.append(categorised(7000, category=None))
    second, record = _day(tmp_path, rows, SECOND_DAY, asked.predictor)
    assert sorted("another" in text for text in asked.texts) == [False, True]
    assert (record.kept, record.kept_from, second.rows) == (399, FIRST_DAY, 401)
    names = ["hub_id", "label", "probability", "reason", "text"]
    both = first.frame.join(second.frame, on=names, nulls_equal=True).collect()
    assert both.height == 399


def test_another_classifier_asks_again(tmp_path: Path, asked: Asked, trained: Predictor) -> None:
    _day(tmp_path, some_days(300), FIRST_DAY, trained)
    other = Predictor(replace(trained.record, version="another"), asked.predictor.scores)
    found = _day(tmp_path, some_days(300), SECOND_DAY, other)[1]
    assert (found.kept, found.kept_from, len(asked.texts)) == (0, None, 100)


def test_a_day_without_predictions_in_between_does_not_matter(tmp_path: Path, asked: Asked) -> None:
    _day(tmp_path, some_days(300), FIRST_DAY, asked.predictor)
    _day(tmp_path, some_days(300), SECOND_DAY, None)
    asked.texts.clear()
    record = _day(tmp_path, some_days(300), THIRD_DAY, asked.predictor)[1]
    assert (record.kept_from, record.checked_against, asked.texts) == (FIRST_DAY, FIRST_DAY, [])


def test_what_a_night_does_not_reach_is_asked_by_the_next(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicting, "_ASKED", 60)
    rows = some_days(300)
    table, record = _day(tmp_path, rows, FIRST_DAY, asked.predictor, longest=1e-9)
    assert record.unknown[NOT_REACHED] == 40
    assert table.frame.filter(pl.col("probability").is_null()).collect().height == 40
    record = _day(tmp_path, rows, SECOND_DAY, asked.predictor)[1]
    assert NOT_REACHED not in record.unknown
    assert (record.kept, len(asked.texts)) == (60, 100)


def test_without_a_predictor_everything_is_unknown(tmp_path: Path) -> None:
    table, record = _day(tmp_path, some_days(300), FIRST_DAY, None)
    assert record.unknown == {NO_CLASSIFIER: 100}
    assert (record.version, record.why_not, record.labels) == (None, "none", {})
    assert table.frame.select("label", "probability", "text").collect().null_count().row(0) == (
        (100,) * 3
    )


def test_models_that_the_hub_has_categorised_since_are_checked(
    tmp_path: Path, trained: Predictor
) -> None:
    rows = some_days()
    said = dict(
        _day(tmp_path, rows, FIRST_DAY, trained)[0]
        .frame.select("hub_id", "label").collect().iter_rows()
    )  # fmt: skip
    predicted = [row for row in rows if said.get(row["hub_id"])]
    unsure = next(row for row in rows if row["hub_id"] in said and not said[row["hub_id"]])
    right, wrong, gone = predicted[:3]
    label = said[right["hub_id"]]
    answers = {
        right["hub_id"]: label,
        wrong["hub_id"]: "robotics",
        unsure["hub_id"]: "robotics",
    }
    later = [
        row | {"category": answers.get(row["hub_id"], row["category"])}
        for row in rows
        if row is not gone
    ]
    table, record = _day(tmp_path, later, SECOND_DAY, trained)
    assert (record.checked_against, record.checked_version) == (FIRST_DAY, trained.record.version)
    assert (record.answers, record.answered_unknown) == (Answers(1, 1), 1)
    checked = table.aside("checked")
    assert checked is not None
    assert set(checked.select("hub_id", "label", "category").iter_rows()) == {
        (right["hub_id"], label, label),
        (wrong["hub_id"], said[wrong["hub_id"]], "robotics"),
    }
    # Once answered, a model is not counted again.
    assert _day(tmp_path, later, THIRD_DAY, trained)[1].answers == Answers()


def test_an_answer_counts_once_past_a_day_without_predictions(
    tmp_path: Path, trained: Predictor
) -> None:
    rows = some_days()
    said = _day(tmp_path, rows, FIRST_DAY, trained)[0].frame.drop_nulls("label").collect()
    answers = dict(said.head(3).select("hub_id", "label").iter_rows())
    later = [row | {"category": answers.get(row["hub_id"], row["category"])} for row in rows]
    days = [
        PredictionRecord.read(Lake(tmp_path).notes("predicted_categories", FIRST_DAY)),
        _day(tmp_path, later, SECOND_DAY, None)[1],
        _day(tmp_path, later, THIRD_DAY, trained)[1],
    ]
    assert [one.answers.right for one in days] == [0, 0, 3]
    # The second day is made late, with a classifier: checked against the first, as the third was.
    days[1] = _day(tmp_path, later, SECOND_DAY, trained)[1]
    assert [one.checked_against for one in days] == [None, FIRST_DAY, FIRST_DAY]
    checks = [(one.checked_against, one.answers) for one in days]
    assert all_answers(checks) == Answers(3, 0)


def _records(*answers: tuple[int, int], version: str = "v") -> list[PredictionRecord]:
    return [
        PredictionRecord(
            version=version,
            checked_version=version,
            checked_against=f"{version} {at}",
            checked={"a": Answers(right, wrong)},
        )
        for at, (right, wrong) in enumerate(answers)
    ]


def test_still_precise_warns_when_the_interval_is_below() -> None:
    assert still_precise(_records((18, 2))).passed  # 90 %, but of 20 only
    bad = still_precise(_records((80, 10), (90, 10)))
    assert (bad.passed, bad.severity) == (False, "WARN")
    assert "89.5% were right" in bad.description
    assert still_precise([*_records((0, 90), version="old"), *_records((30, 0))]).passed
    assert "answered no prediction" in still_precise(_records((0, 0))).description
    assert still_precise([]).passed


def test_precision_on_test_warns_when_the_interval_is_below(trained: Predictor) -> None:
    day = PredictionRecord(version=trained.record.version)
    record = trained.record
    good = Precision(rows=100, covered=50, right=45, precision=0.9, low=0.78, high=0.96)
    assert precision_on_test(replace(record, test=good), "", day).passed
    bad = Precision(rows=1000, covered=500, right=450, precision=0.9, low=0.87, high=0.92)
    assert not precision_on_test(replace(record, test=bad), "", day).passed
    never = precision_on_test(replace(record, threshold=None), "", day)
    assert "No probability reaches 95%" in never.description
    assert not never.passed
    assert "replaced" in precision_on_test(replace(record, version="new"), "", day).description
    assert precision_on_test(None, "no classifier", day).passed


def test_a_lost_row_does_not_add_up(tmp_path: Path, trained: Predictor) -> None:
    table, _ = _day(tmp_path, some_days(300), FIRST_DAY, trained)
    models = stored(tmp_path, some_days(301), FIRST_DAY)
    assert not predictions_add_up(table, models).passed
