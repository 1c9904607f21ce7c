"""Whole nights: the units' processes are up, the schedule is on, and the clock goes past 03:00.

The clock is libfaketime's. It jumps over the hours in which nothing happens.
"""

import re
import subprocess
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.runner.process import CAPTURE_TODAY
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.alarms.receivers import Hook, webhook
from hf_assets_tests.support.deploy.clock import Clock
from hf_assets_tests.support.deploy.read import Process, of_units
from hf_assets_tests.support.deploy.running import ENDED, Service, install, until, up
from hf_assets_tests.support.servers import free_port

pytestmark = pytest.mark.heavy

# Near the real one: the times of files are not faked.
DAY = datetime.now(UTC).date() + timedelta(1)


@dataclass
class Night:
    """A service over an empty lake at 02:50, its schedule on, and what it talks to."""

    service: Service
    clock: Clock
    hook: Hook
    faults: Faults
    lake: Lake
    process: Process

    def at(self, hour: int, minute: int = 0, day: date = DAY) -> None:
        """Move the clock."""
        self.clock.set(datetime.combine(day, time(hour, minute), UTC))

    def ended(self, number: int) -> str:
        """How the newest run of the night's job ended, when there are that many."""

        def newest() -> str | None:
            runs = [one for one in self.service.results() if one["jobName"] == CAPTURE_TODAY]
            assert len(runs) <= number, runs
            status = runs[0]["status"] if len(runs) == number else ""
            return status if status in ENDED else None

        return until(newest, self.service.said)

    def alarms(self, number: int) -> list[str]:
        """The texts that the webhook received, when there are that many."""
        until(lambda: len(self.hook.posts) >= number, self.service.said)
        return [post["text"] for post in self.hook.posts]

    def status(self) -> tuple[int, str]:
        """`hf-assets status --exit-code`, at the night's time."""
        done = subprocess.run(
            ["/usr/bin/env", "hf-assets", "status", "--exit-code"],
            env=self.process.environment,
            cwd=self.lake.root,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def night(tmp_path: Path) -> Generator[Night]:
    clock = Clock(tmp_path, datetime.combine(DAY, time(2, 50), UTC))
    with ExitStack() as running:
        source = GeneratedHub(1_500, 300, seed=4)
        source.day = DAY
        app = create_app(source, rate_limit=1_000_000)
        hub, hook = running.enter_context(LoopbackServer(app)), running.enter_context(webhook())
        port = free_port()
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": tmp_path / "hf_home",
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
            "HF_ASSETS_ARCHIVE": "none",
            "HF_ASSETS_FIRST_DAY": DAY - timedelta(7),
            "HF_ASSETS_RETRY_WAIT": "0",
            "HF_ASSETS_STEP_RETRY_WAIT": "0",
            "HF_ASSETS_ALARM": hook.url,
            "HF_ASSETS_CODE_PORT": free_port(),
            "HF_ASSETS_UI_PORT": port,
            "NO_PROXY": "127.0.0.1",
        }
        install(tmp_path)
        given = tmp_path / ".config" / "hf_assets" / "environment"
        given.parent.mkdir(parents=True)
        given.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        processes = clock.seen_by(of_units(tmp_path))
        service = running.enter_context(up(processes, tmp_path, f"http://127.0.0.1:{port}"))
        service.switch_on("daily_capture")
        lake = Lake(Path(processes[0].environment["HF_ASSETS_DATA"]))
        yield Night(service, clock, hook, app.state.faults, lake, processes[0])


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.release)])
def test_a_hub_that_fails_is_captured_at_a_later_attempt(night: Night, whole: bool) -> None:
    """Where it is not the whole night: one failure, and up to the capture."""
    night.faults.errors = {503: [At(times=FOREVER)]}
    night.clock.set(datetime.combine(DAY, time(2, 59, 40), UTC))
    assert night.ended(1) == "FAILURE"
    (first,) = night.alarms(1)
    assert f"capture_today failed for {DAY}" in first
    assert "The next attempt is at 03:3" in first
    if whole:
        night.at(3, 45)
        assert night.ended(2) == "FAILURE"
        second = night.alarms(2)[1]
        assert re.search(r"The next attempt is at 04:[45]\d UTC", second), second
    night.faults.errors = {}
    night.at(5)
    until(lambda: night.lake.days("raw_models", "capture.json") == [f"{DAY}"], night.service.said)
    if not whole:
        assert len(night.hook.posts) == 1
        return
    assert night.ended(3) == "SUCCESS"
    night.at(8, 5)
    code, said = night.status()
    assert (code, "Problems: none" in said) == (0, True), said
    # Once a failure, and none of the check on the newest day.
    assert len(night.hook.posts) == 2


@pytest.mark.release
@pytest.mark.heavy
def test_a_night_that_cannot_be_saved_is_said_to_be_lost(night: Night) -> None:
    night.faults.errors = {503: [At(times=FOREVER)]}
    night.clock.set(datetime.combine(DAY, time(2, 59, 40), UTC))
    assert night.ended(1) == "FAILURE"
    night.alarms(1)
    night.at(22, 50)
    assert night.ended(2) == "FAILURE"
    assert any("The last attempt is at 23:30 UTC" in text for text in night.alarms(3))
    code, said = night.status()
    assert (code, f"and {DAY} is due" in said) == (3, True), said
    night.clock.set(datetime.combine(DAY, time(23, 30, 5), UTC))
    assert night.ended(3) == "FAILURE"
    texts = night.alarms(4)
    lost = f"That was the last attempt of the day: {DAY} is lost unless"
    assert [lost in text for text in texts].count(True) == 1, texts
    # The night before the next one: the day is over, and nobody can fetch it.
    night.at(1, day=DAY + timedelta(1))
    code, said = night.status()
    assert (code, "not captured" in said) == (3, True), said
    # An alarm for each run, and one of the check on the newest day.
    assert ["capture_today failed" in text for text in texts].count(True) == 3, texts
    assert ["the newest day is missing" in text for text in texts].count(True) == 1, texts
    assert len(texts) == 4
