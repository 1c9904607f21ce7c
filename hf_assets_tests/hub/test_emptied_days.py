"""Old days whose rows are in a series alone: what goes, what comes back, and what stops it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import polars as pl
import pytest

from hf_assets.hub import retention
from hf_assets.hub.quality.schemas import DAILY_CHANGES
from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.hub.repository_days.reading import day_of
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import KINDS, OF_MODELS, Kind
from hf_assets.hub.retention import EMPTIED, KEPT, THINNED, Ages, Thinned, thin
from hf_assets.hub.tables import schemas
from hf_assets.object_store.errors import ReplacedError
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets.storage.locks import BusyError
from hf_assets.storage.parquet import Table
from hf_assets.storage.stored import ROWS_IN, EmptiedError
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.hub.repository_days.lake_of_days import DAYS, judge, rows_of, write_day

pytestmark = pytest.mark.usefixtures("unsynced")
LATER = "2027-06-01"
AGGREGATES: tuple[Table, ...] = (
    *(schemas.TOP_MODELS, schemas.MODEL_USAGE),
    *(DAILY_METRICS, DAILY_CHANGES),
)
FIRST = "2026-02-01"
OLD = [day for day in DAYS if day != FIRST]
OF = {kind.source.name: kind for kind in KINDS.values()}


def fill(lake: Lake, days: tuple[str, ...] = DAYS) -> Lake:
    """Models, datasets and Spaces of some days, their series, and aggregates without rows."""
    for day in days:
        for kind in KINDS.values():
            rows = [
                {name: value for name, value in row.items() if name in kind.source.columns}
                for row in rows_of(day)
            ]
            write_day(lake, day, rows, kind)
        for table in AGGREGATES:
            lake.write(table, day, TableWrite([]))
    judge(lake, days)
    for kind in KINDS.values():
        refresh(lake, kind)
    return lake


@pytest.fixture
def full(any_lake: Lake) -> Lake:
    return fill(any_lake)


@pytest.fixture
def few(lake: Lake) -> Lake:
    """In a folder."""
    return fill(lake, DAYS[:3])


def run(lake: Lake, log: Callable[[str], None] = lambda _: None, **more: Any) -> list[Thinned]:
    return list(thin(lake, DAYS, LATER, Ages(60, None), log=log, **more))


def kept(stored: StoredTable, name: str) -> pl.DataFrame:
    """The rows that a thinned day has, whatever their order."""
    names = stored.frame.collect_schema().names()
    gone = [pl.lit(None).alias(one) for one in names if one not in KEPT[name]]
    return stored.frame.with_columns(gone).collect().sort("hub_id")


def test_every_old_day_is_emptied_and_given_back(full: Lake) -> None:
    before = {(name, day): kept(full.read(name, day), name) for name in KEPT for day in DAYS}
    size = {(name, day): full.read(name, day).bytes for name in KEPT for day in DAYS}
    done = run(full)
    assert {(one.asset, one.day, one.how) for one in done} == {
        (name, day, EMPTIED) for name in KEPT for day in OLD
    }
    assert all(one.before == size[one.asset, one.day] for one in done)
    for name in KEPT:
        for day in OLD:
            stored = full.read(name, day)
            assert stored.emptied
            assert stored.file.arrow().metadata.num_rows == 0
            assert stored.rows == before[name, day].height
            assert stored.notes["thinned"] == LATER
            assert stored.notes["kept"] == ", ".join(KEPT[name])
            again = read_day(full, name, day)
            assert again.rows == stored.rows
            assert kept(again, name).equals(before[name, day]), (name, day)
            assert not again.emptied
        assert not full.read(name, FIRST).emptied
    assert run(full) == []


def test_a_dry_run_says_what_would_be_emptied(full: Lake) -> None:
    done = run(full, dry=True)
    assert {(one.asset, one.day, one.how) for one in done} == {
        (name, day, EMPTIED) for name in KEPT for day in OLD
    }
    assert all(one.after == one.before for one in done)
    assert not any(full.read(name, day).emptied for name in KEPT for day in DAYS)


def test_a_day_that_the_series_lacks_is_thinned_and_emptied_later(few: Lake) -> None:
    day = DAYS[1]
    rows = rows_of(day)
    write_day(few, day, [rows[0] | {"likes": 10**6}, *rows[1:]])
    lines: list[str] = []
    done = [one for one in run(few, lines.append) if one.asset == "models"]
    assert {one.day: one.how for one in done} == {
        DAYS[0]: EMPTIED,
        day: THINNED,
        DAYS[2]: EMPTIED,
    }
    assert [line for line in lines if line.startswith(f"models of {day} keeps its rows: ")]
    wanted = kept(few.read("models", day), "models")
    assert [(one.asset, one.day, one.how) for one in run(few)] == [("models", day, EMPTIED)]
    assert kept(read_day(few, "models", day), "models").equals(wanted)


def test_a_lake_without_series_is_thinned_as_before(lake: Lake) -> None:
    write_day(lake, DAYS[0], rows_of(DAYS[0]))
    for table in AGGREGATES:
        lake.write(table, DAYS[0], TableWrite([]))
    assert [one.how for one in run(lake)] == [THINNED]
    assert run(lake) == []


def test_what_an_earlier_version_kept_is_what_comes_back(few: Lake) -> None:
    """It thinned more: what is unknown stays unknown."""
    day = DAYS[0]
    stored = few.read("models", day)
    notes = {"thinned": "2026-04-01", "kept": "day, hub_id, id, downloads, likes"}
    few.write(schemas.MODELS, day, TableWrite([stored.frame.collect()], notes))
    refresh(few, OF_MODELS)
    assert (("models", day)) in {(one.asset, one.day) for one in run(few)}
    again = read_day(few, "models", day)
    assert again.notes["kept"] == notes["kept"]
    assert again.notes["thinned"] == notes["thinned"]


def test_two_rows_of_one_name_stay_in_their_order(few: Lake) -> None:
    day = DAYS[0]
    rows = rows_of(day)
    write_day(few, day, [rows[0] | {"id": rows[1]["id"]}, *rows[1:]])
    refresh(few, OF_MODELS)
    lines: list[str] = []
    assert (day, THINNED) in [(one.day, one.how) for one in run(few, lines.append)]
    assert f"models of {day} keeps its rows: model_days cannot tell: a name of two rows" in lines


def test_a_month_that_is_refreshed_is_waited_for(
    few: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No day goes while another run may replace its month."""

    @contextmanager
    def busy(self: Lake, asset: str) -> Generator[bool]:
        if asset == "model_days":
            raise BusyError("refreshing", 600.0)
        yield False

    monkeypatch.setattr(Lake, "refreshing", busy)
    lines: list[str] = []
    assert {one.asset for one in run(few, lines.append)} == {"enriched_spaces", "hub_datasets"}
    assert lines == [
        f"models of {DAYS[0]} and of later days stays: another run refreshes model_days"
    ]
    assert not retention.thinned(few.read("models", DAYS[1]))


