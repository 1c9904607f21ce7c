"""Dagster over the cluster: code server, daemon and UI; runs are launched by the UI's GraphQL."""

import fnmatch
import re
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from hf_assets.demo.cluster.processes import ClusterError, free_ports, server
from hf_assets.runner import process

_SECONDS = 60.0
# What `dg launch` has as a selection: `group:"…"` and `key:"…"`, joined by `or`.
_TERM = re.compile(r'(group|key):"([^"]+)"|([A-Za-z0-9_/]+)')
_ASSET_JOB = "__ASSET_JOB"
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

_LOCATION = """{ repositoriesOrError { __typename
  ... on RepositoryConnection { nodes { name location { name }
    assetNodes { assetKey { path } groupName jobNames isExecutable } } }
  ... on PythonError { message } } }"""
_LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } }
  ... on UnauthorizedError { message } } }"""
_RUN = """query ($id: ID!) { runOrError(runId: $id) { __typename
  ... on Run { status startTime endTime } } }"""
_EVENTS = """query ($id: ID!, $after: String) { logsForRun(runId: $id, afterCursor: $after) {
  __typename ... on EventConnection { cursor hasMore events { __typename
    ... on MessageEvent { message }
    ... on ExecutionStepFailureEvent { stepKey error { message
      errorChain { error { className message } } } } } } } }"""
_PID = re.compile(r"\(pid: (\d+)\)")


@dataclass(frozen=True)
class RunFacts:
    """How a run stands.

    Args:
        status: Dagster's word.
        seconds: from its start to its end; 0 before that.
    """

    status: str
    seconds: float

    @property
    def ended(self) -> bool:
        """Whether it will not go on."""
        return self.status in ENDED


class DagsterUI:
    """The webserver by its address: launches runs and follows them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._location = ""
        self._repository = ""
        self._assets: list[dict[str, Any]] = []

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer to a GraphQL query.

        Raises:
            ClusterError: there is none, or it is an error.
        """
        try:
            answer = httpx2.post(
                f"{self.url}/graphql",
                json={"query": query, "variables": variables},
                timeout=_SECONDS,
                trust_env=False,
            )
            content = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise ClusterError(f"Dagster's webserver does not answer: {error}") from error
        if content.get("errors"):
            raise ClusterError(f"Dagster refuses a query: {content['errors'][0]['message']}")
        return content["data"]

    def ready(self) -> bool:
        """Whether the definitions are loaded."""
        try:
            nodes = self.ask(_LOCATION)["repositoriesOrError"].get("nodes")
        except ClusterError:
            return False
        if not nodes:
            return False
        self._repository, self._location = nodes[0]["name"], nodes[0]["location"]["name"]
        self._assets = nodes[0]["assetNodes"]
        return True

    def selected(self, selection: str) -> list[list[str]]:
        """The keys of the assets of a selection as `runner.process.launch` has it."""
        terms = [match.groups() for match in _TERM.finditer(selection.replace(" or ", " "))]
        return [
            node["assetKey"]["path"]
            for node in self._assets
            if node["isExecutable"] and any(_matches(node, *term) for term in terms)
        ]

    def launch(self, options: process.Launch, tags: Mapping[str, str] | None = None) -> str:
        """Queue a run; returns its id.

        Raises:
            ClusterError: Dagster does not take it.
        """
        labels = dict(tags or {})
        if options.partition:
            labels["dagster/partition"] = options.partition
        if options.days:
            first, last = options.days.split("...")
            labels["dagster/asset_partition_range_start"] = first
            labels["dagster/asset_partition_range_end"] = last
        selector: dict[str, Any] = {
            "repositoryName": self._repository,
            "repositoryLocationName": self._location,
            "jobName": options.job or _ASSET_JOB,
        }
        if options.assets:
            keys = self.selected(options.assets)
            selector["assetSelection"] = [{"path": path} for path in keys]
        params = {
            "selector": selector,
            "mode": "default",
            "runConfigData": options.config or "{}",
            "executionMetadata": {
                "tags": [{"key": name, "value": value} for name, value in labels.items()]
            },
        }
        answer = self.ask(_LAUNCH, params=params)["launchRun"]
        if "run" not in answer:
            reason = answer.get("message") or answer.get("errors") or answer["__typename"]
            raise ClusterError(f"Dagster does not launch {options.words}: {reason}")
        return answer["run"]["runId"]

    def facts(self, run: str) -> RunFacts:
        """How a run stands."""
        answer = self.ask(_RUN, id=run)["runOrError"]
        begun, ended = answer.get("startTime"), answer.get("endTime")
        return RunFacts(answer.get("status", "FAILURE"), ended - begun if begun and ended else 0.0)

    def wait(self, runs: Sequence[str], alive: Any = lambda: None) -> dict[str, RunFacts]:
        """Wait until those runs have ended."""
        while True:
            alive()
            facts = {run: self.facts(run) for run in runs}
            if all(each.ended for each in facts.values()):
                return facts
            time.sleep(1.0)

    def pid(self, run: str) -> str:
        """The process of a run, from its log; empty where the log does not say."""
        for event in self._events(run):
            if match := _PID.search(event.get("message") or ""):
                return match[1]
        return ""

    def failures(self, run: str) -> list[str]:
        """Why steps of a run failed, a line each."""
        return [
            f"{event['stepKey']}: {_reason(event['error'])}"
            for event in self._events(run)
            if event["__typename"] == "ExecutionStepFailureEvent" and event.get("error")
        ]

    def _events(self, run: str) -> Generator[dict[str, Any]]:
        after, more = None, True
        while more:
            answer = self.ask(_EVENTS, id=run, after=after)["logsForRun"]
            yield from answer.get("events", ())
            after, more = answer.get("cursor"), answer.get("hasMore", False)


def _reason(error: Mapping[str, Any]) -> str:
    """The first cause of an error."""
    causes = [f"{each['error']['className']}: {each['error']['message'].strip()}"
              for each in error["errorChain"]]  # fmt: skip
    return causes[-1] if causes else error["message"].strip()


def _matches(node: Mapping[str, Any], kind: str, pattern: str, name: str) -> bool:
    key = "/".join(node["assetKey"]["path"])
    if kind == "group":
        return node["groupName"] == pattern
    return fnmatch.fnmatchcase(key, pattern or name)


@contextmanager
def dagster(home: Path, environ: Mapping[str, str], logs: Path) -> Generator[DagsterUI]:
    """Code server, daemon and webserver while the block runs.

    Args:
        home: DAGSTER_HOME, with its configuration.
        environ: what the runs have, and PG* and Ray's address.
        logs: folder for the logs of the three.
    """
    code, web = free_ports(2)
    environ = dict(environ) | {"DAGSTER_HOME": str(home)}
    environ |= process.code_address(process.LOOPBACK, code)
    ui = DagsterUI(f"http://{process.LOOPBACK}:{web}")
    with (logs / "history.log").open("ab") as log:
        pass
    if process.call(process.create_history(), environ, logs / "history.log"):
        raise ClusterError(f"Dagster's record cannot be created: see {log.name}")
    with ExitStack() as servers:
        commands = {
            "code": process.code_server(process.LOOPBACK, code),
            "webserver": process.webserver(process.LOOPBACK, web, read_only=False),
            "daemon": process.daemon(),
        }
        for name, command in commands.items():
            log_file = logs / f"dagster-{name}.log"
            ready = ui.ready if name == "daemon" else (lambda: True)
            servers.enter_context(
                server(f"Dagster's {name}", command, environ, log_file, ready, seconds=180)
            )
        yield ui
