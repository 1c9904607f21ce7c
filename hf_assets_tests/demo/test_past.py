"""The demo's past: its days, those that differ, its runs."""

import datetime as dt

import pytest

from hf_assets.demo.past import RECENT, SHORTEST_WITH_ODD_DAYS, Past, archive
from hf_assets.demo.record import OddDays
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.quality import day_quality

TODAY = dt.date(2026, 11, 20)


def test_the_days_before_a_day() -> None:
    past = Past(TODAY, 3)
    assert past.span == "2026-11-17...2026-11-19"
    assert past.keys == ["2026-11-17", "2026-11-18", "2026-11-19"]
    assert Past(TODAY, 0).keys == []


@pytest.mark.parametrize("days", [-1, 845])
def test_the_archive_goes_back_so_far(days: int) -> None:
    assert Past(TODAY, 844).keys[0] == "2024-07-29"
    with pytest.raises(ValueError, match=f"--days {days}: .*; 0 to 844"):
        Past(TODAY, days)


def test_a_long_past_has_days_that_differ_and_says_which() -> None:
    for days in range(SHORTEST_WITH_ODD_DAYS, 200):
        past = Past(TODAY, days)
        odd = [*past.faults.rolled_back, *past.faults.stalled]
        assert len(set(odd)) == 2
        assert not past.faults.gaps | past.faults.partial
        assert {f"{day}" for day in odd} <= set(past.keys[1:-1])
        assert [line[:10] for line in past.on_purpose] == [f"{day}" for day in odd]
    assert Past(TODAY, SHORTEST_WITH_ODD_DAYS - 1).on_purpose == []


def test_the_archive_has_them_and_what_else_is_asked_for() -> None:
    hub, past = GeneratedHub(50, 20, day=TODAY), Past(TODAY, 60)
    made = archive(hub, past, "gaps=2026-10-01,503:2/models")
    assert made.faults.gaps == {dt.date(2026, 10, 1)}
    assert made.faults.stalled == past.faults.stalled
    assert made.faults.rolled_back == past.faults.rolled_back
    days = {commit.when.date() for commit in made.commits.oldest_first}
    assert not made.faults.gaps & days
    assert max(days) == TODAY - dt.timedelta(1)
    with pytest.raises(ValueError, match="nonsense"):
        archive(hub, past, "nonsense")


def test_a_past_that_was_begun_earlier_keeps_its_odd_days() -> None:
    first = Past(TODAY, 60)
    later = Past(TODAY + dt.timedelta(9), 69, first.odd_days)
    assert later.on_purpose == first.on_purpose
    assert later.faults == first.faults
    assert Past(TODAY, 60, OddDays()).on_purpose == []


def test_checks_that_fail_on_purpose_are_named_with_their_days() -> None:
    assert Past(TODAY, 60).failing == {
        "daily_changes: not_rolled_back": ["2026-10-30"],
        "models: ranges": ["2026-10-30"],
        "daily_changes: not_stalled": ["2026-11-09"],
        "daily_changes: datasets_not_rolled_back": ["2026-10-30"],
        "hub_datasets: ranges": ["2026-10-30"],
        "daily_changes: datasets_not_stalled": ["2026-11-09"],
        "day_quality: days_trusted": ["2026-10-30", "2026-11-09"],
    }
    assert Past(TODAY, SHORTEST_WITH_ODD_DAYS - 1).failing == {}
    # All of them are longer ago than the check looks back.
    assert "day_quality: days_trusted" not in Past(TODAY, 400).failing
    assert RECENT.days == day_quality.RECENT
