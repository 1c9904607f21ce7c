"""Which earlier day a day is compared with."""

import math
from typing import Any

import pytest

from hf_assets.hub.quality import baselines, changes, day_quality
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.days import (
    compare,
    counts,
    day_of,
    judge,
    model,
    store_day,
)

BEFORE, DAY = day_of(0), day_of(1)


def test_the_first_day_has_the_rows_that_need_no_other(lake: Lake) -> None:
    store_day(lake, DAY, [model(0, downloads_all_time=5)])
    stored = compare(lake)[DAY]
    assert counts(stored, "compared") == {"rows": 1}
    assert set(stored.frame.collect()["dimension"]) == {"compared", "nulls"}
    assert stored.frame.collect()["before"].to_list() == [None] * stored.rows
    assert (stored.notes["before"], stored.notes["hours"]) == (None, None)


def test_nothing_is_compared_with_a_day_that_broke_off(lake: Lake) -> None:
    for number, rows in enumerate((100, 49, 101)):
        store_day(lake, day_of(number), [model(at) for at in range(rows)])
    found = compare(lake)
    assert found[day_of(1)].notes["partial"]
    assert counts(found[day_of(1)], "lifecycle")["deleted"] == 51
    assert found[day_of(2)].notes["before"] == day_of(0)
    assert counts(found[day_of(2)], "lifecycle")["deleted"] == 0
    assert found[day_of(2)].notes["hours"] == 48.0


def test_a_list_is_not_compared_with_the_whole_hub(lake: Lake) -> None:
    one, other = ({"source": "folder", "file": name} for name in ("x.json", "y.json"))
    sources: list[dict[str, Any]] = [{}, {"source": "hub-stats"}, one, {"limited": True}, other, {}]
    for number, facts in enumerate(sources):
        rows = 5 if facts.get("source") == "folder" or facts.get("limited") else 50
        store_day(lake, day_of(number), [model(at) for at in range(rows)], **facts)
    before = {day: stored.notes["before"] for day, stored in compare(lake).items()}
    wanted = [None, day_of(0), None, None, day_of(2), day_of(1)]
    assert list(before.values()) == wanted
    assert compare(lake)[day_of(4)].notes["origin"] == "y.json"


def test_a_source_without_models_is_no_break(lake: Lake) -> None:
    folder = {"source": "folder", "file": "x.json"}
    store_day(lake, day_of(0), [model(0)], **folder)
    store_day(lake, day_of(1), [], absent_kind="it has Spaces only", **folder)
    store_day(lake, day_of(2), [model(0)], **folder)
    found = compare(lake)
    assert found[day_of(1)].notes["models"] is None
    assert not found[day_of(1)].notes["partial"]
    assert found[day_of(2)].notes["before"] == day_of(0)


def test_hours_are_between_the_ends_of_two_captures(lake: Lake) -> None:
    store_day(lake, BEFORE, [model(0)], finished=f"{BEFORE}T23:30:00+09:00")
    store_day(lake, DAY, [model(0)], finished=f"{DAY}T00:00:00+00:00", time_known=False)
    notes = compare(lake)[DAY].notes
    assert math.isclose(notes["hours"], 9.5)
    assert notes["time known"] is False


def test_only_the_last_stored_days_are_looked_at(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "LOOK_BACK", 6)
    for number in range(26):
        store_day(lake, day_of(number), [model(0)])
    read: list[str] = []
    plain = Lake.read
    monkeypatch.setattr(Lake, "read", lambda *asked: (read.append(asked[2]), plain(*asked))[1])
    found = changes.stored_baselines(lake, [day_of(14), day_of(16)])
    assert found[day_of(16)].day == day_of(15)
    # Two of the wanted days, one between them, and those that would measure a first one.
    assert len(read) == baselines.LOOK_BACK + 3 + baselines.FOLLOWING


def test_the_last_whole_day_is_found_however_far_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "LOOK_BACK", 3)
    store_day(lake, day_of(0), [model(0)])
    for number in range(1, 14):  # it is widened twice
        store_day(lake, day_of(number), [model(0)], source="folder", file="x.json")
    store_day(lake, day_of(14), [model(0)])
    assert changes.stored_baselines(lake, [day_of(14)])[day_of(14)].day == day_of(0)


def test_a_first_day_that_broke_off_is_known_once_others_follow(lake: Lake) -> None:
    store_day(lake, day_of(0), [model(at) for at in range(40)])
    assert not compare(lake)[day_of(0)].notes["partial"]
    for number in (1, 2):
        store_day(lake, day_of(number), [model(at) for at in range(100)])
    compare(lake, day_of(1), day_of(2))
    judged = judge(lake)
    assert judged[day_of(0)]["flags"] == ["partial"]
    assert judged[day_of(1)]["before"] is None
    assert day_quality.stale_days(lake) == []


def test_what_was_compared_with_a_first_day_that_broke_off_is_made_anew(lake: Lake) -> None:
    for number, rows in enumerate((40, 41, 100, 100)):
        store_day(lake, day_of(number), [model(at) for at in range(rows)])
        compare(lake, day_of(number))
    flags = {day: row["flags"] for day, row in judge(lake).items()}
    assert flags == {
        **{day_of(at): ["partial"] for at in (0, 1)},
        **{day_of(2): ["stale"], day_of(3): []},
    }
    assert day_quality.stale_days(lake) == [day_of(2)]
    compare(lake, day_of(2))
    assert judge(lake)[day_of(2)]["flags"] == []
