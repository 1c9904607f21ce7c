"""A quote at the begin of a text takes no rows along, and texts of several lines stay whole."""

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.registry import Quoting, corpora
from hf_assets.corpora.tables.records import TableError
from hf_assets.corpora.tables.table_source import read_table
from hf_assets_tests.support.corpora.tables import source_of

MOODS: Sequence[tuple[str, str]] = [
    ('"so he said', "anger"),
    ("plain one", "joy"),
    ("another plain", "joy"),
    ('what a day"', "fear"),
    ("last", "joy"),
]
KINDS = ("tsv", "csv", "tsv.gz", "csv.gz")


def unquoted(
    folder: Path, kind: str, rows: Sequence[tuple[str, ...]], head: str = "text,labels"
) -> Path:
    delimiter = "\t" if kind.startswith("tsv") else ","
    lines = [head.replace(",", delimiter), *map(delimiter.join, rows)]
    return _written(folder, kind, "\n".join(lines) + "\n")


def _written(folder: Path, kind: str, text: str) -> Path:
    path = folder / f"moods.{kind}"
    path.write_bytes(gzip.compress(text.encode()) if kind.endswith(".gz") else text.encode())
    return path


def read(path: Path, quoting: Quoting | None = None) -> list[tuple[str, list[str]]]:
    source = source_of(path, text=("text",), quoting=quoting, one_label=True)
    return pl.concat(source.read().frames).select("body", "labels").rows()


def refused(path: Path) -> str:
    with pytest.raises(TableError) as failed:
        read(path)
    return str(failed.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_without_quoting_is_refused_or_read_as_declared(tmp_path: Path, kind: str) -> None:
    path = unquoted(tmp_path, kind, MOODS)
    message = refused(path)
    assert f"{path}, line 2: a quote opens here that would enclose 3 line(s)" in message
    assert "quoting = 'none'" in message
    assert "quoting = 'standard'" in message
    assert read(path, "none") == [(text, [label]) for text, label in MOODS]


def test_the_entry_says_how_quotes_are_meant(tmp_path: Path) -> None:
    unquoted(tmp_path, "tsv", MOODS)
    entry = tmp_path / "corpora.toml"
    text = '[moods]\nsource = "moods.tsv"\ntext = "text"\nseparator = ","\nrare_share = 0.01\n'
    entry.write_text(text)
    with pytest.raises(TableError, match="line 2: a quote opens"):
        list(read_table(corpora(entry).specs["moods"]).frames)
    entry.write_text(text + 'quoting = "none"\n')
    (frame,) = read_table(corpora(entry).specs["moods"]).frames
    assert frame["labels"].to_list() == [["anger"], ["joy"], ["joy"], ["fear"], ["joy"]]
    entry.write_text(text + 'quoting = "some"\n')
    (problem,) = corpora(entry).problems
    assert "'standard' or 'none'" in str(problem)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rows",
    [
        [('"a', "x"), ('b"', "y")],  # labels that no other row has
        [("a", "x"), ('"b', "y"), ('c"', "y")],
        [("a", "x"), ('"b', "x"), ("c", "y"), ('d"', "x"), ('"e"', "x")],
    ],
)
def test_even_two_rows_are_not_made_one(
    tmp_path: Path, kind: str, rows: Sequence[tuple[str, ...]]
) -> None:
    place = next(number for number, (text, _) in enumerate(rows, 2) if text in ('"a', '"b'))
    path = unquoted(tmp_path, kind, rows)
    assert f"line {place}: a quote opens here" in refused(path)
    assert read(path, "none") == [(text, [label]) for text, label in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_another_column_may_open_the_quote(tmp_path: Path, kind: str) -> None:
    rows = [("1", '"so', "joy", ""), ("2", "b", "fear", ""), ("3", 'c"', "joy", "")]
    path = unquoted(tmp_path, kind, rows, "no,text,labels,more")
    assert "line 2: a quote opens here" in refused(path)
    rows = [("joy", "1", '"so'), ("fear", "2", "b"), ("joy", "3", 'c"'), ("fear", "4", "d")]
    path = unquoted(tmp_path, kind, rows, "labels,no,text")
    assert "line 2: a quote opens here" in refused(path)


@pytest.mark.parametrize("kind", KINDS)
def test_one_quote_alone_names_its_line(tmp_path: Path, kind: str) -> None:
    message = refused(unquoted(tmp_path, kind, [("a", "x"), *MOODS[:3]]))
    assert "line 3: unexpected end of data" in message
    assert "quoting = 'none'" in message
    message = refused(unquoted(tmp_path, kind, [*MOODS[:3], ('what a "day" it', "joy")]))
    assert "line 2: " in message
    assert "quoting = 'none'" in message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        "one\ntwo",
        "Dear all, hi\nyours, me",  # as many commas a line as there are in the header
        "a\n\nb",
        'he said "a"\nand, "b"',
        "a,b\n1,2\n3,4\n",
        "a\tb\n1\t2\n3\t4",
    ],
)
def test_a_text_of_several_lines_stays_whole(tmp_path: Path, kind: str, text: str) -> None:
    rows = [(text, "joy"), ("with, comma and\ttab", "fear"), ("plain", "joy")]
    path = standard(tmp_path, kind, rows)
    assert read(path) == [(text, [label]) for text, label in rows]
    assert read(path, "standard") == read(path)


def standard(folder: Path, kind: str, rows: Sequence[tuple[str, ...]]) -> Path:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t" if kind.startswith("tsv") else ",")
    writer.writerows([("text", "labels"), *rows])
    return _written(folder, kind, out.getvalue())


