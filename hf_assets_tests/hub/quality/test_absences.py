"""Who returned and who was first seen late, against sets of what each day lists."""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.quality import day_quality
from hf_assets.hub.quality.schemas import ABSENCES, DAILY_CHANGES
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.durable import write_bytes
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.opened import OpenedFile
from hf_assets.trends.series.lifecycle import lifecycle
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.hub.days import (
    Row,
    compare,
    counts,
    day_of,
    judge,
    model,
    recorded_lists,
    store_day,
)
from hf_assets_tests.support.trends.days import frame_of

ALWAYS = range(100, 130)  # no day of few models is partial
FOLDER: dict[str, Any] = {"source": "folder", "file": "f"}
LIVES = ("returned", "first_seen_late", "deleted", "entered", "left")


def list_day(lake: Lake, number: int, *there: int, **facts: Any) -> None:
    store_day(lake, day_of(number), [model(at) for at in (*ALWAYS, *there)], **facts)


def lives(row: Row) -> tuple[int | None, ...]:
    return tuple(row[name] for name in LIVES)


def test_who_was_listed_before_has_returned_and_who_was_not_is_late(lake: Lake) -> None:
    for number, there in enumerate([(1, 2), (2,), (2,), (1, 2, 3), (2, 3), (1, 2, 3)]):
        list_day(lake, number, *there)
    compare(lake)
    found = list(judge(lake).values())
    assert [lives(row) for row in found] == [
        (None,) * 5,
        (0, 0, 1, None, None),
        (0, 0, 0, None, None),
        (1, 1, 0, None, None),
        (0, 0, 1, None, None),
        (1, 0, 0, None, None),
    ]
    series = frame_of(lifecycle(Past(lake)))
    assert series.select(LIVES).rows() == [lives(row) for row in found]
    assert series["created"].to_list() == [None, 0, 0, 0, 0, 0]


def test_an_undated_model_that_was_listed_before_has_returned(lake: Lake) -> None:
    for number, there in enumerate([(1,), (), (1, 2)]):
        rows = [model(at, created_at=None) for at in (*ALWAYS, *there)]
        store_day(lake, day_of(number), rows)
    stored = compare(lake)
    assert counts(stored[day_of(2)], "lifecycle")["undated"] == 2
    assert lives(judge(lake)[day_of(2)])[:2] == (1, 0)


def test_in_a_list_models_enter_and_leave_and_are_neither_created_nor_deleted(lake: Lake) -> None:
    born = dt.datetime.fromisoformat(f"{day_of(1)}T00:00:00+00:00")
    lists = [[1, 2], [2], [1, 2]]
    for number, there in enumerate(lists):
        rows = [model(at) for at in (*ALWAYS, *there)]
        fresh = [model(9, created_at=born)] if number == 1 else []
        store_day(lake, day_of(number), [*rows, *fresh], **FOLDER)
    stored = compare(lake)
    assert counts(stored[day_of(1)], "lifecycle") == {
        "entered": 1, "left": 1, "renamed": 0, "gated_on": 0, "gated_off": 0
    }  # fmt: skip
    assert [lives(row) for row in judge(lake).values()] == [
        (None,) * 5, (0, None, None, 1, 1), (1, None, None, 1, 1),
    ]  # fmt: skip
    series = frame_of(lifecycle(Past(lake)))
    assert series["created"].to_list() == series["created_per_day"].to_list() == [None] * 3
    assert series.select(LIVES).rows()[1:] == [(0, None, None, 1, 1), (1, None, None, 1, 1)]


def test_a_list_remembers_nothing_of_the_whole_hub(lake: Lake) -> None:
    list_day(lake, 0, 1)
    list_day(lake, 1, 2, **FOLDER)
    list_day(lake, 2)
    list_day(lake, 3, **FOLDER)
    list_day(lake, 4, 1, 2)
    list_day(lake, 5, 1, 2, **FOLDER)
    compare(lake)
    found = judge(lake)
    assert lives(found[day_of(4)]) == (1, 1, 0, None, None)
    assert lives(found[day_of(5)]) == (1, None, None, 2, 0)


