"""Spreading and rates, each against the number worked out by hand; then wild ones."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from hf_assets.hub.quality.baselines import FOLDER, WHOLE_HUB
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.trends.series.calendar import NO_DAY, Calendar, calendar
from hf_assets.trends.series.key_history import (
    author_history,
    category_history,
    library_history,
    license_history,
)
from hf_assets.trends.series.model_history import model_history
from hf_assets.trends.series.panel import panel, panels
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.schemas import CATEGORY_HISTORY, LICENSE_HISTORY, MODEL_HISTORY
from hf_assets_tests.support.trends.days import (
    category,
    column,
    day,
    frame_of,
    judge,
    kept,
    model,
    verdict,
)


def plain(downloads: Mapping[int, int | None], **more: Any) -> dict[int, list[dict[str, Any]]]:
    """One category with those downloads by day."""
    return {at: [category("text", level, **more)] for at, level in downloads.items()}


# The calendar


def test_a_day_without_verdict_is_named(lake: Lake) -> None:
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


def test_verdicts_without_coverage_are_refused(lake: Lake) -> None:
    kept(lake, plain({0: 1}))
    judged = lake.read("day_quality", None)
    judged.frame.drop("coverage").collect().write_parquet(judged.path)
    with pytest.raises(MissingDay, match="coverage: materialise day_quality first"):
        assert Past(lake).calendar


# Rates


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


# Keys


def test_shares_are_of_the_whole_day(lake: Lake) -> None:
    rows = [
        category("text", 600, rows=3),
        category(None, 300, rows=1),
        category("(other)", 100, rows=4, rank=None),
        {"dimension": "library", "key": "x", "rank": 1, "rows": 2, "downloads": 500},
        {"dimension": "license", "key": "mit", "rank": 1, "rows": 2, "downloads": 250},
        {"dimension": "license_group", "key": "none", "rank": 1, "rows": 6, "downloads": 750},
        {"dimension": "against_base", "key": "looser", "rank": 1, "rows": 1, "downloads": 10},
        {"dimension": "against_base", "key": "same", "rank": 2, "rows": 3, "downloads": 30},
        {"dimension": "author", "key": "a", "rank": 1, "rows": 2, "downloads": 500},
        {"dimension": "author", "key": "(other)", "rank": None, "rows": 2, "downloads": 50},
    ]
    past = kept(lake, {0: rows})
    categories = frame_of(category_history(past))
    assert categories.sort("downloads")["share_downloads"].to_list() == [0.1, 0.3, 0.6]
    assert categories["share_rows"].sum() == 1
    assert column(library_history(past), "share_downloads") == {0: 0.5}
    assert frame_of(author_history(past))["key"].to_list() == ["a"]
    licenses = frame_of(license_history(past))
    found = {(of, key): (rows, downloads) for of, key, rows, downloads in licenses.select(
        "of", "key", "share_rows", "share_downloads").iter_rows()}  # fmt: skip
    assert found == {
        ("license", "mit"): (0.25, 0.25),
        ("group", "none"): (0.75, 0.75),
        ("against_base", "looser"): (0.25, 0.25),
        ("against_base", "same"): (0.75, 0.75),
    }


def test_the_rest_in_one_row_has_no_rates_and_is_told_from_a_key_spelt_like_it(lake: Lake) -> None:
    days = {
        at: [
            category("text", 5_000),
            category("(other)", 2_000 + at, rank=2),
            category("(other)", 1_000 * (at + 1), rank=None),
        ]
        for at in range(8)
    }
    made = category_history(kept(lake, days))
    assert column(made, "downloads", "(other)")[7] == 8_000
    assert set(column(made, "growth_7", "(other)").values()) == {None}
    assert column(made, "growth_7", "text")[7] == 0


def test_a_rename_does_not_break_a_series(lake: Lake) -> None:
    days = {at: [model(1, 2_000 + at, key="a/old" if at < 4 else "b/new")] for at in range(8)}
    made = model_history(kept(lake, days))
    assert column(made, "growth_7", "id0001")[7] == pytest.approx(7 / 2_000)
    assert column(made, "id", "id0001")[3] == "a/old"
    assert column(made, "id", "id0001")[4] == "b/new"


def test_velocity_is_a_day_of_age(lake: Lake) -> None:
    created = {1: day(0), 2: day(10), 3: None}
    rows = [model(at, 5, downloads_all_time=900, created=when) for at, when in created.items()]
    made = model_history(kept(lake, {10: rows}))
    assert frame_of(made)["velocity"].to_list() == [90, 900, None]


def test_a_model_may_come_and_go(lake: Lake) -> None:
    seen = {0: 1_000, 1: 2_000, 4: 5_000, 12: 13_000}
    days = {
        at: [model(2, 7_000, downloads_all_time=50_000)]
        + ([model(1, 9_000, downloads_all_time=seen[at])] if at in seen else [])
        for at in range(13)
    }
    made = model_history(kept(lake, days))
    # Three days out of sight are still a daily rate; eight are not.
    assert column(made, "daily_downloads", "id0001") == {0: None, 1: 1_000, 4: 1_000, 12: None}
    # Seen last on the fourth day: eight days for seven.
    assert column(made, "growth_7", "id0001")[12] == pytest.approx(0)


def test_the_tables_hold_what_they_promise(lake: Lake) -> None:
    rows = [category("text", 5), model(1, 5), {"dimension": "license", "key": "mit", "rank": 1}]
    past = kept(lake, {0: rows, 3: rows})
    tables = ((CATEGORY_HISTORY, category_history), (LICENSE_HISTORY, license_history),
              (MODEL_HISTORY, model_history))  # fmt: skip
    for table, make in tables:
        stored = lake.write(table, None, make(past))
        assert stored.rows == 2
        assert stored.notes == {"days": 2, "days not trusted": 0,
                                "first day": "2025-03-01", "last day": "2025-03-04"}  # fmt: skip


def test_a_column_that_an_old_day_lacks_is_null(lake: Lake) -> None:
    past = kept(lake, {0: [model(1, 5, created=day(0))], 1: [model(1, 6, created=day(0))]})
    path = lake.read("daily_metrics", day(0).isoformat()).path
    pl.read_parquet(path).drop("created").write_parquet(path)
    assert column(model_history(past), "created") == {0: None, 1: day(0)}


def test_a_few_keys_at_a_time_give_what_all_at_once_do(lake: Lake) -> None:
    days = {
        at: [model(number, 1_000 * number + 10 * at, downloads_all_time=9_000 * number + at * at)
             for number in range(1, 6) if (at + number) % 7]
        for at in range(40) if at != 20
    }  # fmt: skip
    past = kept(lake, days, untrusted=[0, 9, 30])
    rows = past.dimension("model").select("at", "hub_id", "key", "downloads", "downloads_all_time")
    told = (past.calendar, "hub_id", ["downloads", "downloads_all_time"])
    whole = panel(rows, *told)
    for block in (1, 50, 1_000):
        parts = list(panels(rows, *told, block))
        assert len(parts) == {1: 5, 50: 3, 1_000: 1}[block]
        assert np.concatenate([one.key for one in parts]).tolist() == whole.key.tolist()
        found = pl.concat(one.table(**one.all_rates()) for one in parts)
        assert_frame_equal(found, whole.table(**whole.all_rates()))


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
