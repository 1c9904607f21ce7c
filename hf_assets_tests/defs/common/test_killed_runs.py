"""Runs that end from outside: killed, interrupted, terminated. Real `dg launch` processes."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest
import yaml

from hf_assets.defs.common import killed_runs
from hf_assets.defs.common.killed_runs import FOLDER, end_killed, end_killed_runs, end_unstarted
from hf_assets.defs.common.resources import LakeResource
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture_store.files import MARKER
from hf_assets.storage.lake import today
from hf_assets_tests.defs.conftest import RAW, Make, World
from hf_assets_tests.defs.test_processes import PATIENCE, PROJECT, Command
from hf_assets_tests.support.defs import dead_workers, launch

Start = Callable[..., subprocess.Popen[str]]
ROWS = 10_000
STARTED, FAILURE = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.FAILURE
STARTING = dg.DagsterRunStatus.STARTING


def until(there: Callable[[], object], *processes: subprocess.Popen[str]) -> None:
    """Wait for what must come while those processes live."""
    deadline = time.monotonic() + PATIENCE
    while not there():
        for process in processes:
            assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def history(command: Command) -> Generator[dg.DagsterInstance]:
    """Dagster's history of that command's runs."""
    command.environment()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(command.home))
        with dg.DagsterInstance.from_config(str(command.home)) as instance:
            yield instance


@pytest.fixture
def slow(world: Make) -> World:
    """A Hub that takes a second a page."""
    hub = world(GeneratedHub(ROWS, ROWS, seed=4))
    hub.faults.latency = 1.0
    return hub


@pytest.fixture
def listing(slow: World, tmp_path: Path) -> Generator[Start]:
    """Starts `dg launch` of an asset of today, or a run without `dg`; what still lives is killed
    at the end.
    """
    started: list[subprocess.Popen[str]] = []

    def start(asset: str, *, with_dg: bool = True) -> subprocess.Popen[str]:
        command = Command(slow.root, tmp_path / "home", slow.url)
        started.append(
            command.start("launch", "--assets", asset, "--partition", today())
            if with_dg
            else command.open(sys.executable, "-m", launch.__name__, asset)
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def pages(hub: World, kind: str) -> int:
    return len(list((hub.root / f"raw_{kind}").rglob("*.json.zst")))


def runs(instance: dg.DagsterInstance) -> dict[str, dg.DagsterRunStatus]:
    return {run.run_id: run.status for run in instance.get_runs()}


@pytest.mark.heavy
def test_runs_that_were_killed_are_ended_and_those_that_live_are_not(
    slow: World, listing: Start, tmp_path: Path
) -> None:
    command = Command(slow.root, tmp_path / "home", slow.url)
    with history(command) as instance:
        first, second = (listing("raw_models", with_dg=False) for _ in range(2))
        # One waits for the other.
        until(lambda: list(runs(instance).values()) == [STARTED] * 2, first, second)
        until(lambda: len(list((command.home / FOLDER).glob("*.lock"))) == 2, first)
        assert end_killed(instance) == []
        assert list(runs(instance).values()) == [STARTED] * 2

        os.killpg(first.pid, signal.SIGKILL)
        os.killpg(second.pid, signal.SIGKILL)
        first.wait()
        second.wait()
        assert list(runs(instance).values()) == [STARTED] * 2
        # A run may be killed before it holds its lock.
        early = min(runs(instance))
        (command.home / FOLDER / f"{early}.lock").unlink()
        with dg.build_sensor_context(instance=instance) as context:
            said = end_killed_runs(context)
        assert isinstance(said, dg.SkipReason)
        other = max(runs(instance))
        assert said.skip_message == f"Ended runs whose process is gone: {other}"
        assert runs(instance) == {early: STARTED, other: FAILURE}
        assert end_killed(instance, patience=0) == [early]
        assert list(runs(instance).values()) == [FAILURE] * 2
        assert not list((command.home / FOLDER).iterdir())
        for one in (early, other):
            (event,) = instance.all_logs(one, of_type=dg.DagsterEventType.RUN_FAILURE)
            assert "which this run was in, is gone" in event.message


@pytest.fixture
def kept(tmp_path: Path) -> Generator[dg.DagsterInstance]:
    """A history with a run of a process that is gone, on a host that had another name."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        for run_id, status in (("a" * 36, STARTED), ("b" * 36, dg.DagsterRunStatus.SUCCESS)):
            run = instance.add_run(dg.DagsterRun("job", run_id=run_id, status=status))
            instance.report_engine_event("Executing steps in process (pid: 7)", run)
            (tmp_path / FOLDER).mkdir(exist_ok=True)
            (tmp_path / FOLDER / f"{run_id}.lock").write_text("old-name 7\n")
        yield instance


def test_a_lock_that_cannot_be_had_says_nothing_nor_does_a_host_of_another_name(
    kept: dg.DagsterInstance, tmp_path: Path
) -> None:
    gone, over = "a" * 36, "b" * 36
    context = mock.Mock(spec=dg.InitResourceContext, instance=kept)
    context.run = dg.DagsterRun("job", run_id="c" * 36)
    # Another user's file, and a file system without locks.
    for what, module, code in (
        ("open", os, errno.EACCES),
        ("flock", killed_runs.fcntl, errno.ENOLCK),
    ):
        with mock.patch.object(module, what, side_effect=OSError(code, os.strerror(code))):
            assert end_killed(kept) == []
            LakeResource(root=str(tmp_path)).setup_for_execution(context)
    (tmp_path / FOLDER / f"{context.run.run_id}.lock").unlink()
    # A machine that has no history of its own may be another one.
    with mock.patch.object(killed_runs, "_local", return_value=False):
        assert end_killed(kept) == []
    # The file of a run that is over goes in any case.
    assert [path.stem for path in (tmp_path / FOLDER).iterdir()] == [gone]
    assert runs(kept) == {gone: STARTED, over: dg.DagsterRunStatus.SUCCESS}
    # Where the history is a file, the host has but another name now.
    assert end_killed(kept) == [gone]
    assert runs(kept)[gone] == FAILURE
    assert not list((tmp_path / FOLDER).iterdir())