def test_who_was_away_on_a_day_that_broke_off_did_not_go(lake: Lake) -> None:
    list_day(lake, 0, *range(20))
    store_day(lake, day_of(1), [model(at) for at in range(20)])
    list_day(lake, 2, *range(20))
    compare(lake)
    found = judge(lake)
    assert found[day_of(1)]["flags"] == ["partial"]
    assert lives(found[day_of(2)])[:3] == (0, 0, 0)


a_day = st.tuples(st.integers(0, 11), st.sets(st.integers(0, 5)))


@settings(max_examples=4, deadline=None)
@given(st.lists(a_day, min_size=3, max_size=6))
def test_in_whatever_order_the_days_are_made(drawn: list[tuple[int, set[int]]]) -> None:
    with TemporaryDirectory() as folder:
        lake, listed = Lake(Path(folder)), dict[str, set[int]]()
        for number, there in drawn:
            list_day(lake, number, *sorted(there), sha256=str(len(listed) + len(there)))
            listed[day_of(number)] = there
            compare(lake, day_of(number), *day_quality.stale_days(lake))
        compare(lake, *day_quality.stale_days(lake))
        days = sorted(listed)
        wanted: dict[str, tuple[int, int, int]] = {}
        for at, day in enumerate(days[1:], 1):
            ever = set[int]().union(*(listed[one] for one in days[:at]))
            fresh = listed[day] - listed[days[at - 1]]
            gone = listed[days[at - 1]] - listed[day]
            wanted[day] = (len(fresh & ever), len(fresh - ever), len(gone))
        found = {day: lives(row)[:3] for day, row in judge(lake).items() if row["before"]}
        assert found == wanted


def test_a_past_day_that_is_made_later_changes_the_series_of_days_after_it(lake: Lake) -> None:
    for number, there in ((31, ()), (70, (1,))):
        list_day(lake, number, *there)
    compare(lake)
    assert lives(judge(lake)[day_of(70)])[:2] == (0, 1)
    before = Past(lake).change_inputs
    list_day(lake, 0, 1)
    compare(lake, day_of(0), *day_quality.stale_days(lake))
    assert lives(judge(lake)[day_of(70)])[:2] == (1, 0)
    after = Past(lake).change_inputs
    month = day_of(70)[:7]
    # Neither of its files is another.
    assert before[month].days == after[month].days
    assert before[month].fingerprint != after[month].fingerprint


def test_days_that_another_version_compared_are_read_as_they_are(lake: Lake) -> None:
    for number, there in enumerate([(1,), (), (1,), (), (1, 2)]):
        list_day(lake, number, *there)
        list_day(lake, 20 + number, *there, **FOLDER)
    compare(lake)
    for number in (1, 21):
        stored = lake.read("daily_changes", day_of(number))
        notes = {name: said for name, said in stored.notes.items() if name != ABSENCES}
        notes["lifecycle"] = {"created": 2, "returned": 3, "undated": 4, "deleted": 5}
        made = TableWrite(
            [stored.frame.collect()], notes, stored.provenance, {ABSENCES: pl.DataFrame()}
        )
        lake.write(DAILY_CHANGES, day_of(number), made)
    found = judge(lake)
    # Who went then is not known; nor who of those that came later had been there.
    assert [found[day_of(at)]["returned"] for at in range(5)] == [None] * 5
    assert [found[day_of(at)]["first_seen_late"] for at in range(5)] == [None] * 5
    assert lives(found[day_of(1)]) == (None, None, 5, None, None)
    assert lives(found[day_of(21)]) == (None, None, None, 9, 5)
    compare(lake, day_of(1), day_of(21))
    found = judge(lake)
    assert [found[day_of(at)]["returned"] for at in range(5)] == [None, 0, 1, 0, 1]
    assert [found[day_of(20 + at)]["returned"] for at in range(5)] == [None, 0, 1, 0, 1]


