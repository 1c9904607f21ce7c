"""A past that two runs on Ray make side by side, while something is killed with -9.

Afterwards every row is there once, as one machine makes it.
"""

import random
from dataclasses import dataclass

import pytest

from hf_assets.storage.lake import Lake
from hf_assets_tests.cluster.conftest import SECRETS
from hf_assets_tests.support.cluster.cluster import Cluster
from hf_assets_tests.support.cluster.past import Past, differing, files_of
from hf_assets_tests.support.deploy.running import ENDED, until

pytestmark = pytest.mark.heavy

VICTIMS = ("worker", "run", "postgres")
# A person launches again what does not end well by itself.
RELAUNCHES = 2
# The campaign before a release: points of each victim.
POINTS = 20


@dataclass(frozen=True)
class Kill:
    """What is killed, and when: after so many of the stored files, drawn by the seed."""

    victim: str
    seed: int

    def after(self, files: int) -> int:
        """How many stored files to wait for."""
        return random.Random(f"{self.victim} {self.seed}").randrange(files)

    def happen(self, cluster: Cluster, run: str) -> None:
        """Kill it."""
        if self.victim == "run":
            cluster.kill_run(cluster.newest(run)["runId"])
        elif self.victim == "worker":
            cluster.service.kept["ray-worker-1"].kill()
        else:
            cluster.service.kept[self.victim].kill()


def finish(cluster: Cluster, span: tuple[str, str], run: str) -> None:
    """Wait for the end of a run; launch it again as a person does where it failed."""
    for _ in range(RELAUNCHES):
        if cluster.end_of(run) == "SUCCESS":
            return
        run = cluster.launch_days(*span)
    assert cluster.end_of(run) == "SUCCESS", cluster.said()


def made_through(cluster: Cluster, past: Past, lake: Lake, kill: Kill) -> None:
    spans = past.spans(2)
    runs = [cluster.launch_days(*span) for span in spans]
    for run in runs:
        cluster.begun(run)
    wanted = kill.after(past.files)

    def there() -> bool:
        over = all(cluster.newest(run)["status"] in ENDED for run in runs)
        return over or files_of(lake) >= wanted

    until(there, cluster.said)
    kill.happen(cluster, runs[0])
    for span, run in zip(spans, runs, strict=True):
        finish(cluster, span, run)
    assert differing(lake, past) == []


def test_a_killed_run_is_begun_again_and_no_secret_is_shown(
    running_cluster: Cluster, made_past: Past, lake: Lake
) -> None:
    made_through(running_cluster, made_past, lake, Kill("run", 1))
    jobs = running_cluster.jobs()
    assert len(jobs) >= 2
    assert len({job["driver_node_id"] for job in jobs}) == 2
    runs = [job["metadata"]["dagster/run-id"] for job in jobs]
    shown = f"{jobs} {[running_cluster.job_log(run) for run in runs]} {running_cluster.said()}"
    for value in SECRETS.values():
        assert value not in shown


@pytest.mark.release
@pytest.mark.parametrize("seed", range(POINTS))
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_backfill_survives_a_kill(
    victim: str, seed: int, running_cluster: Cluster, made_past: Past, lake: Lake
) -> None:
    made_through(running_cluster, made_past, lake, Kill(victim, seed))
