"""Previews of stored tables in Dagster's UI."""

from pathlib import Path

import polars as pl
import pytest

from hf_assets.defs.common.metadata import PREVIEW_ROWS, preview

FULL = [7, 1, 20, 20, 3, 20, 5, 9, 11, 2, 4]
FEW: list[int | None] = [None] * 6 + [2, 9, None, 4]


@pytest.mark.parametrize(
    ("likes", "shown"),
    [
        (FULL, sorted(FULL, reverse=True)[:PREVIEW_ROWS]),
        # Rows without the figure fill it up.
        (FEW, [9, 4, 2, *[""] * 5]),
        ([3, 1], [3, 1]),
        ([], []),
    ],
)
def test_a_preview_shows_the_highest(tmp_path: Path, likes: list, shown: list) -> None:
    path = tmp_path / "data.parquet"
    table = {
        "id": [f"m{at}" for at in range(len(likes))],
        "likes": pl.Series(likes, dtype=pl.Int64),
    }
    pl.DataFrame(table).write_parquet(path, row_group_size=4)
    records = preview(pl.scan_parquet(path), "likes").records
    assert [record.data["likes"] for record in records] == shown


def test_a_preview_of_a_table_without_order_shows_its_first_rows() -> None:
    records = preview(pl.LazyFrame({"at": range(20)}), None).records
    assert [record.data["at"] for record in records] == [*range(PREVIEW_ROWS)]
