"""Datasets of a day against their own baseline day, and which days of datasets are trusted."""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from hf_assets.hub import retention
from hf_assets.hub.quality import day_quality, day_rules
from hf_assets.hub.quality.day_summary import days_around, summarize_day
from hf_assets.hub.quality.records import DayComparison
from hf_assets.hub.quality.step import DATASETS, MODELS
from hf_assets.hub.tables.schemas import HUB_DATASETS
from hf_assets.hub.tables.schemas import MODELS as MODELS_TABLE
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.hub.days import (
    Row,
    compare_all,
    counts,
    dataset,
    day_of,
    judge,
    model,
    rows,
    store_datasets,
    store_day,
    whole_days,
)

BORN = dt.datetime.fromisoformat(f"{day_of(1)}T01:00:00+00:00")


def listed(number: int, count: int = 20, **fields: object) -> list[Row]:
    """Larger datasets whose counters have moved on by that many days."""
    ever = {"downloads_all_time": 10**5 + number * 10}
    return [dataset(at, downloads=2_000 + number * 10, **ever, **fields) for at in range(count)]


def days_with_datasets(lake: Lake, *numbers: int) -> None:
    for number in numbers:
        store_datasets(lake, day_of(number), listed(number), sha256=f"d{number}")


def of_models(frame: pl.DataFrame) -> pl.DataFrame:
    mine = frame.filter(~pl.col("dimension").str.starts_with("datasets"))
    return mine.sort("dimension", "key", "age")


def test_what_came_and_what_went_of_datasets(lake: Lake) -> None:
    whole_days(lake, 0, 1)
    then = [dataset(at, license="mit") for at in range(10)]
    store_datasets(lake, day_of(0), then)
    now = [
        *then[:6],
        dataset(6, gated="auto"),
        dataset(7, id="author/seven"),
        dataset(20, created_at=BORN),
        dataset(21),
        dataset(22, created_at=None),
    ]
    store_datasets(lake, day_of(1), now)
    stored = compare_all(lake)[day_of(1)]
    lives = {"created": 1, "older": 1, "undated": 1, "deleted": 2, "renamed": 1, "gated_on": 1,
             "gated_off": 0}  # fmt: skip
    assert counts(stored, "datasets lifecycle") == lives
    assert counts(stored, "datasets compared") == {
        **{"rows": 11, "both": 8, "larger": 0, "larger_unchanged": 0, "all_time": 0},
        **{"all_time_fell": 0, "rows_before": 10},
    }
    nulls = stored.frame.filter(dimension="datasets nulls").collect()
    assert dict(nulls.select("key", "value").iter_rows())["license"] == pytest.approx(5 / 11)
    comparison = DayComparison.read(stored.notes)
    assert comparison.datasets is not None
    assert comparison.datasets.lifecycle.to_json() == lives
    assert (comparison.models, comparison.datasets.datasets) == (20, 11)
    assert stored.notes["rows"] == stored.rows == stored.frame.collect().height
    row = judge(lake)[day_of(1)]
    assert (row["datasets"], row["datasets_deleted"], row["datasets_renamed"]) == (11, 2, 1)
    assert (row["datasets_returned"], row["datasets_first_seen_late"]) == (0, 1)


def test_no_number_of_models_depends_on_datasets(lake: Lake) -> None:
    for number in range(4):
        store_day(lake, day_of(number), rows(number), sha256=f"m{number}")
    without, found = compare_all(lake), judge(lake)
    assert all("datasets" not in one.notes for one in without.values())
    frames = {day: one.frame.collect() for day, one in without.items()}
    # The second day stalls, and a day of datasets is missing: no reason to distrust its models.
    for number in (0, 1, 3):
        store_datasets(lake, day_of(number), listed(0), sha256=f"d{number}")
    again, judged = compare_all(lake), judge(lake)
    of_days = {name for name in found[day_of(0)] if not name.startswith("datasets")}
    for day, one in again.items():
        assert_frame_equal(of_models(one.frame.collect()), of_models(frames[day]))
        same = one.notes.keys() - {"datasets", "rows"}
        assert {name: one.notes[name] for name in same} == {
            name: without[day].notes[name] for name in same
        }
        assert {name: judged[day][name] for name in of_days} == {
            name: found[day][name] for name in of_days
        }
    assert [row["datasets_trusted"] for row in judged.values()] == [True, False, False, False]
    flags = [row["datasets_flags"] for row in judged.values()]
    assert flags == [[], ["stalled"], ["gap"], ["stalled"]]
    assert [row["datasets_trusted"] for row in found.values()] == [None] * 4


