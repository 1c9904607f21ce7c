"""Int8 chosen by measurement: real MiniLM, candidates spoiled on purpose, tiny architectures."""

import dataclasses
import json
import logging
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from hf_assets.classifiers.export.calibration import Calibration
from hf_assets.classifiers.export.quantize import (
    TooMuchLost,
    _draw,
    _thresholds_of_others,
    choose,
    quantize,
)
from hf_assets.classifiers.export.quantizers import CANDIDATES, DYNAMIC, LAST_RESORT, Candidate
from hf_assets.classifiers.metrics import lost_f1, scores_at
from hf_assets.classifiers.records import CalibrationRecord, GraphMeasurement
from hf_assets.classifiers.speed import instructions, machine
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.thresholds import choose_threshold
from hf_assets.corpora.corpus import Split
from hf_assets_tests.support.classifiers.minilm import LABELS, TrainedModel

NOTHING = Calibration([], 32, CalibrationRecord())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "quantized").mkdir()
    return tmp_path / "quantized"


def _spoiled(value: float) -> Candidate:
    def make(model: onnx.ModelProto, _: Calibration) -> onnx.ModelProto:
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        for one in changed.graph.initializer:
            if one.name == "head.weight" or (one.name == "head.bias" and np.isnan(value)):
                array = np.full(numpy_helper.to_array(one).shape, value, np.float32)
                one.CopyFrom(numpy_helper.from_array(array, one.name))
        return changed

    return Candidate(f"spoiled-{value}", "weights overwritten", make)


@pytest.mark.release
@pytest.mark.heavy
def test_minilm_small_and_as_good(minilm_made: TrainedModel) -> None:
    facts = json.loads((minilm_made.quantized / "quantization.json").read_bytes())
    path = minilm_made.quantized / "onnx/model_quantized.onnx"
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert facts["bytes"] == path.stat().st_size
    assert facts["size"] == facts["bytes"] / (minilm_made.onnx / "onnx/model.onnx").stat().st_size
    assert facts["size"] <= 0.22
    assert facts["loss"] <= facts["max_loss"] == 0.003
    assert facts["texts"] == facts["texts_in_validation"] == 60
    assert (facts["machine"], facts["instructions"]) == (machine(), instructions())
    assert [one["name"] for one in facts["candidates"]] == [one.name for one in CANDIDATES]
    assert {one["passed"] for one in facts["candidates"] if one["name"] == facts["chosen"]} == {
        True
    }


def test_figures_are_those_of_the_served_file(trained: TrainedModel) -> None:
    facts = json.loads((trained.quantized / "quantization.json").read_bytes())
    tagger = Tagger.load(trained.quantized)
    split = trained.validation
    scores = tagger.scores(split.texts)
    float32 = Tagger.load(trained.onnx)
    assert tagger.threshold == facts["threshold"] == float32.threshold
    found = scores_at(split.targets, scores, tagger.threshold)["micro_f1"]
    assert found == pytest.approx(facts["validation_micro_f1"])
    # Each half at the threshold that float32 chooses on the other.
    before = float32.scores(split.texts)
    thresholds = _thresholds_of_others(split.targets, before)
    for value in np.unique(thresholds):
        own = (thresholds == value)[:, 0]
        assert value == choose_threshold(split.targets[~own], before[~own]).value
    pairs = zip(
        lost_f1(split.targets, before >= thresholds, scores >= thresholds, 0),
        (("loss", "loss_low", "loss_high"), ("macro_loss", "macro_loss_low", "macro_loss_high")),
        strict=True,
    )
    chosen = next(one for one in facts["candidates"] if one["name"] == facts["chosen"])
    for lost, names in pairs:
        assert tuple(lost) == pytest.approx(tuple(chosen[name] for name in names))
    assert facts["loss"] == chosen["loss"]
    for name in ("threshold", "threshold_rule"):
        assert facts[name] == float32.config[name] == tagger.config[name]
    assert tagger.labels == LABELS


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("made", "share"),
    [("small_made", 0.5), pytest.param("minilm_made", 0.27, marks=pytest.mark.release)],
)
def test_making_a_candidate_leaves_the_graph_and_the_loggers(
    made: str, share: float, request: pytest.FixtureRequest
) -> None:
    trained: TrainedModel = request.getfixturevalue(made)
    model = onnx.load(trained.onnx / "onnx/model.onnx")
    before, handlers = model.SerializeToString(), logging.getLogger().handlers[:]
    assert LAST_RESORT.make(model, NOTHING).ByteSize() / model.ByteSize() < share
    assert model.SerializeToString() == before
    assert logging.getLogger().handlers == handlers
    assert logging.getLogger().isEnabledFor(logging.WARNING)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_what_loses_too_much_is_refused(
    small_made: TrainedModel, folder: Path, value: float
) -> None:
    spoiled = _spoiled(value)
    with pytest.raises(TooMuchLost) as refused:
        quantize(
            small_made.onnx,
            folder,
            small_made.validation,
            candidates=[spoiled],
            fallback=(),
            last_resort=None,
        )
    said = str(refused.value)
    assert "0.3 points of micro-F1 or 0.6 of macro-F1 on 60 validation texts" in said
    assert spoiled.name in said
    assert "fp32" in said
    assert ("NaN" in said) == np.isnan(value)
    assert not list(folder.iterdir())


