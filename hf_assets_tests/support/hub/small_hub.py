"""A Hub of 500 models in pages of 100, and captures of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hf_assets.demo.service.switches import FOREVER, At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import Where
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client.listing import FIELDS, ListingError, ListingQuery
from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import iso
from hf_assets_tests.conftest import DAY, NOON, ServedHub

HUB = GeneratedHub(500, 200, seed=3, day=iso(DAY))
MODELS = ListingQuery.everything("models")
LIMITED = [
    ListingQuery("models", FIELDS["models"], max_rows=120),
    ListingQuery("models", FIELDS["models"], filter=("text-generation",)),
]
NEXT_NOON = NOON + timedelta(days=1)
Obtain = Callable[..., Capture]


def listed(sort: str = "createdAt", tag: str | None = None) -> list[str]:
    """The ids of models, as the Hub lists them."""
    found = HUB.listing("models", sort, Where((tag,) if tag else ()))
    return [row[8:32].decode() for row in found.page(0, 10**6, frozenset(["_id"]))[0]]


def break_off(served: ServedHub, obtain: Obtain, page: int = 3, **given: object) -> None:
    """A capture begun and not finished."""
    served.faults.errors = {503: [At(page=page, times=FOREVER)]}
    with pytest.raises(ListingError):
        obtain(**given)
    served.faults.errors.clear()
    served.requests.clear()


def files(folder: Any) -> dict[str, bytes]:
    """Every file of a day, but for its lock."""
    if isinstance(folder, StorePath):
        return {str(path.relative_to(folder)): path.read_bytes() for path, _ in folder.below()}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }
