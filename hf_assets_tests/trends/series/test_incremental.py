"""Series stored by month: the result equals a full rebuild, whatever happened to the days."""

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.trends.series import fingerprints, incremental
from hf_assets.trends.series.adoption import adoption_history
from hf_assets.trends.series.incremental import Series, refresh
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.trends.days import frame_of, judge
from hf_assets_tests.support.trends.quarters import (
    COUNTS,
    DAYS,
    LEVELS,
    Days,
    a_quarter,
    full_at,
    whole,
)


def all_as_if_made_at_once(lake: Lake, of_levels: Sequence[Series] = LEVELS) -> None:
    kept = Past(lake)
    found = [*refresh(kept, *of_levels), *refresh(kept, *COUNTS)]
    for series, stored in zip((*of_levels, *COUNTS), found, strict=True):
        assert_frame_equal(stored.frame.collect(), whole(series, Past(lake)))
        assert stored.rows == stored.frame.collect().height
    adopted = frame_of(adoption_history(kept))
    shutil.rmtree(lake.folder("adoption_history", None))
    assert_frame_equal(frame_of(adoption_history(Past(lake))), adopted)


CHANGE = st.tuples(
    st.sampled_from(["put", "put", "drop", "trust", "folder", "stale"]),
    st.integers(0, DAYS),
    st.integers(0, 9),
)


# Every kind of key: of texts that may be null, of identities, and without any.
FEW_LEVELS = [one for one in LEVELS if one.table.name in ("category_history", "model_history")]


def nights(days: int, count: int) -> st.SearchStrategy[Any]:
    """At most so many days, some untrusted, and at most so many nights of changes to them."""
    return st.tuples(
        st.sets(st.integers(0, DAYS), min_size=1, max_size=days),
        st.sets(st.integers(0, DAYS), max_size=8),
        st.lists(st.lists(CHANGE, min_size=1, max_size=4), min_size=1, max_size=count),
    )


History = tuple[set[int], set[int], list[list[tuple[str, int, int]]]]


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nights(25, 2))
def test_whatever_happens_to_the_days(history: History) -> None:
    whatever_happens(history, FEW_LEVELS)


@pytest.mark.release
@pytest.mark.heavy
@settings(max_examples=16, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nights(40, 4))
def test_whatever_happens_to_many_days(history: History) -> None:
    whatever_happens(history, LEVELS)


def whatever_happens(history: History, of_levels: Sequence[Series]) -> None:
    numbers, untrusted, changes = history
    with TemporaryDirectory() as folder:
        days = Days(Lake(Path(folder)), untrusted=set(untrusted))
        for number in sorted(numbers):
            days.put(number, number * 7 % 10)
        days.judged()
        all_as_if_made_at_once(days.lake, of_levels)
        for night in changes:
            for what, number, seed in night:
                if what == "put":
                    days.put(number, seed)
                elif what == "drop" and number in days.seeds and len(days.seeds) > 1:
                    days.drop(number)
                elif what != "drop":
                    said = {"trust": days.untrusted, "folder": days.folders, "stale": days.stale}
                    said[what] ^= {number}
            days.judged()
            all_as_if_made_at_once(days.lake, of_levels)


@pytest.fixture(scope="module")
def made_quarter(tmp_path_factory: pytest.TempPathFactory) -> Days:
    """The quarter that the tests copy: making it takes two seconds."""
    return a_quarter(Lake(tmp_path_factory.mktemp("quarter") / "lake"))


@pytest.fixture
def quarter(made_quarter: Days, lake: Lake) -> Days:
    """March, April and May up to the 20th, all trusted, and every series of them."""
    # With times and hard links, which tell that a file is the same.
    subprocess.run(["cp", "-a", made_quarter.lake.root, lake.root], check=True)
    return Days(lake, dict(made_quarter.seeds), dict(made_quarter.befores))


def rebuilt(days: Days, change: Callable[[], object], series: Series = LEVELS[0]) -> set[str]:
    """The months of a series (that of categories) that are rebuilt after that."""
    before = _files(days.lake, series)
    change()
    refresh(days.judged(), series)
    after = _files(days.lake, series)
    return {month for month in after if after[month] != before.get(month)}