def test_a_spoiled_one_does_not_stand_in_the_way(small_made: TrainedModel, folder: Path) -> None:
    told: list[str] = []
    facts = quantize(
        small_made.onnx,
        folder,
        small_made.validation,
        told.append,
        candidates=[_spoiled(0.0), _spoiled(np.nan)],
        fallback=(),
        last_resort=DYNAMIC[2],
    )
    assert facts.chosen == DYNAMIC[2].name
    assert [one.passed for one in facts.candidates] == [False, False, True]
    assert facts.candidates[0].loss > 0.1
    assert "NaN" in facts.candidates[1].rejected
    assert f"no candidate passes; measuring {DYNAMIC[2].name}" in told
    assert Tagger.load(folder).path.stat().st_size == facts.bytes


@pytest.mark.usefixtures("every_line")
def test_the_log_says_which_candidate_of_how_many(small_made: TrainedModel, folder: Path) -> None:
    told: list[str] = []
    chosen = [DYNAMIC[2], DYNAMIC[2]]
    both = [dataclasses.replace(one, name=f"{at}") for at, one in enumerate(chosen)]
    quantize(small_made.onnx, folder, small_made.validation, told.append, candidates=both)
    texts = len(small_made.validation.texts)
    words = f"{both[0].description} · 1 of 2"
    assert told[0] == f"quantising: 0, {words}"
    assert re.fullmatch(r"quantising: 1, .* · 2 of 2, (a few seconds|about .*) left", told[1])
    assert told[2] == f"measuring fp32, 0, 1 on {texts} texts, one at a time"
    lines = told[3 : 3 + texts]
    begin = "texts answered by each of 3 graphs · "
    numbers = [line.removeprefix(begin).partition(",")[0] for line in lines]
    assert numbers == [f"{at} of {texts}" for at in range(1, texts + 1)]
    assert all(line.endswith(" left") for line in lines[:-1])
    assert lines[-1] == f"{begin}{texts} of {texts}"


def test_a_part_of_many_texts_is_drawn_by_seed(small_made: TrainedModel, tmp_path: Path) -> None:
    split = small_made.validation
    found = []
    for name, seed in (("a", 0), ("b", 1)):
        (tmp_path / name).mkdir()
        found.append(
            quantize(
                small_made.onnx,
                tmp_path / name,
                Split(split.ids, split.texts, split.targets),
                max_texts=20,
                seed=seed,
                max_loss=1.0,
                max_macro_loss=1.0,
                candidates=DYNAMIC[2:],
            )
        )
    assert {one.texts for one in found} == {20}
    assert {one.texts_in_validation for one in found} == {60}
    assert found[0].fp32.threshold == found[1].fp32.threshold == found[0].threshold
    again, other = (_draw(split, 20, seed) for seed in (0, 1))
    assert again.ids == _draw(split, 20, 0).ids != other.ids
    assert [split.texts[split.ids.index(one)] for one in again.ids] == again.texts
    assert (split.targets[[split.ids.index(one) for one in again.ids]] == again.targets).all()
    assert _draw(split, 60, 0) is split


def test_no_validation_texts(small_made: TrainedModel, folder: Path) -> None:
    nothing = Split([], [], np.zeros((0, len(LABELS)), np.uint8))
    with pytest.raises(ValueError, match="rows"):
        quantize(small_made.onnx, folder, nothing, candidates=DYNAMIC[2:])


def _measured(
    name: str, size: int, loss: float, passed: bool = True, ms: float = 1
) -> GraphMeasurement:
    return GraphMeasurement(name, size, size / 1000, loss=loss, ms=ms, passed=passed)


def test_the_smallest_is_chosen_and_of_like_sizes_the_one_that_loses_least() -> None:
    small, like, large = (_measured(*one) for one in (("a", 100, 9), ("b", 102, 5), ("c", 103, 1)))
    assert choose([large, small]) == small
    assert choose([large, like, small]) == like
    assert choose([large, _measured("d", 10, 1, passed=False)]) == large
    assert choose([_measured("d", 10, 1, passed=False)]) is None
    assert choose([]) is None


def test_how_fast_the_machine_was_chooses_nothing() -> None:
    for ms in (1, 5, 9):
        small, like = _measured("a", 100, 0.1, ms=5), _measured("b", 101, 0.1, ms=ms)
        assert choose([small, like]) == small
        assert choose([like, small]) == small
