"""Nights, and an archive whose commits each test lists by itself."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.archive import hub_stats
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets_tests.alarms.conftest import hook  # noqa: F401
from hf_assets_tests.defs.conftest import Make
from hf_assets_tests.support.alarms.receivers import Hook
from hf_assets_tests.support.defs.nights import Night, night_over


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    hub_stats._commits.clear()
    yield
    hub_stats._commits.clear()


@pytest.fixture
def night(world: Make, tmp_path: Path, monkeypatch: Any) -> Iterator[Night]:
    """A night over a small Hub; retries wait for nothing."""
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    # The time of runs is the real one, whenever the test runs.
    monkeypatch.setattr("hf_assets.hub.attempts.LATEST", dt.time.max)
    monkeypatch.setenv("HF_ASSETS_CAPTURE_RETRY_MINUTES", "0")
    with night_over(world(GeneratedHub(300, 100, seed=4)), tmp_path / "home") as made:
        yield made


@pytest.fixture
def alarmed(night: Night, hook: Hook, monkeypatch: Any) -> Hook:  # noqa: F811
    """The webhook that the switch names; the sensor has had its first tick."""
    monkeypatch.setenv("HF_ASSETS_ALARM", hook.url)
    settings.cache_clear()
    assert night.tick("send_alarms").skip_message == "Alarms begin with the next failure."
    return hook


@pytest.fixture
def at(monkeypatch: Any) -> Callable[[str], None]:
    """Sets the sensors' clock to an hour of today; what ends from then on ends after that hour."""

    def set_clock(clock: str) -> None:
        now = dt.datetime.fromisoformat(f"{today()}T{clock}:00+00:00")
        since = now.timestamp() - time.time()

        class Clock(dt.datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return now

            @classmethod
            def fromtimestamp(cls, timestamp: float, tz: Any = None) -> Any:
                return dt.datetime.fromtimestamp(timestamp + since, tz)

        for module in ("retry", "newest_day", "night", "alarms"):
            monkeypatch.setattr(f"hf_assets.defs.hub.{module}.datetime", Clock)

    return set_clock
