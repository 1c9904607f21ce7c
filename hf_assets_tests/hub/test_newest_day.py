"""Whether the newest trusted day is as new as it should be."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from hf_assets.hub.newest_day import expected_day, newest_day_is_current
from hf_assets.hub.quality.schemas import DAY_QUALITY

TODAY, YESTERDAY = date(2026, 11, 27), date(2026, 11, 26)
LONG_AGO = datetime.fromisoformat("2026-01-01T12:00:00+00:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}:00+00:00")


@pytest.mark.parametrize(
    ("now", "since", "expected"),
    [
        ("27T08:00", LONG_AGO, TODAY),
        ("27T07:59", LONG_AGO, YESTERDAY),
        ("27T00:00", LONG_AGO, YESTERDAY),
        ("27T23:59", LONG_AGO, TODAY),
        # Off: nobody captures, and nothing is expected.
        ("27T12:00", None, None),
        # Switched on in the afternoon: it begins the next night.
        ("27T15:00", at("27T14:00"), None),
        ("28T07:59", at("27T14:00"), None),
        ("28T08:00", at("27T14:00"), date(2026, 11, 28)),
        # Before 03:00: it begins the same day.
        ("27T08:00", at("27T02:59"), TODAY),
        ("27T07:00", at("27T02:59"), None),
    ],
)
def test_the_day_that_is_due(now: str, since: datetime | None, expected: date | None) -> None:
    assert expected_day(at(now), 8, since) == expected


def quality(*days: tuple[date, list[str]]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {"day": day, "flags": flags, "trusted": not flags, "gap": "gap" in flags}
        for day, flags in days
    ]
    return pl.DataFrame(rows, schema=DAY_QUALITY.schema)


@pytest.mark.parametrize(
    ("days", "captured", "expected", "said"),
    [
        ([(YESTERDAY, [])], YESTERDAY, TODAY, "it is not captured"),
        ([(YESTERDAY, [])], None, TODAY, "it is not captured"),
        ([(YESTERDAY, [])], TODAY, TODAY, "day_quality does not have it yet"),
        ([(YESTERDAY, []), (TODAY, ["stalled"])], TODAY, TODAY, "not trusted (stalled)"),
        ([], None, TODAY, "No day is trusted yet, and 2026-11-27 is due: nothing is captured. Run"),
        (None, TODAY, TODAY, "day_quality does not have it yet"),
    ],
)
def test_an_old_day_fails_and_says_what_to_do(
    days: Any, captured: date | None, expected: date, said: str
) -> None:
    table = None if days is None else quality(*days)
    result = newest_day_is_current(table, expected, lambda: captured)
    assert not result.passed
    assert result.severity == "ERROR"
    assert f"{TODAY} is due" in result.description
    assert said in result.description


@pytest.mark.parametrize(
    ("days", "expected", "said"),
    [
        ([(TODAY, [])], TODAY, "2026-11-27 is captured and trusted"),
        ([(TODAY, [])], YESTERDAY, "2026-11-27 is captured and trusted"),
        ([(YESTERDAY, [])], None, "No day is expected"),
        ([], None, "No day is expected"),
    ],
)
def test_a_current_day_passes_without_a_look_at_the_captures(
    days: Any, expected: date | None, said: str
) -> None:
    result = newest_day_is_current(quality(*days), expected, lambda: pytest.fail("looked"))
    assert result.passed
    assert said in result.description
