"""Vectors of 0 and 1, numbers of classes and single labels: labels, or an error with a row."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hf_assets_tests.support.corpora.label_tables import (
    KINDS,
    NAMED,
    NAMES,
    VECTORS,
    at,
    labelled,
    refused,
)

SPELLINGS: dict[str, Any] = {
    "integers": list,
    "floats": lambda row: [float(one) for one in row],
    "booleans": lambda row: [bool(one) for one in row],
    "texts": lambda row: [str(one) for one in row],
    "JSON": json.dumps,
    "numpy": lambda row: str(np.array(row)),
    "numpy floats": lambda row: str(np.array(row, float)),
    "numpy booleans": lambda row: str(np.array(row, bool)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_vector_of_0_and_1_is_refused_or_has_names(
    tmp_path: Path, kind: str, spelling: str
) -> None:
    cells = [SPELLINGS[spelling](row) for row in VECTORS]
    message = refused(tmp_path, kind, cells)
    assert at(kind, 1) in message
    assert "label_names" in message
    assert labelled(tmp_path, kind, cells, label_names=NAMES) == NAMED


@pytest.mark.parametrize("separator", [" ", ",", ";"])
def test_a_vector_is_split_like_other_texts(tmp_path: Path, separator: str) -> None:
    cells = [separator.join(map(str, row)) for row in VECTORS]
    message = refused(tmp_path, "csv", cells, separator=separator)
    assert at("csv", 1) in message
    assert "label_names" in message
    found = labelled(tmp_path, "csv", cells, separator=separator, label_names=NAMES)
    assert found == NAMED
    message = refused(tmp_path, "csv", cells)
    assert "declare the separator" in message
    assert "label_names" in message


@pytest.mark.parametrize("kind", KINDS)
def test_vectors_of_two_need_all_rows_to_be_told(tmp_path: Path, kind: str) -> None:
    pairs = [[0, 1], [1, 0], [0, 1]]
    message = refused(tmp_path, kind, pairs)
    assert at(kind, 1) in message
    assert "label_names" in message
    assert labelled(tmp_path, kind, pairs, label_names=("a", "b")) == [["b"], ["a"], ["b"]]
    # Numbers of classes, of which a row can have these two.
    assert labelled(tmp_path, kind, [*pairs, [2]])[-1] == ["2"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([[1, 0, 0], [1, 0, 0, 1]], "has 4 values, and label_names 3 names"),
        ([[1, 0, 0], [0, 0, 2]], "has 3 values, and label_names 3 names"),
        ([[1, 0, 0], [0, 2]], "is numbers of classes, and "),
        ([[0, 2], [0, 3]], "names none of the 3 label_names"),
        ([["1", "0", "0"], ["sun"]], "has 1 values, and label_names 3 names"),
    ],
)
def test_what_does_not_fit_the_names_is_refused(
    tmp_path: Path, kind: str, cells: list[Any], said: str
) -> None:
    message = refused(tmp_path, kind, cells, label_names=NAMES)
    assert at(kind, 2) in message
    assert said in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([["a"], [0, 3, 3]], "numbers that repeat"),
        ([[0.5, 0.25], [0.1, 0.7]], "has scores"),
        ([[{"label": "a", "score": 0.9}], [{"label": "b", "score": 0.1}]], "has a score"),
        ([[{"name": "a", "label": "b"}], [{"name": "a", "label": "a"}]], "more than one of name"),
        ([[{"id": "a"}], [{"id": "b"}]], "none of name"),
        ([[["a"]], [["b"]]], "is no list of labels"),
    ],
)
def test_lists_that_are_none_of_labels_are_refused(
    tmp_path: Path, kind: str, cells: list[Any], said: str
) -> None:
    if kind == "parquet" and cells[0] == ["a"]:
        cells = [[0, 3, 3], [1]]
    message = refused(tmp_path, kind, cells)
    assert "table." in message
    assert said in message


@pytest.mark.parametrize(
    ("cells", "separator", "names"),
    [
        (["0,1", "0", "1"], ",", ("ham", "spam")),
        (["0", "0,1"], ",", ("ham", "spam")),
        (["1 0 1", "2", "0 2"], " ", NAMES),
    ],
)
def test_a_separator_does_not_mix_vectors_and_numbers_of_classes(
    tmp_path: Path, cells: list[str], separator: str, names: tuple[str, ...]
) -> None:
    message = refused(tmp_path, "csv", cells, separator=separator, label_names=names)
    assert at("csv", 2) in message
    assert "write all rows alike" in message


def test_numbers_of_classes_may_be_one_or_several_with_a_separator(tmp_path: Path) -> None:
    found = labelled(tmp_path, "csv", ["2", "0,2", "1"], separator=",", label_names=NAMES)
    assert found == [["snow"], ["sun", "snow"], ["rain"]]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_classes_become_names(tmp_path: Path, kind: str) -> None:
    assert labelled(tmp_path, kind, [2, 0, -1, None], label_names=NAMES) == [
        ["snow"], ["sun"], [], [],
    ]  # fmt: skip
    assert labelled(tmp_path, kind, [[2, 0], [1], []], label_names=NAMES) == [
        ["snow", "sun"], ["rain"], [],
    ]  # fmt: skip
    assert labelled(tmp_path, kind, [2.0, 1.0], label_names=NAMES) == [["snow"], ["rain"]]
    assert labelled(tmp_path, kind, [True, False], label_names=("ham", "spam")) == [
        ["spam"], ["ham"],
    ]  # fmt: skip
    message = refused(tmp_path, kind, [2, 3], label_names=NAMES)
    assert at(kind, 2) + "'3' in labels names none of the 3 label_names" in message
    assert labelled(tmp_path, kind, [0, 1, 1]) == [["0"], ["1"], ["1"]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_one_label_each_needs_no_separator(tmp_path: Path, kind: str) -> None:
    cells = ["joy", "very negative", "negative", "It's", "N/A", "(other)", "a [b]", None, "C++"]
    assert labelled(tmp_path, kind, cells) == [[cell] if cell else [] for cell in cells]


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["joy", "anger", "joy, anger"], ","),
        (["joy;anger", "anger;fear", "fear;joy"], ";"),
        (["a|b", "a", "b"], "|"),
        (["python", "pandas", "python pandas"], " "),
        ([f"t{one} t{two}" for one in range(8) for two in range(one)], " "),
    ],
)
def test_several_labels_are_not_taken_for_one(
    tmp_path: Path, cells: list[str], separator: str
) -> None:
    message = refused(tmp_path, "csv", cells)
    assert f"separator = {separator!r}" in message
    assert "line " in message
    split = [[part.strip() for part in cell.split(separator)] for cell in cells]
    found = labelled(tmp_path, "csv", cells, separator=separator)
    assert [[one.strip() for one in row] for row in found] == split
    assert labelled(tmp_path, "csv", cells, one_label=True) == [[cell] for cell in cells]


def test_a_separator_that_is_in_no_cell_is_a_wrong_one(tmp_path: Path) -> None:
    cells = ["python", "pandas", "python pandas"]
    for separator in (",", "|", "  "):
        message = refused(tmp_path, "csv", cells, separator=separator)
        assert at("csv", 3) in message
        assert "declare separator = ' ', or leave it out and declare one_label" in message
    # Labels of two words, as others on the same row show.
    assert labelled(tmp_path, "csv", [*cells, "a,b"], separator=",")[2] == ["python pandas"]
