"""Any cells and any bytes: rows stay whole and keep their names."""

import json
import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.corpora.tables.cell_values import flag
from hf_assets.corpora.tables.records import TableError
from hf_assets_tests.support.corpora.tables import as_csv, read, write

_CELLS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
# A vector of 0 and 1 is no list of labels.
_LABELS = _CELLS.filter(lambda text: flag(text) is None)


@given(st.lists(st.tuples(_CELLS, _CELLS, st.lists(_LABELS, max_size=3)), max_size=8))
def test_whatever_a_cell_holds_stays_in_its_row(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, list[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("wild")
    rows = [{"title": title, "content": body, "tags": tags} for title, body, tags in cells]
    for name, text in (
        ("a.csv", as_csv(rows, json.dumps)),
        ("b.csv", as_csv(rows, repr)),
        ("c.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)),
    ):
        if name == "c.jsonl" and not rows:
            continue  # no line names a column
        found = read(write(folder, text, name)).select("title", "body", "labels").rows()
        assert found == cells


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_failure_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    heads = {"a.csv": b"title,content,tags\n", "a.tsv": b"title\tcontent\ttags\n", "a.jsonl": b""}
    for name, head in heads.items():
        path = write(folder, head + content, name)
        try:
            found = read(path, separator=" ")
        except TableError as error:
            said = str(error)
        else:
            said = f"{path}: {found.width} columns"
        assert str(path) in said


_SAID = st.tuples(_CELLS, st.sampled_from(["same", "other", ""]))


@given(st.lists(_SAID, max_size=12), st.lists(_SAID, max_size=5), st.randoms())
def test_a_row_keeps_its_name_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    more: list[tuple[str, str]],
    draw: random.Random,
) -> None:
    def named(cells: list[tuple[str, str]]) -> dict[str, tuple[str, str]]:
        lines = [json.dumps({"title": title, "content": body, "tags": []}) for title, body in cells]
        path = write(tmp_path_factory.mktemp("moved"), "\n".join(lines), "birds.jsonl")
        found = read(path) if cells else pl.DataFrame(schema={"id": pl.String})
        assert found["id"].is_unique().all()
        return dict(zip(found["id"], cells, strict=True))

    before = named(rows)
    moved = [*rows, *more]
    draw.shuffle(moved)
    after = named(moved)
    # Every row is there under the name it had; of rows that say the very same, one is as the other.
    assert before.items() <= after.items()
    fewer = named(rows[1:])
    assert fewer.items() <= before.items()


def test_no_row_passes_for_another(tmp_path: Path) -> None:
    rows = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("abc", None), ("ab", "c ")]
    lines = [json.dumps({"title": one, "content": two, "tags": []}) for one, two in rows]
    names = read(write(tmp_path, "\n".join(lines), "birds.jsonl"))["id"].to_list()
    assert len({*names}) == 6
    assert names[4] == f"{names[3]}-2"  # CSV cannot tell no text from an empty one
