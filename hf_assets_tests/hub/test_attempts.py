"""When today's capture is asked for again."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from hf_assets.hub.attempts import Attempt, Plan, plan

WAIT = timedelta(minutes=30)


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-27T{clock}:00+00:00")


def failed(clock: str, **fields: Any) -> Attempt:
    return Attempt(at(clock), "failed", **{"by_night": True, **fields})


def ended(clock: str, outcome: Any, *, by_night: bool = True) -> Attempt:
    return Attempt(at(clock), outcome, by_night)


ACTIVE = Attempt(None, "active", by_night=False)


def planned(*attempts: Attempt, now: str = "12:00", captured: bool = False) -> Plan:
    return plan(attempts, at(now), WAIT, lambda: captured)


@pytest.mark.parametrize(
    ("attempts", "due"),
    [
        ([failed("03:20")], "03:50"),
        ([failed("03:20"), failed("03:55")], "04:55"),
        ([failed("03:20"), failed("03:55"), failed("05:00")], "06:30"),
        ([failed("03:20")] * 3 + [failed("10:00")], "12:00"),
        ([failed("03:20")] * 9 + [failed("10:00")], "12:00"),
        # Another run, of a person, has failed since.
        ([failed("03:20"), failed("09:00", by_night=False)], "10:00"),
        # A person must mend the cause: seldom, and once more late in the evening.
        ([failed("03:20", permanent=True)], "05:20"),
        ([failed("22:10", permanent=True)], "23:30"),
        ([failed("03:20")] * 9 + [failed("22:10")], "23:30"),
        ([failed("23:00")], "23:30"),
        # A person's run that succeeded and left no complete capture: a trial.
        ([failed("03:20"), ended("09:00", "succeeded", by_night=False)], "09:30"),
    ],
)
def test_a_failed_capture_is_asked_for_again(attempts: list[Attempt], due: str) -> None:
    assert planned(*attempts).due == at(due)


def test_the_last_chance_says_so() -> None:
    early, late = planned(failed("03:20")), planned(failed("22:40"), now="22:41")
    assert (early.last, late.last) == (False, True)
    assert early.reason == "The next attempt is at 03:50 UTC."
    assert late.reason == (
        "The last attempt is at 23:10 UTC. 2026-11-27 is lost unless one succeeds before midnight "
        "UTC."
    )
    over = planned(failed("23:10"), now="23:11")
    assert over.due is None
    assert "2026-11-27 is lost unless capture_today succeeds before midnight UTC" in over.reason
    assert "A person must mend the cause" in planned(failed("03:20", permanent=True)).reason


@pytest.mark.parametrize(
    ("attempts", "captured", "said"),
    [
        ([], False, "No run of the night"),
        # A person sees what happens to a run of their own.
        ([failed("11:00", by_night=False)], False, "No run of the night"),
        ([failed("03:20"), ACTIVE], False, "waiting or under way"),
        ([ACTIVE, failed("03:20")], False, "waiting or under way"),
        ([ended("04:00", "succeeded")], False, "succeeded"),
        ([failed("03:20"), ended("04:00", "succeeded")], False, "succeeded"),
        ([failed("03:20"), ended("09:00", "succeeded", by_night=False)], True, "succeeded"),
        ([failed("03:20"), ended("04:00", "cancelled")], False, "A person cancelled"),
        ([failed("03:20")], True, "nothing of the Hub is lost"),
    ],
)
def test_nothing_is_asked_for(attempts: list[Attempt], captured: bool, said: str) -> None:
    found = planned(*attempts, captured=captured)
    assert found.due is None
    assert said in found.reason
