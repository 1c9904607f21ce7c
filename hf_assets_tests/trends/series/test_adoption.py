"""Shares that have reached a number by age, from days that lie a day apart; lives in numbers.

From a textbook, from simulated lives followed by name, by hand. Steps of days: `test_survival`.
"""

import math
import random
from typing import Any

import polars as pl
import pytest

from hf_assets.storage.lake import Lake
from hf_assets.trends.series.adoption import adoption_history
from hf_assets.trends.series.lifecycle import lifecycle
from hf_assets.trends.series.schemas import ADOPTION_HISTORY, LIFECYCLE
from hf_assets.trends.survival import shares
from hf_assets_tests.support.trends.days import changes, column, day, frame_of, kept


def hazards(rows: list[tuple[int, int, int]], milestone: int = 1_000) -> pl.DataFrame:
    """Rows of age, at risk, reached, a day apart."""
    return pl.DataFrame(
        [(milestone, age, 1, *row) for age, *row in rows],
        schema={"milestone": pl.Int64, "age": pl.Int32, "step": pl.Int32, "at_risk": pl.Int64,
                "reached": pl.Int64},
        orient="row",
    )  # fmt: skip


def test_a_textbook_example() -> None:
    # Freireich et al. 1963, 21 children on 6-MP: weeks until relapse, + where it never came; the
    # estimates and standard errors of Kleinbaum and Klein, Survival Analysis, and of Collett.
    relapsed, censored = (6, 6, 6, 7, 10, 13, 16, 22, 23), (6, 9, 10, 11, 17, 19, 20, 25, 32, 32,
                                                             34, 35)  # fmt: skip
    rows = [
        (week, sum(one >= week for one in relapsed + censored), relapsed.count(week))
        for week in range(1, 36)
    ]
    found = {
        row["age"]: row for row in shares(hazards(rows)).iter_rows(named=True)
        if row["reached"]
    }  # fmt: skip
    wanted = {6: (0.8571, 0.0764), 7: (0.8067, 0.0869), 10: (0.7529, 0.0963),
              13: (0.6902, 0.1068), 16: (0.6275, 0.1141), 22: (0.5378, 0.1282),
              23: (0.4482, 0.1346)}  # fmt: skip
    assert found.keys() == wanted.keys()
    for week, (waiting, error) in wanted.items():
        row = found[week]
        assert 1 - row["share"] == pytest.approx(waiting, abs=5e-5)
        if row["low"] > 0 and row["high"] < 1:
            assert (row["high"] - row["low"]) / (2 * 1.959964) == pytest.approx(error, abs=5e-5)


def naive(lives: list[tuple[int, int, bool]], age: int) -> float:
    """The estimate as one writes it down: lives of entry, end, and whether it was reached."""
    waiting = 1.0
    for when in range(age + 1):
        at_risk = [life for life in lives if life[0] < when <= life[1]]
        reached = sum(end == when and event for _, end, event in at_risk)
        waiting *= 1 - reached / len(at_risk) if at_risk else 1
    return 1 - waiting


def test_hazards_added_up_over_days_are_lives_followed_by_name(lake: Lake) -> None:
    draw = random.Random(5)
    lives, by_day = [], {number: {} for number in range(1, 60)}
    for _ in range(300):
        born = draw.randint(-40, 50)
        needs = draw.randint(1, 50)
        first, last = max(born, 0), min(59, born + draw.randint(5, 90))
        if last <= first or needs <= first - born:
            continue
        end = min(last, born + needs)
        reached = end == born + needs
        lives.append((first - born, end - born, reached))
        for number in range(first + 1, end + 1):
            counts = by_day[number].setdefault(number - born, [0, 0])
            counts[0] += 1
            counts[1] += reached and number == end
    past = kept(lake, {number: [] for number in range(60)})
    for number, ages in by_day.items():
        rows = [
            {"dimension": "adoption", "key": "1000", "age": age, "rows": risk, "value": 1.0 * event}
            for age, (risk, event) in ages.items()
        ]
        changes(lake, number, [*rows, {"dimension": "compared", "key": "rows", "rows": 9}])
    found = lake.write(ADOPTION_HISTORY, None, adoption_history(past)).frame.collect()
    assert found.height == 50
    for age, share in found.select("age", "share").iter_rows():
        assert share == pytest.approx(naive(lives, age))
    assert found["reached"].sum() == sum(event for *_, event in lives)
    assert found["share"].is_sorted()


