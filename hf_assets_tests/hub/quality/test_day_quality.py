"""Which days can be trusted: each rule at its edge, and real days that are known to be bad."""

import datetime as dt
import gzip
import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.hub.quality import changes, coverage, day_quality, day_rules
from hf_assets.hub.quality.schemas import DAILY_CHANGES, DAY_QUALITY
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS
from hf_assets_tests.support.hub.captures import first_manifest
from hf_assets_tests.support.hub.days import Row, compare, day_of, judge, model, store_day

NORMAL = 20


def rows(number: int, count: int = NORMAL, **fields: Any) -> list[Row]:
    """Larger models whose counters have moved on by that many days."""
    return [
        model(at, downloads=20_000 + number * 10, downloads_all_time=10**6 + number * 10, **fields)
        for at in range(count)
    ]


def whole_days(lake: Lake, *numbers: int) -> None:
    for number in numbers:
        store_day(lake, day_of(number), rows(number))


def judged(lake: Lake) -> list[Row]:
    compare(lake)
    return list(judge(lake).values())


def flags(lake: Lake) -> list[list[str]]:
    return [row["flags"] for row in judged(lake)]


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
    said = day_rules.no_gap_before(lake, day_quality.seen(lake, day_of(4)))
    assert not said.passed
    assert said.severity == "WARN"
    assert f"nobody has {day_of(2)} to {day_of(3)} (2 days)" in said.description
    for number in (0, 1):
        assert day_rules.no_gap_before(lake, day_quality.seen(lake, day_of(number))).passed


# Partial


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
    said = day_rules.no_gap_before(lake, day_quality.seen(lake, day_of(3)))
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
    whole, lists, limited = coverage.WHOLE_HUB, coverage.FOLDER, coverage.LIMITED
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


# Stalls


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
    seen = day_quality.seen(lake, day_of(5))
    said = day_rules.not_stalled(
        seen, day_quality.around(partial(day_quality.seen, lake), day_of(5))
    )
    assert not said.passed
    assert "where the days around have" in said.description


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


# Rollbacks


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
    said = day_rules.not_rolled_back(day_quality.seen(lake, day_of(1)))
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
    assert found[1 : 2 + day_quality.LONGEST_HELD] == [["rolled back"]] * 9
    assert found[2 + day_quality.LONGEST_HELD :] == [[]] * 3


# Short days, columns, neighbours


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
    assert day_rules.long_enough(day_quality.seen(lake, day_of(1))).passed is not short


def test_columns_that_go_and_come_and_go_blank(lake: Lake) -> None:
    store_day(lake, day_of(0), rows(0, license="mit"), absent=["cardData"])
    half = [*rows(1, license="mit")[:10], *rows(1)[10:]]
    store_day(lake, day_of(1), half, absent=["trendingScore"])
    store_day(lake, day_of(2), [{**row, **moved} for row, moved in zip(rows(2), half, strict=True)],
              absent=["trendingScore"])  # fmt: skip
    found = judged(lake)
    assert found[1]["schema_changes"] == ["+cardData", "-trendingScore"]
    assert found[1]["null_shifts"] == ["license +50.0% null"]
    assert found[1]["trusted"]
    assert [row["flags"][:2] for row in found[:2]] == [[], ["nulls moved", "columns changed"]]
    assert (found[2]["schema_changes"], found[2]["null_shifts"]) == ([], [])
    seen = [day_quality.seen(lake, day_of(number)) for number in (0, 1)]
    said = day_rules.same_columns(seen[1], seen[0])
    assert not said.passed
    assert said.description == f"+cardData; -trendingScore; license +50.0% null since {day_of(0)}."
    assert day_rules.same_columns(seen[0], None).passed


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
    assert f"daily_changes of {day_of(3)} anew" in said.description
    compare(lake, day_of(3))
    assert judge(lake)[day_of(3)]["trusted"]
    assert day_quality.nothing_stale(lake.read("day_quality", None).frame.collect()).passed


