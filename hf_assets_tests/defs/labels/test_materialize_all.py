"""The button "Materialize all", partition Latest, as a new user presses it: the real backfill."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.runner.home import WORKSPACE, write_home
from hf_assets.storage.lake import today
from hf_assets_tests.support.servers import free_port

PATIENCE = 900  # seconds for what takes ninety on an idle machine
# The daemon looks at backfills every 30 seconds, and no setting changes that.
DAEMON = (
    "import dagster._daemon.controller as controller; "
    "controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2; "
    "from dagster._daemon.cli import cli; cli()"
)
# As the UI sends it.
LAUNCH = """mutation Launch($given: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $given) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""
STATUS = """query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill {
      status runs(limit: 100) { status assetSelection { path } }
    }
  }
}"""
ASSETS = "{ assetNodes { assetKey { path } isExecutable isPartitioned } }"


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path) -> Generator[None]:
    """A process that ends with the block."""
    with log.open("wb") as out:
        # Started in the background, it would ignore what ends it.
        running = subprocess.Popen(
            command,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            yield
        finally:
            running.terminate()
            running.wait(60)


def ask(url: str, query: str, **variables: Any) -> Any:
    """An answer of the UI's server, which may still be starting."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.5)


# Steps of `hub_models` that need no network to be trained.
PREDICTING = ("corpus", "baseline", "leaderboard", "predictor")


# CI runs all assets in one run (test_order), and asks that a source that is off asks nobody
# (test_sources): this adds the daemon's own cutting of a backfill into runs.
@pytest.mark.release
@pytest.mark.heavy
def test_materialize_all_captures_the_hub_and_asks_nobody_else(tmp_path: Path) -> None:
    asked: list[str] = []

    async def refuse(request: Request) -> PlainTextResponse:
        asked.append(f"{request.method} {request.url}")
        return PlainTextResponse("no", 503)

    app = create_app(GeneratedHub(300, 120, seed=4), rate_limit=1_000_000)
    trap = Starlette(routes=[Route("/{path:path}", refuse, methods=["GET", "POST"])])
    home, url = write_home(tmp_path / "home"), f"http://127.0.0.1:{free_port()}"
    with LoopbackServer(app) as hub, LoopbackServer(trap) as others:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "KAGGLE"))
        } | {
            "DAGSTER_HOME": str(home),
            "HOME": str(tmp_path),
            "HF_ENDPOINT": hub.url,
            "HF_ASSETS_DATA": str(tmp_path / "lake"),
            "HF_ASSETS_ARCHIVE": "none",
            "HF_ASSETS_STACKEXCHANGE_ENDPOINT": others.url,
            "HF_ASSETS_KAGGLE_ENDPOINT": others.url,
            # Anything else that a step asks for meets the trap as its proxy.
            **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), others.url),
            **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"),
        }
        workspace, port = ["-w", str(WORKSPACE)], url.rpartition(":")[2]
        server = [sys.executable, "-m", "dagster_webserver", *workspace, "-p", port]
        daemon = [sys.executable, "-c", DAEMON, "run", *workspace]
        # Two processes that create the history at once disturb each other.
        dg.DagsterInstance.from_config(str(home)).dispose()
        with (
            process(server, environment, tmp_path / "server.log"),
            process(daemon, environment, tmp_path / "daemon.log"),
        ):
            nodes = ask(url, ASSETS)["assetNodes"]
            day = today()
            given = {
                "assetSelection": [one["assetKey"] for one in nodes if one["isExecutable"]],
                "partitionNames": [day],
                "fromFailure": False,
            }
            started = ask(url, LAUNCH, given=given)["launchPartitionBackfill"]
            deadline = time.monotonic() + PATIENCE
            while True:
                backfill = ask(url, STATUS, id=started["backfillId"])["partitionBackfillOrError"]
                if backfill["status"] != "REQUESTED":
                    break
                assert time.monotonic() < deadline, (tmp_path / "daemon.log").read_text()[-5000:]
                time.sleep(1)
    assert asked == []
    of_files = re.compile(r"/api/spaces/[^/]+/[^/]+/tree/main|/spaces/.+/requirements\.txt")
    assert {one.path for one in app.state.requests if not of_files.fullmatch(one.path)} <= {
        *("/api/models", "/api/spaces", "/api/datasets", "/api/agent-harnesses")
    }
    with dg.DagsterInstance.from_config(str(home)) as instance:
        logs = [one for run in instance.get_run_ids() for one in instance.all_logs(run)]
        failed = [one.message for one in logs if one.dagster_event and one.dagster_event.is_failure]
    assert failed == []
    # Every run succeeds. Dagster counts a skipped asset of a backfill as one that failed.
    assert {run["status"] for run in backfill["runs"]} == {"SUCCESS"}
    assert backfill["status"] == "COMPLETED_FAILED"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        keys = {"/".join(one["assetKey"]["path"]): one for one in nodes if one["isExecutable"]}
        made = {
            name
            for name in keys
            if instance.get_latest_materialization_event(dg.AssetKey(name.split("/")))
        }
        of_labels = {name for name in keys if "/" in name or name.endswith("_dump")}
        predicting = {f"hub_models/{step}" for step in PREDICTING}
        off = {"new_questions", "new_datasets", "published_lake"}
        off |= {name for name in keys if "provider" in name or "published" in name}
        assert made - predicting == {*keys} - of_labels - off
        events = [
            record.event_log_entry.dagster_event_type
            for run in instance.get_run_ids()
            for record in instance.get_records_for_run(run).records
        ]
    assert dg.DagsterEventType.RUN_SUCCESS in events
    assert dg.DagsterEventType.STEP_UP_FOR_RETRY not in events
    assert dg.DagsterEventType.STEP_FAILURE not in events