def test_a_thinned_day_does_not_say_who_was_created(lake: Lake) -> None:
    for number, there in enumerate([(1,), (), (1, 2)]):
        list_day(lake, number, *there)
    compare(lake)
    stored = lake.read("models", day_of(2))
    kept = "day, hub_id, id, downloads"
    rows = stored.frame.with_columns(created_at=None, gated=None).collect()
    notes = {"thinned": "2026-06-01", "kept": kept}
    lake.write(MODELS, day_of(2), TableWrite([rows], notes, stored.provenance))
    again = compare(lake, day_of(2))[day_of(2)]
    found = counts(again, "lifecycle")
    assert [found[name] for name in ("created", "older", "undated")] == [None] * 3
    assert (found["deleted"], found["renamed"]) == (0, 0)
    assert set(counts(again, "nulls")) == {"hub_id", "id", "downloads"}
    row = judge(lake)[day_of(2)]
    assert lives(row)[:2] == (1, None)
    assert (row["null_shifts"], row["trusted"]) == ([], True)


def test_the_memory_is_small_and_is_kept_a_month_a_file(lake: Lake) -> None:
    for number in (0, 1, 2, 31):
        list_day(lake, number, *range(number % 2, 40))
    compare(lake)
    judge(lake)
    folder = lake.folder("daily_changes", None) / ABSENCES
    assert sorted(path.name for path in folder.iterdir()) == ["2026-03.parquet", "2026-04.parquet"]
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    first = judge(lake)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times
    (folder / "2026-03.parquet").unlink()  # a copy: whoever deletes it loses nothing
    assert judge(lake) == first


@pytest.mark.parametrize("broken", [b"", b"PAR1", b"PAR1" + 60 * b"x" + b"PAR1"])
def test_a_broken_copy_is_made_anew(lake: Lake, broken: bytes) -> None:
    for number in range(3):
        list_day(lake, number, *range(number % 2, 40))
    compare(lake)
    first = judge(lake)
    copy = lake.folder("daily_changes", None) / ABSENCES / "2026-03.parquet"
    write_bytes(copy, broken)
    assert judge(lake) == first
    assert copy.read_bytes() != broken


def test_a_copy_that_another_process_replaces_is_read_as_it_was(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, there in enumerate([(1, 2), (2,), (1, 2)]):
        list_day(lake, number, *there)
    compare(lake)
    first = judge(lake)
    copy = lake.folder("daily_changes", None) / ABSENCES / "2026-03.parquet"
    footer = OpenedFile.footer

    def replaced(file: OpenedFile, *key: str) -> dict[str, Any]:
        found = footer(file, *key)
        if Path(file.path) == copy:
            write_bytes(copy, b"of another day")
        return found

    monkeypatch.setattr(OpenedFile, "footer", replaced)
    assert judge(lake) == first
    assert copy.read_bytes() == b"of another day"


def test_real_lists_of_two_years_against_sets(lake: Lake, real_data: Path) -> None:
    listed = recorded_lists(real_data)
    by_day: dict[str, set[str]] = {}
    for day in listed["day"].unique().sort().to_list()[100:130]:
        models = listed.filter(day=day).select("id", "downloads", hub_id="name:" + pl.col("id"))
        store_day(lake, day, models.to_dicts(), identity="name", **FOLDER)
        by_day[day] = set(models["id"])
    compare(lake)
    ever: set[str] = set()
    told = 0
    for day, row in judge(lake).items():
        if row["before"]:
            then = by_day[str(row["before"])]
            came = by_day[day] - then
            assert (row["entered"], row["left"]) == (len(came), len(then - by_day[day]))
            assert row["returned"] == len(came & ever)
            told += row["returned"]
        ever |= by_day.get(day, set())
    assert told > 20
