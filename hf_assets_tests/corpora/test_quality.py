"""The rules of a corpus: each passes a good one, and fails one that was spoiled its way."""

import dataclasses
import json
from typing import Any

import polars as pl
import pytest

from hf_assets.corpora.corpus import Corpus, open_corpus
from hf_assets.corpora.quality import (
    day_complete,
    every_label_in_train_and_test,
    label_order_unchanged,
    no_empty_text,
    no_group_in_two_splits,
    text_format_fits,
    texts_usable,
)
from hf_assets.corpora.schemas import texts_frame, texts_table
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.corpora.conftest import LABELS, Build, make_rows


@pytest.fixture
def corpus(built: Build) -> Corpus:
    return built(make_rows(200))


def changed(corpus: Corpus, *columns: pl.Expr) -> Corpus:
    corpus.frame.with_columns(*columns).write_parquet(corpus.folder / "corpus.parquet")
    return open_corpus(corpus.folder)


FIRST = pl.int_range(pl.len()) == 0


def test_a_good_corpus_passes(corpus: Corpus) -> None:
    verdicts = [
        no_group_in_two_splits(corpus),
        every_label_in_train_and_test(corpus),
        no_empty_text(corpus),
        label_order_unchanged(corpus, None),
        label_order_unchanged(corpus, list(corpus.labels)),
        text_format_fits(corpus),
    ]
    assert [verdict.passed for verdict in verdicts] == [True] * 6
    assert verdicts[0].description == "200 groups, each in one split."
    assert verdicts[4].description == "4 labels, as before."


def test_a_group_in_two_splits(corpus: Corpus) -> None:
    row = corpus.frame.filter(pl.col("split") == "test")["group"][0]
    torn = pl.when(pl.col("split") == "train").then(pl.lit(row)).otherwise("group").alias("group")
    verdict = no_group_in_two_splits(changed(corpus, torn))
    assert not verdict.passed
    assert verdict.severity == "ERROR"
    assert verdict.metadata["in two splits"] == 1
    assert row in verdict.description


@pytest.mark.parametrize(("side", "severity"), [("train", "ERROR"), ("test", "WARN")])
def test_a_label_without_rows(corpus: Corpus, side: str, severity: str) -> None:
    without = pl.col("labels").list.filter(pl.element() != "plum")
    labels = pl.when(pl.col("split") == side).then(without).otherwise("labels").alias("labels")
    verdict = every_label_in_train_and_test(changed(corpus, labels))
    assert not verdict.passed
    assert verdict.severity == severity
    assert verdict.description == f"No {'training' if side == 'train' else 'test'} row: 'plum'."


@pytest.mark.parametrize(
    "spoil",
    [
        pl.when(FIRST).then(pl.lit(" \n")).otherwise("text").alias("text"),
        pl.when(FIRST).then(None).otherwise("text").alias("text"),
        pl.when(FIRST).then(pl.col("labels").list.head(0)).otherwise("labels").alias("labels"),
    ],
)
def test_an_empty_row(corpus: Corpus, spoil: pl.Expr) -> None:
    verdict = no_empty_text(changed(corpus, spoil))
    assert not verdict.passed
    assert verdict.metadata["empty"] + verdict.metadata["without label"] == 1


def test_the_order_of_labels(corpus: Corpus) -> None:
    moved = [*LABELS[1:], LABELS[0]]
    (corpus.folder / "labels.json").write_text(json.dumps({"labels": moved}))
    verdict = label_order_unchanged(open_corpus(corpus.folder), None)
    assert not verdict.passed
    assert "alphabetical" in verdict.description
    verdict = label_order_unchanged(corpus, moved)
    assert not verdict.passed
    assert "another order than before" in verdict.description


def test_another_set_of_labels_is_named(corpus: Corpus) -> None:
    verdict = label_order_unchanged(corpus, [*LABELS[:3], "zucchini"])
    assert verdict.passed
    assert verdict.description == "New: 'quince'. Gone: 'zucchini'."
    many = dataclasses.replace(corpus, labels=tuple(f"l{n:02}" for n in range(30)))
    assert label_order_unchanged(many, []).description.endswith("'l09' and 20 more.")


SOURCE = texts_table("question_dump")


def texts(
    lake: Lake,
    *rows: dict[str, Any],
    day: str | None = None,
    notes: dict[str, Any] | None = None,
) -> StoredTable:
    return lake.write(SOURCE, day, TableWrite([texts_frame(rows)], notes=notes or {}))


TEXT = {"id": "a:1", "title": "How?", "labels": ["x"]}


def test_texts_with_words_and_labels_pass(lake: Lake) -> None:
    result = texts_usable(texts(lake, TEXT, TEXT | {"id": "a:2"}), 0.99)
    assert (result.passed, result.description) == (True, "2 texts, 2 with a label.")
    assert texts_usable(texts(lake, TEXT, TEXT | {"id": "a:2", "labels": []}), 0.1).passed


def test_a_day_without_texts_passes_and_an_empty_dump_fails(lake: Lake) -> None:
    assert texts_usable(texts(lake, day="2026-11-20"), 0.99).passed
    result = texts_usable(texts(lake), 0.99)
    assert (result.passed, result.severity) == (False, "ERROR")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, "1 rows are duplicates."),
        ({"id": "a:2", "title": " "}, "1 of 2 texts are empty."),
        ({"id": "a:2", "labels": []}, "only 1 of 2 texts have a label."),
    ],
)
def test_texts_without_words_or_labels_fail(lake: Lake, row: dict[str, Any], words: str) -> None:
    result = texts_usable(texts(lake, TEXT, TEXT | row), 0.99)
    assert (result.passed, result.severity, result.description) == (False, "WARN", words)


@pytest.mark.parametrize(
    ("note", "passed"),
    [
        ("put aside: Expected `int`", False),
        ("dropped: odd row", False),
        ("dropped: Datasets.csv: a cell too few", False),
        ("dropped: not a question", True),
    ],
)
def test_rows_that_nobody_can_read_fail(lake: Lake, note: str, passed: bool) -> None:
    assert texts_usable(texts(lake, TEXT, notes={note: 1}), 0.99).passed == passed


@pytest.mark.parametrize(
    ("facts", "today", "passed"),
    [
        ({}, "2026-11-25", True),
        ({"partial": "the day is not over"}, "2026-11-20", True),
        ({"partial": "the day is not over"}, "2026-11-25", False),
    ],
    ids=["after its end", "not over yet", "never fetched again"],
)
def test_a_day_fetched_before_its_end_fails_once_it_is_over(
    lake: Lake, facts: dict[str, str], today: str, passed: bool
) -> None:
    write = TableWrite([texts_frame([TEXT])], {}, {"new_questions": facts})
    result = day_complete(lake.write(SOURCE, "2026-11-20", write), "new_questions", today)
    assert result.passed == passed
    assert passed or result.severity == "WARN"
