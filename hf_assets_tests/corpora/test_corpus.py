"""A corpus read back, and a folder that is none."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hf_assets.corpora.corpus import Corpus, CorpusError, is_generated, joined, open_corpus
from hf_assets_tests.corpora.conftest import Build, make_rows


@pytest.fixture
def corpus(built: Build) -> Corpus:
    return built(make_rows(200))


def test_the_splits_are_all_rows_once(corpus: Corpus) -> None:
    splits = [corpus.split("train"), corpus.split("validation"), corpus.split("test")]
    ids = [name for split in splits for name in split.ids]
    assert sorted(ids) == sorted(corpus.frame["id"])
    texts = dict(corpus.frame.select("id", "text").iter_rows())
    labels = dict(corpus.frame.select("id", "labels").iter_rows())
    for split in splits:
        assert split.targets.dtype == np.uint8
        assert split.targets.shape == (len(split.ids), len(corpus.labels))
        assert split.texts == [texts[name] for name in split.ids]
        found = [[corpus.labels[at] for at in np.flatnonzero(row)] for row in split.targets]
        assert found == [labels[name] for name in split.ids]


def test_there_are_three_splits(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="train, validation, test"):
        corpus.split("dev")  # ty: ignore[invalid-argument-type]


def _torn(folder: Path) -> None:
    path = folder / "corpus.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def _column(folder: Path) -> None:
    path = folder / "corpus.parquet"
    pl.read_parquet(path).drop("group").write_parquet(path)


def _row(folder: Path) -> None:
    path = folder / "corpus.parquet"
    pl.read_parquet(path).head(-1).write_parquet(path)


def _labels(labels: object) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / "labels.json").write_text(json.dumps({"labels": labels}))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "corpus.parquet").unlink(), "corpus.parquet cannot be read"),
        (lambda folder: (folder / "labels.json").unlink(), "labels.json cannot be read"),
        (lambda folder: (folder / "facts.json").write_text("{"), "facts.json cannot be read"),
        (lambda folder: (folder / "facts.json").write_text("[]"), "holds no JSON object"),
        (_torn, "corpus.parquet cannot be read"),
        (_column, "no column group"),
        (_row, "do not belong together"),
        (_labels(["apple"]), "do not belong together"),
        (_labels(["apple", "pear", "pear", "quince"]), "names a label twice"),
        (_labels([1, 2, 3, 4]), "no list of labels"),
        (_labels(None), "no list of labels"),
    ],
)
def test_a_folder_that_is_not_whole(
    corpus: Corpus, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(corpus.folder)
    with pytest.raises(CorpusError, match=said) as failed:
        open_corpus(corpus.folder)
    assert "materialise it again" in str(failed.value)


def test_facts_of_an_earlier_version_have_defaults(corpus: Corpus) -> None:
    path = corpus.folder / "facts.json"
    stored = json.loads(path.read_text("utf-8"))
    earlier = {"rows": stored["rows"], "labels": stored["labels"], "labels given": 7, "else": [1]}
    path.write_text(json.dumps(earlier))
    opened = open_corpus(corpus.folder)
    assert (opened.name, opened.facts.labels_given) == (corpus.folder.name, 7)
    assert (opened.facts.labels_before, opened.facts.licences, opened.facts.formats) == (
        None,
        {},
        {},
    )
    path.write_text(json.dumps(earlier | {"rows": "many"}))
    with pytest.raises(CorpusError, match=r"facts\.json cannot be read .*rows"):
        open_corpus(corpus.folder)


def test_no_folder_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="cannot be read"):
        open_corpus(tmp_path / "none")


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["Title", "Body"], "Title\n\nBody"),
        ([" Title ", None, "", " \n", "Body\n"], "Title\n\nBody"),
        ([None], ""),
        ([], ""),
    ],
)
def test_title_and_body_are_one_text(parts: list[str | None], text: str) -> None:
    assert joined(parts) == text


@pytest.mark.parametrize(
    ("source", "generated"),
    [
        ({"site": "generated.stackexchange.com"}, True),
        ({"site": "generated", "endpoint": "https://api.stackexchange.com"}, True),
        ({"endpoint": "http://127.0.0.1:4711"}, True),
        ({"site": "datascience", "endpoint": "https://api.stackexchange.com"}, False),
        ({"file": "generated.csv"}, False),
    ],
)
def test_texts_of_the_embedded_services_are_known_as_generated(
    source: dict[str, str], generated: bool
) -> None:
    assert is_generated({"sources": {"new_questions": [{"site": "ai"}, source]}}) is generated
    assert not is_generated({})
