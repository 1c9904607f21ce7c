"""A user's Parquet file that is replaced while it is read stays the one that was opened."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.corpora.tables import records
from hf_assets.corpora.tables.records import Layout


def test_rows_are_of_the_version_that_has_the_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, new, expect = tmp_path / "texts.parquet", tmp_path / "new", records._expect
    pl.DataFrame({"text": ["old"] * 3, "label": ["a"] * 3}).write_parquet(path)
    pl.DataFrame({"label": ["b"] * 4, "text": ["new"] * 4}).write_parquet(new)

    def replaced(*arguments: Any) -> None:
        expect(*arguments)
        new.replace(path)

    monkeypatch.setattr(records, "_expect", replaced)
    rows = list(records.records(path, Layout(("text", "label"), ("label",))))
    assert [row.fields for row in rows] == [{"text": "old", "label": "a"}] * 3
