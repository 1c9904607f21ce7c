"""A published model."""

from pathlib import Path

import pytest

from hf_assets.classifiers.evaluation.results import Leaderboard
from hf_assets.classifiers.publishing.space import Hints, write_space
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.support.classifiers.artefacts import HOSTILE, make_corpus
from hf_assets_tests.support.classifiers.published import make_board, make_trained


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("corpus"), HOSTILE)


@pytest.fixture(scope="session")
def trained(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_trained(tmp_path_factory.mktemp("classifiers"), corpus)


@pytest.fixture(scope="session")
def board(corpus: Corpus, trained: Path) -> Leaderboard:
    return make_board(corpus, trained)


@pytest.fixture(scope="session")
def space(
    corpus: Corpus, trained: Path, board: Leaderboard, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A Space with all that it may have."""
    folder = tmp_path_factory.mktemp("space")
    hints = Hints(model_repo="someone/tags", remark="The texts are <b>generated</b>.")
    write_space(folder, corpus, trained / "quantized", board, hints=hints)
    return folder
