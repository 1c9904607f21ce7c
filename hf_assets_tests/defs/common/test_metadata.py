"""Previews of stored tables in Dagster's UI."""

from pathlib import Path

import polars as pl
import pytest

from hf_assets.defs.common.metadata import preview, stored_table
from hf_assets.storage.lake import Lake, TableWrite, iso
from hf_assets.storage.parquet import PREVIEW_ROWS, Column, Table
from hf_assets_tests.conftest import DAY

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


@pytest.mark.parametrize("by", ["likes", None])
def test_a_day_just_written_shows_what_its_file_would(lake: Lake, by: str | None) -> None:
    """Its preview is of the rows as they were written: the file is not read for it."""
    columns = {"day": pl.Date, "likes": pl.Int64, "tags": pl.List(pl.String)}
    described = {name: Column(dtype, name) for name, dtype in columns.items()}
    table = Table("shown", described, preview_by=by)
    likes = [[3, None, 40], [], [*range(20, 30)], [1], [50, None]]
    frames = [
        pl.DataFrame({"likes": pl.Series(part, dtype=pl.Int64)}).with_columns(
            tags=pl.concat_list(pl.col("likes").cast(pl.String)), day=pl.lit(iso(DAY))
        )
        for part in likes
    ]
    ((_, written),) = lake.write_days(table, {DAY: lambda: TableWrite(frames)})
    shown, read = (
        stored_table(stored, table)["preview"] for stored in (written, lake.read("shown", DAY))
    )
    assert shown == read
    assert len(shown.records) == PREVIEW_ROWS
    assert shown.records[0].data["likes"] == (50 if by else 3)
    written.path.write_bytes(b"damaged")
    assert stored_table(written, table)["preview"] == read
