"""Runs whose process is gone are ended. Not here: what a run does.

Dagster asks nobody whether the process of a run lives that `dg launch` or its default launcher
started: a killed one stays STARTED, and counts among the runs that may go on at once. Each run
holds a lock of its own as long as its process lives, which goes however the process ends.

The lock is a file in Dagster's home, and says something on this machine alone. With
`HF_ASSETS_LOCKS=postgres` it is one in Postgres, and a tag of the run says which process holds it.
A lock that is missing may be one whose connection broke: its process takes it back in seconds. So
only this machine's runs are ended at once, and others when their lock was missing for a while.
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import dagster as dg
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage

from hf_assets.defs.common.pools import limit_pools
from hf_assets.errors import clean
from hf_assets.settings import settings
from hf_assets.storage.postgres_locks import Keeper, held

try:
    import fcntl
except ImportError:  # Windows: the bound on run time in dagster.yaml is all there is
    fcntl = None

FOLDER = "living_runs"
LIVING = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
# Seconds after its start in which a run that lives holds its lock.
PATIENCE = 600.0
# Of a run with a lock in Postgres: the number and the machine of the process that holds it.
PROCESS = "hf_assets/process"
# Where Dagster's record keeps since when a lock is missing.
_MISSING = "hf_assets/missing_runs"
# Characters of what a launcher says of a worker.
WORDS = 2000
# Open until the process ends, by path.
_held: dict[Path, int] = {}


def hold(instance: dg.DagsterInstance, run_id: str) -> None:
    """Show from now on that the process of that run lives: this one.

    OSError where the file system takes no file or knows no locks, LockServerError where Postgres
    cannot be reached.
    """
    if instance.is_ephemeral:
        return
    if settings().locks == "postgres":
        if _keeper().keep(_lock_of(run_id)):
            instance.add_run_tags(run_id, {PROCESS: f"{os.getpid()} {_machine()}"})
        return
    if fcntl is None:
        return
    path = Path(instance.root_directory) / FOLDER / f"{run_id}.lock"
    if path in _held:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        locked = _locked(handle, tries=50)
    except OSError:
        os.close(handle)
        raise
    if not locked:
        os.close(handle)  # another process of this run, with an executor that has many
        return
    os.ftruncate(handle, 0)
    os.write(handle, f"{socket.gethostname()} {os.getpid()}\n".encode())
    _held[path] = handle


def _locked(handle: int, tries: int = 1) -> bool:
    """Whether the lock was got; who looks whether a run lives has it for a moment."""
    assert fcntl is not None
    for left in reversed(range(tries)):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if left:
                time.sleep(0.1)
    return False


def end_killed(instance: dg.DagsterInstance, patience: float = PATIENCE) -> list[str]:
    """End the runs whose process is gone: of this machine, with locks in Postgres of any.

    Args:
        instance: Dagster's history.
        patience: seconds after its start in which a run is to hold its lock, and in which a lock in
            Postgres that broke is to be back.

    Returns:
        Their ids.
    """
    if instance.is_ephemeral:
        return []
    if settings().locks == "postgres":
        return [run.run_id for run in _without_lock(instance, patience)]
    if fcntl is None:
        return []
    folder = Path(instance.root_directory) / FOLDER
    locks = [path for path in sorted(folder.glob("*.lock")) if path not in _held]
    ended = [path.stem for path in locks if _ended(instance, path)]
    return ended + [run.run_id for run in _never_held(instance, folder, patience)]


def end_unstarted(instance: dg.DagsterInstance) -> list[str]:
    """End the runs whose worker failed before Dagster began in it, where the launcher knows.

    Dagster's monitoring only waits for these: for as long as a run may wait for a free worker.

    Returns:
        Their ids.
    """
    if instance.is_ephemeral or not instance.run_launcher.supports_check_run_worker_health:
        return []
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING])):
        health = instance.run_launcher.check_run_worker_health(run)
        now = instance.get_run_by_id(run.run_id)
        if health.status == WorkerStatus.FAILED and now and now.status == run.status:
            why = clean(health.msg or "", WORDS)
            instance.report_run_failed(run, f"The run did not begin: {why}")
            ended.append(run.run_id)
    return ended


def _ended(instance: dg.DagsterInstance, path: Path) -> bool:
    """Whether that file's run had to be ended; a file of a run that is over goes, too.

    What cannot be opened or locked, as another user's, says nothing.
    """
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        if not _locked(handle):
            return False  # its process lives
        host, _, process = os.read(handle, 300).decode("utf-8", "replace").strip().partition(" ")
    except OSError:
        os.close(handle)
        return False
    try:
        run = instance.get_run_by_id(path.stem)
        ended = run is not None and run.status in LIVING
        # A file system that is shared may know no locks of others. Where the history is a file of
        # this machine, the host has but another name, as a container that was made anew.
        ours = host == socket.gethostname() or (host and _local(instance))
        if ended and not (ours and _in_one_process(instance, path.stem, process)):
            return False
        if ended:
            _report(instance, run, f"Process {process} on {host}, which this run was in, is gone.")
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return ended
    finally:
        os.close(handle)


@cache
def _keeper() -> Keeper:
    return Keeper("living runs")


def _lock_of(run_id: str) -> str:
    return f"run {run_id}"


@cache
def _machine() -> str:
    """The machine, and where process numbers mean the same; other after it started again."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text()[:8])
        parts.append(os.readlink("/proc/self/ns/pid").strip("pid:[]"))
    return "-".join(parts)


