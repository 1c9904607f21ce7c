"""A column for each label, and any cells in any format."""

import json
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
from hf_assets.corpora.tables.table_source import read_table
from hf_assets_tests.support.corpora.label_tables import (
    KINDS,
    NAMED,
    NAMES,
    VECTORS,
    at,
    labels_of,
    table,
)
from hf_assets_tests.support.corpora.tables import source_of


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
    made = source_of(path, text=("text",), labels=("sun", "rain")).read(told.append)
    assert pl.concat(made.frames)["labels"].to_list() == [["sun"], ["rain"], ["rain"]]
    assert made.notes["empty cells of labels, taken for 0"] == 2
    assert "2 empty cells of labels, taken for 0" in told[0]


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
        list(read_table(corpora(entry).specs["weather"]).frames)
    entry.write_text(text + 'label_names = ["sun", "rain", "snow"]\n')
    spec = corpora(entry).specs["weather"]
    folder = tmp_path / "corpus"
    folder.mkdir()
    build(spec, [read_table(spec)], folder)
    assert open_corpus(folder).labels == ("rain", "snow", "sun")


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
    quoting = "standard" if kind in ("csv", "tsv.gz") else None
    source = source_of(path, text=("text",), quoting=quoting, **options)
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
