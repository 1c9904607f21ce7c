"""Which weeks are one-day spikes, against the rule by hand."""

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.trends.series.schemas import MODEL_HISTORY
from hf_assets.trends.spikes import spikes

LAST = dt.date(2026, 11, 20)
OLD = dt.date(2024, 1, 1)


def models(weeks: dict[str, list[float | None]], created: dt.date | None = OLD) -> pl.LazyFrame:
    """Models with those daily downloads up to `LAST`."""
    rows: list[dict[str, Any]] = [
        {"day": LAST - dt.timedelta(len(week) - 1 - at), "hub_id": name, "created": created,
         "daily_downloads": value}
        for name, week in weeks.items()
        for at, value in enumerate(week)
    ]  # fmt: skip
    return pl.LazyFrame(rows, schema=MODEL_HISTORY.schema)


def found(week: list[float | None], created: dt.date | None = OLD) -> bool:
    return bool(spikes(models({"a": week}, created), LAST).height)


@pytest.mark.parametrize(
    ("week", "spike"),
    [
        ([10, 10, 10, 10, 10, 10, 10], False),
        ([10, 10, 10, 10, 10, 10, 91], True),
        # 60 % is not more than 60 %.
        ([10, 10, 10, 10, 10, 10, 90], False),
        ([91, 10, 10, 10, 10, 10, 10], True),
        # The large day is before the week.
        ([9999, 10, 10, 10, 10, 10, 10, 10], False),
        # Of four known days nothing is said; five are enough.
        ([None, None, None, 0, 0, 0, 99], False),
        ([None, None, 0, 0, 0, 0, 99], True),
        ([0, 0, 0, 0, 0, 0, 0], False),
        ([None] * 7, False),
        ([float("nan"), 1, 1, 1, 1, 1, 99], True),
        ([], False),
    ],
)
def test_a_week_that_is_one_day(week: list[float | None], *, spike: bool) -> None:
    assert found(week) is spike


def test_a_new_model_may_have_most_of_its_week_on_a_day() -> None:
    new, grown = LAST - dt.timedelta(29), LAST - dt.timedelta(30)
    week: list[float | None] = [5, 5, 5, 5, 5, 5, 70]  # 70 %
    assert found(week, grown)
    assert not found(week, new)
    assert found([1, 1, 1, 1, 1, 1, 70], new)
    # Without a date of creation it counts as an older one.
    assert found(week, None)


@settings(max_examples=60)
@given(
    weeks=st.dictionaries(
        st.sampled_from("abcd"),
        st.lists(st.none() | st.integers(0, 20), max_size=10),
        min_size=1,
    ),
    new=st.booleans(),
)
def test_the_rule_by_hand(weeks: dict[str, list[float | None]], *, new: bool) -> None:
    wanted = set()
    for name, week in weeks.items():
        known = [value for value in week[-7:] if value is not None]
        if len(known) >= 5 and sum(known) and max(known) / sum(known) > (0.8 if new else 0.6):
            wanted.add(name)
    made = spikes(models(weeks, LAST if new else OLD), LAST)
    assert set(made["hub_id"]) == wanted
    assert made["peak_share"].is_between(0.6, 1).all()
