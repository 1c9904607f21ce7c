"""Categories of recorded models: 794 with one, 206 without. Few, and said so by the intervals."""

from pathlib import Path

import numpy as np
import pytest

from hf_assets.classifiers.evaluation.baselines import fit_tfidf
from hf_assets.classifiers.prediction.calibration import (
    fitted_factor,
    measured,
    threshold_of,
    top,
)
from hf_assets.classifiers.prediction.predicting import Earlier, predict_day
from hf_assets.corpora.corpus import open_corpus
from hf_assets.corpora.groups import split_of
from hf_assets.corpora.hub import drawing
from hf_assets.corpora.quality import no_author_in_two_splits
from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.hub.tables.predictions import PREDICTED_CATEGORIES, UNSURE, PredictionRecord
from hf_assets.proportions import wilson
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.support.hub.captures import made_models
from hf_assets_tests.support.hub.categorised import facts_of, predictor_of
from hf_assets_tests.support.hub.serving import serving

SPLITS = 5


@pytest.fixture(scope="module")
def day(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    path = real_data / "hub-models-2025-12" / "models.json"
    with serving(RecordedHub(models=path)) as served:
        return made_models(Lake(tmp_path_factory.mktemp("recorded")), served)


def test_by_author_the_linear_model_is_twice_as_good_as_the_largest_category(
    day: StoredTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pooled over several splits by author, as one has some 80 test rows."""
    rows = right = largest = covered = sure = 0
    for number in range(SPLITS):
        monkeypatch.setattr(drawing, "split_of", lambda name, n=number: split_of(f"{n} {name}"))
        folder = tmp_path / str(number)
        folder.mkdir()
        facts_of(day, folder)
        corpus = open_corpus(folder)
        assert no_author_in_two_splits(corpus).passed
        train, validation, test = (corpus.split(n) for n in ("train", "validation", "test"))
        model = fit_tfidf(train)
        tuned, wanted = model.scores(validation.texts), validation.targets.argmax(axis=1)
        factor = fitted_factor(tuned, wanted)
        columns, probability = top(tuned, factor)
        threshold = threshold_of(probability, columns == wanted)
        columns, probability = top(model.scores(test.texts), factor)
        found = measured(probability, columns == test.targets.argmax(axis=1), threshold)
        rows += found.rows
        right += round(found.accuracy * found.rows)
        covered += found.covered
        sure += found.right
        common = train.targets.sum(axis=0, dtype=np.int64).argmax()
        largest += int(test.targets[:, common].sum())
    print(
        f"{right} of {rows} right, {largest} by the largest category; "
        f"{sure} of {covered} predictions"
    )
    assert rows > 250
    assert wilson(right, rows)[0] > 1.5 * wilson(largest, rows)[1] > 0.4
    # 80 validation rows cannot show a precision of 95 % with an interval from 90 % on.
    assert covered <= 0.1 * rows


def test_the_recorded_day_adds_up_and_promises_nothing_it_cannot_keep(
    day: StoredTable, tmp_path: Path
) -> None:
    facts = facts_of(day, _made(tmp_path / "corpus"))
    assert facts.sources["models"][0]["models with a category"] == 794
    predictor = predictor_of(open_corpus(tmp_path / "corpus"), tmp_path)
    write = predict_day(day, predictor, Earlier())
    stored = Lake(tmp_path / "lake").write(PREDICTED_CATEGORIES, day.day, write)
    record = PredictionRecord.read(stored.notes)
    assert (record.models, record.with_category, stored.rows) == (1000, 794, 206)
    assert record.predicted + record.unknown.get(UNSURE, 0) == 206
    if predictor.record.threshold is None:
        assert record.predicted == 0


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
