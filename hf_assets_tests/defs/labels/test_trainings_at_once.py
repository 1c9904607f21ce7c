"""Processes train the same base model at once: each writes it whole, and the last one wins.

Three of them, as many as it takes for one to wait behind one that waits; before a release, eight.
They train one after the other, on a lake in a folder with locks of files, and on a store with locks
in Postgres. A reader sees the classifier of one of them at a time.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hf_assets.classifiers.provenance import classifier_fingerprint, corpus_fingerprint
from hf_assets.classifiers.training.record import TrainingRecord
from hf_assets.corpora.corpus import open_corpus
from hf_assets.storage.folders import is_stored, read_folder, replacing_folder
from hf_assets.storage.json_files import read_record
from hf_assets.storage.lake import Lake
from hf_assets_tests.classifiers.conftest import topical, write_corpus
from hf_assets_tests.support.classifiers import trainers
from hf_assets_tests.support.classifiers.minilm import small_base
from hf_assets_tests.support.deploy.read import PROJECT

pytestmark = pytest.mark.heavy
NAME, BASE, EIGHT = "topics", "roberta-base", 8
THREE = 3
WAITS = f"another run is training {BASE} on this corpus: waiting for it"


@pytest.fixture
def contested(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """A lake with a corpus, and locks of the kind that goes with it."""
    if request.param == "store-postgres":
        request.getfixturevalue("postgres_locks")
        lake = Lake(request.getfixturevalue("bucket"))
    else:
        lake = Lake(tmp_path / "lake")
    splits = ["train"] * 48 + ["validation"] * 24 + ["test"] * 4
    corpus = write_corpus(tmp_path / "corpus", topical(len(splits)), splits, NAME)
    with replacing_folder(lake.folder(f"corpora/{NAME}", None)) as folder:
        shutil.copytree(corpus.folder, folder, dirs_exist_ok=True)
    return lake


def seed_in(lake: Lake) -> int | None:
    """The seed of the classifier that is there, which is whole; None where there is none yet."""
    learnt = corpus_fingerprint(open_corpus(lake.artefact("corpora", NAME)))

    def load(folder: Path) -> tuple[int, str | None, str]:
        record = read_record(folder / "training.json", TrainingRecord)
        return record.seed, record.fingerprint, classifier_fingerprint(folder, learnt)

    stored = lake.folder(f"classifiers/{NAME}/{BASE}/classifier", None)
    if not is_stored(stored):
        return None
    seed, said, computed = read_folder(stored, load)
    assert said == computed
    return seed


def spans(ended: list[dict[str, Any]]) -> list[tuple[float, float, int]]:
    """When each of them began and ended to train, by its log, and its seed; in order of time."""
    found = []
    for one in ended:
        times = [at for at, _ in one["lines"]]
        begins = next(at for at, line in one["lines"] if line.startswith("finetune on "))
        found.append((begins, times[-1], one["seed"]))
    return sorted(found)


@pytest.mark.parametrize(
    ("contested", "number"),
    [
        ("store-postgres", THREE),
        pytest.param("store-postgres", EIGHT, marks=pytest.mark.release),
        pytest.param("folder-files", EIGHT, marks=pytest.mark.release),
    ],
    indirect=["contested"],
)
def test_of_trainings_at_once_one_wins_whole(contested: Lake, number: int, tmp_path: Path) -> None:
    small_base(tmp_path / "base" / BASE)
    variables = {
        "HF_ASSETS_DATA": str(contested.root),
        "HF_ASSETS_BASE_MODELS": str(tmp_path / "base"),
        "HF_ASSETS_LOCK_WAIT": "600",
        "PYTHONPATH": str(PROJECT),
    }
    with subprocess.Popen(
        [sys.executable, "-m", trainers.__name__, NAME, BASE, str(number)],
        env={**os.environ, **variables},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        seen = set()
        while process.poll() is None:
            seen.add(seed_in(contested))
            time.sleep(0.2)
        printed = process.stdout.read() if process.stdout else ""
    assert process.returncode == 0
    ended = json.loads(printed)
    assert [one["success"] for one in ended] == [True] * number, ended
    waited = [one["seed"] for one in ended if WAITS in [line for _, line in one["lines"]]]
    trained = spans(ended)
    assert sorted([*waited, trained[0][2]]) == [*range(number)]
    for (_, ends, _), (begins, _, _) in pairwise(trained):
        assert ends < begins
    assert seed_in(contested) == trained[-1][2]
    assert seen <= {None, *range(number)}
    left = [path.name for path in contested.folder(f"classifiers/{NAME}/{BASE}", None).iterdir()]
    assert "checkpoints" not in left