@pytest.mark.parametrize("kind", ["csv", "tsv"])
@pytest.mark.parametrize("head", ["labels,text", "id,labels,text", "labels,id,text"])
def test_a_label_before_the_text_is_the_own_one_of_the_record(
    tmp_path: Path, kind: str, head: str
) -> None:
    columns = head.split(",")
    # As many delimiters on each line of a text as in the header: prose, or code with tabs.
    between = (", " if kind == "csv" else "\t") * (len(columns) - 1)
    rows = [
        {"labels": "joy", "id": "1", "text": "fine day"},
        {"labels": "sad", "id": "2", "text": "a day, all in all\tbad, indeed\t-\t-"},
        {"labels": "joy", "id": "3", "text": f"Today\nReally{between}good."},
        {"labels": "joy", "id": "4", "text": f"Today\n{between}a\nb{between}c"},
        {"labels": "sad", "id": "5", "text": "no"},
    ]
    path = ordered(tmp_path, kind, columns, rows)
    assert read(path) == [(row["text"], [row["labels"]]) for row in rows]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("head", ["labels,text", "labels,text,more", "id,labels,text"])
def test_rows_with_the_label_first_are_not_made_one(tmp_path: Path, kind: str, head: str) -> None:
    columns = head.split(",")
    cells = [{"text": text, "labels": label, "id": "1", "more": "-"} for text, label in MOODS]
    rows = [tuple(row[name] for name in columns) for row in cells]
    path = unquoted(tmp_path, kind, rows, head)
    assert "line 2: a quote opens here that would enclose 3 line(s)" in refused(path)
    # Even where another field can be read with quotes alone.
    wide = ('"1,2\t3,4\t5"', "x", "y")[: len(columns)]
    path = unquoted(tmp_path, kind, [*rows, wide], head)
    assert "line 2: a quote opens here" in refused(path)
    assert read(unquoted(tmp_path, kind, rows, head), "none") == [(t, [one]) for t, one in MOODS]


def ordered(
    folder: Path, kind: str, columns: Sequence[str], rows: Sequence[dict[str, str]]
) -> Path:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="\t" if kind.startswith("tsv") else ",")
    writer.writerows([columns, *([row[name] for name in columns] for row in rows)])
    return _written(folder, kind, out.getvalue())


def test_a_text_that_looks_like_rows_asks_for_a_word_where_nothing_else_tells(
    tmp_path: Path,
) -> None:
    rows = [("1,000 people\nsaw it", "joy"), ("plain", "joy")]
    path = standard(tmp_path, "csv", rows)
    assert "line 2: a quote opens here" in refused(path)
    assert read(path, "standard") == [(text, [label]) for text, label in rows]
    rows.append(("another\none", "fear"))  # nobody could read this without quoting
    assert read(standard(tmp_path, "csv", rows)) == [(text, [label]) for text, label in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_again_is_no_row(tmp_path: Path, kind: str) -> None:
    path = unquoted(tmp_path, kind, [("a", "x"), ("text", "labels"), ("b", "y")])
    assert "line 3: this is the header again; remove the line" in refused(path)


_LABEL = st.sampled_from(["joy", "fear", "anger"])
_RAW = st.text(alphabet="ab \"'", min_size=1, max_size=5)


@given(
    st.lists(st.tuples(_RAW, _LABEL), min_size=1, max_size=8),
    st.sampled_from(["tsv", "csv"]),
    st.booleans(),
)
def test_of_a_file_without_quoting_no_row_is_lost(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], kind: str, first: bool
) -> None:
    head = "labels,text" if first else "text,labels"
    written = [row[::-1] for row in rows] if first else rows
    path = unquoted(tmp_path_factory.mktemp("raw"), kind, written, head)
    assert read(path, "none") == [(text, [label]) for text, label in rows]
    try:
        found = read(path)
    except TableError as error:
        said = str(error)
    else:  # quotes around a whole text are taken off
        said = f"{path}, line "
        assert [label for _, label in found] == [[label] for _, label in rows]
    assert f"{path}, line " in said


_LINE = st.sampled_from(["it was", "so, it was", "a, b, c", "", "x\ty", "\tx\ty"])
_SAID = st.lists(_LINE, min_size=2, max_size=2).map("\n".join)


@given(
    st.lists(st.tuples(_SAID, _LABEL), min_size=1, max_size=6),
    st.sampled_from(
        ["text,labels", "labels,text", "id,labels,text", "labels,text,id", "text,id,labels"]
    ),
    st.sampled_from(["tsv", "csv"]),
)
def test_a_right_table_is_read_wherever_its_label_stands(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    head: str,
    kind: str,
) -> None:
    # A text that nobody could read without quotes, as larger tables have one.
    rows = [*rows, ("one, two, three, four\t-\t-\t-", "joy")]
    cells = [
        {"text": text, "labels": label, "id": str(number)}
        for number, (text, label) in enumerate(rows)
    ]
    path = ordered(tmp_path_factory.mktemp("ordered"), kind, head.split(","), cells)
    assert read(path) == [(text, [label]) for text, label in rows]


_WILD = st.text(alphabet='ab,\t\n" ', max_size=10)


@given(st.lists(st.tuples(_WILD, _LABEL), min_size=1, max_size=6), st.sampled_from(["tsv", "csv"]))
def test_what_a_csv_writer_wrote_is_read_as_it_was_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], kind: str
) -> None:
    path = standard(tmp_path_factory.mktemp("quoted"), kind, rows)
    expected = [(text, [label]) for text, label in rows]
    assert read(path, "standard") == expected
    try:
        assert read(path) == expected
    except TableError as error:
        said = str(error)
    else:
        said = "a quote opens here"
    assert "a quote opens here" in said
