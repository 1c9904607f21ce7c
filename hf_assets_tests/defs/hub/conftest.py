"""Each test lists the commits of its own archive."""

from collections.abc import Iterator

import pytest

from hf_assets.hub.archive import hub_stats


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    hub_stats._commits.clear()
    yield
    hub_stats._commits.clear()
