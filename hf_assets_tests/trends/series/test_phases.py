"""Lives of models with known shapes, and smoothing against the median of the standard library."""

import datetime as dt
import statistics
from collections.abc import Mapping
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from hf_assets.trends.series import phases
from hf_assets.trends.series.panel import blocks
from hf_assets.trends.series.phases import PHASES_SCHEMA, SMOOTH, phases_of, smoothed
from hf_assets.trends.series.schemas import MODEL_HISTORY
from hf_assets_tests.support.trends.days import FIRST, day

OLD = FIRST - dt.timedelta(400)


def life(
    levels: Mapping[int, float],
    created: dt.date | None = OLD,
    ever: Mapping[int, float | None] | None = None,
) -> dict[str, Any]:
    """The row of one model with those downloads by day."""
    rows = [
        {"hub_id": "x", "id": "a/x", "category": "text", "created": created, "day": day(at),
         "downloads": float(level), "downloads_all_time": (ever or {}).get(at)}
        for at, level in levels.items()
    ]  # fmt: skip
    schema = {name: MODEL_HISTORY.schema[name] for name in rows[0]}
    made = phases_of(pl.DataFrame(rows, schema=schema))
    assert made.select(PHASES_SCHEMA.names()).height == 1
    return made.row(0, named=True)


def line(*points: tuple[int, float]) -> dict[int, float]:
    """Levels on each day, on lines between the points."""
    days = range(points[0][0], points[-1][0] + 1)
    at, levels = zip(*points, strict=True)
    return dict(zip(days, np.interp(list(days), at, levels).tolist(), strict=True))


@pytest.mark.parametrize(
    ("phase", "levels", "created"),
    [
        ("new", line((0, 100), (9, 900)), FIRST),
        # It came into sight, but it is no new model: where it goes is what counts.
        ("rising", line((0, 100), (9, 900)), OLD),
        ("rising", line((0, 100), (60, 900)), OLD),
        ("falling", line((0, 100), (30, 900), (60, 300)), OLD),
        ("peak", line((0, 100), (40, 900), (60, 900)), OLD),
        ("plateau", line((0, 100), (40, 900), (90, 900)), OLD),
        ("plateau", line((0, 900), (20, 900)), OLD),
        ("plateau", line((0, 100), (20, 900), (40, 200), (80, 205)), OLD),
        # Recovering from a trough is rising, however far below the peak.
        ("rising", line((0, 900), (30, 100), (60, 200)), OLD),
        (None, line((0, 100), (5, 900)), OLD),
        # Seen again after a month: nothing says where it goes.
        (None, line((0, 100), (30, 900)) | line((61, 500), (64, 510)), OLD),
        # Seen on few days, but far enough apart.
        ("falling", {0: 900.0, 4: 700.0, 13: 500.0}, OLD),
        # From nothing there is no rate.
        (None, {0: 0.0, 5: 0.0, 12: 0.0, 20: 1.0}, OLD),
    ],
)
def test_phase(phase: str | None, levels: dict[int, float], created: dt.date) -> None:
    assert life(levels, created)["phase"] == phase


def test_a_day_of_robots_is_no_peak() -> None:
    levels = line((0, 100), (40, 500), (80, 100))
    assert life(levels | {10: 9_000.0})["peak_day"] == life(levels)["peak_day"]


def test_peak_half_life_and_plateau() -> None:
    found = life(line((0, 100), (20, 1_000), (30, 1_000), (40, 400), (80, 400)))
    assert found["peak"] == 1_000
    assert found["peak_day"] == day(20)  # four of its seven days are at the top
    # 60 downloads a day down from day 30: under half on day 39, and the median follows a line.
    assert found["half_life"] == 39 - 20
    assert found["peak_to_plateau"] == 2.5
    assert (found["first_day"], found["last_day"], found["days"]) == (day(0), day(80), 81)
    assert found["latest"] == 400


def test_half_life_is_the_last_time_it_halves() -> None:
    dip = line((0, 1_000), (10, 1_000), (14, 300), (20, 300), (24, 800), (30, 800), (40, 100),
               (50, 100))  # fmt: skip
    found = life(dip)
    assert found["half_life"] == 35  # 70 a day down from day 30 on: 450 on day 35
    risen = life(line((0, 1_000), (10, 1_000), (14, 300), (20, 300), (24, 800), (30, 800)))
    assert risen["half_life"] is None


def test_what_is_out_of_sight_is_not_zero() -> None:
    left = life(line((0, 100), (20, 1_000)))
    assert (left["half_life"], left["peak_to_plateau"]) == (None, None)
    back = life(line((0, 100), (20, 1_000)) | line((60, 400), (80, 400)))
    assert back["half_life"] == 60 - (back["peak_day"] - FIRST).days
    assert back["peak_to_plateau"] == back["peak"] / 400


def test_days_to_a_number() -> None:
    created = FIRST - dt.timedelta(10)
    levels = dict.fromkeys(range(30), 5000.0)
    ever = {0: 900, 1: 999, 2: 1_000, 3: None, 4: 9_000, 5: 20_000, 20: 90_000, 28: 100_000}
    found = life(levels, created, ever)
    assert found["days_to_1000"] == 12
    assert found["days_to_10000"] == 15
    assert found["days_to_100000"] is None  # not seen on the eight days in which it crossed
    assert found["days_to_1000000"] is None  # still waiting
    again = life(levels, created, {0: 2_000, 1: 900, 2: 1_100})
    assert again["days_to_1000"] is None  # it had as many when it was first seen
    assert life(levels, phases.FLOOR, {0: 900, 1: 1_000})["days_to_1000"] is None
    assert life(levels, None, {0: 900, 1: 1_000})["days_to_1000"] is None


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(0, 20)),
        min_size=1,
        max_size=40,
        unique_by=lambda row: row[:2],
    )
)
def test_smoothing_is_the_median_of_a_week(rows: list[tuple[int, int, int]]) -> None:
    rows = sorted(rows)
    name, at, level = (np.array(one) for one in zip(*rows, strict=True))
    wanted = [
        statistics.median(x for m, d, x in rows if m == one and abs(d - when) <= SMOOTH)
        for one, when, _ in rows
    ]
    assert smoothed(name, at, level.astype(float)).tolist() == wanted


def test_models_are_judged_a_few_at_a_time_and_whatever_lies_between_their_rows() -> None:
    names = ("day", "hub_id", "id", "category", "created", "downloads", "downloads_all_time")
    schema = {name: MODEL_HISTORY.schema[name] for name in names}
    rows = [
        {"day": day(at), "hub_id": f"id{number}", "id": f"a/{number}-{at}", "created": OLD,
         "category": None if at % 2 else "text", "downloads": 1_000.0 * number + 37 * at % 400,
         "downloads_all_time": 90.0 * at * number}
        for at in range(40) for number in range(7) if (at + number) % 5
    ]  # fmt: skip
    by_day = pl.DataFrame(rows, schema=schema)
    whole = phases_of(by_day)
    assert whole["hub_id"].to_list() == [f"id{number}" for number in range(7)]
    assert whole.schema == PHASES_SCHEMA
    with mock.patch.object(phases, "blocks", partial(blocks, block=2)):
        assert_frame_equal(phases_of(by_day.sort("hub_id", "day")), whole)
    one = phases_of(by_day.filter(pl.col("hub_id") == "id3"))
    assert_frame_equal(one, whole.filter(pl.col("hub_id") == "id3"))
