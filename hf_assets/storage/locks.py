"""Locks between runs: taken at once or waited for, and released with the process that holds them.

A lock is a file of its own, on which the system keeps an exclusive lock. However the holder ends,
the system releases it; the file stays, empty.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hf_assets.errors import InputError

# Seconds between two tries of a run that waits: one try opens and closes a file.
POLL = 0.1


class BusyError(InputError):
    """Another run has held a lock for longer than this run waits."""

    def __init__(self, work: str, wait: float) -> None:
        super().__init__(
            f"another run has been {work} for over {wait:.0f} s: wait for it or end it, then run "
            "again",
            permanent=False,
        )


@contextmanager
def exclusive(
    path: Path,
    work: str,
    *,
    wait: float | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> Generator[bool]:
    """Hold a lock while the block runs. Yields True where another run held it first.

    Args:
        path: the lock file; its folder is created.
        work: what the holder does, after "another run is": "capturing 2026-11-20".
        wait: seconds to wait for another run; None: until it ends.
        log: takes a line when this run begins to wait.

    Raises:
        BusyError: the other run still holds the lock after `wait` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, waited = FileLock(path), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waited = True
    if waited:
        log(f"another run is {work}: waiting for it")
        try:
            lock.acquire(timeout=-1 if wait is None else wait, poll_interval=POLL)
        except Timeout:
            assert wait is not None
            raise BusyError(work, wait) from None
    try:
        yield waited
    finally:
        lock.release()
