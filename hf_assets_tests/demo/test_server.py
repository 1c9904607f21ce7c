"""The server of the embedded services."""

import socket
import threading

import pytest
from starlette.applications import Starlette

from hf_assets.demo.service import server
from hf_assets.demo.service.server import LoopbackServer


def test_a_server_that_does_not_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_START_SECONDS", 0.0)
    before = {*threading.enumerate()}
    late = LoopbackServer(Starlette())
    with pytest.raises(RuntimeError, match="no server on"):
        late.start()
    assert not {*threading.enumerate()} - before
    with socket.create_server(("127.0.0.1", late.port)):
        pass
