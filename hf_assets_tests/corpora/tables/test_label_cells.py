"""Cells of labels in every shape that tables have them, each read alike from every format."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.building import build
from hf_assets.corpora.corpus import open_corpus
from hf_assets.corpora.registry import corpora
from hf_assets.corpora.tables.cell_values import flag, whole
from hf_assets.corpora.tables.records import TableError
from hf_assets.corpora.tables.table_source import TableSource, read_table

NAMES = ("sun", "rain", "snow")
KINDS = ("csv", "tsv.gz", "jsonl", "parquet")


def table(folder: Path, kind: str, rows: Sequence[dict[str, Any]]) -> Path:
    """A file of that kind; in CSV, what is no text is written as JSON."""
    path = folder / f"table.{kind}"
    if kind == "parquet":
        pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    else:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter="," if kind == "csv" else "\t")
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow([_cell(value) for value in row.values()])
        body = text.getvalue().encode()
        path.write_bytes(gzip.compress(body) if kind.endswith(".gz") else body)
    return path


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict | bool) else value


def labels_of(path: Path, **options: Any) -> list[list[str]]:
    source = TableSource(path, text=("text",), **options)
    return pl.concat(source.read().frames)["labels"].to_list()


def labelled(folder: Path, kind: str, cells: Sequence[Any], **options: Any) -> list[list[str]]:
    rows = [{"text": f"text {number}", "labels": cell} for number, cell in enumerate(cells)]
    return labels_of(table(folder, kind, rows), **options)


def refused(folder: Path, kind: str, cells: Sequence[Any], **options: Any) -> str:
    with pytest.raises(TableError) as failed:
        labelled(folder, kind, cells, **options)
    assert failed.value.permanent
    return str(failed.value)


def at(kind: str, row: int) -> str:
    """How a message names the row, counted from 1."""
    lines = {"parquet": f"row {row}", "jsonl": f"line {row}"}
    return f"table.{kind}, {lines.get(kind, f'line {row + 1}')}: "


# --- vectors of 0 and 1 --------------------------------------------------------------------------

VECTORS = [[1, 0, 0], [0, 0, 0], [1, 0, 1], [1, 1, 1]]
NAMED = [["sun"], [], ["sun", "snow"], ["sun", "rain", "snow"]]
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


# --- numbers of classes, and one label a row -----------------------------------------------------


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


# --- lists as numpy and others print them --------------------------------------------------------


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


# --- lists as databases and other languages print them -------------------------------------------


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


# --- one column for each label -------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "spelled", [(0, 1), (0.0, 1.0), (False, True), ("0", "1"), ("FALSE", "True"), (None, 1)]
)
def test_a_column_for_each_label(tmp_path: Path, kind: str, spelled: tuple[Any, Any]) -> None:
    rows = [
        {"text": f"text {number}", **{n: spelled[v] for n, v in zip(NAMES, row, strict=True)}}
        for number, row in enumerate(VECTORS)
    ]
    path = table(tmp_path, kind, rows)
    assert labels_of(path, labels=NAMES) == NAMED
    assert labels_of(path, labels=NAMES[:2], label_names=("s", "r")) == [
        ["s"], [], ["s"], ["s", "r"],
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", [2, -1, 0.5])
def test_what_is_neither_0_nor_1_names_row_and_column(tmp_path: Path, kind: str, odd: Any) -> None:
    rows = [{"text": "a", "sun": 1, "rain": 0}, {"text": "b", "sun": 0, "rain": odd}]
    if kind == "parquet":
        rows = [{**row, "rain": float(row["rain"])} for row in rows]
    with pytest.raises(TableError) as failed:
        labels_of(table(tmp_path, kind, rows), labels=("sun", "rain"))
    assert at(kind, 2) in str(failed.value)
    assert "in rain is neither 0 nor 1" in str(failed.value)


def test_empty_cells_are_0_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("text,sun,rain\na,1,\nb,,1\nc,0,1\n")
    told: list[str] = []
    made = TableSource(path, text=("text",), labels=("sun", "rain")).read(told.append)
    assert pl.concat(made.frames)["labels"].to_list() == [["sun"], ["rain"], ["rain"]]
    assert made.notes["empty cells of labels, taken for 0"] == 2
    assert "2 empty cells of labels, taken for 0" in told[0]


# --- an entry of the registry, to the corpus -----------------------------------------------------


def test_a_vector_becomes_a_corpus_with_names(tmp_path: Path) -> None:
    draw = np.random.default_rng(7)
    rows = [
        {"text": " ".join(map(str, draw.integers(10**6, size=8))), "labels": row}
        for row in draw.integers(2, size=(120, 3)).astype(float).tolist()
    ]
    table(tmp_path, "jsonl", rows)
    entry = tmp_path / "corpora.toml"
    text = (
        '[weather]\nsource = "table.jsonl"\ntext = "text"\nlabels = "labels"\nrare_share = 0.01\n'
    )
    entry.write_text(text)
    with pytest.raises(TableError, match=r"line 1: .*declare label_names"):
        list(read_table(corpora(entry)["weather"]).frames)
    entry.write_text(text + 'label_names = ["sun", "rain", "snow"]\n')
    spec = corpora(entry)["weather"]
    folder = tmp_path / "corpus"
    folder.mkdir()
    build(spec, [read_table(spec)], folder)
    assert open_corpus(folder).labels == ("rain", "snow", "sun")


# --- single values -------------------------------------------------------------------------------


def test_numbers_are_read_in_time_that_grows_with_the_cell() -> None:
    for text, value in {"1": 1, " 1. ": 1, "+1.0": 1, "0.00": 0, "-.0": 0, ".0": 0}.items():
        assert flag(text) == value
        assert whole(text.strip()) == value
    for text in ("", ".", "1.2.3", "1e5", "--1", "1x", "\N{ARABIC-INDIC DIGIT ONE}"):
        assert flag(text) is None
        assert whole(text) is None
    # Ways to divide the digits, were they tried, are as many as the square of these.
    digits = "1" * 300_000
    for text in (digits + "x", digits + ".x", "." + digits + "x", digits):
        assert flag(text) is None
        assert whole(text) is None


# --- any table -----------------------------------------------------------------------------------

_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)
_NAME = st.sampled_from(
    ["joy", "it's", 'a "b"', "New York", "C++", "\N{GRINNING FACE}", "0x", "[b]"]
)
_LISTS = st.lists(st.lists(_NAME, max_size=3, unique=True), min_size=1, max_size=6)
WRITERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "list": (list, {}),
    "JSON": (json.dumps, {}),
    "Python": (repr, {}),
    "numpy": (lambda labels: str(np.array(labels, object)), {}),
    "separated": (lambda labels: "|".join(labels), {"separator": "|"}),
    "objects": (lambda labels: [{"name": one} for one in labels], {}),
    "one": (lambda labels: labels[0] if labels else None, {"one_label": True}),
}


@given(_LISTS, st.data())
def test_every_shape_in_every_format_gives_the_labels(
    tmp_path_factory: pytest.TempPathFactory, labels: list[list[str]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("shapes")
    kind = data.draw(st.sampled_from(KINDS))
    shape = data.draw(st.sampled_from(sorted(WRITERS)))
    texts = data.draw(st.lists(_TEXT, min_size=len(labels), max_size=len(labels)))
    write, options = WRITERS[shape]
    rows = [{"text": text, "labels": write(one)} for text, one in zip(texts, labels, strict=True)]
    if shape == "one":
        labels = [one[:1] for one in labels]
    # A text such as "a,b\n" alone may be two rows: how quotes are meant is not the subject here.
    path = table(folder, kind, rows)
    source = TableSource(path, text=("text",), quoting="standard", **options)
    if shape == "separated" and ["[b]"] in labels:
        with pytest.raises(TableError, match=rf"table\.{kind}, (row|line) [0-9]+: .*a list"):
            list(source.read().frames)
        return
    found = pl.concat(source.read().frames)
    assert found["labels"].to_list() == labels
    assert [text or "" for text in found["body"]] == texts


_CELL = st.one_of(
    st.text(alphabet="[](){}'\",.01ab \n\x1b", max_size=12),
    st.integers(-2, 4), st.floats(allow_nan=False), st.booleans(), st.none(),
    st.lists(st.one_of(st.integers(0, 2), st.text(max_size=3), st.none(), st.booleans())),
    st.dictionaries(st.sampled_from(["name", "label", "score"]), st.text(max_size=3)),
)  # fmt: skip


@given(st.lists(_CELL, min_size=1, max_size=4), st.sampled_from([None, " ", ","]), st.booleans())
def test_any_cells_are_labels_or_an_error_with_a_row(
    tmp_path_factory: pytest.TempPathFactory, cells: list[Any], separator: str | None, named: bool
) -> None:
    folder = tmp_path_factory.mktemp("cells")
    lines = [json.dumps({"text": "x", "labels": cell}) for cell in cells]
    path = folder / "table.jsonl"
    path.write_bytes("\n".join(lines).encode("utf-8", "replace"))
    options = {"separator": separator, "label_names": NAMES if named else None}
    try:
        found = labels_of(path, **options)
    except TableError as error:
        message = str(error)
        assert f"{path}, line " in message
        assert message.isprintable()
    else:
        assert len(found) == len(cells)
        if named:
            assert {one for row in found for one in row} <= {*NAMES}
