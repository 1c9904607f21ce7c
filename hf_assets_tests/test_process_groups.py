"""A program is killed with what it started, whatever is left of both."""

import os
import subprocess
import sys

import pytest

from hf_assets.alarms.alarm import AlarmError
from hf_assets.alarms.command import Command
from hf_assets.process_groups import kill_group
from hf_assets_tests.alarms.conftest import alarm

CHILD = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'])"


def _started(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def test_what_a_program_left_behind_is_killed_after_it() -> None:
    with _started(CHILD) as process:
        assert process.wait(60) == 0
        kill_group(process)
        # Its child held this open.
        assert process.stdout
        assert process.stdout.read() == b""


def test_what_has_ended_is_no_error() -> None:
    with _started("") as process:
        assert process.wait(60) == 0
    kill_group(process)


def test_a_group_that_may_not_be_killed_hides_no_error_of_an_alarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As of one on macOS whose processes have all ended."""

    def refuse(group: int, number: int) -> None:
        kill(group, number)
        raise PermissionError(1, "Operation not permitted")

    kill = os.killpg
    monkeypatch.setattr(os, "killpg", refuse)
    waits = Command((sys.executable, "-c", "import time; time.sleep(60)"), seconds=0.2)
    with pytest.raises(AlarmError, match="was killed"):
        waits.send(alarm())