def test_a_day_that_was_replaced_makes_the_next_one_stale(lake: Lake) -> None:
    for number in range(3):
        store_day(lake, day_of(number), rows(number), sha256=f"{number:064x}")
    judged(lake)
    assert day_quality.still_stale(lake) == []
    store_day(lake, day_of(1), rows(1, 19), sha256=f"{9:064x}")
    compare(lake, day_of(1))
    assert [day for day, row in judge(lake).items() if row["stale"]] == [day_of(2)]
    assert day_quality.still_stale(lake) == [day_of(2)]
    compare(lake, day_of(2))
    assert day_quality.still_stale(lake) == []
    assert not any(row["stale"] for row in judge(lake).values())


def slowly_stale(lake: Lake, day: str) -> bool:
    """Placed alone, and compared with what `daily_changes` says of itself."""
    known = lake.days("models")
    at, look_back = known.index(day), coverage.LOOK_BACK
    while True:
        begin = max(at - look_back, 0)
        near = [lake.read("models", one) for one in known[begin : at + 1 + coverage.FOLLOWING]]
        facts = {one.day: changes.facts_of(one) for one in near}
        place = coverage.places(
            coverage.extent_of(one.day, facts[one.day], one.rows) for one in near
        )[day]
        if not begin or place.before or not near[at - begin].rows:
            break
        look_back *= 4
    notes = lake.notes("daily_changes", day)
    replaced = place.before and notes["before sha256"] not in (None, facts[place.before]["sha256"])
    other = notes["before"] != place.before or notes["partial"] or replaced
    return bool(other and not place.partial)


@settings(max_examples=10, deadline=None)
@given(
    drawn=st.lists(
        st.tuples(st.integers(0, 20), st.sampled_from([3, 4, 5, 9, 10, 11]), st.booleans()),
        min_size=1,
        max_size=30,
    ),
    look_back=st.sampled_from([2, 5, 30]),
)
def test_the_stale_days_are_those_found_one_by_one(
    drawn: list[tuple[int, int, bool]], look_back: int
) -> None:
    with TemporaryDirectory() as folder, mock.patch.object(coverage, "LOOK_BACK", look_back):
        lake = Lake(Path(folder))
        for at, (number, count, of_folder) in enumerate(drawn):
            facts = {"source": "folder", "file": "f"} if of_folder else {}
            store_day(lake, day_of(number), rows(number, count), sha256=str(at), **facts)
            compare(lake, day_of(number))
        stale = [day for day in lake.days("models") if slowly_stale(lake, day)]
        assert day_quality.still_stale(lake) == stale
        assert [day for day, row in judge(lake).items() if row["stale"]] == stale
        last = day_of(drawn[-1][0])
        assert set(day_quality.still_stale(lake, [last])) <= set(stale) - {last}
        compare(lake, *stale)
        assert day_quality.still_stale(lake) == []
        assert not any(row["stale"] for row in judge(lake).values())


def test_each_footer_is_read_once_however_many_days_are_stale(lake: Lake) -> None:
    number = 36  # more than are looked at around one
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
        assert len(day_quality.still_stale(lake)) == number
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
    assert day_quality.still_stale(lake) == []


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


def test_the_last_days_that_cannot_be_trusted_are_named(lake: Lake) -> None:
    whole_days(lake, *range(40))
    store_day(lake, day_of(3), rows(3, 2))
    compare(lake)
    judge(lake)
    frame = lake.read("day_quality", None).frame.collect()
    said = day_quality.days_trusted(frame)
    assert said.passed  # more than a month ago
    assert said.description == f"39 of 40 days are trusted; not: {day_of(3)} (partial)."
    store_day(lake, day_of(39), rows(38))
    compare(lake)
    judge(lake)
    said = day_quality.days_trusted(lake.read("day_quality", None).frame.collect())
    assert not said.passed
    assert f"{day_of(3)} (partial), {day_of(39)} (stalled)." in said.description
    assert said.severity == "WARN"


