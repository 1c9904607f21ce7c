"""What lies on this machine: in a lake that is a folder, or beside a lake on a store."""

from pathlib import Path

import pytest

from hf_assets.alarms.outbox import Outbox
from hf_assets.object_store.local import beside, dagster_home, local_root
from hf_assets.object_store.path import location, uri

STORED = location("s3://lake-bucket/hub/lake")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in ("DAGSTER_HOME", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return monkeypatch


def test_of_a_folder_everything_lies_in_it(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    assert local_root(root) == beside(root) == Outbox.of(root).lake == root
    assert dagster_home(root) == root / "dagster_home"
    assert uri(root / "day=2026-11-20") == f"file://{root}/day=2026-11-20"


def test_of_a_store_it_lies_in_the_state_folder(tmp_path: Path) -> None:
    home = tmp_path / "state/hf_assets/s3.amazonaws.com/lake-bucket/hub/lake/dagster_home"
    assert local_root(STORED) is None
    assert dagster_home(STORED) == beside(STORED) == Outbox.of(STORED).lake == home
    assert uri(STORED / "day=2026-11-20") == "s3://lake-bucket/hub/lake/day=2026-11-20"


def test_buckets_of_two_servers_may_have_a_name(environment: pytest.MonkeyPatch) -> None:
    homes = {dagster_home(STORED)}
    for server in ("http://127.0.0.1:8333", "http://127.0.0.1:9000", "https://s3.hf.co/one"):
        environment.setenv("AWS_ENDPOINT_URL", server)
        homes.add(dagster_home(STORED))
    assert len(homes) == 4


def test_no_password_of_an_endpoint_is_in_a_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "https://user:wordofpass@s3.example.org")
    assert "s3.example.org" in str(dagster_home(STORED))
    assert "wordofpass" not in str(dagster_home(STORED))


@pytest.mark.parametrize("root", [STORED, location("lake")])
def test_a_chosen_home_is_that_of_any_lake(
    root: Path, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("DAGSTER_HOME", str(tmp_path / "chosen"))
    assert dagster_home(root) == tmp_path / "chosen"


def test_alarms_lie_with_the_history_of_whoever_delivers_them(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A shell without DAGSTER_HOME and the daemon, which has it, see the same alarms."""
    before = Outbox.of(STORED).lake
    environment.setenv("DAGSTER_HOME", str(dagster_home(STORED)))
    assert Outbox.of(STORED).lake == before
