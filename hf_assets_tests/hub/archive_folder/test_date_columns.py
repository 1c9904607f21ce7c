"""A column `date`: the day of capture, or the date of something else."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets_tests.support.hub.scrape_formats import CSV, as_csv
from hf_assets_tests.support.hub.scrapes import DAY, read


def test_a_date_of_its_own_in_each_row_is_no_day_of_capture(tmp_path: Path) -> None:
    text = "id,author,date,downloads\na/1,a,2025-01-03,5\na/2,a,2025-01-04,7\na/3,a,2025-02-11,9\n"
    (tmp_path / "models.csv").write_text(text)
    with pytest.raises(ArchiveError, match=r"models.csv: column `date` is not taken for the day"):
        RecordedDays(tmp_path).days()
    (tmp_path / CSV).write_text("id\na/1\n")
    folder = RecordedDays(tmp_path)
    assert folder.days() == {DAY}
    (passed, said) = folder.remarks(DAY)
    assert "models.csv passed over" in passed
    assert "rename the column `day`" in said


def dated(name: str, folder: Path, rows: list[dict[str, Any]]) -> RecordedDays:
    if name == "all.parquet":
        pq.write_table(pl.DataFrame(rows).to_arrow(), folder / name)
    elif name == "all.csv":
        (folder / name).write_text(as_csv(rows))
    else:
        lines = [json.dumps(row) for row in rows]
        text = "\n".join(lines) if name == "all.jsonl" else f"[{','.join(lines)}]"
        (folder / name).write_text(text)
    return RecordedDays(folder)


EVERY_NAME = pytest.mark.parametrize("name", ["all.csv", "all.json", "all.jsonl", "all.parquet"])


@EVERY_NAME
@pytest.mark.parametrize("time", ["createdAt", "last_modified"])
def test_the_date_of_a_time_of_the_row_is_no_day_of_capture(
    tmp_path: Path, name: str, time: str
) -> None:
    rows = [
        {"id": f"a/{n}", "date": "2025-01-03", time: f"2025-01-03T0{n}:00:00Z"} for n in range(3)
    ]
    with pytest.raises(ArchiveError, match=f"for it is the day of `{time}`"):
        dated(name, tmp_path, rows).days()


@EVERY_NAME
@pytest.mark.parametrize("column", ["date", "Date"])
def test_the_same_models_on_each_date_are_captures_and_that_is_said(
    tmp_path: Path, name: str, column: str
) -> None:
    days = ["2025-01-03", "2025-01-04", "2025-02-11"]
    rows = [{"model_id": f"a/{n}", column: day} for day in days for n in range(4)]
    folder = dated(name, tmp_path, rows)
    assert folder.days() == set(days)
    (said,) = folder.remarks("2020-01-01")
    assert f"{name}: column `{column}` is taken for the day of capture" in said
    assert len(read(tmp_path, day=days[1]).rows) == 4


@EVERY_NAME
def test_a_column_day_is_the_day_without_a_word(tmp_path: Path, name: str) -> None:
    rows = [{"id": f"a/{n}", "day": f"2025-01-0{n}", "date": "2024-01-01"} for n in range(1, 4)]
    folder = dated(name, tmp_path, rows)
    assert folder.days() == {"2025-01-01", "2025-01-02", "2025-01-03"}
    assert folder.remarks("2020-01-01") == []
