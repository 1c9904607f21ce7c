"""One cluster for all tests of it: Postgres, Ray with two workers, Dagster's processes."""

from collections.abc import Generator
from pathlib import Path

import pytest

from hf_assets.storage.lake import Lake
from hf_assets_tests.support.cluster.cluster import Cluster, cluster
from hf_assets_tests.support.cluster.past import Past, past

# Two runs of two days: each has a neighbour in the other.
DAYS = 4
# Values that no job of Ray's, no log and no event may show.
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAofatestofraysjobs",
    "AWS_SECRET_ACCESS_KEY": "secretofatestofraysjobs",
    "HF_TOKEN": "hf_ofatestofraysjobsandlogs",
}


@pytest.fixture(scope="session")
def made_past(tmp_path_factory: pytest.TempPathFactory) -> Generator[Past]:
    """Days before today as one machine makes them, from an archive that is up."""
    with past(tmp_path_factory.mktemp("past"), DAYS) as made:
        yield made


@pytest.fixture(scope="session")
def cluster_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cluster's lake lies."""
    return tmp_path_factory.mktemp("cluster") / "lake"


@pytest.fixture(scope="session")
def running_cluster(made_past: Past, cluster_lake: Path) -> Generator[Cluster]:
    """The cluster, with the archive of that past; skipped where a program is missing."""
    pytest.importorskip(
        "dagster_ray", reason="not installed here: pip install 'hf_assets[cluster]'"
    )
    variables = {
        **made_past.variables,
        **SECRETS,
        "HF_ASSETS_DATA": str(cluster_lake),
        "HF_ASSETS_DAYS_PER_RUN": f"{DAYS // 2}",
    }
    with cluster(variables) as made:
        yield made


@pytest.fixture
def lake(cluster_lake: Path) -> Lake:
    """The cluster's lake, empty."""
    import shutil

    shutil.rmtree(cluster_lake, ignore_errors=True)
    return Lake(cluster_lake)
