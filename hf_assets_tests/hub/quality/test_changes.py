"""Day-over-day changes, against counts by hand."""

import datetime as dt
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.quality import changes
from hf_assets.hub.quality.schemas import DAILY_CHANGES
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.days import (
    OLD,
    Row,
    compare,
    counts,
    day_of,
    model,
    store_day,
)

BEFORE, DAY = day_of(0), day_of(1)


TODAY = dt.datetime.fromisoformat(f"{DAY}T03:00:00+00:00")


def pair(lake: Lake, then: list[Row], now: list[Row], day: str = DAY, **facts: Any):
    store_day(lake, BEFORE, then, **facts)
    store_day(lake, day, now, **facts)
    return compare(lake)[day]


def test_what_came_and_what_went(lake: Lake) -> None:
    then = [model(at) for at in range(10)]
    now = [
        *then[:7],
        model(7, id="author/seven"),
        model(20, created_at=TODAY),
        model(21, created_at=dt.datetime.fromisoformat(f"{BEFORE}T00:00:00+00:00")),
        model(22),
        model(23, created_at=None),
    ]
    stored = pair(lake, then, now)
    assert counts(stored, "lifecycle") == {
        "created": 2,
        "older": 1,
        "undated": 1,
        "deleted": 2,
        "renamed": 1,
        "gated_on": 0,
        "gated_off": 0,
    }
    assert stored.notes["lifecycle"] == counts(stored, "lifecycle")
    frame = stored.frame.collect()
    assert frame.schema == DAILY_CHANGES.schema
    assert set(frame["hours"]) == {24.0}
    assert set(frame["before"]) == {dt.date.fromisoformat(BEFORE)}
    assert (stored.notes["identity"], stored.notes["before"]) == ("hub", BEFORE)


def test_gating(lake: Lake) -> None:
    then = [model(at, gated=gated) for at, gated in enumerate(["false", "auto", "manual", None])]
    now = [model(at, gated=gated) for at, gated in enumerate(["manual", "false", "auto", "auto"])]
    found = counts(pair(lake, then, now), "lifecycle")
    assert (found["gated_on"], found["gated_off"]) == (1, 1)


def test_a_gate_that_is_not_said_how_is_a_gate(lake: Lake) -> None:
    then = [model(at, gated=gated) for at, gated in enumerate(["auto", "true", "false"])]
    now = [model(at, gated=gated) for at, gated in enumerate(["true", "false", "true"])]
    found = counts(pair(lake, then, now), "lifecycle")
    assert (found["gated_on"], found["gated_off"]) == (1, 1)


def test_gating_since_a_day_that_gave_it_up_is_unknown(lake: Lake) -> None:
    found = counts(pair(lake, [model(1, gated=None)], [model(1, gated="auto")]), "lifecycle")
    assert (found["gated_on"], found["gated_off"], found["deleted"]) == (None, None, 0)


@pytest.mark.parametrize("named", [(True, True), (True, False), (False, True)])
def test_without_the_hubs_identity_a_model_is_its_name(
    lake: Lake, named: tuple[bool, bool]
) -> None:
    rows = [model(at) for at in range(4)]
    moved = [*rows[:3], model(3, id="author/three")]
    for day, listed, by_name in zip((BEFORE, DAY), (rows, moved), named, strict=True):
        identity = {"identity": "name"} if by_name else {}
        listed = [{**row, "hub_id": f"name:{row['id']}"} if by_name else row for row in listed]
        store_day(lake, day, listed, **identity)
    stored = compare(lake)[DAY]
    found = counts(stored, "lifecycle")
    assert "renamed" not in found
    assert (found["deleted"], found["older"]) == (1, 1)
    assert counts(stored, "compared")["both"] == 3
    assert stored.notes["identity"] == "name"


@settings(max_examples=8)
@given(
    then=st.dictionaries(st.integers(0, 12), st.integers(0, 3), max_size=12),
    now=st.dictionaries(
        st.integers(0, 12),
        st.tuples(st.integers(0, 3), st.sampled_from([OLD, TODAY, None])),
        min_size=1,
        max_size=12,
    ),
)
def test_what_is_compared_adds_up(
    then: dict[int, int], now: dict[int, tuple[int, dt.datetime | None]]
) -> None:
    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        store_day(lake, BEFORE, (model(at, id=f"a/{name}") for at, name in then.items()))
        store_day(
            lake,
            DAY,
            (model(at, id=f"a/{name}", created_at=born) for at, (name, born) in now.items()),
        )
        if not len(then) / 2 <= len(now) <= 2 * len(then):
            return  # one of them is partial, or the first
        stored = compare(lake)[DAY]
    seen, life = stored.notes["compared"], stored.notes["lifecycle"]
    assert seen["rows"] == len(now)
    assert seen["rows_before"] == len(then)
    assert seen["both"] == len(then.keys() & now.keys())
    assert seen["rows"] == seen["both"] + life["created"] + life["older"] + life["undated"]
    assert seen["rows_before"] == seen["both"] + life["deleted"]
    assert life["renamed"] == sum(then[at] != now[at][0] for at in then.keys() & now.keys())


