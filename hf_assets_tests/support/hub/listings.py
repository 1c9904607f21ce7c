"""Captures of the small Hub through its listing, in pages of 100 rows."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.world.source import Where
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client.listing import ListingError, ListingQuery
from hf_assets.hub.client.wire import Kind
from hf_assets_tests.conftest import DAY, ServedHub
from hf_assets_tests.support.hub.captures import ids_of, open_capture, store_of
from hf_assets_tests.support.hub.small_hub import HUB, MODELS

PAGES = 5


def all_ids(kind: Kind = "models") -> list[str]:
    listed = HUB.listing(kind, "createdAt", Where())
    return [row[8:32].decode() for row in listed.page(0, 10**6, frozenset(["_id"]))[0]]


def obtain(served: ServedHub, folder: Path, ask: ListingQuery = MODELS, **client: Any) -> Capture:
    return served.capturer(client=served.client(**client)).get_or_capture(
        store_of(folder), DAY, ask
    )


def assert_whole(capture: Capture, kind: Kind = "models") -> None:
    assert ids_of(capture) == all_ids(kind)
    assert capture.manifest.complete is True
    assert capture.manifest.distinct == capture.manifest.rows == HUB.total(kind)


def sizes(served: ServedHub) -> list[int]:
    """The `limit` of each listing request."""
    return [int(parse_qs(query)["limit"][0]) for query in served.listed]


def assert_fails_then_goes_on(
    served: ServedHub, folder: Path, pages_kept: int, cause: str, **client: Any
) -> None:
    """Fails for now at a page, keeps those before it, and goes on once the Hub is well."""
    with pytest.raises(ListingError) as failure:
        obtain(served, folder, **client)
    assert f"page {pages_kept} of /api/models" in str(failure.value)
    assert cause in str(failure.value)
    assert "the pages so far are kept" in str(failure.value)
    assert not failure.value.permanent
    assert open_capture(folder) is None
    assert len(list(folder.glob("*/*.json.zst"))) == pages_kept
    served.app.state.faults.__dict__.update(Faults().__dict__)
    served.requests.clear()
    assert_whole(obtain(served, folder))
    assert len(served.listed) == PAGES - pages_kept
