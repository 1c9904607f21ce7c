"""A store for tests: one server a worker, an empty prefix a test."""

import itertools
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from hf_assets.object_store.address import StoreAddress
from hf_assets.object_store.path import StorePath, require_bucket
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.object_store.counting import CountingProxy
from hf_assets_tests.support.object_store.weed import Weed, variables, weed

BUCKET = "tests"
_NUMBERS = itertools.count()


def use_store(monkeypatch: pytest.MonkeyPatch, endpoint: str, scratch: Path) -> None:
    """Set the variables that name a store, and no others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in variables(endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_ASSETS_SCRATCH", str(scratch))


@pytest.fixture(scope="session")
def store_server() -> Generator[Weed]:
    """SeaweedFS, with the bucket of all tests in it."""
    with weed() as server:
        server.create_bucket(BUCKET)
        yield server


@pytest.fixture
def bucket(store_server: Weed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StorePath:
    """An empty prefix of a bucket, and the variables set that name its store."""
    use_store(monkeypatch, store_server.endpoint, tmp_path / "scratch")
    return StorePath(StoreAddress(BUCKET, str(next(_NUMBERS))))


@pytest.fixture
def store_proxy(
    bucket: StorePath, store_server: Weed, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CountingProxy]:
    """A proxy before the store of `bucket`, in the variables too: counts requests, adds faults."""
    with CountingProxy(store_server.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        require_bucket(bucket.address, proxy.url)  # asked once a process
        proxy.clear()
        yield proxy


@pytest.fixture(params=["folder", "store"])
def any_lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """An empty lake: in a folder, then on a store."""
    if request.param == "folder":
        return Lake(tmp_path / "lake")
    return Lake(request.getfixturevalue("bucket"))
