"""A lake of days with its series."""

import shutil

import pytest

from hf_assets.storage.lake import Lake
from hf_assets_tests.hub.repository_days.lake_of_days import OLD, Old, empty, fill


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Every day, and `model_days`; to be copied."""
    lake = Lake(tmp_path_factory.mktemp("filled"))
    fill(lake)
    return lake


@pytest.fixture
def filled(lake: Lake, filled_once: Lake) -> Lake:
    """Every day, and `model_days`."""
    shutil.copytree(filled_once.root, lake.root)
    return lake


@pytest.fixture
def old(filled: Lake) -> Old:
    """What the emptied days had."""
    return {day: empty(filled, day) for day in OLD}
