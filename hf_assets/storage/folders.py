"""Folders of many files that are replaced as one, in a lake that is a folder and on a store.

Readers get a folder of this machine, of one version: the stored folder itself, or a verified copy.
"""

import ctypes
import os
import shutil
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

from hf_assets.errors import InputError
from hf_assets.object_store import folders as on_store
from hf_assets.object_store.copies import copy_of, local_copy, side_by_side
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.object_store.scratch import scratch
from hf_assets.object_store.versions import MARKER, current_version, seen_version
from hf_assets.storage.durable import Stamp, beside, stamp, storing, sweep, sync_folder, write_bytes
from hf_assets.storage.locks import exclusive
from hf_assets.storage.postgres_locks import require_locks

T = TypeVar("T")

# Times that a folder is read again because it was replaced meanwhile: each takes a writer's work.
_TRIES = 10
# Files synced to disk at a time: a disk syncs several in the time of one.
_SETTLING = 8


class ReplacedFolder(InputError):
    """A folder was replaced while it was read: the rows are of two versions."""

    def __init__(self, path: LakePath) -> None:
        super().__init__(f"{path} was replaced while it was read: run this again", permanent=False)


@contextmanager
def replacing_folder(path: LakePath, *, public: bool = False) -> Generator[Path]:
    """An empty temporary folder to fill; it replaces folder `path` when the block ends.

    On an error the old folder stays. A reader finds the old folder or the new one. Where the system
    cannot exchange two folders in one step there is none between two renames; a process that is
    killed there leaves the old one aside, and `restore` puts it back.

    Args:
        path: of the folder, in a folder or on a store.
        public: on a store, small files get their plain names too, for people who look there.

    Raises:
        CommitConflict: on a store, another writer was faster.
    """
    if isinstance(path, StorePath):
        with storing(scratch()), on_store.replacing_folder(path, public=public) as folder:
            yield folder
            require_locks()
        return
    temporary = beside(path)
    try:
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            restore(path)
            sweep(path.parent)
            temporary.mkdir()
            yield temporary
            with ThreadPoolExecutor(_SETTLING) as pool:
                list(pool.map(_settled, temporary.rglob("*")))
            with _alone(path):
                require_locks()
                _put(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_files(path: LakePath, files: Mapping[str, bytes]) -> None:
    """Write files into a folder: on a store as one, else each atomically, one after the other."""
    if isinstance(path, StorePath):
        with replacing_folder(path, public=True) as folder:
            for name, content in files.items():
                (folder / name).write_bytes(content)
        return
    for name, content in files.items():
        write_bytes(path / name, content)


def restore(path: LakePath) -> None:
    """Put back a folder whose replacement died between its two renames.

    Waits for a replacement that is under way: a reader may call it at any time.
    """
    if isinstance(path, Path) and not path.exists() and _aside(path).is_dir():
        with _alone(path):
            _settle(path)


def local_folder(path: LakePath) -> Path:
    """The folder on this machine: itself, or on a store a copy of the version that is there now.

    Raises:
        FileNotFoundError: it is missing.
    """
    if isinstance(path, StorePath):
        with storing(scratch()):
            return local_copy(path)
    restore(path)
    if not path.is_dir():
        raise FileNotFoundError(2, "no such folder", str(path))
    return path


def local_path(path: LakePath) -> Path:
    """A folder that is replaced as one, or a file or folder in it, on this machine.

    Raises:
        FileNotFoundError: on a store, there is no such folder.
    """
    if isinstance(path, StorePath):
        above = path
        while above.key:
            if (version := seen_version(above).version) is not None:
                with storing(scratch()):
                    return copy_of(above, version) / path.relative_to(above)
            above = above.parent
        raise FileNotFoundError(2, "no such folder", str(path))
    return path


def local_folders(root: LakePath, names: Iterable[str]) -> Path:
    """A folder of this machine in which the folders of those names lie, as they do under `root`.

    Raises:
        FileNotFoundError: one is missing.
    """
    copies: Mapping[str, Path] = {name: local_folder(root / name) for name in names}
    if isinstance(root, StorePath):
        with storing(scratch()):
            return side_by_side(copies)
    return root


def folder_stamp(path: LakePath) -> Stamp:
    """Changes when a folder is replaced; empty where there is none. One request."""
    restore(path)
    return stamp(path / MARKER if isinstance(path, StorePath) else path)


def is_stored(path: LakePath) -> bool:
    """Whether a folder is there, complete."""
    restore(path)
    if isinstance(path, StorePath):
        return seen_version(path).version is not None
    return path.is_dir()


def written_at(path: LakePath) -> int:
    """When a folder was stored, in nanoseconds. FileNotFoundError."""
    if isinstance(path, StorePath):
        return current_version(path).nanoseconds
    return path.stat().st_mtime_ns


def folder_bytes(path: LakePath) -> int:
    """The bytes of a folder's files."""
    if isinstance(path, StorePath):
        return current_version(path).size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def read_folder(path: LakePath, load: Callable[[Path], T]) -> T:
    """The result of `load`, read from one version of a folder: the old one or the new one.

    Files that are read later must be open when `load` returns.

    Raises:
        ReplacedFolder: it was replaced again and again.
        FileNotFoundError: it is missing, on a store.
    """
    if isinstance(path, StorePath):
        return load(local_folder(path))
    for _ in range(_TRIES):
        restore(path)
        before = stamp(path)
        try:
            loaded = load(path)
        except Exception:
            if stamp(path) == before:
                raise
            continue
        if stamp(path) == before:
            return loaded
    raise ReplacedFolder(path)


def remove_folder(path: LakePath) -> None:
    """Remove a folder if it is there; a killed run leaves it complete or not at all."""
    if isinstance(path, StorePath):
        on_store.remove_folder(path)
        return
    going = beside(path)
    try:
        path.rename(going)
    except FileNotFoundError:
        return
    shutil.rmtree(going, ignore_errors=True)


def _settled(path: Path) -> None:
    """Have a file on the disk."""
    if path.is_file():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _alone(path: Path) -> AbstractContextManager[bool]:
    """Held by whoever renames that folder."""
    return exclusive(path.with_name(f".{path.name}.lock"), f"replacing {path}")


def _put(temporary: Path, path: Path) -> None:
    """Move a folder over another; the caller holds the lock."""
    _settle(path)
    if not (path.exists() and _exchanged(temporary, path)):
        if path.exists():
            path.rename(_aside(path))
        temporary.rename(path)
    sync_folder(path.parent)
    shutil.rmtree(_aside(path), ignore_errors=True)


def _settle(path: Path) -> None:
    """Complete the replacement of a killed writer; the lock excludes one that is under way."""
    aside = _aside(path)
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
    elif aside.is_dir():
        aside.rename(path)


def _exchanged(first: Path, second: Path) -> bool:
    """Whether the two were exchanged in one step: Linux can, on most of its file systems."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if os.name == "posix" else None
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE, of linux/fcntl.h and linux/fs.h
    paths = (os.fsencode(path.absolute()) for path in (first, second))
    return rename is not None and not rename(here, next(paths), here, next(paths), exchange)
