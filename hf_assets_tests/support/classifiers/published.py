"""Published models, and their cards."""

from pathlib import Path
from typing import Any

import yaml

from hf_assets.classifiers.evaluation import baselines
from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import Leaderboard
from hf_assets.classifiers.publishing.space import Hints, write_space
from hf_assets.corpora.corpus import Corpus
from hf_assets_tests.support.classifiers.artefacts import HOSTILE, make_corpus, make_model

MODEL = "all-minilm-l6-v2"


def front(path: Path) -> dict[str, Any]:
    _, matter, _ = path.read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(matter)


def make_trained(folder: Path, corpus: Corpus) -> Path:
    """A baseline in `folder`, and the base model beside it that is returned."""
    (folder / "baseline").mkdir(parents=True)
    baselines.fit(corpus, folder / "baseline")
    return make_model(folder / MODEL, corpus, strength=0.9, known=6)


def make_board(corpus: Corpus, trained: Path) -> Leaderboard:
    return measure(corpus, trained.parent / "baseline", {MODEL: trained})


def make_space(work: Path, repo: str) -> Path:
    """A Space with its model, of hostile labels, for that repository."""
    corpus = make_corpus(work / "corpus", HOSTILE)
    trained = make_trained(work / "classifiers", corpus)
    (folder := work / "tagger_space").mkdir()
    board = make_board(corpus, trained)
    write_space(folder, corpus, trained / "quantized", board, hints=Hints(model_repo=repo))
    return folder
