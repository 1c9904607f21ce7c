"""A lake of a storage test is in a folder, then on a store."""

from pathlib import Path

import pytest

from hf_assets.storage.lake import Lake


@pytest.fixture
def lake(any_lake: Lake) -> Lake:
    return any_lake


@pytest.fixture
def folder_lake(tmp_path: Path) -> Lake:
    """For what is so in a folder alone."""
    return Lake(tmp_path / "lake")
