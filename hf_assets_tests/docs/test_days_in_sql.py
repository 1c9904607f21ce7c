"""The SQL of the page about `model_days`, value by value, over days that change their traits."""

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from hf_assets.storage.lake import Lake
from hf_assets_tests.docs.documents import asked, page
from hf_assets_tests.hub.repository_days.lake_of_days import DAYS, fill, rows_of


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """One model, all of them, and categories, over two months with a gap."""
    root: Path = tmp_path_factory.mktemp("sql")
    fill(Lake(root))
    (block,) = (one for one in page("docs/queries.md").blocks("sql") if "model_days/" in one)
    return [one for one in block.replace("data/demo", str(root)).split(";") if one.strip()]


def test_categories_of_each_day_are_those_of_its_table(queries: list[str]) -> None:
    (query,) = (one for one in queries if "earlier_traits" in one)
    counts = Counter(
        (date.fromisoformat(day), row["category"]) for day in DAYS for row in rows_of(day)
    )
    assert len({category for _, category in counts}) == 4  # none and an empty one among them
    found = asked(query)
    assert {(day, category): models for day, category, models in found} == counts
    assert len(found) == len(counts)
