"""One training of a base model at a time, and its checkpoints for as long as they are of use."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from hf_assets.object_store.path import LakePath
from hf_assets.object_store.scratch import work_folder
from hf_assets.storage.folders import remove_folder
from hf_assets.storage.locks import exclusive


@contextmanager
def training_lock(
    folder: LakePath, log: Callable[[str], None] = lambda _: None, wait: float = 7200.0
) -> Generator[Path]:
    """The checkpoints of a training on this machine, for this run alone while the block runs.

    They are removed when the block ends without error: put the result in its place before. A run
    that is killed in between leaves checkpoints of a finished training, from which the next run
    with the same recipe takes its result, and which another recipe removes.

    The lock is the lake's: two machines do not train the same. Checkpoints are not: for a lake on a
    store they lie in scratch, as they are larger than the result and written every epoch. A run
    that is killed on one machine and goes on on another loses the epochs since its beginning; its
    checkpoints stay in the first machine's scratch until that trains the base model again.

    Args:
        folder: of the checkpoints in the lake; need not exist.
        log: takes lines of the run log.
        wait: seconds to wait for another run.

    Raises:
        BusyError: the other run has not ended by then.
    """
    # Beside the folder, which is removed while the lock is held.
    path = folder.with_name(".training.lock")
    doing, work = f"training {folder.parent.name} on this corpus", work_folder(folder)
    with exclusive(path, doing, wait=wait, log=log):
        yield work
        remove_folder(work)