def test_datasets_have_a_baseline_day_of_their_own(lake: Lake) -> None:
    whole_days(lake, 0, 1, 2, 3)
    days_with_datasets(lake, 0, 3)
    stored = compare_all(lake)[day_of(3)]
    frame = stored.frame.collect()
    own = frame.filter(pl.col("dimension").str.starts_with("datasets"))
    assert set(own["before"]) == {dt.date.fromisoformat(day_of(0))}
    assert set(own["hours"]) == {72.0}
    assert set(of_models(frame)["before"]) == {dt.date.fromisoformat(day_of(2))}
    row = judge(lake)[day_of(3)]
    assert row["datasets_source"] == "captured"
    assert (row["hours"], row["datasets_hours"]) == (24.0, 72.0)
    assert str(row["datasets_before"]) == day_of(0)


def test_a_dataset_that_was_away_has_returned(lake: Lake) -> None:
    whole_days(lake, 0, 1, 2)
    for number, gone in ((0, False), (1, True), (2, False)):
        store_datasets(lake, day_of(number), listed(number)[gone:])
    compare_all(lake)
    assert [row["datasets_returned"] for row in judge(lake).values()] == [None, 0, 1]
    assert [row["datasets_first_seen_late"] for row in judge(lake).values()] == [None, 0, 0]


def test_a_source_without_datasets_has_no_part(lake: Lake) -> None:
    whole_days(lake, 0)
    store_datasets(lake, day_of(0), [], absent_kind="The archive has no datasets.")
    assert "datasets" not in compare_all(lake)[day_of(0)].notes
    row = judge(lake)[day_of(0)]
    assert (row["datasets"], row["datasets_trusted"], row["trusted"]) == (None, None, True)
    assert day_quality.stale_days(lake) == []


# --- stale -----------------------------------------------------------------------------------


def test_datasets_that_come_afterwards_make_their_day_stale_and_no_other(lake: Lake) -> None:
    whole_days(lake, 0, 1, 2, 3)
    compare_all(lake)
    assert day_quality.stale_days(lake) == []  # days of earlier versions
    days_with_datasets(lake, 2)
    assert day_quality.stale_days(lake) == [day_of(2)]
    row = judge(lake)[day_of(2)]
    assert (row["datasets_flags"], row["datasets_trusted"]) == (["stale"], False)
    assert (row["flags"], row["trusted"]) == ([], True)
    frame = lake.read("day_quality", None).frame.collect()
    assert f"daily_changes of {day_of(2)} again" in day_quality.nothing_stale(frame).description
    compare_all(lake, day_of(2))
    assert day_quality.stale_days(lake) == []
    assert judge(lake)[day_of(2)]["datasets_trusted"]


def test_datasets_of_a_baseline_day_that_come_or_are_replaced(lake: Lake) -> None:
    whole_days(lake, 0, 1, 2, 3)
    days_with_datasets(lake, 0, 2)
    compare_all(lake)
    days_with_datasets(lake, 1)
    # In the run of the first day: the second would follow.
    assert day_quality.stale_days(lake, [day_of(1)]) == [day_of(2)]
    assert day_quality.stale_days(lake) == [day_of(1), day_of(2)]
    compare_all(lake, day_of(1), day_of(2))
    assert day_quality.stale_days(lake) == []
    store_datasets(lake, day_of(1), listed(1, 19), sha256="other")
    compare_all(lake, day_of(1))
    assert day_quality.stale_days(lake) == [day_of(2)]
    compare_all(lake, day_of(2))
    assert day_quality.stale_days(lake) == []


def test_a_day_of_datasets_alone_is_no_baseline(lake: Lake) -> None:
    whole_days(lake, 0, 2)
    days_with_datasets(lake, 0, 1, 2)
    stored = compare_all(lake)[day_of(2)]
    assert stored.notes["datasets"]["before"] == day_of(0)
    assert day_quality.stale_days(lake) == []


def test_a_thinned_day_of_models_gets_the_datasets_that_come_afterwards(lake: Lake) -> None:
    for number in range(2):
        store_day(lake, day_of(number), rows(number), sha256=f"{number}")
    before = compare_all(lake)[day_of(1)]
    retention._thin_table(lake, MODELS_TABLE, day_of(1), "2026-11-01", dry=False)
    days_with_datasets(lake, 0, 1)
    stored = compare_all(lake)[day_of(1)]
    assert_frame_equal(of_models(stored.frame.collect()), of_models(before.frame.collect()))
    assert counts(stored, "datasets compared")["both"] == 20
    assert stored.notes["rows"] == stored.rows
    assert day_quality.stale_days(lake) == []
    # Once more, and nothing is doubled.
    again = compare_all(lake)[day_of(1)]
    assert again.rows == stored.rows


def test_thinned_datasets_keep_what_was_counted_of_them(lake: Lake) -> None:
    whole_days(lake, 0, 1)
    for number in range(2):
        licensed = listed(number, license="mit" if number else None)
        store_datasets(lake, day_of(number), [*licensed, dataset(90 + number, created_at=BORN)])
    before = compare_all(lake)[day_of(1)]
    assert counts(before, "datasets lifecycle")["created"] == 1
    for number in range(2):
        retention._thin_table(lake, HUB_DATASETS, day_of(number), "2026-11-01", dry=False)
    after = compare_all(lake)[day_of(1)]
    assert after.notes["datasets"] == before.notes["datasets"]
    key = ["dimension", "key", "age"]
    assert_frame_equal(after.frame.collect().sort(key), before.frame.collect().sort(key))
    assert day_quality.stale_days(lake) == []


