"""A loopback Hub for each test, and a Hugging Face home that is nobody's own."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="hf-home-")

from hf_assets.demo.server import LoopbackServer

Serve = Callable[[ASGIApp], LoopbackServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server for an application; it stops with the test, which does not wait for it."""
    servers: list[LoopbackServer] = []

    def start(app: ASGIApp) -> LoopbackServer:
        servers.append(LoopbackServer(app).start())
        return servers[-1]

    yield start
    for server in servers:
        threading.Thread(target=server.stop).start()


@pytest.fixture
def real_data() -> Path:
    folder = os.environ.get("HF_ASSETS_REAL_DATA")
    if not folder:
        pytest.skip("HF_ASSETS_REAL_DATA names no folder of recorded listings")
    return Path(folder)
