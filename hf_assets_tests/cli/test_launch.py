"""`hf-assets launch` as a process: Ctrl-C and SIGTERM reach the run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import dagster as dg
import pytest

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.storage.lake import today

pytestmark = pytest.mark.heavy

PATIENCE = 240
LAUNCH = [sys.executable, "-m", "hf_assets.cli.main", "launch", "--assets", "raw_models"]


@pytest.fixture
def slow_hub() -> Generator[str]:
    source = GeneratedHub(10_000, 20, seed=4)
    with LoopbackServer(create_app(source, Faults(latency=0.5), rate_limit=1_000_000)) as served:
        yield served.url


def _signalled(process: "subprocess.Popen[str]", number: signal.Signals) -> str:
    """Send the signal until the process ends; returns its output."""
    for _ in range(round(PATIENCE / 5)):
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=5)[0]
    raise AssertionError("it did not end")


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.release)]
)
def test_a_signal_ends_the_run(number: signal.Signals, slow_hub: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*LAUNCH, "--partition", today(), "--data", str(tmp_path)],
        env={name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
        | {"HF_ENDPOINT": slow_hub, "HF_ASSETS_ARCHIVE": "none"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + PATIENCE
    while not list(tmp_path.rglob("*.json.zst")):
        assert process.poll() is None, "the run ended before the signal"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # To the process that was started, and not to its group: the door has become `dg launch`.
    # Python drops an interrupt that arrives in a callback of its collector: then it is sent again,
    # as a person would.
    said = _signalled(process, number)
    assert process.returncode != 0, said
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster_home")) as history:
        assert not history.telemetry_enabled
        (run,) = history.get_runs()
        assert run.status == dg.DagsterRunStatus.FAILURE, said
