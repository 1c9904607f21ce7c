"""What the README tells people to type about the data is run, on a small lake."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest

from hf_assets.storage.lake import Lake
from hf_assets_tests.support.apps.hub_lake import DAYS, write_hub_lake

README = (Path(__file__).resolve().parents[1] / "README.md").read_text("utf-8")
SECTION = README.partition("## Ask it yourself")[2].partition("\n## ")[0]


def blocks(language: str) -> list[str]:
    """The code of that language in the section, reading the demo's lake."""
    return re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)


QUERIES = [query.strip() for block in blocks("sql") for query in block.split(";") if query.strip()]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("readme")
    write_hub_lake(root)
    return root


def test_there_is_something_to_run() -> None:
    assert len(QUERIES) >= 4
    assert blocks("python")
    assert all("data/demo" in code for code in (*QUERIES, *blocks("python")))


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0][3:40])
def test_sql(query: str, lake: Path) -> None:
    found = duckdb.sql(query.replace("data/demo", str(lake)))
    assert found is not None
    rows = found.fetchall()
    assert rows
    if "day" in found.columns:
        days = {str(row[found.columns.index("day")]) for row in rows}
        assert days >= set(DAYS)


@pytest.mark.parametrize("code", blocks("python"))
def test_polars(code: str, lake: Path) -> None:
    """Each expression by itself gives rows."""
    known: dict[str, object] = {}
    for statement in code.replace("data/demo", str(lake)).split("\n"):
        line = statement.strip()
        if line.endswith(".collect()"):
            assert eval(line, known).height, line
        elif line:
            exec(line, known)


def test_pandas(lake: Path) -> None:
    (code,) = (block for block in blocks("python") if "pandas" in block)
    known: dict[str, Any] = {}
    exec(code.replace("data/demo", str(lake)), known)
    models = known["models"]
    assert sorted({str(day) for day in models["day"]}) == sorted(DAYS)
    assert len(models) == sum(Lake(lake).read("models", day).rows for day in DAYS)
    # What the README warns of; where pandas has learnt it, the sentence may go.
    with pytest.raises(Exception, match="Field day has incompatible types"):
        pandas.read_parquet(lake / "models")
