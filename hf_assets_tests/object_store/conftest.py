"""Stores in trouble, and a store as strict as a bucket of Hugging Face."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore.store
import pytest
from obstore.store import S3Store

from hf_assets.object_store import address
from hf_assets.object_store.path import StorePath
from hf_assets_tests.support.object_store.fixtures import use_store
from hf_assets_tests.support.object_store.strict import StrictBucket
from hf_assets_tests.support.object_store.weed import Weed


@pytest.fixture
def strict(
    bucket: StorePath, store_server: Weed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[StrictBucket]:
    """The store of `bucket` through the strict proxy; no request of the test breaks a limit."""
    with StrictBucket(store_server.port) as proxy:
        use_store(monkeypatch, proxy.url, tmp_path / "scratch")
        yield proxy
        assert (proxy.broken, proxy.dropped) == ([], [])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that refuses is asked again once, at once."""
    at_once = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2)}
    again = {"max_retries": 1, "backoff": {**at_once, "base": 2}}

    def client(*args: Any, **options: Any) -> Any:
        return S3Store(*args, **options | {"retry_config": again})

    monkeypatch.setattr(obstore.store, "S3Store", client)
    address._client.cache_clear()


@pytest.fixture
def place(bucket: StorePath) -> StorePath:
    """The address of a folder in an empty lake."""
    return bucket / "classifiers" / "questions" / "onnx"
