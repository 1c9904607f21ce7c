"""One training of a base model at a time, and its checkpoints for as long as they are of use.

What belongs here: who may train, and when checkpoints go. What does not: what is in them
(`checkpoints.py`). Light to import.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from hf_assets.errors import InputError
from hf_assets.storage.durable import remove_folder


class StillTraining(InputError):
    """Another run trains the same base model on the same corpus, and does not come to an end."""


@contextmanager
def turn(
    work: Path, log: Callable[[str], None] = lambda _: None, wait: float = 7200.0
) -> Generator[Path]:
    """The folder of checkpoints `work`, for this run alone while the block runs.

    It is removed when the block has ended without error: have the result in its place by then. A
    run that is killed in between leaves checkpoints of a training that is done, which the next run
    with the same recipe takes its result from, and another recipe removes.

    Args:
        work: need not exist.
        log: takes lines of the run log.
        wait: seconds to wait for another run.

    Raises:
        StillTraining: the other run has not ended by then.
    """
    with _alone(work, log, wait):
        yield work
        remove_folder(work)


def _alone(work: Path, log: Callable[[str], None], wait: float) -> AcquireReturnProxy:
    """The lock of that folder; it goes with its process, however that dies."""
    work.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, which is removed while the lock is held.
    lock = FileLock(work.with_name(".training.lock"))
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        log(f"another run trains {work.parent.name} on this corpus: waiting for it")
    try:
        return lock.acquire(timeout=wait, poll_interval=0.5)
    except Timeout:
        raise StillTraining(
            f"another run has been training {work.parent.name} on this corpus for over {wait:.0f} "
            "s: wait for it or end it, then run again",
            permanent=False,
        ) from None
