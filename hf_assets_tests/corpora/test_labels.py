"""Labels: cleaned, counted, put in order, and as columns of ones and zeros."""

import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.labels import cleaned, kept_labels, least_rows, multi_hot

HOSTILE = ["../x", "a, b", 'say "hi"', "😀", "x" * 300, "'", "`|`", "<b>", "null", "é", "e\u0301"]


def test_hostile_labels_stay_as_they_are() -> None:
    assert cleaned(HOSTILE) == HOSTILE


def test_labels_are_one_line_each_and_once() -> None:
    given_ = [" b ", "a\nb", "a  b", "b", None, "", " \t", "A", "\x00a\x1f"]
    assert cleaned(given_) == ["b", "a b", "A", "a"]


@pytest.mark.parametrize(
    ("share", "rows", "least"), [(0.001, 10_490, 10), (0.001, 999, 2), (0.01, 250, 2), (0.5, 7, 3)]
)
def test_how_many_rows_make_a_label(share: float, rows: int, least: int) -> None:
    assert least_rows(share, rows) == least


def test_rare_labels_go() -> None:
    training = [["often", "twice"], ["often", "twice"], ["often", "once"], *[["often"]] * 47]
    assert kept_labels(training, 0.05) == ["often", "twice"]
    assert kept_labels(training, 0.07) == ["often"]
    assert kept_labels([["a", "a", "a"]], 0.01) == []  # thrice in one row is one row


@given(st.lists(st.lists(st.sampled_from([*HOSTILE, "Z", "a"]), max_size=4), max_size=30))
def test_the_order_of_labels_does_not_depend_on_the_rows(rows: list[list[str]]) -> None:
    shuffled = random.Random(1).sample(rows, len(rows))
    found = kept_labels(rows, 0.001)
    assert found == kept_labels(shuffled, 0.001)
    assert found == sorted(found)


def test_multi_hot() -> None:
    lists = pl.Series([["b"], [], ["a", "c"], None], dtype=pl.List(pl.String))
    targets = multi_hot(lists, ["a", "b", "c"])
    assert targets.dtype == np.uint8
    assert targets.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 1], [0, 0, 0]]
    with pytest.raises(KeyError, match="d"):
        multi_hot(pl.Series([["d"]]), ["a"])
