"""Which days are trusted and comparable, and how far apart they are."""

import numpy as np
import pytest

from hf_assets.hub.quality.baselines import WHOLE_HUB
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.trends.series.calendar import NO_DAY, Calendar, calendar
from hf_assets.trends.series.key_history import (
    author_history,
    category_history,
    license_history,
)
from hf_assets.trends.series.model_history import model_history
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.trends.days import (
    column,
    day,
    frame_of,
    judge,
    kept,
    plain,
    verdict,
)


def test_a_day_that_day_quality_lacks_is_named(lake: Lake) -> None:
    past = kept(lake, plain({0: 1, 1: 1, 2: 1}))
    judge(lake, [verdict(0)])
    with pytest.raises(MissingDay, match="2025-03-02 and 1 more days: materialise day_quality"):
        category_history(past)


def test_no_days_give_empty_series(lake: Lake) -> None:
    past = kept(lake, {})
    for make in (category_history, license_history, author_history, model_history):
        assert frame_of(make(past)).height == 0


def test_neighbours_are_trusted_and_of_the_same_coverage() -> None:
    known = Calendar(
        days=np.arange(6, dtype=np.int32),
        times=np.arange(6.0),
        trusted=np.array([True, False, True, True, False, True]),
        coverage=np.array([0, 0, 1, 0, 1, 0]),
        sources=("captured",) * 6,
    )
    before, after = known.neighbours
    assert before.tolist() == [NO_DAY, 0, NO_DAY, 0, 2, 3]
    assert after.tolist() == [3, 3, NO_DAY, 5, NO_DAY, NO_DAY]
    assert known.earlier(1, 2).tolist() == [NO_DAY, 0, NO_DAY, NO_DAY, 2, 3]


def test_a_coverage_without_a_trusted_day_has_no_earlier_one() -> None:
    known = Calendar(
        days=np.arange(3, dtype=np.int32),
        times=np.arange(3.0),
        trusted=np.array([True, False, True]),
        coverage=np.array([0, 1, 0]),
        sources=("captured",) * 3,
    )
    assert known.earlier(1, 2).tolist() == [NO_DAY, NO_DAY, 0]


def test_times_are_those_of_the_captures(lake: Lake) -> None:
    rows = [
        verdict(0),
        verdict(1, hours=30.0),
        verdict(2, hours=18.0),
        # A capture of the next day cannot be four days later: the days are what is known.
        verdict(3, hours=96.0),
        verdict(4, hours=None),
    ]
    judge(lake, rows)
    quality = lake.read("day_quality", None).frame.collect()
    known = calendar(quality, [day(at).isoformat() for at in range(5)])
    assert (known.times - known.times[0]).tolist() == [0, 1.25, 2, 3, 4]


def test_a_stretch_that_was_recovered_later_is_of_the_same_series(lake: Lake) -> None:
    # Newest first: each stretch begins with a day that had none before it when it was made.
    covers = dict.fromkeys(range(16), WHOLE_HUB)
    days = plain({at: 10_000 + 100 * at for at in covers})
    past = kept(lake, days, coverage=covers, before={10: None, 5: None}, hours={10: None, 5: None})
    growth = column(category_history(past), "growth_7")
    assert [at for at, value in growth.items() if value is not None] == list(range(7, 16))
    assert (past.calendar.times - past.calendar.times[0]).tolist() == list(range(16))


def test_a_day_quality_without_coverage_is_refused(lake: Lake) -> None:
    kept(lake, plain({0: 1}))
    judged = lake.read("day_quality", None)
    judged.frame.drop("coverage").collect().write_parquet(judged.path)
    with pytest.raises(MissingDay, match="coverage: materialise day_quality first"):
        assert Past(lake).calendar
