"""Captures of a small Hub, a day of models each."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client import listing
from hf_assets.hub.client.listing import ListingQuery
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, Clock, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import store_of
from hf_assets_tests.support.hub.small_hub import HUB, MODELS, Obtain


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 100)


@pytest.fixture(autouse=True)
def _unsynced(unsynced: None) -> None:
    """A listing of 40 pages would be synced 80 times."""


@pytest.fixture
def served(hub: ServeHub) -> ServedHub:
    return hub(HUB)


# On a store, too, before a release; in each run the tests marked so (`both_stores`); and those of
# files alone in a folder only.
BEFORE_A_RELEASE = pytest.param("store", marks=[pytest.mark.heavy, pytest.mark.release])


@pytest.fixture(params=["folder", BEFORE_A_RELEASE])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "folder":
        return Lake(tmp_path / "lake")
    return Lake(request.getfixturevalue("bucket"))


@pytest.fixture
def folder(lake: Lake) -> Any:
    return lake.folder("raw_models", DAY)


@pytest.fixture
def obtain(served: ServedHub, folder: Path) -> Obtain:
    def obtain(
        ask: ListingQuery = MODELS, now: datetime = NOON, day: str = DAY, refetch: bool = False
    ) -> Capture:
        capturer = served.capturer(Clock(now))
        return capturer.get_or_capture(store_of(folder), day, ask, refetch=refetch)

    return obtain
