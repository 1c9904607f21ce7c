"""Which days can be trusted: each rule at its edge."""

import datetime as dt
import json
from functools import partial

import polars as pl
import pytest

from hf_assets.hub.quality import baselines, day_quality, day_rules
from hf_assets.hub.quality.day_summary import days_around, summarize_day
from hf_assets.hub.quality.rules import NOT_COMPARED
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.support.hub.captures import first_manifest
from hf_assets_tests.support.hub.days import (
    NORMAL,
    Row,
    day_of,
    flags,
    judge,
    judged,
    model,
    rows,
    store_day,
    whole_days,
)


def test_days_as_they_should_be(lake: Lake) -> None:
    whole_days(lake, 0, 1, 2)
    lake.write(
        DAILY_METRICS,
        day_of(1),
        TableWrite([pl.DataFrame(schema=DAILY_METRICS.schema)], {"Spaces": 7}),
    )
    found = judged(lake)
    assert all(row["trusted"] and not row["flags"] for row in found)
    assert [row["spaces"] for row in found] == [None, 7, None]
    row = found[1]
    assert row.keys() == DAY_QUALITY.columns.keys()
    assert (row["source"], row["origin"], row["models"]) == ("captured", "https://hub", NORMAL)
    assert (row["before"], row["hours"]) == (dt.date.fromisoformat(day_of(0)), 24.0)
    assert (row["unchanged_share"], row["fell_share"]) == (0.0, 0.0)
    assert (row["renamed"], row["deleted"], row["returned"]) == (0, 0, 0)


def test_a_lake_without_days_has_none(lake: Lake) -> None:
    assert judge(lake) == {}
    assert not day_quality.days_trusted(pl.DataFrame(schema=DAY_QUALITY.schema)).passed


def test_a_gap_has_a_row_for_each_day_that_nobody_has(lake: Lake) -> None:
    whole_days(lake, 0, 1, 4)
    lake.folder("models", day_of(2)).mkdir()  # all that a run that was cut off has left
    found = judged(lake)
    assert [row["gap"] for row in found] == [False, False, True, True, False]
    assert found[2]["flags"] == ["gap"]
    assert (found[2]["source"], found[2]["models"], found[2]["trusted"]) == (None, None, False)
    assert (found[4]["hours"], found[4]["trusted"]) == (72.0, True)
    said = day_rules.no_gap_before(lake, summarize_day(lake, day_of(4)))
    assert not said.passed
    assert said.severity == "WARN"
    assert f"Missing: {day_of(2)} to {day_of(3)} (2 days)" in said.description
    for number in (0, 1):
        assert day_rules.no_gap_before(lake, summarize_day(lake, day_of(number))).passed


def test_a_partial_day_is_told_and_is_no_yardstick(lake: Lake) -> None:
    whole_days(lake, 0)
    store_day(lake, day_of(1), rows(1, 9))
    store_day(lake, day_of(2), rows(2, 9))
    whole_days(lake, 3)
    found = judged(lake)
    assert [row["flags"] for row in found] == [[], ["partial"], ["partial"], []]
    assert [row["trusted"] for row in found] == [True, False, False, True]
    assert found[3]["before"] == dt.date.fromisoformat(day_of(0))
    assert (found[1]["deleted"], found[3]["deleted"], found[3]["returned"]) == (11, 0, 0)
    said = day_rules.no_gap_before(lake, summarize_day(lake, day_of(3)))
    assert said.passed
    assert "2 days lie between" in said.description