def _files(lake: Lake, series: Series) -> dict[str, int]:
    name = series.table.name
    return {
        month: (lake.folder(name, month) / "data.parquet").stat().st_mtime_ns
        for month in lake.months(name)
    }


def test_a_new_day_makes_its_month_and_no_other(quarter: Days) -> None:
    assert rebuilt(quarter, lambda: quarter.put(81, 1)) == {"2025-05"}
    assert rebuilt(quarter, lambda: None) == set()
    # The first of June; May is over.
    assert rebuilt(quarter, lambda: quarter.put(92, 1)) == {"2025-06"}


def test_a_day_matters_to_the_months_that_look_back_on_it(quarter: Days) -> None:
    # The 10th of March: of April, whose rates look back 35 days, and no longer of May.
    assert rebuilt(quarter, lambda: quarter.put(9, 9)) == {"2025-03", "2025-04"}
    assert rebuilt(quarter, lambda: quarter.untrusted.add(9)) == {"2025-03", "2025-04"}
    # A day without a file or a row in day_quality goes, and the months with it.
    assert rebuilt(quarter, lambda: quarter.drop(80)) == {"2025-05"}


def test_the_day_after_an_untrusted_one_is_waited_for(quarter: Days) -> None:
    quarter.untrusted |= {58, 59, 60}  # to the last of April
    refresh(quarter.judged(), LEVELS[0])
    # The line that they lie on ends on the first of May.
    assert rebuilt(quarter, lambda: quarter.put(61, 7)) == {"2025-04", "2025-05"}
    assert rebuilt(quarter, lambda: quarter.put(62, 7)) == {"2025-05"}


def test_coverage_and_a_stale_comparison_matter_to_their_months(quarter: Days) -> None:
    # The 10th of April, on which rates of May look back.
    assert rebuilt(quarter, lambda: quarter.folders.add(40)) == {"2025-04", "2025-05"}
    assert rebuilt(quarter, lambda: quarter.stale.add(40), COUNTS[0]) == {"2025-04"}


def test_other_rules_or_columns_rebuild_every_month(quarter: Days) -> None:
    every = {"2025-03", "2025-04", "2025-05"}
    with mock.patch.object(fingerprints, "RULES", fingerprints.RULES + 1):
        assert rebuilt(quarter, lambda: None) == every
    assert rebuilt(quarter, lambda: None) == every
    before = _files(quarter.lake, LEVELS[0])
    (stored,) = refresh(quarter.judged(), LEVELS[0], full_refresh=True)
    assert stored.notes["months made"] == 3
    after = _files(quarter.lake, LEVELS[0])
    assert all(after[month] != before[month] for month in every)


def test_a_file_that_cannot_be_read_is_rebuilt(quarter: Days) -> None:
    path = quarter.lake.folder("category_history", "2025-04") / "data.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert rebuilt(quarter, lambda: None) == {"2025-04"}
    all_as_if_made_at_once(quarter.lake)


@pytest.mark.heavy
def test_a_comparison_rebuilt_before_day_quality_is(quarter: Days) -> None:
    # The first of May is compared with the 29th of April, as the 30th is a gap.
    quarter.drop(60)
    quarter.put(61, 5)
    all_as_if_made_at_once(quarter.judged().lake)
    # The 30th is recovered, and the first of May compared with it; then the series, which know the
    # old day_quality; then day_quality.
    verdicts = dict(quarter.befores)
    quarter.put(60, 5)
    quarter.put(61, 5)
    compared, quarter.befores = quarter.befores, {**verdicts, 60: 59}
    quarter.untrusted.add(60)
    refresh(quarter.judged(), *COUNTS)
    quarter.befores = compared
    quarter.untrusted.clear()
    all_as_if_made_at_once(quarter.judged().lake)


