"""What of a recorded file says its rows, their columns and their day, under whatever name."""

import json
from pathlib import Path
from typing import Any

import pytest

from hf_assets.hub.reconciliation import reconciled
from hf_assets.lake import Lake
from hf_assets_tests.hub.scrapes import DAY, read
from hf_assets_tests.hub.test_reconciliation import recovered

ONE = {"id": "a/s", "likes": 1, "models": ["m/1"]}


@pytest.mark.parametrize("rows", [[ONE], [ONE, ONE | {"id": "a/t", "likes": 2}]])
@pytest.mark.parametrize("name", [f"spaces_{DAY}.json", "spaces.json"])
def test_an_object_with_an_id_is_a_row_whatever_it_lists(
    tmp_path: Path, lake: Lake, rows: list[Any], name: str
) -> None:
    rows = [row | {"day": DAY} for row in rows]
    (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read(tmp_path, "spaces")
    assert [row["id"] for row in found.rows] == [row["id"] for row in rows]
    assert found.column("models") == [["m/1"]] * len(rows)
    stored, capture = recovered(lake, tmp_path, "spaces")
    said = reconciled(stored, capture)
    assert said.passed, said.says
    assert said.figures["rows, file"] == len(rows)


def test_an_object_of_lists_is_none(tmp_path: Path) -> None:
    content = {"date": DAY, "models": [{"id": "a/x"}], "spaces": [ONE]}
    (tmp_path / f"models_{DAY}.json").write_text(json.dumps(content))
    assert read(tmp_path).column("id") == ["a/x"]
    assert read(tmp_path, "spaces").column("id") == ["a/s"]
