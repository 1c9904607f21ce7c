"""Dagster as a process: what is asked of it, and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hf_assets.definitions import defs
from hf_assets.defs.hub.schedules import DERIVED_TABLES, capture_today, past_days
from hf_assets.runner import home, parts, process

PROJECT = Path(__file__).resolve().parents[2]
PACKAGED = yaml.safe_load(home.CONFIGURATION.read_text())
WAITING = "import time; print('up', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_jobs_have_the_names_of_the_graph() -> None:
    assert (capture_today.name, past_days.name) == (process.CAPTURE_TODAY, process.PAST_DAYS)
    jobs = defs().resolve_all_job_defs()
    asked_for = [job.name for job in jobs if job.partitions_def and not job.name.startswith("__")]
    assert sorted(asked_for) == sorted(process.OF_DAYS)


def test_the_parts_of_a_past_day_are_those_of_the_schedules() -> None:
    assert {*parts.TABLES} == {*DERIVED_TABLES}


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


def test_control_c_without_an_input_ends_the_command_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a service that closes it."""
    monkeypatch.setattr(sys, "stdin", None)
    test_control_c_ends_the_command_too(tmp_path)


PARENT = "import os, sys\nfrom hf_assets.runner.process import call\ncall(sys.argv[1:], os.environ)"
CHILD = "import signal, sys\nsignal.signal(15, lambda *_: sys.exit(print('ended', flush=True)))\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_this_process_ends_the_command(number: signal.Signals) -> None:
    """It would go on alone, without whoever asked for it and the services that it reads."""
    parent = subprocess.Popen(
        python(PARENT) + python(CHILD + WAITING),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    parent.send_signal(number)
    # Both have the pipe: it ends with the second.
    said, errors = parent.communicate(timeout=50)
    assert said == "ended\n"
    assert "Ended" in errors


SLOW = "print('ending', flush=True), input(), sys.exit(print('ended', flush=True))"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_another_signal_leaves_no_command_behind(number: signal.Signals) -> None:
    """Of a terminal that closes come two: from the system, and from the shell."""
    parent = subprocess.Popen(
        python(PARENT)
        + python(f"import signal, sys\nsignal.signal(15, lambda *_: ({SLOW}))\n" + WAITING),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    assert parent.stdout is not None
    for said in ("up\n", "ending\n"):
        assert parent.stdout.readline() == said
        parent.send_signal(number)
    said, errors = parent.communicate("\n", timeout=50)
    assert said == "ended\n"
    assert errors.count(f"Ended: {number.name}") == 1


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As under nohup, where the terminal has gone."""
    code = "import os, signal; os.kill(os.getppid(), signal.SIGHUP); print('made')"
    done = subprocess.run(
        python(PARENT) + python(code),
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert (done.returncode, done.stdout) == (0, "made\n"), done.stderr


def test_an_error_here_ends_the_command(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def broken() -> None:
        if log.exists() and "up" in log.read_text():
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        process.call(python(CHILD + WAITING), os.environ, log, broken)
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


def test_a_home_is_in_the_lake_unless_somebody_chose_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    for folder in (tmp_path / "lake" / "dagster_home", tmp_path / "chosen"):
        environ = home.environment(tmp_path / "lake")
        assert environ["DAGSTER_HOME"] == str(folder)
        assert environ["HF_ASSETS_DATA"] == str(tmp_path / "lake")
        assert yaml.safe_load((folder / "dagster.yaml").read_text()) == PACKAGED
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "chosen"))


def test_a_configuration_follows_the_package_until_somebody_edits_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = home.write_home(tmp_path) / "dagster.yaml"
    newer = tmp_path / "package" / "dagster.yaml"
    newer.parent.mkdir()
    newer.write_text("telemetry:\n  enabled: false\n")
    monkeypatch.setattr(home, "CONFIGURATION", newer)
    home.write_home(tmp_path)
    written = stored.read_text()
    assert yaml.safe_load(written) == {"telemetry": {"enabled": False}}

    for edited in (written.replace("false", "true"), written + "nux: {}\n", "", "a person's\n"):
        stored.write_text(edited)
        home.write_home(tmp_path)
        assert stored.read_text() == edited


def test_a_configuration_that_is_up_to_date_is_not_written(tmp_path: Path) -> None:
    """It may be on a file system that takes no writes."""
    stored = home.write_home(tmp_path) / "dagster.yaml"
    before = stored.stat().st_ino
    home.write_home(tmp_path)
    assert stored.stat().st_ino == before


def test_a_configuration_of_version_0_2_follows_the_package(tmp_path: Path) -> None:
    old = Path(__file__).with_name("dagster_0_2_0.yaml").read_bytes()
    (tmp_path / "dagster.yaml").write_bytes(old)
    home.write_home(tmp_path)
    assert (tmp_path / "dagster.yaml").read_bytes() != old
