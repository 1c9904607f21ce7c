"""One training of a base model at a time, and its checkpoints for as long as they are of use."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from hf_assets.storage.folders import remove_folder
from hf_assets.storage.locks import exclusive


@contextmanager
def training_lock(
    work: Path, log: Callable[[str], None] = lambda _: None, wait: float = 7200.0
) -> Generator[Path]:
    """The folder of checkpoints `work`, for this run alone while the block runs.

    It is removed when the block ends without error: put the result in its place before. A run that
    is killed in between leaves checkpoints of a finished training, from which the next run with the
    same recipe takes its result, and which another recipe removes.

    Args:
        work: need not exist.
        log: takes lines of the run log.
        wait: seconds to wait for another run.

    Raises:
        BusyError: the other run has not ended by then.
    """
    # Beside the folder, which is removed while the lock is held.
    path, doing = work.with_name(".training.lock"), f"training {work.parent.name} on this corpus"
    with exclusive(path, doing, wait=wait, log=log):
        yield work
        remove_folder(work)