# --- stalls and rollbacks --------------------------------------------------------------------


def test_datasets_that_stall_fall_or_break_off_are_flagged(lake: Lake) -> None:
    whole_days(lake, *range(6))
    for number, of_day in enumerate(
        (
            listed(0),
            listed(1),
            listed(1),
            listed(3),
            [one | {"downloads_all_time": 1} for one in listed(4)],
            listed(5, 9),
        )
    ):
        store_datasets(lake, day_of(number), of_day)
    compare_all(lake)
    found = judge(lake)
    flags = [row["datasets_flags"] for row in found.values()]
    assert flags == [[], [], ["stalled"], [], ["rolled back"], ["partial"]]
    assert all(row["trusted"] for row in found.values())

    def see(day: str) -> day_rules.DaySummary:
        datasets = summarize_day(lake, day).datasets
        assert datasets is not None
        return datasets

    stalled = day_rules.not_stalled(see(day_of(2)), days_around(see, day_of(2)))
    assert "20 larger datasets have the downloads of" in stalled.description
    assert not stalled.passed
    assert not day_rules.not_rolled_back(see(day_of(4))).passed


def test_small_datasets_say_nothing_about_a_stall(lake: Lake) -> None:
    whole_days(lake, 0, 1)
    quiet = [dataset(at, downloads=DATASETS.larger - 1) for at in range(1_000)]
    for number in range(2):
        store_datasets(lake, day_of(number), quiet)
    compare_all(lake)
    assert judge(lake)[day_of(1)]["datasets_flags"] == []


def windows(rng: np.random.Generator, monthly: np.ndarray, active: float) -> np.ndarray:
    """Downloads in 30 days on two days, one after the other, a row a dataset.

    Each is downloaded on a share of the days only, as a Poisson count.
    """
    days = rng.random((len(monthly), 31)) < active
    counts = rng.poisson(monthly[:, None] / 30 / active, (len(monthly), 31)) * days
    return np.stack([counts[:, :30].sum(axis=1), counts[:, 1:].sum(axis=1)], axis=1)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    datasets=st.integers(20, 2_000),
    active=st.sampled_from([1.0, 0.7, 0.4]),
    frozen=st.sampled_from([0.0, 0.75, 0.9, 1.0]),
)
def test_a_stall_is_told_from_counters_that_happen_to_be_equal(
    seed: int, datasets: int, active: float, frozen: float
) -> None:
    """Downloads with a heavy tail, on every day or on some; a stall freezes most counters."""
    rng = np.random.default_rng(seed)
    then, now = windows(rng, 1_000 * (1 + rng.pareto(1.1, datasets)), active).T
    now = np.where(rng.random(datasets) < frozen, then, now)
    larger = then >= DATASETS.larger
    unchanged = int((larger & (then == now)).sum())
    share = unchanged / max(int(larger.sum()), 1)
    flagged = larger.sum() >= day_rules.LEAST_LARGER and share >= DATASETS.stalled
    # By chance a half of a few is equal; the Hub has tens of thousands so large.
    if larger.sum() >= (60 if active > 0.5 else 400):
        assert flagged == (frozen > 0), share


def test_the_rule_of_models_would_see_stalls_where_there_are_none() -> None:
    """Why datasets have a threshold of their own: a quarter of them is equal by chance."""
    rng = np.random.default_rng(1)
    then, now = windows(rng, np.full(4_000, 1_100.0), 1 / 3).T
    share = (then == now).mean()
    assert MODELS.stalled < share < DATASETS.stalled
    every = windows(rng, np.full(4_000, 1_000.0), 1.0)
    assert (every[:, 0] == every[:, 1]).mean() == pytest.approx(0.049, abs=0.015)


@settings(max_examples=6, deadline=None)
@given(
    there=st.lists(st.sets(st.integers(0, 3), max_size=4), min_size=2, max_size=6),
)
def test_any_days_of_datasets_are_compared_and_rated(there: list[set[int]]) -> None:
    """Whatever days have datasets, none is stale once all are compared, and models do not move."""
    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        for number, groups in enumerate(there):
            store_day(lake, day_of(number), [model(at, downloads=9) for at in range(5)])
            if groups:
                few = [dataset(at + 10 * group, created_at=BORN) for group in groups
                       for at in range(4)]  # fmt: skip
                store_datasets(lake, day_of(number), few, sha256=str(number))
        compare_all(lake)
        assert day_quality.stale_days(lake) == []
        found = judge(lake)
        assert not any(row["stale"] for row in found.values())
        for number, groups in enumerate(there):
            row = found[day_of(number)]
            assert row["datasets"] == (4 * len(groups) or None)
            assert row["trusted"]
