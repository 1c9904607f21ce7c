"""Captures on a store, of a Hub whose listing has few pages."""

import pytest

from hf_assets.hub.capture_store.attempt import Attempt
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client import listing
from hf_assets.hub.client.listing import Page
from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY, NOON, ServedHub, ServeHub
from hf_assets_tests.support.hub.small_hub import HUB, MODELS

PAGES = 5


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing of `HUB` has so many pages."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 500 // PAGES)


@pytest.fixture
def store(bucket: StorePath) -> CaptureStore:
    """The captures of a lake on a store."""
    return CaptureStore(Lake(bucket), "raw_models")


@pytest.fixture
def served(hub: ServeHub) -> ServedHub:
    """The small Hub."""
    return hub(HUB)


def attempts(store: CaptureStore) -> list[str]:
    """Those of which an object is there: SeaweedFS lists the name of an empty folder, too."""
    below = (str(path.relative_to(store.folder(DAY))) for path, _ in store.folder(DAY).below())
    return sorted({name.partition("/")[0] for name in below if "/" in name})


def kept(store: CaptureStore, served: ServedHub, count: int) -> tuple[Attempt, list[Page]]:
    """An attempt with so many pages, and the pages that follow."""
    attempt, client, url = store.begin(DAY, MODELS, served.url, NOON), served.client(), ""
    pages = []
    for number in range(PAGES):
        pages.append(client.page(url or MODELS.url(served.url), number))
        url = pages[-1].next_url or ""
    for page in pages[:count]:
        attempt.keep(page)
    return attempt, pages[count:]
