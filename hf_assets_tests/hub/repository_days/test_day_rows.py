"""A day's rows in the order of identities, whatever their order in its table."""

import dataclasses
import random
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from hf_assets.hub.repository_days.facts import digest
from hf_assets.hub.repository_days.schemas import NAMED, OF_MODELS
from hf_assets.hub.repository_days.sources import DayRows, GivenRows, TableRows
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.hub.repository_days.lake_of_days import DAYS, rows_of, write_day

pytestmark = pytest.mark.usefixtures("unsynced")
GROUP = 7


def _nearly(rows: pl.DataFrame) -> pl.DataFrame:
    """As a listing: of a second's repositories the order is any."""
    return rows.with_columns(at=pl.int_range(pl.len()) // 3).sort("at", "id").drop("at")


def _shuffled(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sample(fraction=1, shuffle=True, seed=3)


ORDERS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "forwards": lambda rows: rows,
    "backwards": pl.DataFrame.reverse,
    "nearly": _nearly,
    "shuffled": _shuffled,
}


NAMELESS = {"hub_id": None, "id": "a/b", "likes": 3}


def _stored(
    lake: Lake, order: Callable[[pl.DataFrame], pl.DataFrame], *, nameless: bool = True
) -> pl.DataFrame:
    """A table of many row groups in that order. Returns its rows in the order of identities.

    Without a nameless row all identities are as long.
    """
    write_day(lake, DAYS[0], [NAMELESS] * nameless + rows_of(DAYS[0]))
    sorted_by = pl.coalesce("hub_id", NAMED + pl.col("id"))
    rows = lake.read("models", DAYS[0]).frame.sort(sorted_by).collect()
    table = dataclasses.replace(OF_MODELS.source, row_group=1)
    lake.write(table, DAYS[0], TableWrite(order(rows).iter_slices(GROUP)))
    assert lake.read("models", DAYS[0]).file.arrow().num_row_groups > 7
    return rows.with_columns(hub_id=sorted_by).select(OF_MODELS.kept)


def _in_ranges(rows: DayRows) -> list[pl.DataFrame]:
    """Ranges of one row and of more than a row group, and a range without rows."""
    parts, sizes = [], random.Random(5)
    while last := rows.ahead(sizes.randrange(1, 3 * GROUP)):
        parts += [rows.until(last), rows.until(last)]
    return [*parts, rows.until(None)]


@pytest.mark.parametrize("nameless", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_rows_of_a_table_come_in_order(
    lake: Lake, order: str, nameless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _stored(lake, ORDERS[order], nameless=nameless)
    read: list[int] = []
    of_group = TableRows._read

    def counted(self: TableRows, group: int, names: Any) -> pl.DataFrame:
        read.extend([group] * (len(names) > 1))
        return of_group(self, group, names)

    monkeypatch.setattr(TableRows, "_read", counted)
    rows = TableRows(lake, OF_MODELS, DAYS[0])
    parts, most = [], 0
    while last := rows.ahead(2):
        parts.append(rows.until(last))
        most = max(most, len(rows._held))
    parts.append(rows.until(None))
    assert pl.concat(parts).equals(expected)
    assert (rows.height, rows.repeated) == (expected.height, 0)
    assert rows.digest == digest([expected], OF_MODELS)
    # Each group is read once, and let go after its last row.
    assert len(read) == len({*read})
    assert not rows._held
    if order != "shuffled":
        assert most <= 2


@pytest.mark.parametrize("nameless", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_ranges_of_any_size_have_the_same_rows(lake: Lake, order: str, nameless: bool) -> None:
    expected = _stored(lake, ORDERS[order], nameless=nameless)
    table = TableRows(lake, OF_MODELS, DAYS[0])
    parts = GivenRows(expected.iter_slices(4), OF_MODELS)
    for rows in (table, parts):
        assert pl.concat(_in_ranges(rows)).equals(expected)
        assert rows.digest == digest([expected], OF_MODELS)
    assert TableRows(lake, OF_MODELS, DAYS[0]).read_all().digest == table.digest


def test_a_day_without_rows(lake: Lake) -> None:
    write_day(lake, DAYS[0], [])
    for rows in (TableRows(lake, OF_MODELS, DAYS[0]), GivenRows([], OF_MODELS)):
        assert rows.ahead(1) is None
        assert rows.until(None).is_empty()
        assert rows.height == 0


@pytest.mark.parametrize(
    ("ids", "in_order", "repeated", "named"),
    [
        (["bb", "aa", "bb", "cc", "aa"], ["aa", "bb", "cc"], 2, True),
        (["bb", "a", "bb", "cc", "a"], ["a", "bb", "cc"], 2, True),
        (["é", "zz", "é"], ["zz", "é"], 1, True),
        (["name:a", "0000aa", "name:a"], ["0000aa", "name:a"], 1, False),
        (["name:a", "zz", "name:a"], ["name:a", "zz"], 1, False),
        (["", "", ""], [""], 2, True),
        (["", "a", ""], ["", "a"], 1, True),
    ],
)
def test_of_repeated_identities_the_first_row_is_taken(
    lake: Lake, ids: list[str], in_order: list[str], repeated: int, named: bool
) -> None:
    """Whether all are as long, or not."""
    write_day(lake, DAYS[0], [{"hub_id": one, "id": "a/b", "likes": at}
                              for at, one in enumerate(ids)])  # fmt: skip
    rows = TableRows(lake, OF_MODELS, DAYS[0])
    assert (rows.repeated, rows.named) == (repeated, named)
    found = rows.until(None)
    assert found["hub_id"].to_list() == in_order
    assert found["likes"].to_list() == [ids.index(one) for one in in_order]
