"""An embedded Hub for a whole test module: captures and tables that many tests only read."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets_tests.conftest import ServedHub


@contextmanager
def serving(source: Any, faults: Faults | None = None) -> Generator[ServedHub]:
    """The Hub of a source, served until the block ends."""
    app = create_app(source, faults)
    with LoopbackServer(app) as server:
        yield ServedHub(app, server.url)
