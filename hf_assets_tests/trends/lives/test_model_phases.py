"""Phases, growth and spikes of every model, against those of rows a day."""

import datetime as dt
import random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.trends.lives.model_phases import model_phases
from hf_assets.trends.series.model_history import model_history
from hf_assets.trends.series.panel import panel
from hf_assets.trends.series.past import Past
from hf_assets.trends.series.phases import PHASES_SCHEMA, phases_of
from hf_assets.trends.series.schemas import GROWTH, MODEL_HISTORY, MODEL_PHASES
from hf_assets.trends.spikes import is_spike
from hf_assets_tests.support.trends.days import FIRST, day, frame_of, kept, model
from hf_assets_tests.support.trends.lives import Row, in_small_groups, kept_days, listed

OLD = FIRST - dt.timedelta(400)


def phases(past: Past, cells: int = 1 << 22) -> pl.DataFrame:
    made = frame_of(model_phases(past, cells))
    assert made.schema == MODEL_PHASES.schema
    return made


def test_models_by_the_lake(any_lake: Lake) -> None:
    days = {
        at: [listed(1, 1_000 + 100 * at, created=OLD), listed(2, 5_000, created=OLD)]
        + ([listed(3, 100, created=day(15))] if at >= 15 else [])
        for at in range(20)
    }
    past = kept_days(any_lake, days, untrusted=[7, 19])
    made = any_lake.write(MODEL_PHASES, None, model_phases(past))
    found = made.frame.collect()
    assert dict(found.select("hub_id", "phase").iter_rows()) == {
        "id0001": "rising", "id0002": "plateau", "id0003": "new",
    }  # fmt: skip
    # The level of an untrusted last day is not known, so it is not the last day seen.
    assert found["last_day"].to_list() == [day(18)] * 3
    assert found["created"].to_list() == [OLD, OLD, day(15)]
    assert made.notes["models"] == 3
    assert made.notes["models rising"] == 1


def made_up(numbers: range, days: int, seed: int = 0) -> dict[int, list[Row]]:
    """Models that come, go, pause and jump, over days of which one is missing."""
    random.seed(seed)
    found: dict[int, list[Row]] = {}
    for at in range(days):
        if at == days // 2:
            continue
        rows = []
        for number in numbers:
            first, last = number % 4 * 6, days - max(number % 5 - 2, 0) * 9
            if first <= at < last and random.random() > 0.05:
                level = random.choice([0, 900 * number, 800 * number + at, 70 * at * number])
                # Of some the Hub gives no downloads on some days.
                rows.append(listed(number, None if random.random() < 0.03 else level,
                                   created=day(first) if number % 2 else OLD,
                                   downloads_all_time=number * 100 * at))  # fmt: skip
        found[at] = rows
    return found


UNTRUSTED = (0, 9, 20, 21, 41)


def levels_of(days: dict[int, list[Row]], past: Past) -> pl.DataFrame:
    """The rows a day of those days, interpolated."""
    rows = [
        {"at": index, "created": row["created_at"] and row["created_at"].date()}
        | {name: row[name] for name in ("hub_id", "id", "category", *LEVELS)}
        for index, at in enumerate(sorted(days))
        for row in days[at]
    ]
    schema = {"at": pl.Int32, "created": pl.Date, **dict.fromkeys(LEVELS, pl.Float64)}
    frame = pl.DataFrame(rows, schema_overrides=schema)
    one = panel(frame, calendar_of(past, days), "hub_id", LEVELS)
    return one.table(**one.all_rates())


LEVELS = ["downloads", "downloads_all_time"]


def calendar_of(past: Past, days: dict[int, list[Row]]):
    from hf_assets.trends.series.calendar import calendar

    return calendar(past.quality, [day(at).isoformat() for at in sorted(days)])


