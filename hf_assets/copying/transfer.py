"""One file or object on its way into another lake."""

import shutil
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hf_assets.errors import InputError
from hf_assets.object_store.commit import commit
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.listing import Digests, Entry, Hashing
from hf_assets.object_store.local import local_root
from hf_assets.object_store.path import LakePath
from hf_assets.storage.durable import replacing

# Bytes that are held in memory at a time, of all files: a PUT holds its content. A larger file is
# sent alone.
MEMORY = 256 << 20
_TRIES, _WAIT = 3, 1.0
T = TypeVar("T")


class Budget:
    """So many bytes at a time; whoever needs more than there are has them alone."""

    def __init__(self, total: int = MEMORY) -> None:
        self._total, self._used = total, 0
        self._changed = threading.Condition()

    @contextmanager
    def of(self, size: int) -> Generator[None]:
        """Hold so many while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + size <= self._total)
            self._used += size
        try:
            yield
        finally:
            with self._changed:
                self._used -= size
                self._changed.notify_all()


def send(entry: Entry, target: LakePath, before: Entry | None, budget: Budget) -> Digests:
    """Store a file's content under another path, completely or not at all.

    Args:
        entry: the file or object, of just this version.
        target: where it goes.
        before: what was there when the copy began; on a store another one is a conflict.
        budget: of memory.

    Returns:
        Hashes of what was read, computed on the way.

    Raises:
        ChangedEntry: the source changed.
        CommitConflict: the target changed.
        StoreError, StorageError: what does not take or give it.
    """
    if local_root(target):
        return again(lambda: _into_folder(entry, Path(str(target))))
    with budget.of(entry.size):
        return again(lambda: _onto_store(entry, target, before))


def again(work: Callable[[], T]) -> T:
    """The result of `work`, which is tried again where the connection to a store breaks off."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except StoreError as error:
            if error.permanent:
                raise
            time.sleep(_WAIT)
    return work()


def _into_folder(entry: Entry, target: Path) -> Digests:
    hashing = Hashing()
    with replacing(target) as temporary, temporary.open("wb") as written:
        for part in entry.parts():
            hashing.add(part)
            written.write(part)
    return hashing.digests


def _onto_store(entry: Entry, target: Any, before: Entry | None) -> Digests:
    hashing, parts = Hashing(), []
    for part in entry.parts():
        hashing.add(part)
        parts.append(part)
    commit(target, b"".join(parts), before.tag if before else None)
    return hashing.digests


def is_same(one: Entry, other: Entry, *, read: bool) -> bool:
    """Whether two have the same content.

    Args:
        one: of the one lake.
        other: of the other.
        read: read both whatever the hashes of a store say.
    """
    if one.size != other.size:
        return False
    if not read:
        if one.md5 and one.md5 == other.md5:
            return True
        for stored, file in ((one, other), (other, one)):
            if stored.md5 and not file.md5 and again(file.digests).md5 == stored.md5:
                return True
    return again(one.digests).sha256 == again(other.digests).sha256


class NotWhatWasSent(InputError):
    """The target has another content than that which was stored there."""

    def __init__(self, path: LakePath) -> None:
        super().__init__(
            f"{path} is not what was stored there: another program writes to it, or the store or "
            "disk is broken. Look at it, then copy again",
            permanent=False,
        )


def verify(stored: Entry | None, path: LakePath, sent: Digests) -> bool:
    """Compare what a store has with what was sent; True where it had to be read back.

    Of a file of this machine the size is compared: its hash was computed while it was written.

    Raises:
        NotWhatWasSent: it differs.
    """
    if stored is None:
        raise NotWhatWasSent(path)
    if local_root(path) or stored.md5 == sent.md5:
        return False
    if again(stored.digests).sha256 != sent.sha256:
        raise NotWhatWasSent(path)
    return True


def copy_tree(source: Path, target: Path) -> None:
    """Copy the files of a folder of this machine into an empty one."""
    shutil.copytree(source, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
