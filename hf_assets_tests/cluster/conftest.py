"""One cluster for all tests of it: SeaweedFS, Postgres, Ray with two workers, and Dagster."""

import json
from collections.abc import Generator, Mapping

import pytest

from hf_assets.object_store.address import StoreAddress
from hf_assets.object_store.path import StorePath, remove_tree
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.cluster.cluster import Cluster, cluster
from hf_assets_tests.support.cluster.past import Past, past
from hf_assets_tests.support.deploy.postgres import PostgresServer
from hf_assets_tests.support.object_store.fixtures import BUCKET, use_store
from hf_assets_tests.support.object_store.weed import Weed, variables

# Two runs of two days: each has a neighbour in the other.
DAYS = 4
# Of the tests on Ray: days with few rows, in runs of so many.
MONTH, ROWS, DAYS_PER_RUN = 30, 60, 15
# Of trainings: what each corpus asks for, and two base models, of which one asks by the settings.
CORPORA = {
    "on_a_gpu": "gpus = 1",
    "with_memory": "memory_gb = 2",
    "with_more_memory": "memory_gb = 900",
    "on_many_cpus": "cpus = 4",
}
SMALL_BASE, LARGE_BASE = "roberta-base", "deberta-base"
RECORD = "of_the_cluster"
TOKEN = "hf_ofatestofraysjobsandlogs"
_LAKE = StorePath(StoreAddress(BUCKET, "cluster"))


def variables_of(past: Past, store: Weed, postgres: Mapping[str, str]) -> dict[str, str]:
    """The variables of runs over that lake, with locks in that Postgres."""
    return {
        **past.variables,
        **postgres,
        **variables(store.endpoint),
        "HF_ASSETS_LOCKS": "postgres",
        "HF_ASSETS_DATA": str(_LAKE),
    }


@pytest.fixture(scope="session")
def made_past(tmp_path_factory: pytest.TempPathFactory) -> Generator[Past]:
    """Days before today as one machine makes them, from an archive that is up."""
    with past(tmp_path_factory.mktemp("past"), DAYS) as made:
        yield made


@pytest.fixture(scope="session")
def made_month(tmp_path_factory: pytest.TempPathFactory) -> Generator[Past]:
    """A month of small days before today, as one machine makes it."""
    with past(tmp_path_factory.mktemp("month"), MONTH, ROWS) as made:
        yield made


@pytest.fixture(scope="session")
def labels_variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of those corpora and base models, which lie in folders of this machine."""
    from hf_assets_tests.support.classifiers.minilm import small_base

    folder = tmp_path_factory.mktemp("labels")
    for name in (SMALL_BASE, LARGE_BASE):
        small_base(folder / "bases" / name)
    (folder / "texts.csv").write_text("text,labels\n")
    entries = [
        f'[{name}]\nsource = "texts.csv"\ntext = ["text"]\nrare_share = 0.01\n{asked}\n'
        for name, asked in CORPORA.items()
    ]
    (folder / "corpora.toml").write_text("\n".join(entries))
    return {
        "HF_ASSETS_CORPORA": str(folder / "corpora.toml"),
        "HF_ASSETS_BASE_MODELS": str(folder / "bases"),
        "HF_ASSETS_BASE_MODEL_RESOURCES": json.dumps({LARGE_BASE: {"gpus": 2}}),
    }


@pytest.fixture(scope="session")
def running_cluster(
    made_month: Past,
    labels_variables: dict[str, str],
    store_server: Weed,
    postgres_server: PostgresServer,
) -> Generator[Cluster]:
    """The cluster, with the archive of that past; skipped where a program is missing."""
    pytest.importorskip(
        "dagster_ray", reason="not installed here: pip install 'hf_assets[cluster]'"
    )
    with postgres_server.database(RECORD) as record:
        own = {"HF_TOKEN": TOKEN, "HF_ASSETS_DAYS_PER_RUN": f"{DAYS_PER_RUN}"}
        # Longer than a server is away.
        own |= labels_variables | {"HF_ASSETS_STEP_RETRY_WAIT": "10"}
        with cluster(variables_of(made_month, store_server, record) | own) as made:
            yield made


@pytest.fixture
def lake(
    store_server: Weed, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Lake:
    """The cluster's lake, empty."""
    use_store(monkeypatch, store_server.endpoint, tmp_path_factory.mktemp("scratch"))
    remove_tree(_LAKE)
    return Lake(_LAKE)
