"""An archive of past days, served."""

from collections.abc import Callable, Iterator

import pytest

from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.hub.archive import hub_stats
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.hub.past_hub import Past


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    hub_stats._commits.clear()
    yield
    hub_stats._commits.clear()


@pytest.fixture
def past(serve: Serve) -> Callable[..., Past]:
    return lambda faults=None, **options: Past(serve, faults or ArchiveFaults(), **options)
