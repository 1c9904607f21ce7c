"""Dagster as a process: what is asked of it, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hf_assets.defs.common.resources import RAW
from hf_assets.defs.hub.schedules import DERIVED_TABLES, capture_today, past_days
from hf_assets.runner import home, parts, process

PROJECT = Path(__file__).resolve().parents[2]
WAITING = "import time; print('up', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_jobs_have_the_names_of_the_graph() -> None:
    assert (capture_today.name, past_days.name) == (process.CAPTURE_TODAY, process.PAST_DAYS)


def test_the_parts_of_a_past_day_are_those_of_the_schedules() -> None:
    assert {*parts.TABLES} == {*DERIVED_TABLES}
    assert {*parts.LISTINGS} == {*RAW}


def test_both_workspaces_load_the_same() -> None:
    packaged, root = (
        yaml.safe_load(path.read_text())["load_from"][0]["python_module"]
        for path in (home.WORKSPACE, PROJECT / "workspace.yaml")
    )
    assert packaged == {name: root[name] for name in root if name != "working_directory"}


@pytest.mark.parametrize(("code", "status"), [("", 0), ("exit(3)", 3)])
def test_the_exit_status_is_the_commands(code: str, status: int) -> None:
    assert process.call(python(code), os.environ) == status


def test_a_command_that_was_killed_ends_as_a_shell_says(tmp_path: Path) -> None:
    killed = "import os; os.kill(os.getpid(), 9)"
    assert process.call(python(killed), os.environ) == 137


def test_the_output_goes_to_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('said'); print('wrong', file=sys.stderr)"
    for _ in range(2):
        assert process.call(python(code), os.environ, tmp_path / "log") == 0
    assert sorted((tmp_path / "log").read_text().split()) == ["said", "said", "wrong", "wrong"]
    assert capfd.readouterr() == ("", "")


def test_control_c_ends_the_command_too(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def interrupt() -> None:
        if log.exists() and "up" in log.read_text():
            raise KeyboardInterrupt

    ended = "import signal; signal.signal(2, signal.default_int_handler)\ntry:\n " + WAITING
    with pytest.raises(KeyboardInterrupt):
        process.call(
            python(f"{ended}\nexcept KeyboardInterrupt: print('ended')"),
            os.environ,
            log,
            interrupt,
        )
    assert log.read_text().split() == ["up", "ended"]


def test_a_command_takes_the_place_of_the_process() -> None:
    became = (
        "import os, sys\nfrom hf_assets.runner.process import become\nprint(os.getpid())\n"
        "become([sys.executable, '-c', 'import os; print(os.getpid()); exit(4)'], os.environ)"
    )
    done = subprocess.run(python(became), capture_output=True, text=True)
    assert done.returncode == 4, done.stderr
    before, after = done.stdout.split()
    assert before == after


def test_a_home_follows_the_package_unless_somebody_chose_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    ours = tmp_path / "lake" / "dagster_home"
    assert home.environment(tmp_path / "lake")["DAGSTER_HOME"] == str(ours)
    (ours / "dagster.yaml").write_text("old")
    home.environment(tmp_path / "lake")
    assert (ours / "dagster.yaml").read_bytes() == home.CONFIGURATION.read_bytes()

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "theirs"))
    assert home.environment(tmp_path / "lake")["DAGSTER_HOME"] == str(tmp_path / "theirs")
    theirs = tmp_path / "theirs" / "dagster.yaml"
    assert theirs.read_bytes() == home.CONFIGURATION.read_bytes()
    theirs.write_text("theirs")
    home.environment(tmp_path / "lake")
    assert theirs.read_text() == "theirs"
