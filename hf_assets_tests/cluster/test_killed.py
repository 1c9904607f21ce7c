"""A past that two runs on Ray make side by side, while something is killed with -9.

Afterwards every row is there once, as one machine makes it, and no lock is left.
"""

from dataclasses import dataclass

import pytest

from hf_assets.storage.lake import Lake
from hf_assets_tests.cluster.conftest import RECORD, TOKEN
from hf_assets_tests.support.cluster.cluster import Cluster
from hf_assets_tests.support.cluster.kills import POINTS, RELAUNCHES, Kill, restart
from hf_assets_tests.support.cluster.past import Past, differing
from hf_assets_tests.support.deploy.postgres import PASSWORD, PostgresServer
from hf_assets_tests.support.deploy.running import ENDED, until
from hf_assets_tests.support.object_store.weed import KEY, SECRET, Weed

pytestmark = [pytest.mark.heavy, pytest.mark.release]

VICTIMS = ("worker", "run", "postgres", "store")


@dataclass(frozen=True)
class Backfill:
    """Two runs side by side, and all that can be killed under them."""

    cluster: Cluster
    past: Past
    lake: Lake
    postgres: PostgresServer
    store: Weed

    def through(self, kill: Kill) -> None:
        """The backfill, with that kill."""
        spans = self.past.spans(2)
        runs = [self.cluster.launch_days(*span) for span in spans]
        for run in runs:
            self.cluster.begun(run)
        kill.wait(self.lake, self.past, lambda: all(map(self._ended, runs)))
        self._happen(kill.victim, runs[0])
        for span, run in zip(spans, runs, strict=True):
            self._finish(span, run)
        assert differing(self.lake, self.past) == []
        # A run has succeeded a moment before its process ends.
        until(lambda: self.postgres.locks() == [], lambda: f"{self.postgres.locks()}", 60)

    def _ended(self, run: str) -> bool:
        return self.cluster.newest(run)["status"] in ENDED

    def _happen(self, victim: str, run: str) -> None:
        if victim == "run":
            self.cluster.kill_run(self.cluster.newest(run)["runId"])
        elif victim == "worker":
            self.cluster.service.kept["ray-worker-1"].kill()
        else:
            restart({"postgres": self.postgres, "store": self.store}[victim])

    def _finish(self, span: tuple[str, str], run: str) -> None:
        """Wait for the end of a run; launch it again as a person does where it failed."""
        for _ in range(RELAUNCHES):
            if self.cluster.end_of(run) == "SUCCESS":
                return
            run = self.cluster.launch_days(*span)
        assert self.cluster.end_of(run) == "SUCCESS", self.cluster.said()


@pytest.fixture
def backfill(
    running_cluster: Cluster,
    made_past: Past,
    lake: Lake,
    postgres_server: PostgresServer,
    store_server: Weed,
) -> Backfill:
    return Backfill(running_cluster, made_past, lake, postgres_server, store_server)


def test_a_killed_run_is_begun_again_and_no_secret_is_shown(backfill: Backfill) -> None:
    backfill.through(Kill("run", 1))
    cluster = backfill.cluster
    jobs = cluster.jobs()
    assert len(jobs) >= 2
    assert len({job["driver_node_id"] for job in jobs}) == 2
    runs = [job["metadata"]["dagster/run-id"] for job in jobs]
    events = backfill.postgres.ask("SELECT event FROM event_logs", RECORD)
    assert len(events) > 100
    shown = f"{jobs} {[cluster.job_log(run) for run in runs]} {cluster.said()} {events}"
    for value in (KEY, SECRET, TOKEN, PASSWORD):
        assert value not in shown


@pytest.mark.parametrize("seed", range(POINTS))
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_backfill_survives_a_kill(victim: str, seed: int, backfill: Backfill) -> None:
    backfill.through(Kill(victim, seed))
