"""The demo as a process; one run of it over a small Hub for all tests that look at a result."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

SMALL = ("--models", "2000", "--spaces", "800")
HUB = ("--only", "hub", "--days", "0")
# Neither is of the Hub's form: the embedded Hub answers 401 to a request that carries one.
SECRETS = {
    "HF_TOKEN": "first-secret-of-a-person",
    "HUGGING_FACE_HUB_TOKEN": "second-secret-of-a-person",
}
# The discard port: nobody answers there.
NOBODY = "http://127.0.0.1:9"
DEAD_PROXY = {"HTTP_PROXY": NOBODY, "http_proxy": NOBODY, "NO_PROXY": ""}


def demo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end; what it started is killed should it not end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hf_assets.demo", *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=400)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


@dataclass(frozen=True)
class DemoRun:
    """A finished run, and its lake. The lake is shared: a test that writes to it takes a copy."""

    root: Path
    returncode: int
    stdout: str
    stderr: str


def small_run(factory: pytest.TempPathFactory) -> DemoRun:
    """The demo of a small Hub and two of its past days, for someone with a token and a proxy.

    Run by the first process of a test run that asks.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root, result = base / "demo" / "data", base / "demo_run.json"
    with FileLock(base / "demo_run.lock"):
        if not result.exists():
            root.parent.mkdir()
            options = ("--data", str(root), *SMALL, *HUB, "--days", "2")
            done = demo("run", *options, **SECRETS, **DEAD_PROXY)
            result.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    return DemoRun(root, *json.loads(result.read_text()))
