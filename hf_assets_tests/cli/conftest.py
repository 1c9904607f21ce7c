"""The command line without the processes that it would start."""

from collections.abc import Mapping

import pytest

from hf_assets.runner import process


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Mapping[str, str]]]:
    """Commands that would have taken the place of this process, with their environments."""
    calls: list[tuple[list[str], Mapping[str, str]]] = []

    def record(command: list[str], environ: Mapping[str, str]) -> int:
        calls.append((command, environ))
        return 7

    monkeypatch.setattr(process, "become", record)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return calls
