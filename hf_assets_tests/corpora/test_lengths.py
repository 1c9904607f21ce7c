"""Texts that are longer than what is read: counted by a tokenizer, or estimated by words."""

from collections.abc import Sequence

import polars as pl
import pytest

from hf_assets.classifiers.token_counting import local_counter
from hf_assets.corpora import quality
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.lengths import TokenCounter, token_lengths
from hf_assets_tests.corpora.conftest import Build, make_rows


def _texts(*words: int) -> pl.Series:
    return pl.Series([" ".join(["word"] * count) for count in words])


def _count(texts: Sequence[str]) -> list[int]:
    return [2 * len(text.split()) for text in texts]


def test_a_tokenizer_counts_and_is_named() -> None:
    found = token_lengths(_texts(64, 65, 129, 257), TokenCounter("of two", _count))
    assert (found.by, found.estimated, found.texts) == ("of two", False, 4)
    assert found.beyond == {"128": 0.75, "256": 0.5, "512": 0.25}
    assert found.cut_at(128) == (0.75, 0.75)
    # Between two lengths that were counted, below the first and above the last.
    assert found.cut_at(200) == (0.5, 0.75)
    assert (found.cut_at(64), found.cut_at(1024)) == ((0.75, 1.0), (0.0, 0.25))


def test_without_one_words_are_multiplied_and_called_an_estimate() -> None:
    found = token_lengths(_texts(93, 94, 400, 10), None)
    assert found.estimated
    assert found.by.startswith("estimate")
    assert found.beyond == {"128": 0.5, "256": 0.25, "512": 0.25}


def test_of_many_texts_some_are_counted() -> None:
    found = token_lengths(_texts(*[10] * 30_000), TokenCounter("of two", _count))
    assert found.texts == 15_000


def test_a_base_model_on_this_machine_counts() -> None:
    counter = local_counter(None)
    if counter is None:
        pytest.skip("no base model in a package: the extra `demo` is not installed")
    assert counter.name == "all-minilm-l6-v2"
    assert counter.count(["Why do plants need light?"] * 2) == [8, 8]


@pytest.fixture
def long(built: Build) -> Corpus:
    """Half of the texts have 25 words, the others 200."""
    return built(make_rows(100), make_rows(100, seed=1, words=200))


def test_a_corpus_of_long_texts_warns(long: Corpus, built: Build) -> None:
    verdict = quality.texts_read_whole(long, {"by default": 128})
    assert (verdict.passed, verdict.severity) == (False, "WARN")
    said = "about 50% of the texts have more than the 128 tokens read by default: what follows"
    assert verdict.description.startswith(said)
    assert quality.texts_read_whole(long, {"by default": 512}).passed
    assert quality.texts_read_whole(built(make_rows(100)), {"by default": 128}).passed


def test_each_trained_model_counts_by_what_it_reads(long: Corpus) -> None:
    verdict = quality.texts_read_whole(long, {"by one": 512, "by other": 512})
    assert verdict.passed
    assert "more than the 512 tokens read by one, by other." in verdict.description
    verdict = quality.texts_read_whole(long, {"by one": 512, "by other": 128})
    assert not verdict.passed
    assert "50% of the texts have more than the 128 tokens read by other" in verdict.description
    assert verdict.metadata["read, by other"] == 128


def test_a_length_between_those_that_were_counted_warns_of_what_is_sure(long: Corpus) -> None:
    # Of 200 words 270 tokens: more than 256, and not than 512.
    verdict = quality.texts_read_whole(long, {"by one": 300})
    assert verdict.passed
    assert "about 0% to 50% of the texts have more than the 300 tokens" in verdict.description
    assert not quality.texts_read_whole(long, {"by one": 200}).passed