def test_half_the_rows_are_enough(lake: Lake) -> None:
    whole_days(lake, 0)
    store_day(lake, day_of(1), rows(1, NORMAL // 2))
    assert flags(lake) == [[], []]


def test_the_coverage_of_a_day_is_kept(lake: Lake) -> None:
    kinds: list[Row] = [
        {"source": "hub-stats", "dataset": "a/b", "revision": "c"},
        {"source": "folder", "file": "f"},
        {"limited": True},
        {},
    ]
    for number, facts in enumerate(kinds):
        store_day(lake, day_of(number), rows(number), **facts)
    whole_days(lake, 5)
    whole, lists, limited = baselines.WHOLE_HUB, baselines.FOLDER, baselines.LIMITED
    found = [row["coverage"] for row in judged(lake)]
    assert found == [whole, lists, limited, whole, None, whole]


def test_a_low_total_does_not_make_a_partial_day_a_stall(lake: Lake) -> None:
    whole_days(lake, *range(8))
    store_day(lake, day_of(8), rows(8, 2))
    assert flags(lake)[8] == ["partial"]


def test_a_captured_day_of_which_no_table_is_made_is_no_gap(lake: Lake) -> None:
    whole_days(lake, 0)
    for number, count in ((1, 9), (2, 19)):
        folder = lake.folder("raw_models", day_of(number))
        folder.mkdir(parents=True)
        finished = f"{day_of(number)}T12:00:00+00:00"
        facts = first_manifest(rows=count, distinct=count, finished=finished)
        (folder / "capture.json").write_text(json.dumps(facts))
    found = judged(lake)
    assert [row["flags"] for row in found] == [[], ["partial"], ["stale"]]
    assert [row["trusted"] for row in found] == [True, False, False]
    assert [row["models"] for row in found] == [NORMAL, 9, 19]
    assert found[1]["source"] == "captured"


@pytest.mark.parametrize(
    ("larger", "still", "stalled"),
    [(20, 5, True), (20, 4, False), (10, 3, True), (9, 9, False), (0, 0, False)],
)
def test_a_stall_is_a_quarter_of_ten_larger_models_or_more(
    lake: Lake, larger: int, still: int, stalled: bool
) -> None:
    small = [model(100 + at, downloads=7) for at in range(50)]
    whole = [[*rows(number, larger), *small] for number in (0, 1)]
    whole[1][:still] = whole[0][:still]
    for number in (0, 1):
        store_day(lake, day_of(number), whole[number])
    found = judged(lake)[1]
    assert (found["stalled"], found["trusted"]) == (stalled, not stalled)
    assert found["flags"] == (["stalled"] if stalled else [])
    share = still / larger if larger else None
    assert found["unchanged_share"] == share


def test_a_total_far_under_that_of_the_days_around_is_a_stall(lake: Lake) -> None:
    for number in range(9):
        factor = {5: 0.29, 6: 0.31}.get(number, 1)
        fallen = [{**row, "downloads": int(row["downloads"] * factor)} for row in rows(number)]
        store_day(lake, day_of(number), fallen)
    assert flags(lake) == [[], [], [], [], [], ["stalled"], [], [], []]
    seen = summarize_day(lake, day_of(5))
    said = day_rules.not_stalled(seen, days_around(partial(summarize_day, lake), day_of(5)))
    assert not said.passed
    assert "the median of the days around is" in said.description


def test_three_days_have_no_median(lake: Lake) -> None:
    whole_days(lake, 0, 1)
    store_day(lake, day_of(2), [{**row, "downloads": 1} for row in rows(2)])
    assert flags(lake) == [[], [], []]


def test_lists_and_the_whole_hub_have_medians_of_their_own(lake: Lake) -> None:
    for number in range(12):
        facts = {"source": "folder", "file": "f"} if number % 2 else {}
        scale = 1 if number % 2 else 1000
        moved = [{**row, "downloads": row["downloads"] * scale} for row in rows(number)]
        store_day(lake, day_of(number), moved, **facts)
    assert flags(lake) == [[]] * 12


def counters(lake: Lake, number: int, fallen: int, by: int = 10**5) -> None:
    moved = rows(number)
    for row in moved[:fallen]:
        row["downloads_all_time"] -= by
    store_day(lake, day_of(number), moved)


@pytest.mark.parametrize(("fallen", "back"), [(1, False), (2, True)])
def test_a_rollback_is_more_than_one_counter_in_twenty(lake: Lake, fallen: int, back: bool) -> None:
    whole_days(lake, 0)
    counters(lake, 1, fallen)
    found = judged(lake)[1]
    assert (found["rolled_back"], found["fell_share"]) == (back, fallen / 20)
    assert found["flags"] == (["rolled back"] if back else [])
    said = day_rules.not_rolled_back(summarize_day(lake, day_of(1)))
    assert (said.passed, said.severity == "WARN") == (not back, True)


def test_a_rollback_lasts_until_the_shortfall_is_gone(lake: Lake) -> None:
    whole_days(lake, 0)
    for number in (1, 2, 3):
        counters(lake, number, 5)
    whole_days(lake, 4, 5)
    assert flags(lake) == [[], *[["rolled back"]] * 3, [], []]


def test_a_rollback_that_is_never_made_up_is_the_new_level(lake: Lake) -> None:
    whole_days(lake, 0)
    for number in range(1, 13):
        counters(lake, number, 5)
    found = flags(lake)
    assert found[1 : 2 + day_quality.LONGEST_ROLLBACK] == [["rolled back"]] * 9
    assert found[2 + day_quality.LONGEST_ROLLBACK :] == [[]] * 3


@pytest.mark.parametrize(
    ("time", "known", "short"),
    [("05:59", True, True), ("06:00", True, False), ("05:59", False, False)],
)
def test_a_day_is_short_under_18_hours_where_times_are_known(
    lake: Lake, time: str, known: bool, short: bool
) -> None:
    whole_days(lake, 0)
    finished = f"{day_of(1)}T{time}:00+00:00"
    store_day(lake, day_of(1), rows(1), finished=finished, time_known=known)
    found = judged(lake)[1]
    assert (found["short"], found["trusted"]) == (short, True)
    assert day_rules.long_enough(summarize_day(lake, day_of(1))).passed is not short


def test_columns_that_go_and_come_and_go_blank(lake: Lake) -> None:
    store_day(lake, day_of(0), rows(0, license="mit"), absent=["cardData"])
    half = [*rows(1, license="mit")[:10], *rows(1)[10:]]
    store_day(lake, day_of(1), half, absent=["trendingScore"])
    store_day(lake, day_of(2), [{**row, **moved} for row, moved in zip(rows(2), half, strict=True)],
              absent=["trendingScore"])  # fmt: skip
    found = judged(lake)
    assert found[1]["schema_changes"] == ["+cardData", "-trendingScore"]
    assert found[1]["null_shifts"] == [f"license: 50 % null, 0 % on {day_of(0)}"]
    assert found[1]["trusted"]
    assert [row["flags"][:2] for row in found[:2]] == [[], ["nulls moved", "columns changed"]]
    assert (found[2]["schema_changes"], found[2]["null_shifts"]) == ([], [])
    seen = [summarize_day(lake, day_of(number)) for number in (0, 1)]
    said = day_rules.same_columns(seen[1], seen[0])
    assert not said.passed
    assert said.description == (
        f"+cardData, -trendingScore since {day_of(0)}; license: 50 % null, 0 % on {day_of(0)}."
    )
    assert day_rules.same_columns(seen[0], None).passed


def test_columns_are_those_of_the_last_day_of_the_same_source(lake: Lake) -> None:
    archived = {"source": "hub-stats", "absent": ["gated"]}
    store_day(lake, day_of(0), rows(0, license="mit"))
    store_day(lake, day_of(1), rows(1), **archived)
    store_day(lake, day_of(2), rows(2, 9), **archived)  # broke off
    store_day(lake, day_of(3), rows(3, license="mit"), **archived)
    store_day(lake, day_of(4), rows(4), absent=["likes"])
    found = judged(lake)
    assert [row["null_shifts"] for row in found] == [
        *([], [], []),
        [f"license: 0 % null, 100 % on {day_of(1)}"],
        [f"license: 100 % null, 0 % on {day_of(0)}"],
    ]
    assert [row["schema_changes"] for row in found] == [[], [], [], [], ["-likes"]]
    see = partial(summarize_day, lake)
    alone = baselines.last_alike(lake.days("models"), day_of(1), see, day_rules.alike)
    said = day_rules.same_columns(see(day_of(1)), alone)
    assert (said.passed, said.description) == (True, NOT_COMPARED)


def test_renames_deletions_and_returns_are_counted(lake: Lake) -> None:
    whole_days(lake, 0)
    store_day(lake, day_of(1), [*rows(1)[1:-1], {**rows(1)[-1], "id": "a/new"}, model(77)])
    found = judged(lake)[1]
    # The one that came is older, and was on no day before.
    assert (found["renamed"], found["deleted"], found["returned"]) == (1, 1, 0)
    assert found["first_seen_late"] == 1
    named = {"identity": "name", "source": "folder", "file": "f"}
    for number in (2, 3):
        store_day(lake, day_of(number), rows(number), **named)
    found = judged(lake)[3]
    assert (found["renamed"], found["deleted"], found["left"]) == (None, None, 0)


def quality_of(*flags: list[str]) -> pl.DataFrame:
    """Rows of `day_quality` for as many days."""
    rows = [
        {"day": dt.date.fromisoformat(day_of(number)), "flags": names, "trusted": not names}
        for number, names in enumerate(flags)
    ]
    return pl.DataFrame(rows, schema={name: DAY_QUALITY.schema[name] for name in rows[0]})


def test_the_last_days_that_cannot_be_trusted_are_named(lake: Lake) -> None:
    flags: list[list[str]] = [[] for _ in range(40)]
    flags[3] = ["partial"]
    said = day_quality.days_trusted(quality_of(*flags))
    assert said.passed  # more than a month ago
    assert said.description == f"39 of 40 days are trusted; not: {day_of(3)} (partial)."
    flags[39] = ["stalled"]
    said = day_quality.days_trusted(quality_of(*flags))
    assert not said.passed
    assert f"{day_of(3)} (partial), {day_of(39)} (stalled)." in said.description
    assert said.severity == "WARN"


def test_the_days_of_a_lake_that_cannot_be_trusted_are_named(lake: Lake) -> None:
    whole_days(lake, *range(3))
    store_day(lake, day_of(3), rows(3, 2))
    store_day(lake, day_of(4), rows(2))
    judged(lake)
    said = day_quality.days_trusted(lake.read("day_quality", None).frame.collect())
    assert not said.passed
    assert said.description == (
        f"3 of 5 days are trusted; not: {day_of(3)} (partial), {day_of(4)} (stalled)."
    )