def _without_lock(instance: dg.DagsterInstance, patience: float) -> Iterator[dg.DagsterRun]:
    """Runs whose lock in Postgres nobody holds, each ended. A run that never held one is left."""
    living = dg.RunsFilter(statuses=[*LIVING])
    tagged = [run.run_id for run in instance.get_runs(living) if PROCESS in run.tags]
    there = held(map(_lock_of, tagged)) if tagged else set()
    before = json.loads(instance.run_storage.get_cursor_values({_MISSING}).get(_MISSING, "{}"))
    missing = {}
    for run_id in (run_id for run_id in tagged if _lock_of(run_id) not in there):
        # Its end was stored before its lock went.
        run = instance.get_run_by_id(run_id)
        if run is None or run.status not in LIVING:
            continue
        number, _, machine = run.tags[PROCESS].partition(" ")
        since = before.get(run_id, time.time())
        gone = machine == _machine() and not _lives(int(number), time.time())
        if not gone and time.time() - since < patience:
            missing[run_id] = since
        elif _in_one_process(instance, run_id, number):
            _report(
                instance, run, f"Process {number} on {machine}, which this run was in, is gone."
            )
            yield run
    if missing != before:
        instance.run_storage.set_cursor_values({_MISSING: json.dumps(missing)})


def _local(instance: dg.DagsterInstance) -> bool:
    return isinstance(instance.run_storage, SqliteRunStorage)


def _never_held(
    instance: dg.DagsterInstance, folder: Path, patience: float
) -> Iterator[dg.DagsterRun]:
    """Runs that were killed before they held their lock, each ended.

    Only where the history is a file of this machine: else the process may be another machine's.
    """
    if not _local(instance):
        return
    for record in instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        run, begun = record.dagster_run, record.start_time
        if begun is None or time.time() - begun < patience:
            continue
        events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_START)
        process = next((one.dagster_event.pid for one in events if one.dagster_event), None)
        if process and not _was_held(folder / f"{run.run_id}.lock") and not _lives(process, begun):
            _report(instance, run, f"Process {process}, which this run was in, is gone.")
            yield run


def _was_held(lock: Path) -> bool:
    """Whether a process wrote itself into that file, or may have: nobody can tell."""
    try:
        return lock.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _lives(process: int, begun: float) -> bool:
    """Whether the process of that number is there, and began before that time.

    After a restart of the machine, numbers begin again: another process may have this one.
    """
    started = _started(process)
    if started is not None and started > begun + 1:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(process: int) -> float | None:
    """When a process began, in seconds since 1970; None where the system does not say (Linux)."""
    try:
        # The name, in parentheses, may have spaces. Field 22 counts from the machine's start.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        lines = Path("/proc/stat").read_text().splitlines()
        boot = next(int(line.split()[1]) for line in lines if line.startswith("btime"))
        return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _in_one_process(instance: dg.DagsterInstance, run_id: str, process: str) -> bool:
    """Whether that process is the run's only one, as Dagster's in-process executor says of it."""
    said = f"Executing steps in process (pid: {process})"
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    return any(event.dagster_event and event.dagster_event.message == said for event in events)


def _report(instance: dg.DagsterInstance, run: dg.DagsterRun, said: str) -> None:
    if run.status == dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, said)
    else:
        instance.report_run_failed(
            run, f"{said} It was killed, or the machine was; what it stored is kept. Run it again."
        )


@dg.sensor(
    name="end_killed_runs",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose process was killed: they would stay STARTED and block the queue. "
    "Makes no network request.",
)
def end_killed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """End the runs whose lock nobody holds; see that pools have their limits."""
    limit_pools(context.instance)
    ended = end_killed(context.instance) + end_unstarted(context.instance)
    if ended:
        return dg.SkipReason(f"Ended runs whose process is gone: {', '.join(ended)}")
    return dg.SkipReason("Every active run has its process.")
