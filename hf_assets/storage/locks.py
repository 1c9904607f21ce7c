"""Locks between runs: taken at once or waited for, and released with the process that holds them.

`HF_ASSETS_LOCKS` decides what a lock is. `files`: a file of its own, on which the system keeps an
exclusive lock; however the holder ends, the system releases it, and the file stays, empty. For a
lake on a store the file is one of this machine. `postgres`: see `postgres_locks`; the name of a
lock is the path of that file, so that all machines must have a shared disk under the same path.
"""

import hashlib
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from hf_assets.errors import InputError
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.object_store.scratch import scratch
from hf_assets.settings import settings
from hf_assets.storage.postgres_locks import AdvisoryLock, LostLock

# Seconds between two tries of a run that waits: one try opens and closes a file.
POLL = 0.1
# Addresses of stores of whose locks it was logged that they are this machine's.
_logged: set[str] = set()


class BusyError(InputError):
    """Another run has held a lock for longer than this run waits."""

    def __init__(self, work: str, wait: float) -> None:
        super().__init__(
            f"another run has been {work} for over {wait:.0f} s: wait for it or end it, then run "
            "again",
            permanent=False,
        )


class _Lock(Protocol):
    """Seconds between two tries, a try, and the release: whether it was held until then."""

    poll: float

    def take(self) -> bool: ...
    def release(self) -> bool: ...


class _LockedFile:
    """The lock of a file."""

    poll = POLL

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path)

    def take(self) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def release(self) -> bool:
        self._lock.release()
        return True


@contextmanager
def exclusive(
    path: LakePath,
    work: str,
    *,
    wait: float | None = None,
    log: Callable[[str], None] | None = None,
) -> Generator[bool]:
    """Hold a lock while the block runs. Yields True where another run held it first.

    Args:
        path: the lock file, which is the name of the lock; its folder is created.
        work: what the holder does, after "another run is": "capturing 2026-11-20".
        wait: seconds to wait for another run; None: until it ends.
        log: takes a line when this run begins to wait.

    Raises:
        BusyError: the other run still holds the lock after `wait` seconds.
        LockServerError: Postgres keeps the locks and cannot be reached.
        LostLock: the block came to its end, and had lost the lock before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock(path, work, log)
    try:
        yield _wait(lock, work, wait, log)
    except BaseException:
        # The block's own error says more than that the lock was lost, too.
        lock.release()
        raise
    if not lock.release():
        raise LostLock(work)


def _lock(path: LakePath, work: str, log: Callable[[str], None] | None) -> _Lock:
    if settings().locks == "postgres":
        return AdvisoryLock(str(path.resolve()), work)
    if not isinstance(path, StorePath):
        return _LockedFile(path)
    if log and str(path.address) not in _logged:
        _logged.add(str(path.address))
        log(
            f"locks for {path.address} hold on this machine alone: where others write there, too, "
            "set HF_ASSETS_LOCKS=postgres"
        )
    folder = scratch() / "locks"
    folder.mkdir(exist_ok=True)
    return _LockedFile(folder / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.lock")


def _wait(lock: _Lock, work: str, wait: float | None, log: Callable[[str], None] | None) -> bool:
    """Take a lock. Whether another run had it first. BusyError."""
    if lock.take():
        return False
    if log:
        log(f"another run is {work}: waiting for it")
    end = None if wait is None else time.monotonic() + wait
    while not lock.take():
        left = lock.poll if end is None else end - time.monotonic()
        if wait is not None and left <= 0:
            raise BusyError(work, wait)
        time.sleep(min(lock.poll, left))
    return True
