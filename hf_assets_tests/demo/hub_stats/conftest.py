"""The embedded archive of past days, served."""

import pytest

from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.demo.hub_stats import ServeArchive, ServedArchive


@pytest.fixture
def past(serve: Serve) -> ServeArchive:
    """Serves an archive; further arguments are those of `HubStats`."""
    return lambda faults=None, **options: ServedArchive(serve, faults, options)
