"""A corpus, its models and their leaderboard."""

from pathlib import Path

import pytest

from hf_assets.classifiers.evaluation import baselines
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import (
    Leaderboard,
)
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.support.classifiers.artefacts import (
    HOSTILE,
    make_corpus,
    make_model,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("corpus"), HOSTILE)


@pytest.fixture(scope="module")
def folder(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the graph leaves of a corpus: the baseline and two base models."""
    folder = tmp_path_factory.mktemp("classifiers")
    (folder / "baseline").mkdir()
    baselines.fit(corpus, folder / "baseline")
    make_model(folder / "sure", corpus, validation=0.7)
    make_model(folder / "chosen", corpus, strength=0.9, validation=0.8, known=6)
    return folder


@pytest.fixture(scope="module")
def told() -> list[str]:
    """The run log of `board`."""
    return []


@pytest.fixture(scope="module")
def board(corpus: Corpus, folder: Path, told: list[str]) -> Leaderboard:
    models = {name: folder / name for name in ("sure", "chosen", "never-trained")}
    return measure(corpus, folder / "baseline", models, told.append, seed=5)
