"""The published folder: its files, its model, and what is not published."""

import json
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from huggingface_hub.errors import HFValidationError

from hf_assets.classifiers.evaluation.leaderboard import measure
from hf_assets.classifiers.evaluation.results import INT8, Leaderboard
from hf_assets.classifiers.publishing.space import Hints, write_space
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.tfidf import blended
from hf_assets.corpora.corpus import Corpus
from hf_assets.errors import InputError
from hf_assets_tests.support.classifiers.artefacts import HOSTILE
from hf_assets_tests.support.classifiers.published import MODEL


def test_the_folder_is_what_the_hub_expects(space: Path) -> None:
    found = {str(path.relative_to(space)) for path in space.rglob("*") if path.is_file()}
    assert found == {
        "README.md", "NOTICE", "app.py", "guard.py", "meaning.py", "requirements.txt",
        "examples.json",
        "model/README.md",
        "model/NOTICE", "model/ATTRIBUTION.csv.gz", "model/config.json", "model/tokenizer.json",
        "model/tokenizer_config.json", "model/onnx/model_quantized.onnx", "model/tagger.py",
        "model/tfidf.npz", "model/tfidf.py", "model/tagger_workers.py",
    }  # fmt: skip


def test_facts_are_those_of_the_folder(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard
) -> None:
    told: list[str] = []
    hints = Hints(words=False)
    facts = write_space(tmp_path, corpus, trained / "quantized", board, told.append, hints)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert facts.files == len(files)
    assert facts.bytes == sum(path.stat().st_size for path in files)
    row = board.rows.filter(runtime=INT8).to_dicts()[0]
    assert (facts.micro_f1, facts.base_model) == (row["micro_f1"], MODEL)
    assert (facts.licence, facts.attributed, facts.words) == ("cc-by-sa-4.0", 400, False)
    assert not (tmp_path / "model" / "tfidf.npz").exists()
    assert "blend" not in json.loads((tmp_path / "model/config.json").read_text("utf-8"))
    assert msgspec.json.encode(facts)
    assert told


def test_the_published_model_answers_as_the_measured_one(
    space: Path, trained: Path, corpus: Corpus, board: Leaderboard
) -> None:
    texts = corpus.split("test").texts[:20]
    published, measured = Tagger.load(space / "model"), Tagger.load(trained / "quantized")
    alone = Tagger.load(space / "model", words=False)
    np.testing.assert_array_equal(alone.scores(texts), measured.scores(texts))
    assert published.labels == tuple(sorted(HOSTILE))
    assert alone.threshold == measured.threshold
    blend = board.record.blend
    assert blend is not None
    assert board.words is not None
    both = blended(measured.scores(texts), board.words.scores(texts), blend.weight)
    np.testing.assert_array_equal(published.scores(texts), both)
    assert published.threshold == blend.threshold != alone.threshold


def test_nothing_of_this_machine_is_published(space: Path, tmp_path: Path) -> None:
    for path in space.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for odd in (str(space).encode(), str(Path.home()).encode() + b"/", b"hf_"):
                kept = content.replace(b"hf_assets", b"").replace(b"hf_hub", b"")
                assert odd not in kept, (path, odd)


@pytest.mark.parametrize("repo", ["no spaces", "a/b/c", "../x", "a/b\n- c"])
def test_a_repository_that_cannot_be_is_refused(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard, repo: str
) -> None:
    with pytest.raises(HFValidationError):
        write_space(tmp_path, corpus, trained / "quantized", board, hints=Hints(model_repo=repo))


def test_another_model_than_was_measured_is_refused(
    tmp_path: Path, corpus: Corpus, trained: Path, board: Leaderboard
) -> None:
    folder = shutil.copytree(trained, tmp_path / MODEL) / "quantized"
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"threshold": 0.1}))
    with pytest.raises(InputError, match="not what was measured"):
        write_space(tmp_path / "out", corpus, folder, board)
    names = {str(i): label for i, label in enumerate(reversed(corpus.labels))}
    (folder / "config.json").write_text(json.dumps(config | {"id2label": names}))
    with pytest.raises(InputError, match="other labels"):
        write_space(tmp_path / "out", corpus, folder, board)


def test_without_an_int8_model_there_is_nothing_to_publish(
    tmp_path: Path, corpus: Corpus, trained: Path
) -> None:
    board = measure(corpus, trained.parent / "baseline", {})
    with pytest.raises(InputError, match="no int8 model"):
        write_space(tmp_path, corpus, trained / "quantized", board)
