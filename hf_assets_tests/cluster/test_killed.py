"""A month that runs on Ray make side by side, while something is killed with -9 again and again.

Whatever can be seen meanwhile is whole. Afterwards every row is there once, as one machine makes
it, and no lock is left. `pytest -s` shows each kill; a failure names all of them, and its seed.
"""

import pytest

from hf_assets.storage.lake import Lake
from hf_assets_tests.cluster.conftest import RECORD, TOKEN
from hf_assets_tests.support.cluster.cluster import Cluster
from hf_assets_tests.support.cluster.kills import KILLS, POINTS, VICTIMS, Backfill
from hf_assets_tests.support.cluster.past import Past
from hf_assets_tests.support.deploy.postgres import PASSWORD, PostgresServer
from hf_assets_tests.support.object_store.weed import KEY, SECRET, Weed

pytestmark = [pytest.mark.heavy, pytest.mark.release]


@pytest.fixture
def backfill(
    running_cluster: Cluster,
    made_month: Past,
    lake: Lake,
    postgres_server: PostgresServer,
    store_server: Weed,
) -> Backfill:
    return Backfill(running_cluster, made_month, lake, postgres_server, store_server)


@pytest.mark.parametrize("seed", range(POINTS // KILLS))
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_month_survives_kills(victim: str, seed: int, backfill: Backfill) -> None:
    said = backfill.through(victim, seed)
    assert len(said) >= KILLS


def test_no_secret_is_shown_of_runs_that_were_killed(
    running_cluster: Cluster, postgres_server: PostgresServer
) -> None:
    """Of all that the tests above have run, in one cluster."""
    cluster = running_cluster
    jobs = cluster.jobs()
    assert len(jobs) >= 2
    assert len({job["driver_node_id"] for job in jobs}) >= 2
    runs = [job["metadata"]["dagster/run-id"] for job in jobs if job["driver_node_id"]]
    events = postgres_server.ask("SELECT event FROM event_logs", RECORD)
    assert len(events) > 100
    logs = [cluster.job_log(run) for run in runs]
    shown = f"{jobs} {logs} {cluster.said()} {events}"
    for value in (KEY, SECRET, TOKEN, PASSWORD):
        assert value not in shown
