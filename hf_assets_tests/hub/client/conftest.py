"""The small Hub, served once for the tests of a module."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.hub.client import listing
from hf_assets.storage.lake import Lake
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
    monkeypatch.setattr(os, "fsync", lambda _: None)
    module_hub.faults.__dict__.update(Faults().__dict__)
    module_hub.requests.clear()
    return ServedHub(module_hub.app, module_hub.url)


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
