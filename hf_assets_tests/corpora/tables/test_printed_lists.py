"""Lists as numpy, databases and other languages print them."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hf_assets.corpora.tables.records import TableError
from hf_assets_tests.support.corpora.label_tables import (
    KINDS,
    NAMES,
    at,
    labelled,
    labels_of,
    refused,
)


@pytest.mark.parametrize("kind", KINDS)
def test_prints_of_numpy_are_lists_with_one_label_and_with_two(tmp_path: Path, kind: str) -> None:
    many = [f"label number {number}" for number in range(12)]
    given_labels = [["joy"], ["joy", "anger"], ["it's", 'a "b"'], many]
    cells = [str(np.array(labels, object)) for labels in given_labels]
    assert "\n" in cells[-1]
    assert labelled(tmp_path, kind, cells) == given_labels
    for separator in (" ", ",", "' '"):
        for number in range(len(cells)):
            message = refused(tmp_path, kind, [cells[number]], separator=separator)
            assert "leave the separator out" in message
    cut = str(np.array(["a"] * 3000))
    message = refused(tmp_path, kind, [cells[0], cut])
    assert at(kind, 2) in message
    assert "cut short" in message


@pytest.mark.parametrize("cell", ["['a', 'b'", "['a' ... 'b']", "[a, b]", "{'a', b}", "array(['a'"])
@pytest.mark.parametrize("separator", [" ", ","])
def test_no_separator_takes_a_list_apart(tmp_path: Path, cell: str, separator: str) -> None:
    message = refused(tmp_path, "csv", ["x", cell], separator=separator)
    assert at("csv", 2) in message
    assert "write lists as JSON" in message
    assert "in quotes" in refused(tmp_path, "csv", ["'a','b'"], separator=",")


def test_no_advice_leads_to_a_label_that_is_a_list(tmp_path: Path) -> None:
    for cell in ("[a, b]", "['a' ... 'b']", "['a'", "['a']", '["a", "b"]', "array(['a'"):
        assert "is a list" in refused(tmp_path, "csv", ["x", cell], one_label=True)
        assert "one_label" not in refused(tmp_path, "csv", ["x", cell])
    # And what is none that can be read may be a label, of several words, too.
    for cell in ("[sic]", "[Bug]", "[Feature request]", "[won't fix]", 'c("a", "b")', "f(a, b)"):
        assert "one_label = true" in refused(tmp_path, "csv", ["x", cell])
        assert labelled(tmp_path, "csv", ["x", cell], one_label=True) == [["x"], [cell]]


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_postgres_are_lists(tmp_path: Path, kind: str) -> None:
    cells = [
        "{joy}", "{joy,sad}", '{"New York",sad}', "{}", None, '{"a, \\"b\\"","}"}',
        "{it's,NULL,x}", '{"NULL","it\'s"}', "{c++,1,007,2.50}",
    ]  # fmt: skip
    assert labelled(tmp_path, kind, cells) == [
        ["joy"], ["joy", "sad"], ["New York", "sad"], [], [], ['a, "b"', "}"],
        ["it's", "x"], ["NULL", "it's"], ["c++", "1", "007", "2.50"],
    ]  # fmt: skip
    message = refused(tmp_path, kind, ["{1,0,1}", "{0,1,1}"])
    assert at(kind, 1) in message
    assert "label_names" in message
    assert "label_names" in refused(tmp_path, kind, ["{t,f,t}", "{f,f,t}"])
    for cells in (["{1,0,1}", "{0,1,0}"], ["{t,f,t}", "{f,t,f}"]):
        assert labelled(tmp_path, kind, cells, label_names=NAMES) == [["sun", "snow"], ["rain"]]
    for cell in ("{joy,sad}", "{}"):
        assert "leave the separator out" in refused(tmp_path, kind, [cell], separator=",")
    assert "has scores" in refused(tmp_path, kind, ["{0.1,0.7}", "{0.2,0.3}"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "cell",
    [
        'c("joy", "sad")', "WrappedArray(joy, sad)", "Set(joy, sad)", 'list("a", c("b"))',
        "{joy, sad}", "{a:1,b:2}", "{a=1, b=2}", "{b,'a'}", '{b,"a}', "{a,{b}}", "{{a,b},{c}}",
        "{f(x,y),z}", "{a[1,2],z}",
    ],
)  # fmt: skip
def test_a_print_that_cannot_be_read_for_sure_is_no_label(
    tmp_path: Path, kind: str, cell: str
) -> None:
    for options in ({}, {"separator": ","}, {"separator": "|"}):
        message = refused(tmp_path, kind, ["x", cell], **options)
        assert at(kind, 2) in message
        assert "write lists as JSON" in message
    assert "separator" in refused(tmp_path, kind, ["{joy,sad}"], separator=",")


def test_braces_around_one_word_need_others_to_be_told(tmp_path: Path) -> None:
    for cells in (["{joy}", "{sad}"], ["{joy}", "sad"], ["joy", "{sad}"], ["{}", None]):
        message = refused(tmp_path, "csv", cells)
        assert "table.csv, line " in message
        assert "declare one_label = true" in message
        found = labelled(tmp_path, "csv", cells, one_label=True)
        assert found == [[cell] if cell else [] for cell in cells]
    message = refused(tmp_path, "csv", ["{joy}", "{joy,sad}", "sad"])
    assert at("csv", 3) in message
    assert "one_label" not in message
    signs = ["f(x)", "Python (a, b)", "(other, more)", "a {b, c}", "{a} and {b}", "x"]
    assert labelled(tmp_path, "csv", signs) == [[cell] for cell in signs]


@pytest.mark.parametrize("kind", KINDS)
def test_sets_of_python_may_be_empty(tmp_path: Path, kind: str) -> None:
    cells = [repr(one) for one in ({"joy"}, set(), frozenset(), frozenset({"it's"}))]
    assert labelled(tmp_path, kind, cells) == [["joy"], [], [], ["it's"]]


def test_other_types_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    options: dict[str, Any] = {"label_names": NAMES}
    for dtype in (pl.Array(pl.Int8, 3), pl.List(pl.Float32), pl.List(pl.UInt64), pl.List(pl.Int8)):
        frame = pl.DataFrame({"text": ["a", "b"], "labels": [[1, 0, 0], [0, 1, 1]]})
        frame.with_columns(pl.col("labels").cast(dtype)).write_parquet(path)
        assert labels_of(path, **options) == [["sun"], ["rain", "snow"]]
        with pytest.raises(TableError, match=r"row 1: .*label_names"):
            labels_of(path)
    for dtype in (pl.Categorical(), pl.Enum(["a", "b"])):
        frame = pl.DataFrame({"text": ["a", "b"], "labels": ["a", "b"]})
        frame.with_columns(pl.col("labels").cast(dtype)).write_parquet(path)
        assert labels_of(path) == [["a"], ["b"]]
        frame = pl.DataFrame({"text": ["a"], "labels": [["a", "b"]]})
        frame.with_columns(pl.col("labels").cast(pl.List(dtype))).write_parquet(path)
        assert labels_of(path) == [["a", "b"]]
    for odd in ([b"a"], [[b"a"]], [Decimal("1.5")], [date(2026, 1, 2)], [{"joy": 1}]):
        pl.DataFrame({"text": ["a"], "labels": odd}).write_parquet(path)
        with pytest.raises(TableError, match=r"row 1: .* is no list of labels"):
            labels_of(path)


@pytest.mark.parametrize("kind", KINDS)
def test_objects_are_labels_by_their_name(tmp_path: Path, kind: str) -> None:
    cells = [[{"name": "a", "id": 1}, {"name": "b", "id": 2}], [], [{"name": "c", "id": 3}]]
    assert labelled(tmp_path, kind, cells) == [["a", "b"], [], ["c"]]
    for key in ("label", "tag", "title"):
        assert labelled(tmp_path, kind, [[{key: "a"}, {key: "b"}]]) == [["a", "b"]]


def test_a_cell_with_signs_for_terminals_is_shown_without_them(tmp_path: Path) -> None:
    for options in ({}, {"separator": " "}, {"label_names": NAMES}):
        message = refused(tmp_path, "jsonl", ["['\x1b[31m', '\x07'"], **options)
        assert message.isprintable()
