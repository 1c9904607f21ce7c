"""Whether the newest trusted day is as new as it should be at that time of day.

A day is expected where somebody captures: from the first day that the schedule `daily_capture`
begins after it was switched on. A lake that nobody captures into expects nothing.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import polars as pl

from hf_assets.rule_result import RuleResult

# When the schedule `daily_capture` begins, UTC.
BEGINS = time(3)


def expected_day(now: datetime, due_hour: int, since: datetime | None) -> date | None:
    """The day that is to be trusted by now; None where none is expected.

    Args:
        now: the time, UTC.
        due_hour: from that hour on it is today, before it yesterday.
        since: when the schedule was switched on; None while it is off.
    """
    if since is None:
        return None
    first = since.date() + timedelta(days=since.time() > BEGINS)
    expected = now.date() - timedelta(days=now.hour < due_hour)
    return expected if expected >= first else None


def newest_day_is_current(
    quality: pl.DataFrame | None, expected: date | None, newest_capture: Callable[[], date | None]
) -> RuleResult:
    """The newest trusted day is the expected one, or a later one.

    Args:
        quality: rows of `DAY_QUALITY`; None where it is not materialized.
        expected: by `expected_day`.
        newest_capture: the newest day with usable captures of models and Spaces; called for a
            failure.
    """
    trusted = None if quality is None else quality.filter("trusted")["day"].max()
    assert trusted is None or isinstance(trusted, date)
    metadata = {
        "newest_trusted_day": f"{trusted or 'none'}",
        "expected_day": f"{expected or 'none'}",
    }
    if expected is None:
        text = "No day is expected: the schedule daily_capture is off, or was just switched on."
        return RuleResult(True, text, metadata)
    if trusted and trusted >= expected:
        return RuleResult(True, f"{trusted} is captured and trusted.", metadata)
    captured = newest_capture()
    metadata["newest_captured_day"] = f"{captured or 'none'}"
    return RuleResult(False, _why(quality, trusted, captured, expected), metadata)


def _why(
    quality: pl.DataFrame | None, trusted: date | None, captured: date | None, expected: date
) -> str:
    last = f"The newest trusted day is {trusted}" if trusted else "No day is trusted yet"
    last = f"{last}, and {expected} is due"
    flags = [] if quality is None else quality.filter(pl.col("day") == expected)["flags"].to_list()
    if trusted is None and captured is None:
        return (
            f"{last}: nothing is captured. Run capture_today (`hf-assets capture`), or look at its "
            "newest runs: the Hub shows today only until midnight UTC."
        )
    if captured is None or captured < expected:
        return (
            f"{last}: it is not captured. Look at the newest runs of capture_today, and run it: "
            "the Hub shows today only until midnight UTC."
        )
    if not flags or "gap" in flags[0]:
        return (
            f"{last}: it is captured, and day_quality does not have it yet. Run capture_today: it "
            "makes what follows from the stored capture."
        )
    return f"{last}: it is captured, but not trusted ({', '.join(flags[0])})."
