"""Corpora written by hand, and the one pretrained encoder that a package carries."""

import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hf_assets.classifiers.training.base_models import BASE_MODELS, locate
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.schemas import CORPUS_COLUMNS

# Labels that no path, CSV or page may take at their word, each with the words that give it away.
TOPICS = {
    "../x": "bridge river concrete span pillar load",
    'a "b", c': "violin chord melody rhythm orchestra tune",
    "genes": "protein cell enzyme genome bacteria tissue",
    "\N{ROBOT FACE}": "sensor motor wheel actuator gripper servo",
    "z" * 300: "galaxy orbit telescope planet comet star",
}
FILLER = "what is the best way to tell how this one would change if we had more of it"

if TYPE_CHECKING:
    from hf_assets_tests.support.classifiers.minilm import TrainedModel

MakeCorpus = Callable[..., Corpus]


def topical(rows: int, seed: int = 7, words: int = 8) -> list[tuple[str, list[str]]]:
    """Texts with the one or two labels whose words they use."""
    draw = random.Random(seed)
    made = []
    for _ in range(rows):
        labels = draw.sample(sorted(TOPICS), draw.choice((1, 1, 2)))
        said = [draw.choice(TOPICS[label].split()) for label in labels for _ in range(3)]
        said += draw.choices(FILLER.split(), k=draw.randint(2, words))
        draw.shuffle(said)
        made.append((" ".join(said), sorted(labels)))
    return made


def write_corpus(
    folder: Path, rows: Sequence[tuple[str, list[str]]], splits: Sequence[str], name: str = "topics"
) -> Corpus:
    """A corpus folder of these rows, whose sides are given row by row."""
    folder.mkdir(parents=True)
    labels = sorted({label for _, given in rows for label in given})
    frame = pl.DataFrame(
        [
            {"id": f"row:{i}", "text": text, "labels": given, "split": split, "group": f"row:{i}"}
            for i, ((text, given), split) in enumerate(zip(rows, splits, strict=True))
        ]
    )
    absent = [pl.lit(None, pl.String).alias(c) for c in CORPUS_COLUMNS if c not in frame.columns]
    frame.with_columns(absent).select(list(CORPUS_COLUMNS)).write_parquet(folder / "corpus.parquet")
    (folder / "labels.json").write_text(json.dumps({"labels": labels}), "utf-8")
    facts = {"name": name, "rows": len(rows), "labels": len(labels)}
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")
    return open_corpus(folder)


@pytest.fixture
def make_corpus(tmp_path: Path) -> MakeCorpus:
    """Makes a corpus of so many training, validation and test rows."""

    def make(train: int, validation: int, test: int = 4, name: str = "topics") -> Corpus:
        splits = ["train"] * train + ["validation"] * validation + ["test"] * test
        return write_corpus(tmp_path / "corpora" / name, topical(len(splits)), splits, name)

    return make


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The folder of the pretrained MiniLM."""
    return locate(BASE_MODELS["all-minilm-l6-v2"])


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a test run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(
    scope="session",
    params=[
        "small_made",
        pytest.param("minilm_made", marks=[pytest.mark.heavy, pytest.mark.release]),
    ],
)
def trained(request: pytest.FixtureRequest) -> "TrainedModel":
    """A trained base model with its graphs: a small one, and before a release MiniLM."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def minilm_made(shared_folder: Path, minilm: Path) -> "TrainedModel":
    """A head on MiniLM, its graph and the int8 graph: made once, for all workers of a test run."""
    from hf_assets_tests.support.classifiers.minilm import made_once

    return made_once(shared_folder, "minilm", minilm)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small base model, where it is not about how well a training learns."""
    from hf_assets_tests.support.classifiers.minilm import small_base

    return small_base(tmp_path_factory.mktemp("base") / "small")


@pytest.fixture(scope="session")
def small_made(shared_folder: Path, base: Path) -> "TrainedModel":
    """The same as `minilm_made` on the small base model, where size and speed do not matter."""
    from hf_assets_tests.support.classifiers.minilm import made_once

    return made_once(shared_folder, "small", base)
