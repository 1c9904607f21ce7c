"""The logs of a lake on a store."""

import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hf_assets.object_store.path import StorePath

if TYPE_CHECKING:
    from hf_assets.run_logs import LakeLogManager


def logs_of(bucket: StorePath) -> "LakeLogManager":
    # Without the extra it is not there, and each module of tests skips.
    from hf_assets.run_logs import FOLDER, LakeLogManager

    return LakeLogManager(bucket / FOLDER)


@pytest.fixture(autouse=True)
def _ended_by_sigterm() -> Generator[None]:
    """Dagster ends its `tail` so, which ignores it where whoever started the tests does."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def manager(bucket: StorePath) -> "LakeLogManager":
    return logs_of(bucket)


@pytest.fixture
def elsewhere(
    bucket: StorePath, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[], "LakeLogManager"]:
    """The same store from a machine that has nothing of the run."""

    def there() -> "LakeLogManager":
        monkeypatch.setenv("HF_ASSETS_SCRATCH", str(tmp_path / "elsewhere"))
        return logs_of(bucket)

    return there
