"""A published model."""

from pathlib import Path

import pytest

from hf_assets.classifiers.evaluation import baselines
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import Leaderboard
from hf_assets.classifiers.publishing.space import Hints, write_space
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.support.classifiers.artefacts import HOSTILE, make_corpus, make_model
from hf_assets_tests.support.classifiers.published import MODEL


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("corpus"), HOSTILE)


@pytest.fixture(scope="module")
def trained(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifiers")
    (folder / "baseline").mkdir()
    baselines.fit(corpus, folder / "baseline")
    return make_model(folder / MODEL, corpus, strength=0.9, known=6)


@pytest.fixture(scope="module")
def board(corpus: Corpus, trained: Path) -> Leaderboard:
    return measure(corpus, trained.parent / "baseline", {MODEL: trained})


@pytest.fixture(scope="module")
def space(
    corpus: Corpus, trained: Path, board: Leaderboard, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A Space with all that it may have."""
    folder = tmp_path_factory.mktemp("space")
    hints = Hints(model_repo="someone/tags", remark="The texts are <b>generated</b>.")
    write_space(folder, corpus, trained / "quantized", board, hints=hints)
    return folder
