"""The days of any model, as its page shows them."""

import polars as pl
import pytest

from hf_assets.storage.lake import Lake
from hf_assets.trends.lives.one_model import days_of
from hf_assets_tests.support.trends.days import day, judge
from hf_assets_tests.support.trends.lives import kept_days, listed


def test_any_model_has_its_days_with_gaps_and_untrusted_days_told_apart(any_lake: Lake) -> None:
    """It was missing on day 3, nobody has day 5, and day 7 is not trusted."""
    rows = {at: [listed(1, 200 + 10 * at), listed(2, 9)] for at in range(12) if at != 5}
    rows[3] = rows[3][1:]
    rows[7] = [listed(1, 999_999), listed(2, 9)]
    kept_days(any_lake, rows, untrusted=[7])
    found = days_of(any_lake, "model_days", "id0001")
    assert found is not None
    assert found["day"].to_list() == [day(at) for at in range(12) if at not in (3, 5)]
    untrusted = found.filter(~pl.col("trusted"))
    assert untrusted["day"].to_list() == [day(7)]
    assert untrusted["downloads"].to_list() == [pytest.approx(270)]
    assert found["growth_7"].last() == pytest.approx(310 / 240 - 1)
    assert set(found.columns) >= {"id", "likes", "downloads_all_time", "growth_28", "source"}


def test_a_model_that_no_day_lists_has_none(lake: Lake) -> None:
    kept_days(lake, {0: [listed(1, 5)]})
    found = days_of(lake, "model_days", "x")
    assert found is not None
    assert found.is_empty()


def test_a_lake_without_the_series_cannot_tell(lake: Lake) -> None:
    assert days_of(lake, "model_days", "id0001") is None


def test_a_series_newer_than_the_quality_of_days_cannot_tell_yet(lake: Lake) -> None:
    kept_days(lake, {0: [listed(1, 5)], 1: [listed(1, 6)]})
    judge(lake, [])
    assert days_of(lake, "model_days", "id0001") is None
