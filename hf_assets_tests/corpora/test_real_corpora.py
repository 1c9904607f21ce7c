"""Real questions of Stack Exchange as corpora, counted as others counted them before."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from hf_assets.corpora import quality
from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.registry import CorpusSpec, corpora
from hf_assets.corpora.tables.table_source import read_table

# Rows, tags and tags a row as published; with the rule of earlier projects (tags of int(0.1 %) of
# all rows), tags and rows that are left.
PUBLISHED = {
    "biology": (13_196, 678, 2.51, 359, 13_072),
    "robotics": (2_771, 231, 2.35, 215, 2_770),
}
# Kept rows, labels, sides and lost rows by our own rule, on training rows.
KEPT = {
    "biology": (13_079, 371, {"train": 10_490, "validation": 1_287, "test": 1_302},
                {"only rare labels": 117}),
    "robotics": (2_768, 206, {"train": 2_181, "validation": 288, "test": 299},
                 {"only rare labels": 3}),
}  # fmt: skip


@pytest.fixture(
    scope="module", params=[pytest.param("biology", marks=pytest.mark.heavy), "robotics"]
)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def spec(real_data: Path, tmp_path_factory: pytest.TempPathFactory, name: str) -> CorpusSpec:
    """The entry as a user writes it."""
    source = real_data / "stackexchange-2016-10" / f"{name}.csv"
    if not source.exists():
        pytest.skip(f"{source} is not there")
    path = tmp_path_factory.mktemp("real") / "corpora.toml"
    path.write_text(
        f"[{name}]\nsource = '{source}'\ntext = ['title', 'content']\nlabels = 'tags'\n"
        "format = 'html'\nseparator = ' '\nid = 'id'\nrare_share = 0.001\n"
        "license = 'CC BY-SA 3.0'\n"
    )
    return corpora(path).specs[name]


@pytest.fixture(scope="module")
def corpus(spec: CorpusSpec, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus")
    build(spec, [read_table(spec)], folder)
    return open_corpus(folder)


def test_rows_and_tags_are_those_published(spec: CorpusSpec, name: str) -> None:
    frame = pl.concat(read_table(spec).frames)
    counts = Counter(label for labels in frame["labels"] for label in labels)
    rows, tags, mean, kept_tags, kept_rows = PUBLISHED[name]
    assert (frame.height, len(counts)) == (rows, tags)
    assert sum(counts.values()) / rows == pytest.approx(mean, abs=0.005)
    kept = {label for label, count in counts.items() if count >= int(0.001 * rows)}
    assert len(kept) == kept_tags
    assert sum(not kept.isdisjoint(labels) for labels in frame["labels"]) == kept_rows


def test_what_is_kept_of_them(corpus: Corpus, name: str) -> None:
    facts = corpus.facts
    rows, labels, sides, lost = KEPT[name]
    assert (facts.rows, facts.labels, facts.splits, facts.lost) == (
        rows, labels, sides, lost,
    )  # fmt: skip
    assert facts.licences == {"CC BY-SA 3.0": rows}
    assert quality.no_group_in_two_splits(corpus).passed
    assert quality.no_empty_text(corpus).passed
    assert quality.label_order_unchanged(corpus, None).passed
    assert quality.every_label_in_train_and_test(corpus).severity == "WARN"


def test_no_markup_is_left_and_words_are_whole(corpus: Corpus, name: str) -> None:
    text = corpus.frame["text"]
    assert not text.str.contains(
        r"</?(p|a|em|strong|code|blockquote|li|ul|img|pre)( [^<>]*)?>"
    ).any()
    if name == "robotics":  # its copies say the same but for the way they are asked
        copies = corpus.frame.filter(pl.col("group").is_duplicated())
        assert copies.height == corpus.facts.rows_in_duplicate_groups == 6
        assert copies["group"].n_unique() == 3
