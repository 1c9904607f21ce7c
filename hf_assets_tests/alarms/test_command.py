"""Alarms by a program."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from hf_assets.alarms.alarm import AlarmError
from hf_assets.alarms.command import Command
from hf_assets_tests.alarms.conftest import alarm


def python(code: str, *arguments: str) -> Command:
    return Command.parse(shlex.join([sys.executable, "-c", code, *arguments]))


def test_the_text_is_the_programs_input(tmp_path: Path) -> None:
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    target = tmp_path / "with a space"
    assert python(code, str(target)).send(alarm()) == ""
    assert target.read_text() == f"{alarm().text}\n"


def test_a_program_that_reads_nothing_is_no_error() -> None:
    python("").send(alarm(error="x" * 900))


def test_a_failed_program_says_why_and_no_argument() -> None:
    code = "import sys; sys.exit('no route for ' + sys.argv[1])"
    with pytest.raises(AlarmError, match=r"exit status 1: no route for \*\*\*") as failed:
        python(code, "token-1234").send(alarm())
    assert not failed.value.permanent


def test_a_token_within_a_line_of_a_shell_is_not_said_either() -> None:
    line = 'echo "ails: hooks.example.org/T0/verysecretword a-c" >&2; exit 4'
    with pytest.raises(AlarmError, match=r"status 4: ails: \*\*\* a-c$"):
        Command(("sh", "-c", line)).send(alarm())


def test_a_program_that_hangs_is_killed_with_what_it_started() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input(); input()'])"
    waits = Command((sys.executable, "-c", f"{code}; import time; time.sleep(60)"), seconds=0.2)
    with pytest.raises(AlarmError, match=r"not ended after 0\.2 s"):
        waits.send(alarm())


def test_a_program_ends_with_whoever_waits_for_it(tmp_path: Path) -> None:
    """It has a session of its own: no Control-C reaches it."""
    code = (
        "import os, signal, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); "
        "os.kill(os.getppid(), signal.SIGINT); time.sleep(60)"
    )
    with pytest.raises(KeyboardInterrupt):
        python(code, str(tmp_path / "pid")).send(alarm())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_program_that_has_just_ended_hides_no_control_c() -> None:
    """There is nothing to kill any more."""
    with pytest.raises(KeyboardInterrupt):
        Command(("sh", "-c", "cat >/dev/null; kill -INT $PPID")).send(alarm())


@pytest.mark.parametrize("line", ["person@example.org", "/no/such/program x", "'open", "''"])
def test_what_is_no_program_says_what_to_set_and_not_what_is_set(line: str) -> None:
    with pytest.raises(AlarmError, match="HF_ASSETS_ALARM is no") as wrong:
        Command.parse(line)
    assert line not in str(wrong.value).replace("mailto:person@example.org", "")
