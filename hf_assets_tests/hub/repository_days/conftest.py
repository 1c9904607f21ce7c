"""A lake of days with its series."""

import pytest

from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import OF_MODELS
from hf_assets.storage.lake import Lake
from hf_assets_tests.hub.repository_days.lake_of_days import DAYS, judge, rows_of, write_day


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """Every day, and `model_days`."""
    for day in DAYS:
        write_day(lake, day, rows_of(day))
    judge(lake, DAYS)
    refresh(lake, OF_MODELS)
    return lake
