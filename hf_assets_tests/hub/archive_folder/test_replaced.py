"""A recorded Parquet file that is replaced while it is read stays the one that was opened."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from hf_assets.hub.archive.base import ArchivedDay
from hf_assets.hub.archive_folder.files import open_recorded
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.reconciliation import files
from hf_assets_tests.conftest import DAY


def recorded(path: Path, name: str, days: list[str], rows: int = 1) -> None:
    """Put a file in the place of another, as a tool that moves it there does."""
    frame = pl.DataFrame(
        {"id": [f"{name}/{at}" for at in range(rows * len(days))], "day": days * rows, "likes": 1}
    ).sort("day", maintain_order=True)
    new = path.with_name("new")
    frame.write_parquet(new, row_group_size=rows)
    new.replace(path)


def test_days_and_rows_are_of_one_version(tmp_path: Path) -> None:
    path = tmp_path / "days.parquet"
    recorded(path, "old", ["2026-11-19", DAY])
    opened = open_recorded(path, path.name, None)
    # The same days in other row groups.
    recorded(path, "new", ["2026-11-18", "2026-11-19", DAY])
    day = ArchivedDay(path.name, datetime(2026, 11, 20, tzinfo=UTC), {})
    pages = b"".join(page.body for page in opened.pages("models", DAY, day))
    assert b"old/1" in pages
    assert b"new" not in pages


def test_rows_are_of_the_version_that_has_the_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "models.parquet"
    recorded(path, "old", [DAY], 5)
    recognised = files.recognised

    def replaced(names: Iterable[str], kind: Kind) -> dict[str, list[str]]:
        recorded(path, "new", [DAY], 7)
        return recognised(names, kind)

    monkeypatch.setattr(files, "recognised", replaced)
    assert sum(rows.height for rows, _ in files.frames(path, "models")) == 5
