"""Files → counts: every file counts once, in one kind."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.hub.space_code.file_kinds import kind_of
from hf_assets.hub.space_code.table import chosen_spaces, count_files
from hf_assets_tests.support.hub.space_files import chosen, listed, space

PATHS = st.text(max_size=12) | st.sampled_from(
    ["app.py", "a/b.js", "Dockerfile", "w.bin", "x.PNG", "n.ipynb", "README.md", "data/1.json"]
)


@given(st.lists(st.tuples(PATHS, st.integers(0, 1 << 40))))
def test_the_parts_add_up_for_any_files(files: list[tuple[str, int]]) -> None:
    row = count_files(files)
    assert row["n_files"] == len(files)
    assert row["bytes"] == sum(size for _, size in files)
    code = [size for path, size in files if kind_of(path).code]
    assert (row["n_files_code"], row["bytes_code"]) == (len(code), sum(code))
    for kinds, count, size in (
        ("languages", "n_files_code", "bytes_code"),
        ("others", "n_files_other", "bytes_other"),
    ):
        assert sum(one["files"] for one in row[kinds]) == row[count]
        assert sum(one["bytes"] for one in row[kinds]) == row[size]
        assert len({one["kind"] for one in row[kinds]}) == len(row[kinds])


def test_the_spaces_of_the_chosen_models_are_ordered_by_likes() -> None:
    rows = [
        space(1, models=["a/one", "a/two", "x/other"], likes=3),
        space(2, models=["a/two"], likes=7),
        space(3, models=["x/other"]),
        space(4, models=[]),
        space(5, models=None),
        space(6, models=["a/one"], likes=None),
    ]
    top = chosen(
        ("a/one", "text-classification", "text-classification"),
        ("a/one", "text-generation", "text-classification"),
        ("a/two", "text-generation", None),
    )
    found = chosen_spaces(listed(rows), top)
    assert found["id"].to_list() == [rows[at]["id"] for at in (1, 0, 5)]
    both = found.row(1, named=True)
    assert both["models"] == ["a/one", "a/two"]
    assert both["tags"] == ["text-classification", "text-generation"]
    assert both["categories"] == ["text-classification"]
    assert found.row(0, named=True)["categories"] == []


def test_no_spaces_have_the_same_columns() -> None:
    found = chosen_spaces(listed([]), chosen())
    assert found.height == 0
    assert found.schema["models"] == pl.List(pl.String)
