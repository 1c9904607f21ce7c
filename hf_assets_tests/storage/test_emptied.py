"""An emptied day says how many rows it had, and gives none; one version alone is replaced."""

from collections.abc import Iterator

import polars as pl
import pytest

from hf_assets.object_store.errors import CommitConflict, ReplacedError
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.stored import ROWS_IN, EmptiedError
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.slow_writer import NUMBERS, numbers


def test_an_emptied_day_keeps_its_number_of_rows_and_has_no_frame(lake: Lake) -> None:
    whole = lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)], aside={"few": numbers(0, 1)}))
    notes = {ROWS_IN: "number_days"}
    lake.write(NUMBERS, DAY, TableWrite([], notes, aside=whole.asides, rows=whole.rows, over=whole))
    stored = lake.read("numbers", DAY)
    assert stored.emptied
    assert stored.rows == 3
    assert stored.file.arrow().metadata.num_rows == 0
    assert stored.asides["few"].height == 1
    # What forgets that its rows are elsewhere must not go on without rows.
    with pytest.raises(EmptiedError, match="number_days has them"):
        stored.frame.collect()


def test_a_day_that_another_run_replaced_is_not_written_over(lake: Lake) -> None:
    before = lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    lake.write(NUMBERS, DAY, TableWrite([numbers(5, 2)]))
    with pytest.raises((CommitConflict, ReplacedError)):
        lake.write(NUMBERS, DAY, TableWrite([numbers(0, 1)], over=before))
    assert lake.read("numbers", DAY).frame.collect()["n"].to_list() == [5, 6]


def test_nor_one_that_is_replaced_while_this_is_written(lake: Lake) -> None:
    before = lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))

    def frames() -> Iterator[pl.DataFrame]:
        yield numbers(0, 1)
        lake.write(NUMBERS, DAY, TableWrite([numbers(5, 2)]))

    with pytest.raises((CommitConflict, ReplacedError)):
        lake.write(NUMBERS, DAY, TableWrite(frames(), over=before))
    assert lake.read("numbers", DAY).frame.collect()["n"].to_list() == [5, 6]


def test_a_day_that_is_gone_is_not_written_again(lake: Lake) -> None:
    before = lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    (lake.folder("numbers", DAY) / "data.parquet").unlink()
    with pytest.raises((CommitConflict, ReplacedError)):
        lake.write(NUMBERS, DAY, TableWrite([numbers(0, 1)], over=before))
    assert lake.days("numbers") == []
