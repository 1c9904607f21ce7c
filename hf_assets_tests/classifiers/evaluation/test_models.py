"""Scored models: torch and graphs as they answer."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hf_assets.classifiers.evaluation.models import scored_models
from hf_assets.classifiers.training.network import load_tokenizer, predict
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets_tests.support.classifiers.artefacts import (
    make_classifier,
    make_model,
)


def test_batches_answer_in_order(corpus: Corpus, folder: Path) -> None:
    texts = [*corpus.split("test").texts[:40], "", "word1 " * 60]
    (found,) = scored_models(corpus.labels, {"sure": folder / "sure"}, 1, ("onnx",))
    np.testing.assert_allclose(found.batches(texts), found.scores(texts), atol=1e-6)


def test_torch_is_scored_through_its_own_files(tmp_path: Path, corpus: Corpus) -> None:
    network = make_classifier(tmp_path / "tiny" / "classifier", corpus)
    threads = torch.get_num_threads()
    (found,) = scored_models(corpus.labels, {"tiny": tmp_path / "tiny"}, 1)
    texts = corpus.split("test").texts[:10]
    with found.one_thread():
        assert torch.get_num_threads() == 1
        scores = found.scores(texts)
    assert torch.get_num_threads() == threads
    place = tmp_path / "tiny" / "classifier"
    np.testing.assert_allclose(scores, predict(network, load_tokenizer(place), texts), atol=1e-5)
    files = [place / "encoder" / "model.safetensors", place / "head.safetensors"]
    assert found.size == sum(path.stat().st_size for path in files)
    assert (found.runtime, found.threshold, found.strategy) == ("torch", 0.4, "head")
    with pytest.raises(InputError, match="materialise it again"):
        next(scored_models(corpus.labels[:-1], {"tiny": tmp_path / "tiny"}, 1))


def test_a_model_says_how_many_rows_its_threshold_rests_on(corpus: Corpus, tmp_path: Path) -> None:
    model = make_model(tmp_path / "sure", corpus)

    def found() -> set[int | None]:
        models = scored_models(corpus.labels, {"sure": model}, 1)
        return {one.threshold_rows for one in models}

    assert found() == {None}, "of an earlier version"
    rule = {"threshold_rule": {"rule": "by hand", "distance": 0.0, "rows": 16}}
    for path in [*model.rglob("training.json"), *model.glob("*/config.json")]:
        path.write_text(json.dumps(json.loads(path.read_bytes()) | rule))
    assert found() == {16}
