"""The small Hub, served once for the tests of a module."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from huggingface_hub import constants

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.hub.client import connection, listing
from hf_assets.storage.lake import Lake
from hf_assets.transport import Answer, fetch
from hf_assets_tests.conftest import DAY, ServedHub
from hf_assets_tests.support.hub.small_hub import HUB


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 100)
    monkeypatch.setattr(listing, "SMALL_PAGE_SIZE", 50)


@pytest.fixture(scope="module")
def module_hub() -> Iterator[ServedHub]:
    """One server for all tests of a module: far from its rate limit, whatever they ask."""
    app = create_app(HUB, rate_limit=10**6)
    with LoopbackServer(app) as server:
        yield ServedHub(app, server.url)


@pytest.fixture
def served(module_hub: ServedHub, monkeypatch: pytest.MonkeyPatch) -> ServedHub:
    """The Hub without faults, and with no request so far."""
    # What a kill leaves of a capture is tested with the captures.
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda _: None)
    module_hub.faults.__dict__.update(Faults().__dict__)
    module_hub.requests.clear()
    return ServedHub(module_hub.app, module_hub.url)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives the requests of these numbers few seconds to read; others wait for a busy machine."""

    def start(seconds: float, *numbers: int) -> None:
        count = itertools.count(1)

        def hasty(*arguments: Any, timeout: httpx2.Timeout, **options: Any) -> Answer:
            if next(count) in numbers:
                timeout = httpx2.Timeout(seconds, connect=10)
            return fetch(*arguments, timeout=timeout, **options)

        monkeypatch.setattr(connection, "fetch", hasty)

    return start


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits asked for and not waited."""
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


@pytest.fixture
def folder(lake: Lake) -> Path:
    return lake.folder("raw_models", DAY)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "t" * 34)
    return "hf_" + "t" * 34
