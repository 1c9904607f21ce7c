"""A cluster on loopback: Ray with two workers, and Dagster's three processes over a record.

Each process can be killed with -9 while runs go on; its service manager starts it again.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Collection, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hf_assets.runner import process
from hf_assets_tests.support.cluster.ray_nodes import node_environment, ray_processes
from hf_assets_tests.support.deploy.read import DEPLOY, PROJECT, Process
from hf_assets_tests.support.deploy.running import (
    ENDED,
    LAUNCH,
    REPOSITORY,
    Kept,
    Service,
    until,
)
from hf_assets_tests.support.servers import free_port

RANGE_START, RANGE_END = (f"dagster/asset_partition_range_{end}" for end in ("start", "end"))
RETRY_OF = "dagster/parent_run_id"
# How the states of a backfill that is over begin.
ENDED_BACKFILL = ("COMPLETED", "FAILED", "CANCEL")

# A run that waits in Ray has not begun: the UI ends it by force alone.
TERMINATE = """mutation($id: String!) { terminateRun(
  runId: $id, terminatePolicy: MARK_AS_CANCELED_IMMEDIATELY) { __typename } }"""
EVENTS = """query($id: ID!) { logsForRun(runId: $id) {
  ... on EventConnection { events { ... on MessageEvent { message } } } } }"""
BACKFILL = """mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
BACKFILLED = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status runs(limit: 100) {
    runId status startTime endTime tags { key value } assetSelection { path } } } } }"""


@dataclass
class Cluster:
    """The processes by name, the API of Dagster's webserver, and the address of Ray's jobs."""

    service: Service
    ray: str
    folder: Path

    def jobs(self) -> list[dict[str, Any]]:
        """All that Ray says of its jobs."""
        return asked(f"{self.ray}/api/jobs/")

    def job_log(self, run: str) -> str:
        """What the job of a run has printed."""
        return asked(f"{self.ray}/api/jobs/dagster-run-{run}/logs")["logs"]

    def launch(
        self,
        job: str,
        tags: Mapping[str, str],
        assets: Collection[str] = (),
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Queue a run; returns its id."""
        selector: dict[str, Any] = REPOSITORY | {"jobName": job}
        if assets:
            selector["assetSelection"] = [{"path": name.split("/")} for name in assets]
        params = {
            "selector": selector,
            "mode": "default",
            "runConfigData": {**(config or {})},
            "executionMetadata": {
                "tags": [{"key": name, "value": value} for name, value in tags.items()]
            },
        }
        answer = self.service.ask(LAUNCH, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def launch_days(self, first: str, last: str) -> str:
        """Queue a run of `past_days`, as a schedule or a backfill does."""
        return self.launch(process.PAST_DAYS, {RANGE_START: first, RANGE_END: last})

    def backfill(self, assets: Collection[str], days: Collection[str]) -> str:
        """Begin a backfill of assets, as the UI does; returns its id."""
        keys = [{"path": name.split("/")} for name in assets]
        params = {"assetSelection": keys, "partitionNames": [*days]}
        answer = self.service.ask(BACKFILL, params=params)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return answer["backfillId"]

    def backfilled(self, backfill: str) -> dict[str, Any]:
        """The state of a backfill, and its runs so far."""
        return self.service.ask(BACKFILLED, id=backfill)["partitionBackfillOrError"]

    def end_of_backfill(self, backfill: str) -> list[dict[str, Any]]:
        """Wait until a backfill has ended well; its runs, oldest first."""

        def ended() -> Any:
            now = self.backfilled(backfill)
            return now if now["status"].startswith(ENDED_BACKFILL) else None

        now = until(ended, self.said)
        assert now["status"] == "COMPLETED_SUCCESS", f"{now}\n{self.said()}"
        return sorted(now["runs"], key=lambda run: run["startTime"])

    def node_of(self, run: str) -> str:
        """The name of the node that a run was on."""
        jobs = {job["submission_id"]: job["driver_node_id"] for job in self.jobs()}
        nodes = asked(f"{self.ray}/api/v0/nodes")["data"]["result"]["result"]
        names = {node["node_id"]: node["node_name"] for node in nodes}
        return names[jobs[f"dagster-run-{run}"]]

    def newest(self, run: str) -> dict[str, Any]:
        """The run, or the last of those that were begun again in its place."""
        runs = self.service.results()
        after = {tag["value"]: one for one in reversed(runs) for tag in one["tags"]
                 if tag["key"] == RETRY_OF}  # fmt: skip
        now = next(one for one in runs if one["runId"] == run)
        while now["runId"] in after:
            now = after[now["runId"]]
        return now

    def end_of(self, run: str) -> str:
        """Wait until a run, and what was begun again in its place, has ended; its status."""

        def ended() -> str | None:
            now = self.newest(run)
            tags = {tag["key"]: tag["value"] for tag in now["tags"]}
            # A failed run says a moment later whether it is begun again.
            final = now["status"] != "FAILURE" or tags.get("dagster/will_retry") == "false"
            return now["status"] if now["status"] in ENDED and final else None

        return until(ended, self.said)

    def going_on(self) -> list[str]:
        """The runs that have not ended, newest first."""
        return [run["runId"] for run in self.service.results() if run["status"] not in ENDED]

    def terminate(self, run: str) -> None:
        """End a run by force, as the UI does."""
        answer = self.service.ask(TERMINATE, id=run)["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def events(self, run: str) -> list[str]:
        """The messages of a run's log."""
        answer = self.service.ask(EVENTS, id=run)["logsForRun"]
        return [event["message"] for event in answer["events"] if "message" in event]

    def begun(self, run: str) -> None:
        """Wait until a run's process is under way."""
        until(lambda: self.newest(run)["status"] in {"STARTED", *ENDED}, self.said)

    def kill_run(self, run: str) -> bool:
        """`kill -9` of a run's own process. Whether it was there."""
        pids = processes_of(run)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(pids)

    def said(self) -> str:
        """The ends of all logs."""
        return self.service.said()


def processes_of(run: str) -> list[int]:
    """The processes of `dagster api execute_run` of a run on this machine."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"execute_run" in words and any(run.encode() in word for word in words):
            found.append(int(entry.parent.name))
    return found


@contextmanager
def cluster(variables: Mapping[str, str], workers: int = 2) -> Generator[Cluster]:
    """All of it, up while the block runs.

    Args:
        variables: of the graph, its lake, Hub and settings, and of the Postgres of its record.
        workers: nodes of Ray that take runs.
    """
    # Sockets have short paths.
    folder = Path(tempfile.mkdtemp(prefix="hfa-", dir="/tmp"))
    home = folder / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(configuration())
    code, ui = free_port(), free_port()
    with ExitStack() as running:
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "RAY_", "PG", "AWS_", "KAGGLE_"))
        }
        environment = node_environment(
            {
                **clean,
                "PYTHONPATH": str(PROJECT),
                "HOME": str(folder),
                "HF_ASSETS_SCRATCH": str(folder / "scratch"),
                "NO_PROXY": "127.0.0.1",
                "no_proxy": "127.0.0.1",
                "DAGSTER_HOME": str(home),
                **variables,
            }
        )
        nodes, address = ray_processes(folder / "ray", environment, workers)
        served = {
            **environment,
            "RAY_API_SERVER_ADDRESS": address,
            **process.code_address("127.0.0.1", code),
        }
        commands = {
            "code": process.code_server("127.0.0.1", code),
            "webserver": process.webserver("127.0.0.1", ui, read_only=False),
            "daemon": process.daemon(),
        }
        kept: dict[str, Kept] = {}
        service = Service(kept, f"http://127.0.0.1:{ui}")
        made = Cluster(service, address, folder)

        def begin(one: Process) -> None:
            kept[one.name] = Kept(one, folder / f"{one.name}.log")

        def stop_all() -> None:
            for one in kept.values():
                one.end()

        running.callback(stop_all)
        begin(nodes[0])
        history = [sys.executable, "-c", _CREATE]
        begin(Process("code", commands.pop("code"), served, 1.0, 0.0))
        until(lambda: process.call(history, served, folder / "history.log") == 0, made.said, 60)
        for name, command in commands.items():
            begin(Process(name, command, served, 1.0, 0.0))
        until(lambda: made.jobs() == [], made.said, 120)
        for node in nodes[1:]:
            begin(node)
        until(lambda: alive(address) == 1 + workers, made.said, 120)
        service.wait_until_up()
        yield made


_CREATE = "from dagster import DagsterInstance; DagsterInstance.get()"


def asked(url: str) -> Any:
    """The JSON of a page of Ray's; OSError where it does not answer."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=30) as answer:
        return json.loads(answer.read())


def alive(address: str) -> int:
    """How many nodes a cluster has."""
    nodes = asked(f"{address}/api/v0/nodes")["data"]["result"]["result"]
    return sum(node["state"] == "ALIVE" for node in nodes)


def configuration() -> str:
    """deploy/dagster-cluster.yaml, looking at its runs every two seconds."""
    known = yaml.safe_load((DEPLOY / "dagster-cluster.yaml").read_text())
    known["run_monitoring"]["poll_interval_seconds"] = 2
    return yaml.safe_dump(known)
