"""Dagster of this environment as a process: its command lines, and how it is waited for."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hf_assets.runner.home import SERVED, WORKSPACE
from hf_assets.runner.signals import Ended, ended_by_signals

MODULE = "hf_assets.definitions"
# The job of the schedule `daily_capture`.
CAPTURE_TODAY = "capture_today"
PAST_DAYS = "past_days"
# Jobs that are launched for days.
OF_DAYS = (CAPTURE_TODAY, PAST_DAYS)
# Assets over all days: the series, their figures and the report. They have no partition, and
# Dagster launches no range of days with them.
OVER_DAYS = 'group:"trends/history"'
UI_PORT = 3000
# Of the code server: where a service's definitions are loaded, and its runs begin.
CODE_PORT = 4000
LOOPBACK = "127.0.0.1"
# `dg launch`, with words for what it cannot run.
LAUNCHING = (sys.executable, "-m", "hf_assets.launching")
# Of `dg launch`, which makes a range of days in one run and refuses to cut it.
IN_ONE_RUN = {"HF_ASSETS_DAYS_PER_RUN": ""}
# Seconds between two looks at a command that is under way.
POLL = 0.2


def dg(*arguments: str) -> list[str]:
    """A command of Dagster's command line, run by this Python."""
    return [sys.executable, "-m", "dagster_dg_cli.cli", *arguments]


@dataclass(frozen=True)
class Launch:
    """What a run builds.

    Args:
        assets: a selection of assets.
        job: the name of a job, instead of assets.
        partition: one partition.
        days: first and last partition of a range, `2026-11-01...2026-11-30`.
        config: run configuration, JSON.
    """

    assets: str = ""
    job: str = ""
    partition: str = ""
    days: str = ""
    config: str = ""

    @property
    def words(self) -> list[str]:
        """As options of `dg launch`."""
        options = {
            "--assets": self.assets,
            "--job": self.job,
            "--partition": self.partition,
            "--partition-range": self.days,
            "--config-json": self.config,
        }
        return [word for option in options.items() if option[1] for word in option]

    @property
    def command(self) -> list[str]:
        """The command that runs it in its own process."""
        return dg("launch", "-m", MODULE, *self.words)


def launch(
    *, assets: str = "", job: str = "", partition: str = "", days: str = "", config: str = ""
) -> list[str]:
    """The command that runs assets, or a job, in its own process; arguments as of `Launch`."""
    return Launch(assets, job, partition, days, config).command


def ui(host: str, port: int) -> list[str]:
    """The command that serves the UI and runs the daemon."""
    return dg("dev", "-w", str(WORKSPACE), "-h", host, "-p", str(port))


def code_server(host: str, port: int) -> list[str]:
    """The command of a service that loads the definitions and starts the runs."""
    where = ("-h", host, "-p", str(port))
    return [sys.executable, "-m", "dagster", "api", "grpc", "-m", MODULE, *where]


def create_history() -> list[str]:
    """The command that creates the tables of the history where there are none."""
    return [sys.executable, "-c", "from dagster import DagsterInstance; DagsterInstance.get()"]


def daemon() -> list[str]:
    """The command of a service that ticks schedules and sensors, and queues runs."""
    return [sys.executable, "-m", "dagster._daemon", "run", "-w", str(SERVED)]


def webserver(host: str, port: int, read_only: bool) -> list[str]:
    """The command of a service that serves the UI."""
    words = [sys.executable, "-m", "dagster_webserver", "-w", str(SERVED)]
    return [*words, "-h", host, "-p", str(port), *(["--read-only"] if read_only else [])]


def code_address(host: str, port: int) -> dict[str, str]:
    """The variables that tell the daemon and the webserver where the code server is."""
    return {"HF_ASSETS_CODE_HOST": host, "HF_ASSETS_CODE_PORT": str(port)}


def become(command: list[str], environ: Mapping[str, str]) -> int:
    """Run a command in place of this process: signals and exit status are the command's own.

    Returns only where a process cannot be replaced, on Windows: the exit status.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        return call(command, environ)
    os.execve(command[0], command, dict(environ))


def call(
    command: list[str],
    environ: Mapping[str, str],
    log: Path | None = None,
    show: Callable[[], None] = lambda: None,
) -> int:
    """Run a command to its end; returns its exit status, as a shell reports it.

    Args:
        command: its words.
        environ: its whole environment.
        log: a file for its output, appended to; by default the output is shown.
        show: called a few times a second until it ends.

    However it ends, the command has ended: it has had the time to shut down.

    Raises:
        KeyboardInterrupt: Control-C; `Ended`, one of these, for SIGTERM and SIGHUP.
    """
    with ended_by_signals(), open(log or os.devnull, "ab") as out:
        shown = None if log is None else out
        process = subprocess.Popen(command, env=environ, stdout=shown, stderr=shown)
        try:
            while process.poll() is None:
                show()
                try:
                    process.wait(POLL)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt) or isinstance(error, Ended):
                process.terminate()
            # From a terminal Control-C has reached the command as well.
            elif sys.stdin is None or not sys.stdin.isatty():
                process.send_signal(signal.SIGINT)
            process.wait()
            raise
    show()
    return 128 - process.returncode if process.returncode < 0 else process.returncode
