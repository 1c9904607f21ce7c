"""Interpolation and rates, each against the number worked out by hand; then wild ones."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.hub.quality.baselines import FOLDER, WHOLE_HUB
from hf_assets.storage.lake import Lake
from hf_assets.trends.series.calendar import Calendar
from hf_assets.trends.series.key_history import (
    category_history,
)
from hf_assets.trends.series.model_history import model_history
from hf_assets.trends.series.panel import panel
from hf_assets_tests.support.trends.days import (
    category,
    column,
    kept,
    model,
    plain,
)


def test_growth_is_over_the_days_really_spanned(lake: Lake) -> None:
    levels = {0: 10_000, 9: 12_000, 16: 12_000}
    growth = column(category_history(kept(lake, plain(levels))), "growth_7")
    # Nine days: the seventh root of the ninth.
    assert growth[0] is None
    assert growth[9] == pytest.approx(1.2 ** (7 / 9) - 1, rel=1e-6)
    assert growth[16] == pytest.approx(0)


def test_growth_minds_the_hours(lake: Lake) -> None:
    past = kept(lake, plain({0: 10_000, 7: 12_000}), hours={7: 7 * 24 + 12})
    growth = column(category_history(past), "growth_7")
    assert growth[7] == pytest.approx(1.2 ** (7 / 7.5) - 1, rel=1e-6)


def test_a_base_that_is_too_old_or_too_small_is_none(lake: Lake) -> None:
    past = kept(lake, plain({0: 10_000, 15: 12_000, 22: 999, 29: 5_000}))
    made = category_history(past)
    assert column(made, "growth_7") == {
        0: None, 15: None, 22: pytest.approx(999 / 12_000 - 1, rel=1e-6), 29: None,
    }  # fmt: skip
    assert column(made, "growth_28")[29] == pytest.approx((5_000 / 10_000) ** (28 / 29) - 1)


def test_daily_downloads_are_of_all_time_counters_alone(lake: Lake) -> None:
    ever = {0: None, 1: 1_000, 2: 1_500, 5: 3_000, 6: 2_900}
    days = {at: [category("text", 9_000, downloads_all_time=level)] for at, level in ever.items()}
    made = category_history(kept(lake, days))
    # A gap is spanned, a counter that falls was corrected.
    assert column(made, "daily_downloads") == {0: None, 1: None, 2: 500, 5: 500, 6: 0}


def test_acceleration_is_the_second_difference(lake: Lake) -> None:
    square = {at: 1_000 + 3 * at * at for at in (0, 1, 2, 4, 7, 20, 21)}
    found = column(category_history(kept(lake, plain(square))), "acceleration")
    assert {at: value and round(value, 6) for at, value in found.items()} == {
        # Of a parabola it is the same whatever the steps; a step over a week is none.
        0: None, 1: None, 2: 6, 4: 6, 7: 6, 20: None, 21: None,
    }  # fmt: skip


def test_a_stall_is_spread(lake: Lake) -> None:
    levels = {0: 10_000, 1: 10_300, 2: 10_300, 3: 10_300, 4: 10_600}
    days = {
        at: [category("text", level, downloads_all_time=10 * level)] for at, level in levels.items()
    }
    made = category_history(kept(lake, days, untrusted=(2, 3)))
    assert column(made, "downloads") == {0: 10_000, 1: 10_300, 2: 10_400, 3: 10_500, 4: 10_600}
    assert column(made, "daily_downloads") == {0: None, 1: 3_000, 2: 1_000, 3: 1_000, 4: 1_000}
    assert column(made, "trusted") == {0: True, 1: True, 2: False, 3: False, 4: True}


def test_a_stall_at_an_edge_is_unknown(lake: Lake) -> None:
    made = category_history(kept(lake, plain({0: 5, 1: 6, 2: 6}), untrusted=(0, 2)))
    assert column(made, "downloads") == {0: None, 1: 6, 2: None}
    assert column(made, "share_downloads") == {0: None, 1: 1, 2: None}


def test_a_part_of_a_day_has_the_models_of_its_neighbours(lake: Lake) -> None:
    days = {
        0: [model(1, 1_000), model(2, 800, category="old"), model(3, 1)],
        1: [model(1, 10), model(4, 5)],
        2: [model(1, 2_000), model(2, 900)],
    }
    made = model_history(kept(lake, days, untrusted=[1]))
    assert column(made, "downloads", "id0001") == {0: 1_000, 1: 1_500, 2: 2_000}
    assert column(made, "downloads", "id0002") == {0: 800, 1: 850, 2: 900}
    assert column(made, "category", "id0002")[1] == "old"
    assert column(made, "downloads", "id0003") == {0: 1}
    assert column(made, "downloads", "id0004") == {1: None}
    assert column(made, "rank", "id0001") == {0: 1, 1: None, 2: 1}


def test_lists_of_a_folder_and_the_hub_are_not_one_series(lake: Lake) -> None:
    days = plain({at: 1_000 if at < 10 else 9_000_000 for at in range(20)})
    sources = dict.fromkeys(range(10), "folder")
    covers = {at: FOLDER if at < 10 else WHOLE_HUB for at in days}
    past = kept(
        lake, days, untrusted=[10], source=sources, coverage=covers, before={10: None, 11: 10}
    )
    made = category_history(past)
    growth = column(made, "growth_7")
    assert [at for at, value in growth.items() if value is not None] == [7, 8, 9, 18, 19]
    assert column(made, "downloads")[10] is None  # no line from a list to the Hub
    assert column(made, "source")[9] == "folder"
    assert column(made, "acceleration")[11] is None


# Wild


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[int, dict[int, int]], set[int]]:
    """Levels of a few keys by day, with gaps; some inner days are stalled."""
    numbers = sorted(draw(st.sets(st.integers(0, 40), min_size=3, max_size=25)))
    levels, now = {}, {key: draw(st.integers(1_000, 10_000)) for key in range(3)}
    for at in numbers:
        now = {key: level + draw(st.integers(0, 500)) for key, level in now.items()}
        levels[at] = now
    stalled = draw(st.sets(st.sampled_from(numbers[1:-1]), max_size=len(numbers) - 2))
    return levels, stalled


@given(histories())
def test_a_stall_is_never_a_zero_and_then_a_jump(
    drawn: tuple[dict[int, dict[int, int]], set[int]],
) -> None:
    levels, stalled = drawn
    numbers = sorted(levels)
    known = Calendar(
        days=np.array(numbers, np.int32),
        times=np.array(numbers, float),
        trusted=np.array([at not in stalled for at in numbers]),
        coverage=np.zeros(len(numbers), np.int32),
        sources=("captured",) * len(numbers),
    )
    served, last = {}, None
    for at in numbers:
        last = served[at] = levels[at] if at not in stalled or last is None else last
    rows = pl.DataFrame(
        [
            {"at": place, "key": f"k{key}", "downloads": level, "downloads_all_time": level}
            for place, at in enumerate(numbers)
            for key, level in served[at].items()
        ],
        schema_overrides={"at": pl.Int32},
    )
    made = panel(rows, known, "key", ["downloads", "downloads_all_time"])
    daily = made.all_rates()["daily_downloads"]
    at, key = known.days[made.at], made.key
    for one in range(3):
        mine = key == one
        assert at[mine].tolist() == numbers
        level = made.levels["downloads"][mine]
        good = made.trusted[mine]
        assert level[good].tolist() == [levels[n][one] for n in numbers if n not in stalled]
        # What was downloaded from the first day to the last is what the days add up to.
        spans = np.diff(known.times)
        assert np.dot(daily[mine][1:], spans) == pytest.approx(level[-1] - level[0])
        # Between two trusted days every day has the same rate: their mean.
        ends = np.flatnonzero(good)
        for first, second in itertools.pairwise(ends):
            mean = (level[second] - level[first]) / (known.times[second] - known.times[first])
            assert daily[mine][first + 1 : second + 1] == pytest.approx(mean)
            assert np.diff(level[first : second + 1]) == pytest.approx(mean * spans[first:second])
