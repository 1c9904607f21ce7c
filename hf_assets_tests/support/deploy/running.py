"""A service without systemd or containers: its processes, started again when they end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from hf_assets_tests.support.deploy.read import PROJECT, Process

# Seconds for what takes ten on an idle machine.
PATIENCE = 600.0
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId status jobName tags { key value } } } } }"
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename } } } } }"""
REPOSITORY = {"repositoryLocationName": "hf_assets", "repositoryName": "__repository__"}
START = """mutation($selector: ScheduleSelector!) { startSchedule(scheduleSelector: $selector) {
  __typename } }"""
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


def until(there: Callable[[], Any], said: Callable[[], str], patience: float = PATIENCE) -> Any:
    """Wait for a truth, and return it; a server that is away is not there yet.

    What takes long is asked for less and less often: a question to a webserver takes its time, too.
    """
    deadline, pause = time.monotonic() + patience, 0.1
    while time.monotonic() < deadline:
        try:
            if value := there():
                return value
        except (OSError, ValueError, KeyError, TypeError):
            pass
        time.sleep(pause)
        pause = min(pause * 1.2, 1.0)
    raise AssertionError(f"not within {patience:g} s\n{said()}")


class Kept:
    """A process that is started again whenever it ends, as its service manager does."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process, self.log = process, log
        self.starts = 0
        self._stopping = threading.Event()
        self._begin()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        with self.log.open("ab") as out:
            self.running = subprocess.Popen(
                self.process.command,
                env=self.process.environment,
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                # A shell's `&` ignores it, and so would what it starts.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        self.starts += 1

    def _keep(self) -> None:
        while not self._stopping.wait(0.1):
            if self.running.poll() is None:
                continue
            self._sweep(self.process.grace)
            if self.process.pause is None or self._stopping.wait(self.process.pause):
                return
            self._begin()

    def _sweep(self, grace: float) -> None:
        """End what the process has left behind: its control group, or its container."""
        deadline = time.monotonic() + grace
        try:
            if grace:
                os.killpg(self.running.pid, signal.SIGTERM)
            while time.monotonic() < deadline:
                os.killpg(self.running.pid, 0)
                time.sleep(0.1)
            os.killpg(self.running.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def kill(self) -> None:
        """`kill -9` of the process, and of nothing else; returns when it was started again."""
        starts = self.starts
        os.kill(self.running.pid, signal.SIGKILL)
        until(lambda: self.starts > starts, self.said)

    def stop(self) -> None:
        """Stop as the service manager does."""
        self._stopping.set()
        self._thread.join(self.process.grace + 10)
        if self.running.poll() is None:
            os.killpg(self.running.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.running.wait(15)
        self._sweep(0.0)
        self.running.wait()

    def end(self) -> None:
        """End it at once, with all that it started in its group."""
        self._stopping.set()
        self._thread.join()
        self._sweep(0.0)
        self.running.wait()

    def said(self) -> str:
        """The end of its log."""
        return f"--- {self.process.name}\n" + self.log.read_text("utf-8", "replace")[-4000:]


class Service:
    """Processes that are up, and the API of their webserver."""

    def __init__(self, kept: Mapping[str, Kept], url: str) -> None:
        self.kept, self.url = kept, url

    def said(self) -> str:
        """The ends of all logs."""
        return "\n".join(one.said() for one in self.kept.values())

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["data"]

    def wait_until_up(self) -> None:
        """Return when the webserver has loaded the code server's definitions."""

        def loaded() -> bool:
            (entry,) = self.ask(LOADED)["workspaceOrError"]["locationEntries"]
            kind = entry["locationOrLoadError"]["__typename"]
            return (entry["name"], kind) == ("hf_assets", "RepositoryLocation")

        until(loaded, self.said)

    def launch(self, job: str, partition: str) -> str:
        """Queue a run of a job; returns its id."""
        params = {
            "selector": REPOSITORY | {"jobName": job},
            "mode": "default",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
        }
        answer = self.ask(LAUNCH, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def switch_on(self, schedule: str) -> None:
        """Turn a schedule on, as a person does under Automation."""
        answer = self.ask(START, selector=REPOSITORY | {"scheduleName": schedule})
        assert answer["startSchedule"]["__typename"] == "ScheduleStateResult", answer

    def runs(self) -> dict[str, str]:
        """The status of each run, by id, newest first."""
        return {run["runId"]: run["status"] for run in self.results()}

    def results(self) -> list[dict[str, Any]]:
        """All runs, newest first."""
        return self.ask(RUNS)["runsOrError"]["results"]

    def status(self, run: str, *wanted: str) -> str:
        """Wait until a run has one of those states; returns it."""
        return until(lambda: (now := self.runs()[run]) in wanted and now, self.said)


def install(home: Path) -> Path:
    """A command `hf-assets` of this Python and this checkout in a home's `.local/bin`."""
    script = home / ".local" / "bin" / "hf-assets"
    script.parent.mkdir(parents=True)
    script.write_text(
        f"#!{sys.executable}\nimport os, sys\nsys.path.insert(0, project := {str(PROJECT)!r})\n"
        "path = [project, os.environ.get('PYTHONPATH')]\n"
        "os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, path))\n"
        "from hf_assets.cli.main import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    return script


@contextmanager
def up(processes: Sequence[Process], logs: Path, url: str) -> Generator[Service]:
    """The processes of a service, kept running while the block runs."""
    kept: dict[str, Kept] = {}
    service = Service(kept, url)
    try:
        for process in processes:
            kept[process.name] = Kept(process, logs / f"{process.name}.log")
        service.wait_until_up()
        yield service
    finally:
        for one in reversed([*kept.values()]):
            one.stop()


def skip_without(path: object, package: str) -> None:
    """Skip where a program is not installed, naming Debian's package of it."""
    if not path:
        pytest.skip(f"not installed here: apt-get install {package}")
