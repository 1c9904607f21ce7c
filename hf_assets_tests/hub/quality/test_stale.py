"""Which comparisons are stale, against a slow search day by day."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.quality import baselines, changes, day_quality
from hf_assets.hub.quality.schemas import DAILY_CHANGES
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.support.hub.captures import first_manifest
from hf_assets_tests.support.hub.days import (
    NORMAL,
    compare,
    day_of,
    judge,
    judged,
    rows,
    store_day,
    whole_days,
)


def test_a_day_filled_in_later_makes_the_next_one_stale(lake: Lake) -> None:
    whole_days(lake, 0, 3)
    compare(lake)
    whole_days(lake, 1)
    compare(lake, day_of(1))
    found = judge(lake)
    assert {day: row["stale"] for day, row in found.items() if row["models"]} == {
        day_of(0): False,
        day_of(1): False,
        day_of(3): True,
    }
    assert [day for day, row in found.items() if not row["trusted"]] == [day_of(2), day_of(3)]
    frame = lake.read("day_quality", None).frame.collect()
    said = day_quality.nothing_stale(frame)
    assert not said.passed
    assert f"daily_changes of {day_of(3)} again" in said.description
    compare(lake, day_of(3))
    assert judge(lake)[day_of(3)]["trusted"]
    assert day_quality.nothing_stale(lake.read("day_quality", None).frame.collect()).passed


def test_a_day_that_was_replaced_makes_the_next_one_stale(lake: Lake) -> None:
    for number in range(3):
        store_day(lake, day_of(number), rows(number), sha256=f"{number:064x}")
    judged(lake)
    assert day_quality.stale_days(lake) == []
    store_day(lake, day_of(1), rows(1, 19), sha256=f"{9:064x}")
    compare(lake, day_of(1))
    assert [day for day, row in judge(lake).items() if row["stale"]] == [day_of(2)]
    assert day_quality.stale_days(lake) == [day_of(2)]
    compare(lake, day_of(2))
    assert day_quality.stale_days(lake) == []
    assert not any(row["stale"] for row in judge(lake).values())


def slowly_stale(lake: Lake, day: str) -> bool:
    """Placed alone, and compared with what `daily_changes` says of itself."""
    known = lake.days("models")
    at, look_back = known.index(day), baselines.LOOK_BACK
    while True:
        begin = max(at - look_back, 0)
        near = [lake.read("models", one) for one in known[begin : at + 1 + baselines.FOLLOWING]]
        captures = {one.day: changes.capture_of(one) for one in near}
        baseline = baselines.baselines(
            baselines.day_size(one.day, captures[one.day], one.rows) for one in near
        )[day]
        if not begin or baseline.day or not near[at - begin].rows:
            break
        look_back *= 4
    notes = lake.notes("daily_changes", day)
    replaced = baseline.day and notes["before sha256"] not in (None, captures[baseline.day].sha256)
    other = notes["before"] != baseline.day or notes["partial"] or replaced
    return bool(other and not baseline.partial)


@pytest.mark.heavy
@settings(max_examples=5, deadline=None)
@given(
    drawn=st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from([3, 4, 5, 9, 10, 11]), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    look_back=st.sampled_from([2, 4, 30]),
)
def test_the_stale_days_are_those_found_one_by_one(
    drawn: list[tuple[int, int, bool]], look_back: int
) -> None:
    with TemporaryDirectory() as folder, mock.patch.object(baselines, "LOOK_BACK", look_back):
        lake = Lake(Path(folder))
        for at, (number, count, of_folder) in enumerate(drawn):
            facts = {"source": "folder", "file": "f"} if of_folder else {}
            store_day(lake, day_of(number), rows(number, count), sha256=str(at), **facts)
            compare(lake, day_of(number))
        stale = [day for day in lake.days("models") if slowly_stale(lake, day)]
        assert day_quality.stale_days(lake) == stale
        assert [day for day, row in judge(lake).items() if row["stale"]] == stale
        last = day_of(drawn[-1][0])
        assert set(day_quality.stale_days(lake, [last])) <= set(stale) - {last}
        compare(lake, *stale)
        assert day_quality.stale_days(lake) == []
        assert not any(row["stale"] for row in judge(lake).values())


def test_each_footer_is_read_once_however_many_days_are_stale(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "LOOK_BACK", 3)
    number = 13  # more than are looked at around one
    whole_days(lake, *range(number))
    judged(lake)
    for at in range(number):
        facts = {"sha256": "new"} if at % 2 else {}
        store_day(lake, day_of(at), rows(at), **facts)
    for at in range(number):  # all were compared with a day that has gone
        path = lake.folder("daily_changes", day_of(at)) / "data.parquet"
        stored = lake.read("daily_changes", day_of(at))
        notes = {**stored.notes, "before": "2020-01-01"}
        lake.write(DAILY_CHANGES, day_of(at), TableWrite([pl.read_parquet(path)], notes))
    with mock.patch.object(Lake, "read", autospec=True, side_effect=Lake.read) as read:
        assert len(day_quality.stale_days(lake)) == number
    # Once for its place, once for the capture behind it.
    assert len(read.mock_calls) == 2 * number


def test_a_capture_without_tables_makes_no_other_day_stale(lake: Lake) -> None:
    """It may be one that a check stopped, and never get any."""
    whole_days(lake, 0, 2)
    compare(lake)
    folder = lake.folder("raw_models", day_of(1))
    folder.mkdir(parents=True)
    finished = f"{day_of(1)}T12:00:00+00:00"
    facts = first_manifest(rows=NORMAL, distinct=NORMAL, finished=finished)
    (folder / "capture.json").write_text(json.dumps(facts))
    found = judge(lake)
    assert found[day_of(1)]["flags"] == ["stale"]
    assert found[day_of(2)]["flags"] == []
    assert day_quality.stale_days(lake) == []