def test_steps_from_or_to_an_untrusted_day_do_not_count(lake: Lake) -> None:
    past = kept(lake, {number: [] for number in range(6)}, untrusted=[2])
    for number in range(6):
        row = {"dimension": "adoption", "key": "1000", "age": number, "rows": 10, "value": 1.0}
        changes(lake, number, [row])
    found = frame_of(adoption_history(past))
    assert found["age"].to_list() == [1, 4, 5]
    assert found["share"].to_list() == pytest.approx([0.1, 0.19, 0.271])


def test_where_all_reached_it_the_error_is_unknown() -> None:
    found = shares(hazards([(1, 4, 1), (2, 3, 3), (3, 2, 0)]))
    assert found["share"].to_list() == [0.25, 1, 1]
    error = 0.75 * math.sqrt(1 / (4 * 3))
    assert found["high"][0] == pytest.approx(0.25 + 1.959964 * error)
    assert found["low"].to_list() == [0, None, None]
    assert found["high"].to_list()[1:] == [None, None]


def test_milestones_are_apart() -> None:
    both = pl.concat([hazards([(1, 10, 5)], 10_000), hazards([(1, 10, 1), (2, 9, 0)], 1_000)])
    found = shares(both)
    assert found.select("milestone", "age", "share").rows() == [
        (1_000, 1, pytest.approx(0.1)), (1_000, 2, pytest.approx(0.1)), (10_000, 1, 0.5),
    ]  # fmt: skip


def test_lifecycle_counts_what_was_found(lake: Lake) -> None:
    past = kept(lake, {number: [] for number in (0, 1, 3, 4)}, untrusted=[1])

    def lives(**counts: int) -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = [{"dimension": "compared", "key": "rows", "rows": 100}]
        return said + [
            {"dimension": "lifecycle", "key": key, "rows": count} for key, count in counts.items()
        ]

    changes(lake, 0, lives())
    changes(lake, 1, lives(created=5, deleted=90, renamed=1))
    changes(lake, 3, lives(created=8, returned=90, gated_on=2, gated_off=3), before=1)
    changes(lake, 4, lives(created=6))
    made = lake.write(LIFECYCLE, None, lifecycle(past)).frame.collect()
    assert column(made, "created") == {0: None, 1: 5, 3: 8, 4: 6}
    assert column(made, "created_per_day") == {0: None, 1: 5, 3: 4, 4: 6}
    assert column(made, "deleted") == {0: None, 1: 90, 3: None, 4: None}
    assert column(made, "renamed") == {0: None, 1: 1, 3: None, 4: None}
    assert column(made, "models") == dict.fromkeys((0, 1, 3, 4), 100)
    # Day 3 is beside day 1, which is a part: what returned never went.
    assert column(made, "trusted") == {0: True, 1: False, 3: False, 4: True}
    assert column(made, "before") == {0: None, 1: day(0), 3: day(1), 4: day(3)}


def test_what_a_stale_day_counts_is_counted_by_the_days_between(lake: Lake) -> None:
    # Day 3 was compared with day 1 before day 2 was there.
    past = kept(lake, {number: [] for number in range(4)}, stale={3: True}, before={3: 1})
    for number, before, created in ((1, 0, 5), (2, 1, 3), (3, 1, 7)):
        rows = [
            {"dimension": "lifecycle", "key": "created", "rows": created},
            {"dimension": "compared", "key": "rows", "rows": 100},
            {"dimension": "adoption", "key": "1000", "age": number, "rows": 10, "value": 1.0},
        ]
        changes(lake, number, rows, before=before)
    made = frame_of(lifecycle(past))
    assert column(made, "created") == {1: 5, 2: 3, 3: None}
    assert column(made, "created_per_day") == {1: 5, 2: 3, 3: None}
    assert column(made, "models") == {1: 100, 2: 100, 3: 100}
    assert column(made, "trusted") == {1: True, 2: True, 3: False}
    assert frame_of(adoption_history(past))["age"].to_list() == [1, 2]


def test_no_days_give_nothing(lake: Lake) -> None:
    past = kept(lake, {})
    assert frame_of(adoption_history(past)).height == 0
    assert frame_of(lifecycle(past)).height == 0
