"""An embedded Hub with a repository of a dataset, and its client."""

from collections.abc import Iterator

import pytest
from huggingface_hub import HfApi

from hf_assets_tests.publishing.conftest import Served, serving
from hf_assets_tests.support.publishing import NAME, TOKEN


@pytest.fixture
def hub() -> Iterator[Served]:
    with serving() as served:
        served.service.repositories.create(TOKEN, {"name": NAME.split("/")[1], "type": "dataset"})
        yield served


@pytest.fixture
def api(hub: Served) -> HfApi:
    return HfApi(endpoint=hub.url, token=TOKEN)
