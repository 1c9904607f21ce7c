"""Alarms, and receivers of alarms."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from hf_assets.alarms.alarm import Alarm
from hf_assets_tests.support.alarms.receivers import Hook, webhook

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def alarm(number: int = 1, *, urgent: bool = False, error: str = "The Hub answered 503.") -> Alarm:
    """An alarm of a failed run."""
    return Alarm.of(
        f"run {number}",
        f"capture_today failed for day {number}",
        time=NOON,
        error=error,
        day="2026-11-27",
        where="raw_models on host",
        next="The next attempt is at 12:30 UTC.",
        link="https://dagster.example.org/runs/1",
        urgent=urgent,
    )


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A webhook on loopback."""
    with webhook() as served:
        yield served