def test_larger_models_and_counters_that_fall(lake: Lake) -> None:
    then = [
        model(0, downloads=9_999, downloads_all_time=10),
        model(1, downloads=10_000, downloads_all_time=10),
        model(2, downloads=50_000, downloads_all_time=None),
        model(3, downloads=50_000, downloads_all_time=10),
        model(4, downloads=None, downloads_all_time=10),
    ]
    now = [
        model(0, downloads=9_999, downloads_all_time=9),
        model(1, downloads=10_000, downloads_all_time=10),
        model(2, downloads=1, downloads_all_time=10),
        model(3, downloads=None, downloads_all_time=11),
        model(4, downloads=70_000, downloads_all_time=None),
    ]
    stored = pair(lake, then, now)
    assert counts(stored, "compared") == {
        "rows": 5,
        "rows_before": 5,
        "both": 5,
        "larger": 2,
        "larger_unchanged": 1,
        "all_time": 3,
        "all_time_fell": 1,
    }
    assert stored.notes["downloads"] == 9_999 + 10_000 + 1 + 70_000
    assert stored.notes["downloads_all_time"] == 40


def test_nulls_a_column(lake: Lake) -> None:
    store_day(lake, DAY, [model(0, tags=["a", None]), model(1, license="mit", tags=[])])
    stored = compare(lake)[DAY]
    found = stored.frame.filter(dimension="nulls").collect()
    shares = dict(found.select("key", "value").iter_rows())
    assert (shares["license"], shares["downloads"], shares["tags"]) == (0.5, 1.0, 0.0)
    assert dict(found.select("key", "rows").iter_rows())["license"] == 1
    assert "day" not in shares


def naive_adoption(
    then: dict[int, tuple[dt.date, int]],
    now: dict[int, tuple[dt.date, int]],
    day: dt.date,
    step: int,
) -> dict[tuple[str, int], tuple[int, int]]:
    """A model at a time, an age at a time."""
    risk: Counter[tuple[str, int]] = Counter()
    reached: Counter[tuple[str, int]] = Counter()
    for at, (born, downloads) in now.items():
        if born <= dt.date(2022, 3, 2):
            continue
        age = (day - born).days
        if age > changes.MAX_AGE:  # the whole step: an event at its end would be left out
            continue
        if at in then:
            had, ages = then[at][1], range(age - step + 1, age + 1)
        elif born >= day - dt.timedelta(step):
            had, ages = 0, range(age + 1)
        else:
            continue
        for number in (1_000, 10_000, 100_000, 1_000_000):
            if had < number:
                risk.update((str(number), one) for one in ages)
                if downloads >= number:
                    reached[str(number), age] += 1
    return {key: (count, reached[key]) for key, count in risk.items()}


a_count = st.sampled_from([0, 500, 999, 1_000, 5_000, 10_000, 999_999, 1_000_000, 10**9])


@settings(max_examples=8)
@given(
    step=st.integers(1, 9) | st.integers(29, 33),
    drawn=st.lists(
        st.tuples(st.integers(0, 800), a_count, a_count, st.booleans()), min_size=1, max_size=20
    ),
)
def test_adoption_is_as_counted_by_hand(step: int, drawn: list[tuple[int, int, int, bool]]) -> None:
    day = dt.date.fromisoformat(day_of(step))
    born = [day - dt.timedelta(age) for age, *_ in drawn]
    # Counters only rise here: of those that fall there is a test of their own.
    then = {
        at: (born[at], min(one, other))
        for at, (age, one, other, listed) in enumerate(drawn)
        if listed and age >= step
    }
    now = {at: (born[at], max(one, other)) for at, (_, one, other, _) in enumerate(drawn)}

    def rows(listed: dict[int, tuple[dt.date, int]]) -> list[Row]:
        return [
            model(
                at,
                created_at=dt.datetime.combine(date, dt.time(9), dt.UTC),
                downloads_all_time=downloads,
            )
            for at, (date, downloads) in listed.items()
        ]

    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        # Without age; and neither day is half of the other.
        more = [model(at, created_at=None) for at in range(90, 98)]
        store_day(lake, day_of(0), [*rows(then), *more])
        store_day(lake, day_of(step), [*rows(now), *more])
        stored = compare(lake)[day_of(step)]
        found = stored.frame.filter(dimension="adoption").collect()
    counted = {(row["key"], row["age"]): (row["rows"], row["value"]) for row in found.to_dicts()}
    assert counted == (naive_adoption(then, now, day, step) if step <= 31 else {})


def test_models_dated_by_the_floor_have_no_age(lake: Lake) -> None:
    floor = dt.datetime(2022, 3, 2, 23, 29, 4, tzinfo=dt.UTC)
    rows = [model(0, created_at=floor, floor_dated=True, downloads_all_time=1)]
    assert counts(pair(lake, rows, rows), "adoption") == {}


def test_counters_that_were_rolled_back_give_no_adoption(lake: Lake) -> None:
    then = [model(at, downloads_all_time=900) for at in range(20)]
    now = [model(at, downloads_all_time=1100 if at > 1 else 800) for at in range(20)]
    assert counts(pair(lake, then, now), "adoption") == {}


def test_the_table_is_small_however_many_models_there_are(lake: Lake) -> None:
    rows = [
        model(at, created_at=OLD + dt.timedelta(hours=at), downloads_all_time=at)
        for at in range(10_000)
    ]
    stored = pair(lake, rows, rows)
    assert stored.rows <= 4 * (changes.MAX_AGE + 1) + 60
    assert stored.path.stat().st_size < 20_000
