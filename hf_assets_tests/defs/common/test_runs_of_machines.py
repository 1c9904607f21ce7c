"""Runs of several machines over one record in Postgres: who lives, who is ended, what is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from hf_assets.defs.common import killed_runs
from hf_assets.defs.common.killed_runs import PROCESS, end_killed, hold
from hf_assets.defs.common.pools import LIMITS, limit_pools
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture_store.files import MARKER
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.storage.lake import today
from hf_assets.storage.postgres_locks import Keeper, LockServerError
from hf_assets_tests.defs.conftest import Make, World
from hf_assets_tests.defs.test_processes import PATIENCE, PROJECT
from hf_assets_tests.support.defs import launch
from hf_assets_tests.support.deploy.postgres import PostgresServer
from hf_assets_tests.support.deploy.running import until

STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
SUCCESS = dg.DagsterRunStatus.SUCCESS
NOBODY = 2**22 + 1  # no process has that number
ROWS = 9_000


@pytest.fixture(autouse=True)
def keeper(postgres_locks: PostgresServer) -> Generator[None]:
    """The locks of runs of this process go with the test."""
    killed_runs._keeper.cache_clear()
    yield
    killed_runs._keeper().end()
    killed_runs._keeper.cache_clear()
    until(lambda: not postgres_locks.locks(), lambda: "a lock is left", 60)


@pytest.fixture
def instance(tmp_path: Path) -> Generator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def add(instance: dg.DagsterInstance, letter: str, tag: str | None, *, alone: bool = True) -> str:
    """A started run, in a process that its tag names."""
    tags = {PROCESS: tag} if tag else {}
    run = instance.add_run(dg.DagsterRun("job", run_id=letter * 36, status=STARTED, tags=tags))
    if alone and tag:
        number = tag.partition(" ")[0]
        instance.report_engine_event(f"Executing steps in process (pid: {number})", run)
    return run.run_id


def runs(instance: dg.DagsterInstance) -> dict[str, dg.DagsterRunStatus]:
    return {run.run_id: run.status for run in instance.get_runs()}


def living(instance: dg.DagsterInstance) -> bool:
    return STARTED in runs(instance).values()


def tags(instance: dg.DagsterInstance, run_id: str) -> Mapping[str, str]:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.tags


def test_a_run_that_lives_anywhere_is_never_ended(instance: dg.DagsterInstance) -> None:
    ours = instance.add_run(dg.DagsterRun("job", run_id="a" * 36, status=STARTED)).run_id
    for _ in range(2):
        hold(instance, ours)
    assert tags(instance, ours)[PROCESS] == f"{os.getpid()} {killed_runs._machine()}"
    theirs = add(instance, "b", f"{NOBODY} elsewhere")
    other = Keeper("living runs")
    other.keep(f"run {theirs}")
    # One without any lock, and one with a process a step: the first step's is gone.
    add(instance, "c", None)
    add(instance, "d", f"{NOBODY} {killed_runs._machine()}", alone=False)
    assert end_killed(instance, patience=0) == []
    assert {*runs(instance).values()} == {STARTED}
    other.end()
    until(lambda: end_killed(instance, patience=0) == [theirs], lambda: "not ended", 60)


def test_a_process_of_this_machine_is_missed_at_once_and_others_after_a_while(
    instance: dg.DagsterInstance,
) -> None:
    here = add(instance, "a", f"{NOBODY} {killed_runs._machine()}")
    elsewhere = add(instance, "b", f"{NOBODY} elsewhere")
    # Its connection is broken, and its process lives.
    broken = add(instance, "c", f"{os.getpid()} {killed_runs._machine()}")
    assert end_killed(instance) == [here]
    assert end_killed(instance) == []
    hold(instance, broken)
    # Another machine's sensor knows since when.
    assert sorted(end_killed(instance, patience=0)) == [elsewhere]
    assert runs(instance) == {here: FAILURE, elsewhere: FAILURE, broken: STARTED}
    assert end_killed(instance, patience=0) == []


def test_a_run_that_ended_meanwhile_stays_as_it_ended(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = add(instance, "a", f"{NOBODY} {killed_runs._machine()}")

    def held(_: object) -> set[str]:
        event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "job")
        instance.report_dagster_event(event, run_id)
        return set()

    monkeypatch.setattr(killed_runs, "held", held)
    assert end_killed(instance, patience=0) == []
    assert runs(instance) == {run_id: SUCCESS}


def test_a_run_without_postgres_is_not_taken_for_one_that_can_be_ended(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = instance.add_run(dg.DagsterRun("job", status=STARTED))
    with monkeypatch.context() as patch:
        patch.setenv("PGPORT", "1")
        with pytest.raises(LockServerError):
            hold(instance, run.run_id)
    assert PROCESS not in tags(instance, run.run_id)
    assert end_killed(instance, patience=0) == []


# The record in Postgres, and processes


class Machines:
    """Machines over one lake and one record, each with a home of its own."""

    def __init__(self, hub: World, root: Path, variables: dict[str, str]) -> None:
        self.hub, self.root, self.variables = hub, root, variables
        self.processes: list[subprocess.Popen[str]] = []
        self.record = dg.DagsterInstance.from_config(str(self.home("here")))

    def home(self, machine: str) -> Path:
        home = self.root / machine
        home.mkdir(parents=True, exist_ok=True)
        configuration = (PROJECT / "deploy" / "dagster.yaml").read_bytes()
        (home / "dagster.yaml").write_bytes(configuration)
        return home

    def launch(self, machine: str, asset: str) -> subprocess.Popen[str]:
        """A run of today on that machine, until it has shown that it lives."""
        before = runs(self.record)
        environment = os.environ | self.variables
        environment |= {
            "DAGSTER_HOME": str(self.home(machine)),
            "HF_ASSETS_DATA": str(self.hub.root),
            "HF_ENDPOINT": self.hub.url,
            "HF_ASSETS_ARCHIVE": "none",
            "HF_ASSETS_RETRY_WAIT": "0.1",
            "HF_ASSETS_STEP_RETRY_WAIT": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", launch.__name__, asset],
            cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)

        def lives() -> bool:
            assert process.poll() is None, process.communicate()[0]
            new = [run for run in self.record.get_runs() if run.run_id not in before]
            return any(PROCESS in run.tags for run in new)

        until(lives, lambda: "the run shows no sign of life", PATIENCE)
        return process

    def pages(self) -> int:
        return len([*self.hub.root.rglob("*.json.zst")])


@pytest.fixture
def machines(
    world: Make, tmp_path: Path, postgres_locks: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Generator[Machines]:
    hub = world(GeneratedHub(ROWS, 100, seed=4))
    with postgres_locks.database("record") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        found = Machines(hub, tmp_path / "machines", variables)
        try:
            yield found
        finally:
            found.record.dispose()
            for process in found.processes:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


@pytest.mark.heavy
def test_a_run_outlives_postgres_dies_and_a_relaunch_finishes(
    machines: Machines, postgres_locks: PostgresServer
) -> None:
    hub, record = machines.hub, machines.record
    with ThreadPoolExecutor(2) as pool:
        [*pool.map(limit_pools, [record, record])]
    assert {pool.name: pool.limit for pool in record.event_log_storage.get_pool_limits()} == LIMITS

    hub.faults.latency = 1.0
    first = machines.launch("there", "raw_models")
    until(machines.pages, lambda: "no page", PATIENCE)
    # This machine's sensor, which has another home, leaves the other's alone.
    assert end_killed(record, patience=0) == []
    stored = machines.pages()
    postgres_locks.kill()
    postgres_locks.start()
    # It goes on in a further try, unless it wanted to write an event meanwhile.
    until(lambda: machines.pages() > stored or first.poll(), lambda: "no further page", PATIENCE)
    if first.poll() is None:
        os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    until(lambda: not postgres_locks.locks(), lambda: "a lock is left", PATIENCE)
    until(lambda: end_killed(record) or not living(record), lambda: "not ended", PATIENCE)
    assert [*runs(record).values()] == [FAILURE]
    assert hub.lake.days("raw_models", MARKER) == []

    hub.faults.latency = 0.0
    second = machines.launch("elsewhere", "raw_models")
    said, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0, said
    assert [run.status for run in record.get_runs(limit=1)] == [SUCCESS]
    capture = CaptureStore(hub.lake, "raw_models").complete(today())
    assert capture
    assert capture.manifest.distinct == ROWS
    # One page at most is asked for again a kill.
    asked = [page.query for page in hub.pages if page.path == "/api/models"]
    assert len({*asked}) == ROWS // 1000
    assert len(asked) <= ROWS // 1000 + 2
