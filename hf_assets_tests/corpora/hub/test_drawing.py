"""The draw of models for a corpus: by author and category, the same models another day."""

from pathlib import Path

import polars as pl
import pytest

from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.hub import drawing
from hf_assets.corpora.hub.drawing import hub_texts
from hf_assets.corpora.quality import no_author_in_two_splits
from hf_assets.errors import InputError
from hf_assets_tests.support.hub.categorised import (
    SECOND_DAY,
    categorised,
    corpus_of,
    some_days,
    stored,
)


def _drawn(root: Path, rows: list, day: str = "2026-03-01", most: int = 60_000) -> pl.DataFrame:
    return pl.concat(hub_texts(stored(root, rows, day), most).frames)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root = tmp_path_factory.mktemp("corpus")
    return corpus_of(stored(root), root / "corpora" / "hub_models")


def test_every_row_has_its_category_as_its_only_label(corpus: Corpus) -> None:
    rows = {row["id"]: row for row in corpus.frame.to_dicts()}
    model = categorised(1)
    row = rows[f"hub:{model['hub_id']}"]
    assert row["labels"] == [model["category"]]
    assert row["author"] == "author1"
    assert row["link"] == "https://huggingface.co/author1/ViT-v1"
    assert row["text"] == ("ViT v1 Vi T v 1 transformers vit vision base ViT base Vi T")
    assert corpus.frame["labels"].list.len().unique().to_list() == [1]


def test_no_text_has_its_label_among_its_words(corpus: Corpus) -> None:
    for text, labels in corpus.frame.select("text", "labels").iter_rows():
        assert labels[0] not in text
        assert labels[0].replace("-", " ") not in text.lower()


def test_no_author_is_in_two_splits(corpus: Corpus) -> None:
    assert no_author_in_two_splits(corpus).passed
    assert corpus.frame["split"].n_unique() == 3
    rows = corpus.frame.with_columns(author=pl.lit("one"))
    torn = Corpus(corpus.folder, corpus.name, corpus.labels, corpus.facts)
    torn.__dict__["frame"] = rows
    result = no_author_in_two_splits(torn)
    assert not result.passed
    assert "'one'" in result.description


def test_the_facts_name_day_cap_and_categories(corpus: Corpus) -> None:
    (facts,) = corpus.facts.sources["models"]
    assert (facts["day"], facts["endpoint"]) == ("2026-03-01", "https://hub")
    assert facts["models with a category"] == 800
    assert facts["of each author"] == 20
    assert facts["texts drawn"] == corpus.facts.rows_in == facts["rows"]
    assert set(corpus.labels) <= set(facts["categories"])
    assert corpus.facts.formats == {"text": corpus.facts.rows_in}


def test_an_author_gives_the_newest_only(tmp_path: Path) -> None:
    rows = [*some_days(300), *(categorised(n, author="many") for n in range(1000, 1100))]
    found = _drawn(tmp_path, rows).filter(author="many")
    assert set(found["id"]) == {f"hub:{n:024x}" for n in range(1080, 1100)}


def test_a_model_without_an_author_is_one_of_its_own(tmp_path: Path) -> None:
    rows = [*some_days(300), categorised(1001, id="gpt2", author=None)]
    found = _drawn(tmp_path, rows).filter(id=f"hub:{1001:024x}")
    assert found["author"].to_list() == ["gpt2"]


def test_a_draw_keeps_small_categories_and_the_shares_of_large_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "LEAST_OF_CATEGORY", 10)
    monkeypatch.setattr(drawing, "MOST_OF_AUTHOR", 1000)
    rows = [categorised(n) for n in range(1200)]
    for n in range(8):
        rows[n]["category"] = "rare"
    counts = dict(
        _drawn(tmp_path, rows, most=300)
        .select(pl.col("labels").list.first())
        .to_series()
        .value_counts()
        .iter_rows()
    )
    assert counts["rare"] == 8
    others = [count for name, count in counts.items() if name != "rare"]
    assert all(70 <= count <= 76 for count in others)


def test_another_day_draws_the_same_models_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "LEAST_OF_CATEGORY", 10)
    rows = some_days(1200)
    first = _drawn(tmp_path, rows, most=300)
    later = [*reversed(rows), *(categorised(n) for n in range(5000, 5020))]
    second = _drawn(tmp_path, later, SECOND_DAY, most=300)
    assert len({*first["id"]} & {*second["id"]}) > 0.9 * first.height
    both = first.join(second, on="id")
    assert both["split"].to_list() == both["split_right"].to_list()


def test_rows_keep_their_split_while_the_corpus_grows(tmp_path: Path) -> None:
    old = corpus_of(stored(tmp_path), tmp_path / "old")
    more = [*some_days(), *(categorised(n) for n in range(3000, 3300))]
    new = corpus_of(stored(tmp_path, more, SECOND_DAY), tmp_path / "new", tmp_path / "old")
    both = old.frame.join(new.frame, on="id")
    assert both.height > 500
    assert both["split"].to_list() == both["split_right"].to_list()
    assert no_author_in_two_splits(new).passed


def test_too_few_authors_are_refused(tmp_path: Path) -> None:
    rows = [categorised(n, author="only") for n in range(100)]
    with pytest.raises(InputError, match="have 1 authors, none of them in"):
        hub_texts(stored(tmp_path, rows))