# Real days


def test_real_lists_of_august_2026_stood_still_on_the_eighth(lake: Lake, real_data: Path) -> None:
    paths = sorted((real_data / "hub-top-models-daily-2026-08").glob("*.json"))
    for path in paths:
        told = json.loads(path.read_text())
        listed = pl.DataFrame(told["models"], infer_schema_length=None)
        models = listed.select(
            *("id", "likes", "downloads"),
            hub_id="name:" + pl.col("id"),
            created_at=pl.col("createdAt").str.to_datetime(time_zone="UTC", time_unit="ms"),
            floor_dated=pl.lit(value=False),
        ).to_dicts()
        facts = {"source": "folder", "file": path.name, "identity": "name",
                 "finished": told["fetched_at"]}  # fmt: skip
        store_day(lake, path.stem, models, **facts)
    compare(lake)
    found = judge(lake)
    assert [row["models"] for row in found.values()] == [
        531, 531, 530, 530, 529, 531, 530, 531, 531, 527
    ]  # fmt: skip
    assert found["2026-08-08"]["unchanged_share"] == 1.0
    assert found["2026-08-08"]["stalled"]
    assert not found["2026-08-08"]["trusted"]
    assert found["2026-08-09"]["unchanged_share"] == 0.0
    assert found["2026-08-09"]["trusted"]
    assert found["2026-08-07"]["downloads"] == 2_071_003_854
    assert found["2026-08-16"]["downloads"] == 2_141_236_043
    assert [day for day, row in found.items() if not row["trusted"]] == ["2026-08-08", "2026-08-13"]


def test_real_lists_of_2024_begin_with_a_repeated_day(lake: Lake, real_data: Path) -> None:
    with gzip.open(real_data / "hub-transformersjs-daily" / "daily.csv.gz") as file:
        listed = pl.read_csv(file.read(), infer_schema_length=None)
    days = listed["day"].unique().sort().to_list()[:12]
    for day in days:
        models = listed.filter(day=day).select("id", "downloads", hub_id="name:" + pl.col("id"))
        facts = {"source": "folder", "file": "daily.csv.gz", "identity": "name",
                 "time_known": False}  # fmt: skip
        store_day(lake, day, models.to_dicts(), **facts)
    compare(lake)
    found = judge(lake)
    assert found["2024-05-08"]["downloads"] == 21_482_908
    assert found["2024-05-09"]["unchanged_share"] == 1.0
    assert found["2024-05-09"]["flags"] == ["stalled"]
    assert found["2024-05-08"]["trusted"]
    assert [day for day, row in found.items() if row["stalled"]] == ["2024-05-09", "2024-05-14"]


def test_a_real_day_that_stood_still_is_found_when_the_day_before_it_comes_later(
    lake: Lake, real_data: Path
) -> None:
    with gzip.open(real_data / "hub-transformersjs-daily" / "daily.csv.gz") as file:
        listed = pl.read_csv(file.read(), infer_schema_length=None)
    for day in ("2024-05-10", "2024-05-09", "2024-05-08"):
        models = listed.filter(day=day).select("id", "downloads", hub_id="name:" + pl.col("id"))
        facts = {"source": "folder", "file": "daily.csv.gz", "identity": "name"}
        store_day(lake, day, models.to_dicts(), **facts)
        compare(lake, day)
    found = judge(lake)
    assert [row["flags"] for row in found.values()] == [[], ["stale"], ["stale"]]
    assert [row["trusted"] for row in found.values()] == [True, False, False]
    assert day_quality.still_stale(lake, ["2024-05-08"]) == ["2024-05-09", "2024-05-10"]
    compare(lake, "2024-05-09", "2024-05-10")
    assert [row["flags"] for row in judge(lake).values()] == [[], ["stalled"], []]
