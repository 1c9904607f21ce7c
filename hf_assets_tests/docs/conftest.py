"""The asset graph that the docs describe."""

import dagster as dg
import pytest

from hf_assets.definitions import defs


@pytest.fixture(scope="session")
def definitions() -> dg.Definitions:
    return defs()