def test_months_that_are_gone_and_a_table_of_one_file_go(quarter: Days) -> None:
    series, lake = LEVELS[0], quarter.lake
    folder = lake.folder(series.table.name, None)
    for number in range(31):
        quarter.drop(number)
    (stored,) = refresh(quarter.judged(), series)
    assert lake.months(series.table.name) == ["2025-04", "2025-05"]
    assert sorted(path.name for path in folder.glob("[!.]*")) == [
        "month=2025-04", "month=2025-05", "months.json",
    ]  # fmt: skip
    assert stored.frame.select(pl.col("day").min()).collect().item() == dt.date(2025, 4, 1)
    assert stored.notes == {
        "days": 50, "days not trusted": 0, "first day": "2025-04-01", "last day": "2025-05-20",
        "months": 2, "months made": 2,
    }  # fmt: skip
    assert stored.bytes == sum(path.stat().st_size for path in stored.months)


def test_a_lake_of_before_counts_until_all_months_are_there(quarter: Days) -> None:
    series, lake = LEVELS[0], quarter.lake
    folder = lake.folder(series.table.name, None)
    shutil.rmtree(folder)
    one = series.make(quarter.judged())
    rows = lake.write(series.table, None, one).rows
    with full_at("2025-04"), pytest.raises(OSError, match="space"):
        refresh(quarter.judged(), series)
    assert not (folder / "month=2025-03").exists(), "half a table is none, for nobody"
    assert lake.read(series.table.name, None).frame.collect().height == rows
    assert lake.read(series.table.name, None).months == ()
    assert refresh(quarter.judged(), series)[0].rows == rows
    assert not (folder / "data.parquet").exists()
    # Nor does what was never whole count at all.
    shutil.rmtree(folder)
    with full_at("2025-04"), pytest.raises(OSError, match="space"):
        refresh(quarter.judged(), series)
    with pytest.raises(MissingDay, match="there is no category_history: materialise it first"):
        lake.read(series.table.name, None)


def test_no_days_are_a_table_without_rows_and_days_unknown_to_day_quality_none(lake: Lake) -> None:
    judge(lake, [])
    assert [one.rows for one in refresh(Past(lake), *LEVELS, *COUNTS)] == [0] * 8
    days = Days(lake)
    days.put(0, 1)
    with pytest.raises(MissingDay, match="day_quality does not know 2025-03-01"):
        refresh(Past(lake), LEVELS[0])
    assert lake.read("category_history", None).rows == 0, "the old table stays"
    refresh(days.judged(), LEVELS[0])
    days.drop(0)
    (stored,) = refresh(days.judged(), LEVELS[0])
    assert (stored.rows, stored.months) == (0, ())


def test_what_died_half_way_is_made_up_for(quarter: Days) -> None:
    before = quarter.lake.read("category_history", None).frame.collect()
    quarter.put(9, 9)
    past = quarter.judged()
    with full_at("2025-04") as written, pytest.raises(OSError, match="space"):
        refresh(past, LEVELS[0])
    assert written == ["2025-03"]
    # Neither months of two refreshes together, nor their rows counted as they were.
    stored = quarter.lake.read("category_history", None)
    assert_frame_equal(stored.frame.collect(), before)
    assert stored.rows == before.height
    # What was made is not made again.
    with full_at("2025-05") as written:
        refresh(past, LEVELS[0])
    assert written == ["2025-04"]
    all_as_if_made_at_once(quarter.lake)


def lake_days(lake: Lake) -> int:
    return lake.read("category_history", None).frame.collect()["day"].n_unique()


def test_columns_that_change_meanwhile_can_be_read(quarter: Days) -> None:
    path = quarter.lake.folder("category_history", "2025-04") / "data.parquet"
    pl.read_parquet(path).drop("likes").with_columns(more=pl.lit(1)).write_parquet(
        path, metadata=pl.read_parquet_metadata(path)
    )
    assert lake_days(quarter.lake) == 81


def test_many_months_are_made_a_few_at_a_time(quarter: Days) -> None:
    shutil.rmtree(quarter.lake.folder("model_history", None))
    with mock.patch.object(incremental, "AT_ONCE", 2):
        all_as_if_made_at_once(quarter.lake)