@pytest.mark.parametrize("cells", [1, 500, 1 << 22])
def test_every_model_has_the_values_of_its_rows(lake: Lake, cells: int) -> None:
    """In parts of any size: of one model, of a few, of all."""
    days = made_up(range(1, 30), 62)
    past = kept_days(lake, days, untrusted=UNTRUSTED)
    in_small_groups(lake, 2)
    made = phases(past, cells)
    rows = levels_of(days, past)
    expected = phases_of(rows).sort("hub_id")
    assert made["hub_id"].is_sorted()
    # Of a model that is gone, category and creation are of the last day of a month.
    assert_frame_equal(made.select(PHASES_SCHEMA.names()), expected, rel_tol=1e-12)
    assert made.height > 20
    grown = made.filter(pl.col("growth_7").is_not_null())
    assert grown.height > 5
    newest = rows.filter(pl.col("day") == grown["last_day"][0])
    both = grown.join(newest, on="hub_id", suffix="_of_rows")
    large = both.filter(pl.col("growth_7_of_rows").is_finite())
    assert large.height > 3
    for name in ("growth_7", "growth_28"):
        known = large.filter(pl.col(f"{name}_of_rows").is_finite())
        assert known[name].to_list() == pytest.approx(known[f"{name}_of_rows"].to_list())


def test_growth_is_of_models_with_a_hundred_downloads_a_week_before(lake: Lake) -> None:
    days = {at: [listed(1, 100 + at), listed(2, 99 + at), listed(3, 50)] for at in range(9)}
    days[8] = days[8][:2]
    found = phases(kept_days(lake, days)).select("hub_id", *GROWTH)
    assert found.row(0)[:2] == ("id0001", pytest.approx(108 / 101 - 1, rel=1e-6))
    assert found.row(1)[1] == pytest.approx(107 / 100 - 1, rel=1e-6)
    assert found.row(2) == ("id0003", None, None, None)
    assert found["growth_28"].null_count() == 3


def test_a_week_that_is_one_day_has_a_large_share(lake: Lake) -> None:
    def ever(number: int, at: int) -> int:
        return 1_000 + (10 * at if number == 1 else 900 * (at >= 6) + at)

    days = {
        at: [
            listed(number, 200 + ever(number, at), created=OLD, downloads_all_time=ever(number, at))
            for number in (1, 2)
        ]
        for at in range(9)
    }
    found = phases(kept_days(lake, days))
    assert found["peak_share"].to_list() == [pytest.approx(1 / 7), pytest.approx(901 / 907)]
    spike = is_spike(pl.col("peak_share"), pl.col("created"), pl.col("last_day"))
    assert found.select(spike).to_series().to_list() == [False, True]


def test_a_rename_keeps_the_past_and_a_source_without_identities_has_names(lake: Lake) -> None:
    days = {
        at: [
            listed(1, 500, id="a/old" if at < 5 else "a/new", category="x" if at < 5 else "y"),
            listed(2, 400, hub_id=None),
        ]
        for at in range(8)
    }
    found = phases(kept_days(lake, days))
    assert found.select("hub_id", "id", "category", "days").rows() == [
        ("id0001", "a/new", "y", 8), ("name:a/m2", "a/m2", "text", 8),
    ]  # fmt: skip


def test_a_model_that_is_gone_keeps_its_category_of_the_last_day_of_a_month(lake: Lake) -> None:
    days = {at: [listed(1, 500)] + [listed(2, 300, created=OLD)] * (at < 33) for at in range(40)}
    found = phases(kept_days(lake, days))
    assert found.select("id", "category", "created", "last_day").row(1) == (
        "a/m2", "text", OLD, day(32),
    )  # fmt: skip


def test_no_models_have_no_phases(lake: Lake) -> None:
    past = kept_days(lake, {})
    assert lake.write(MODEL_PHASES, None, model_phases(past)).rows == 0


def test_a_lake_without_model_days_has_those_of_the_first_thousand(lake: Lake) -> None:
    past = kept(lake, {at: [model(1, 1_000 + 100 * at, created=OLD)] for at in range(20)})
    lake.write(MODEL_HISTORY, None, model_history(past))
    made = lake.write(MODEL_PHASES, None, model_phases(past))
    assert made.frame.select("id", "phase", "growth_7").collect().rows() == [
        ("a/m1", "rising", None),
    ]  # fmt: skip
    assert made.notes == {"models": 1, "models rising": 1}


def test_without_any_series_it_says_what_to_materialise(lake: Lake) -> None:
    with pytest.raises(MissingDay, match="there is no model_history: materialise it first"):
        model_phases(Past(lake))
