"""What becomes of `daily_changes` of thinned days, through the code that the graph runs."""

import datetime as dt

import polars as pl
import pytest

from hf_assets.hub import retention
from hf_assets.hub.quality import changes, day_quality
from hf_assets.hub.quality.comparing import compare_day
from hf_assets.hub.quality.schemas import ABSENCES, DAILY_CHANGES
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.support.hub.days import counts, day_of, judge, model, store_day

EARLIER = ("day", "hub_id", "id", "category", "downloads", "downloads_all_time", "likes")
BORN = dt.datetime(2026, 2, 20, tzinfo=dt.UTC)


def list_day(lake: Lake, number: int, sha256: str = "") -> None:
    """Sixty models, some of which pass a thousand, and one that is born each day."""
    ever = [2000 if at < 5 * number else 50 for at in range(60)]
    rows = [model(at, created_at=BORN, downloads_all_time=ever[at]) for at in range(60)]
    fresh = [
        model(300 + n, created_at=dt.datetime(2026, 3, n + 1, tzinfo=dt.UTC), downloads_all_time=1)
        for n in range(number + 1)
    ]
    store_day(lake, day_of(number), [*rows, *fresh], sha256=sha256 or str(number))


def compare(lake: Lake, *days: str) -> dict[str, StoredTable]:
    found = {}
    for day in days or lake.days("models"):
        made = compare_day(
            lake, lake.read("models", day), changes.stored_baselines(lake, [day])[day]
        )
        found[day] = lake.write(DAILY_CHANGES, day, made)
    return found


def thin(lake: Lake, *numbers: int) -> None:
    for number in numbers:
        retention._thin_table(lake, MODELS, day_of(number), "2026-11-01", dry=False)


def rows_of(found: dict[str, StoredTable]) -> dict[str, pl.DataFrame]:
    return {day: stored.frame.collect() for day, stored in found.items()}


@pytest.fixture
def by_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thinned as an earlier version did it: without dates and gates."""
    monkeypatch.setitem(retention.KEPT, "models", EARLIER)


@pytest.mark.usefixtures("by_earlier")
def test_thinned_days_keep_what_was_counted_of_them(lake: Lake) -> None:
    for number in range(4):
        list_day(lake, number)
    found = compare(lake)
    before, said = rows_of(found), {day: one.notes for day, one in found.items()}
    assert counts(found[day_of(2)], "lifecycle")["created"] == 1
    thin(lake, 0, 1, 2)
    found = compare(lake)
    assert {day: one.notes for day, one in found.items()} == said
    after = rows_of(found)
    # The last day is whole: what it says of gates is from the day before it, as it was then.
    key = ["dimension", "key", "age"]
    assert all(after[day].sort(key).equals(before[day].sort(key)) for day in before)


@pytest.mark.usefixtures("by_earlier")
def test_a_thinned_day_beside_another_day_has_no_births_of_the_last(lake: Lake) -> None:
    for number in (0, 2, 3):
        list_day(lake, number)
    nulls = compare(lake)[day_of(2)].notes["nulls"]
    thin(lake, 2)
    list_day(lake, 1)
    compare(lake, day_of(1), *day_quality.stale_days(lake, [day_of(1)]))
    again = lake.read("daily_changes", day_of(2))
    assert again.notes["before"] == day_of(1)
    assert counts(again, "lifecycle")["created"] is None
    assert counts(again, "adoption") == {}
    # Those are of the day itself.
    assert again.notes["nulls"] == nulls
    assert day_quality.stale_days(lake) == []


def test_a_day_that_is_thinned_now_is_compared_again_like_a_whole_one(lake: Lake) -> None:
    for number in (0, 2, 3):
        list_day(lake, number)
    compare(lake)
    list_day(lake, 1)
    wanted = rows_of(compare(lake, day_of(2)))[day_of(2)].filter(pl.col("dimension") != "nulls")
    lake.write(DAILY_CHANGES, day_of(2), changes.daily_changes(
        lake.read("models", day_of(2)), lake.read("models", day_of(0)), day_of(2)
    ))  # fmt: skip
    thin(lake, 1, 2)
    found = rows_of(compare(lake, day_of(2)))[day_of(2)]
    key = ["dimension", "key", "age"]
    assert found.filter(pl.col("dimension") != "nulls").sort(key).equals(wanted.sort(key))
    assert wanted.filter(pl.col("dimension") == "adoption")["value"].sum() > 0


def test_a_day_that_was_replaced_and_not_compared_since_is_stale(lake: Lake) -> None:
    for number in range(3):
        list_day(lake, number)
    compare(lake)
    list_day(lake, 2, sha256="again")
    assert day_quality.stale_days(lake) == [day_of(2)]
    # The run died here; the next night's goes on.
    list_day(lake, 3)
    compare(lake, day_of(3), *day_quality.stale_days(lake, [day_of(3)]))
    assert [day for day, row in judge(lake).items() if row["stale"]] == day_quality.stale_days(lake)
    compare(lake, *day_quality.stale_days(lake))
    assert day_quality.stale_days(lake) == []
    assert not any(row["stale"] for row in judge(lake).values())


def forget(lake: Lake, *numbers: int) -> None:
    """As a version that did not remember who went compared those days."""
    for number in numbers:
        stored = lake.read("daily_changes", day_of(number))
        notes = {name: said for name, said in stored.notes.items() if name != ABSENCES}
        lives = notes["lifecycle"]
        notes["lifecycle"] = {name: lives[name] for name in lives if name != "older"}
        frames = [stored.frame.filter(pl.col("key") != "older").collect()]
        lake.write(DAILY_CHANGES, day_of(number), TableWrite(frames, notes, stored.provenance))


def told(lake: Lake, *names: str) -> list[tuple[int | None, ...]]:
    return [tuple(row[name] for name in names) for row in judge(lake).values()]


@pytest.mark.usefixtures("by_earlier")
@pytest.mark.parametrize("old", [(), (1,), (0, 1, 2), (2, 3)])
def test_a_lake_of_an_earlier_version_learns_who_went(lake: Lake, old: tuple[int, ...]) -> None:
    there = [(1, 2, 3), (1, 3), (1, 2), (), (1, 2, 3, 4)]
    for number, listed in enumerate(there):
        rows = [model(at, created_at=BORN) for at in (*range(100, 130), *listed)]
        store_day(lake, day_of(number), rows, sha256=str(number))
    compare(lake)
    names = ("returned", "first_seen_late", "deleted")
    wanted = told(lake, *names)
    assert wanted == [(None, None, None), (0, 0, 1), (1, 0, 1), (0, 0, 2), (3, 1, 0)]
    before = {day: one.notes for day, one in compare(lake).items()}
    forget(lake, 1, 2, 3)
    thin(lake, *old)
    days = [day_of(number) for number in (1, 2, 3)]
    assert day_quality.stale_days(lake) == days
    # Nothing is wrong with what they say: they are trusted, and not told of until they remember.
    assert all(row["trusted"] for row in judge(lake).values())
    assert [one for one, *_ in told(lake, *names)] == [None] * 5
    compare(lake, *day_quality.stale_days(lake))
    assert day_quality.stale_days(lake) == []
    # Who of those that came on a thinned day was created before is not known.
    assert told(lake, *names) == [
        (back, None if number in old and number else late, gone)
        for number, (back, late, gone) in enumerate(wanted)
    ]
    for number in {1, 2, 3} & {*old}:
        lives = before[day_of(number)]["lifecycle"]
        lives = {name: lives[name] for name in lives if name != "older"}
        assert lake.notes("daily_changes", day_of(number))["lifecycle"] == lives