def test_a_number_that_another_process_has_now_is_not_the_run() -> None:
    """Numbers begin again when a machine starts again."""
    begun = killed_runs._started(os.getpid())
    assert begun
    assert abs(begun - time.time()) < 24 * 3600
    assert killed_runs._lives(os.getpid(), begun + 5)
    assert not killed_runs._lives(os.getpid(), begun - 5)
    assert killed_runs._started(2**22 + 1) is None
    assert not killed_runs._lives(2**22 + 1, time.time())


@pytest.mark.heavy
def test_an_interrupt_ends_a_run_and_the_next_goes_on_where_it_was(
    slow: World, listing: Start, tmp_path: Path
) -> None:
    """Ctrl-C, and what "Terminate" in the UI does to a run's process."""
    with history(Command(slow.root, tmp_path / "home", slow.url)) as instance:
        interrupted, terminated = listing("raw_models"), listing("raw_spaces")
        until(lambda: pages(slow, "models") and pages(slow, "spaces"), interrupted, terminated)
        (run,) = (
            run for run in instance.get_runs() if run.asset_selection == {dg.AssetKey("raw_spaces")}
        )
        instance.report_run_canceling(run)
        os.kill(terminated.pid, signal.SIGTERM)
        os.kill(interrupted.pid, signal.SIGINT)
        for process in (interrupted, terminated):
            said, _ = process.communicate(timeout=PATIENCE)
            assert process.returncode != 0
            assert "STEP_UP_FOR_RETRY" not in said
        ended = runs(instance)
        assert ended.pop(run.run_id) == dg.DagsterRunStatus.CANCELED
        assert list(ended.values()) == [FAILURE]
    assert slow.lake.days("raw_models", MARKER) == slow.lake.days("raw_spaces", MARKER) == []

    slow.faults.latency = 0.0
    assert slow.materialize(*RAW).success
    for kind in ("models", "spaces"):
        assert slow.figures(f"raw_{kind}", "distinct rows") == {today(): ROWS}
        asked = [page.query for page in slow.pages if page.path == f"/api/{kind}"]
        assert len(set(asked)) == ROWS // 1000
        # The page that the interrupt came upon is asked for again.
        assert len(asked) <= ROWS // 1000 + 1


@pytest.mark.release
@pytest.mark.heavy
def test_two_killed_runs_do_not_keep_the_next_in_the_queue(
    slow: World, listing: Start, tmp_path: Path
) -> None:
    """The daemon, its sensor and its queue, as `make dev` has them; two runs may go on at once."""
    command = Command(slow.root, tmp_path / "home", slow.url)
    with history(command) as instance:
        killed = [listing("raw_models"), listing("raw_spaces")]
        until(lambda: len(list((command.home / FOLDER).glob("*.lock"))) == 2, *killed)
        for process in killed:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        before = set(runs(instance))

        script, environment = Path(sys.executable).with_name("dagster"), command.environment()
        job = ["job", "launch", "-w", "workspace.yaml", "-j", "thin_old_days"]
        subprocess.run(
            [script, *job], cwd=PROJECT, env=environment, check=True, capture_output=True
        )
        configuration = command.home / "dagster.yaml"
        limit = "max_concurrent_runs: "
        assert f"{limit}4" in configuration.read_text()
        configuration.write_text(configuration.read_text().replace(f"{limit}4", f"{limit}2"))
        with (tmp_path / "log").open("w") as log:
            daemon = subprocess.Popen(
                [f"{script}-daemon", "run", "-w", "workspace.yaml"],
                cwd=PROJECT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        try:
            (queued,) = set(runs(instance)) - before
            until(lambda: (run := instance.get_run_by_id(queued)) and run.is_finished)
            # There is nothing to thin; what counts is that its step began.
            begun = dg.DagsterEventType.STEP_START
            assert instance.all_logs(queued, of_type=begun), (tmp_path / "log").read_text()
            assert [runs(instance)[one] for one in before] == [FAILURE] * 2
        finally:
            os.killpg(daemon.pid, signal.SIGTERM)
            daemon.wait(PATIENCE)


def test_a_run_that_its_worker_never_began_is_failed_with_the_launchers_words(
    tmp_path: Path,
) -> None:
    launcher = {"module": dead_workers.__name__, "class": "DeadWorkers"}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"run_launcher": launcher}))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        states = [("dead", STARTING), ("dead", STARTED), ("waiting", STARTING)]
        runs = [instance.add_run(dg.DagsterRun(job, status=status)) for job, status in states]
        context = dg.build_sensor_context(instance=instance)
        said = end_killed_runs(context)
        assert isinstance(said, dg.SkipReason)
        assert runs[0].run_id in (said.skip_message or "")
        # Monitoring looks after what has begun; what waits for a free worker may do so.
        now = [instance.get_run_by_id(run.run_id) for run in runs]
        assert [run.status for run in now if run] == [FAILURE, STARTED, STARTING]
        (event,) = instance.all_logs(runs[0].run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        assert "not on the PATH of Ray on this node" in f"{event.dagster_event}"
        assert "\x1b" not in (event.message)


def test_a_launcher_that_knows_no_health_ends_nothing(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = instance.add_run(dg.DagsterRun("dead", status=STARTING))
        assert end_unstarted(instance) == []
        now = instance.get_run_by_id(run.run_id)
        assert now
        assert now.status == STARTING