def test_a_day_that_is_stored_meanwhile_stays(full: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    day, rows = DAYS[1], [rows_of(DAYS[1])[0] | {"likes": 5}]
    gives_back = retention.gives_back

    def slow(lake: Lake, asset: str, of: str) -> str | None:
        found = gives_back(lake, asset, of)
        if (asset, of) == ("models", day):
            write_day(lake, day, rows)
        return found

    monkeypatch.setattr(retention, "gives_back", slow)
    lines: list[str] = []
    assert day not in {one.day for one in run(full, lines.append) if one.asset == "models"}
    assert f"models of {day} stays: another run stored it meanwhile" in lines
    assert full.read("models", day).frame.select("likes").collect().item() == 5


def test_an_emptied_day_stays_without_its_file(few: Lake) -> None:
    """Whoever takes the files without rows for useless, and deletes them, loses nothing."""
    run(few)
    for day in DAYS[:2]:
        (few.folder("models", day) / "data.parquet").unlink()
    refresh(few, OF_MODELS)
    for day in DAYS[:2]:
        rows = day_of(few, "model_days", day)
        assert rows is not None
        assert rows.height == len(rows_of(day))


def test_a_series_that_cannot_note_its_days_is_named(
    few: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(lake: Lake, kind: Kind) -> None:
        raise BusyError(f"refreshing {kind.table.name}", 600.0)

    monkeypatch.setattr(retention, "refresh", busy)
    lines: list[str] = []
    assert len(run(few, lines.append)) == 3 * len(KEPT)
    said = [line for line in lines if "does not know yet which days it alone has" in line]
    assert {line.partition(" ")[0] for line in said} == {*KINDS}


def test_two_runs_empty_a_day_once(few: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first has looked at all days; then the second empties them."""
    before = {day: kept(few.read("models", day), "models") for day in DAYS[:3]}
    not_yet, second = retention._Ready.not_yet, iter([True])

    def slow(self: Any, day: str, *tables: str) -> str | None:
        if next(second, False):
            run(few)
        return not_yet(self, day, *tables)

    monkeypatch.setattr(retention._Ready, "not_yet", slow)
    lines: list[str] = []
    assert {one.asset for one in run(few, lines.append)} == set()
    assert f"models of {DAYS[0]} stays: another run stored it meanwhile" in lines
    # One that could not empty it, as the series was busy with it, thins no empty day either.
    with pytest.raises(ReplacedError):
        retention._thin_table(few, schemas.MODELS, DAYS[0], LATER, dry=False)
    for day, rows in before.items():
        again = read_day(few, "models", day)
        assert (again.rows, few.read("models", day).rows) == (rows.height, rows.height)
        assert kept(again, "models").equals(rows)


def test_a_run_that_dies_leaves_each_day_as_it_was_or_given_back(
    few: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {day: kept(few.read("models", day), "models") for day in DAYS[:3]}
    writes, write = iter(range(9)), Lake.write

    def dies(self: Lake, table: Table, day: str | None, content: TableWrite) -> StoredTable:
        if next(writes) == 1:
            raise OSError("killed")
        return write(self, table, day, content)

    monkeypatch.setattr(Lake, "write", dies)
    with pytest.raises(OSError, match="killed"):
        run(few)
    monkeypatch.undo()
    assert [few.read("models", day).emptied for day in DAYS[:3]] == [True, False, False]
    for day, rows in before.items():
        assert kept(read_day(few, "models", day), "models").equals(rows)
    run(few)
    for day, rows in before.items():
        assert kept(read_day(few, "models", day), "models").equals(rows)


def test_no_reader_takes_an_emptied_day_for_one_without_rows(few: Lake) -> None:
    run(few)
    with pytest.raises(EmptiedError, match="model_days has them"):
        few.read("models", DAYS[0]).frame.collect()


def test_an_emptied_day_that_is_captured_again_has_its_new_rows(full: Lake) -> None:
    run(full)
    day = DAYS[1]
    write_day(full, day, [rows_of(day)[0] | {"likes": 5}])
    assert ROWS_IN not in full.notes("models", day)
    refresh(full, OF_MODELS)
    others = {one: read_day(full, "models", one).rows for one in DAYS}
    assert others == {one: 1 if one == day else len(rows_of(one)) for one in DAYS}
    assert [(one.day, one.how) for one in run(full)] == [(day, EMPTIED)]
    assert read_day(full, "models", day).frame.select("likes").collect().item() == 5
