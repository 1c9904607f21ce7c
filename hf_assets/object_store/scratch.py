"""Files of this machine on their way to and from a store: written here first, and copies to read.

Whoever deletes the folder while no run is under way loses nothing but time: copies are fetched
again, and a training that was cut off starts from its beginning.
"""

import os
import secrets
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from hf_assets.object_store.address import StoreAddress, endpoint
from hf_assets.object_store.path import LakePath, StorePath

# What a killed run left is removed after so many seconds, and a copy that nobody used.
STALE = 86_400


def scratch() -> Path:
    """The folder, created: `HF_ASSETS_SCRATCH`, else one in the user's cache."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def in_scratch(path: Path) -> bool:
    """Whether a path is there."""
    return path.absolute().is_relative_to(_folder())


def _folder() -> Path:
    if named := os.environ.get("HF_ASSETS_SCRATCH"):
        return Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hf_assets"


@contextmanager
def scratch_file(name: str) -> Generator[Path]:
    """A name for a new file, which is removed when the block ends."""
    path = _temporary(scratch(), name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def scratch_folder(name: str, parent: Path | None = None) -> Generator[Path]:
    """A new empty folder, which is removed when the block ends, unless it was moved.

    Args:
        name: to know it by.
        parent: the folder above; by default scratch itself.
    """
    path = _temporary(parent or scratch(), name)
    path.mkdir(parents=True)
    held = in_use(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


def work_folder(path: LakePath) -> Path:
    """The folder of this machine for unfinished work that belongs to a folder of the lake.

    The folder itself, where the lake is one: there the work goes on in any later run. For a lake on
    a store it is in scratch: a run on another machine begins from the start.
    """
    if isinstance(path, StorePath):
        return scratch() / "work" / lake_id(path.address) / path.key
    return path


def lake_id(address: StoreAddress) -> str:
    """A short name of that lake on its server: buckets of two servers may have one name."""
    return sha256(f"{endpoint()} {address}".encode()).hexdigest()[:12]


def in_use(folder: Path, *, alone: bool = False) -> int:
    """A descriptor of a folder; until it is closed, or its process ends, the folder is in use.

    Args:
        folder: in scratch.
        alone: raise BlockingIOError where it is in use.
    """
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
    except BaseException:
        os.close(handle)
        raise
    return handle


def discard(folder: Path, *, unused_for: float = STALE) -> bool:
    """Remove a folder or file of scratch, if it is old and not in use; whether it is gone."""
    with suppress(FileNotFoundError):
        try:
            held = in_use(folder, alone=True)
        except BlockingIOError:
            return False
        try:
            if time.time() - folder.stat().st_mtime < unused_for:
                return False
            going = set_aside(folder)
            if going.is_dir():
                shutil.rmtree(going, ignore_errors=True)
            else:
                going.unlink()
        finally:
            os.close(held)
    return True


def set_aside(folder: Path) -> Path:
    """Take a folder's name from it, in one step: what is half removed is never taken for complete.

    `sweep` removes it if nobody else does.
    """
    going = _temporary(folder.parent, "gone")
    folder.rename(going)
    return going


def sweep() -> None:
    """Remove what killed runs left here long ago."""
    for folder in (scratch(), scratch() / "folders"):
        for left in folder.glob(".*.tmp"):
            discard(left)


def _temporary(folder: Path, name: str) -> Path:
    return folder / f".{name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
