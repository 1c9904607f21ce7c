"""Files and folders that are there completely or not at all, however a writer ends."""

import ctypes
import errno
import os
import re
import secrets
import shutil
import time
import zlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from hf_assets.errors import InputError
from hf_assets.object_store.commit import commit, overwrite, seen
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.object_store.scratch import scratch_file
from hf_assets.storage.locks import exclusive
from hf_assets.storage.postgres_locks import require_locks

# A temporary file of a writer that was killed is swept away after this many seconds.
STALE_TEMPORARY = 86_400

T = TypeVar("T")

# Errors of a full disk, and what to do. Another try would end the same way.
_ROOM = "free some space, or set HF_ASSETS_DATA to a folder on a larger disk"
_FULL = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: f"the quota of this user is used up: {_ROOM}",
    errno.EFBIG: "raise the limit on the size of a file (`ulimit -f`), or use another file system",
}
# The system gives the same errors for files that are read, and for connections.
_FORBIDDEN = {
    errno.EROFS: "mount the file system for writing, or set HF_ASSETS_DATA to another folder",
    errno.EACCES: "let this user write there, or set HF_ASSETS_DATA to another folder",
    errno.EPERM: "let this user write there, or set HF_ASSETS_DATA to another folder",
}
# A quota and a limit on the size of a file are no different to who has to write.
FULL = frozenset(_FULL)
# Libraries that write by themselves give the system's number only in their message.
_NUMBERED = re.compile(r"\b(?:os error|errno:?) (\d+)\b", re.IGNORECASE)
_LOOKED_AT = 20_000


class StorageError(InputError, OSError):
    """The disk takes no more, or nothing from this user; the message names it and its space."""

    def __init__(self, path: Path, number: int) -> None:
        advice = (_FULL | _FORBIDDEN)[number]
        super().__init__(
            f"{path} cannot be written: {os.strerror(number)}. {_space(path)}: {advice}; then run "
            "this again"
        )
        self.errno, self.filename = number, str(path)

    def __str__(self) -> str:
        """The message alone: an OSError puts its number first."""
        return str(self.args[0])


@contextmanager
def storing(path: Path) -> Generator[None]:
    """The block writes what belongs to `path`; a disk that does not take it is a StorageError."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        if (refused := _refused(error, path)) is None:
            raise
        raise StorageError(*refused) from error


def system_number(error: BaseException) -> int | None:
    """The system's error number, also where a library gives it only in its message."""
    number = getattr(error, "errno", None)
    if number is None and (match := _NUMBERED.search(str(error)[:_LOOKED_AT])):
        return int(match[1]) if len(match[1]) < 10 else None
    return number


def _refused(error: Exception, path: Path) -> tuple[Path, int] | None:
    """What could not be written, and the system's number; None: it is another error."""
    number, name = system_number(error), getattr(error, "filename", None)
    named = Path(name).absolute() if isinstance(name, str) else None
    if named and named.name.startswith(f".{path.name}."):
        named = path.absolute()  # its temporary file
    if number in _FULL:
        return named or path, number
    ours = named is not None and named.is_relative_to(path.parent.absolute())
    # A writer creates the folders above it, too.
    ours = ours or (named is not None and path.absolute().is_relative_to(named))
    return (named or path, number) if number in _FORBIDDEN and ours else None


def nearest(path: Path) -> Path:
    """The path where it is there, else the folder above it that is."""
    # Path.exists raises where a folder may not be entered.
    return next(there for there in (path, *path.absolute().parents) if os.path.exists(there))


def _space(path: Path) -> str:
    """What is free where that path lies."""
    there = nearest(path)
    try:
        disk = os.statvfs(there)
    except OSError:
        return f"The space at {there} is unknown"
    free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    names = ", and no more files can be made" if disk.f_files and not disk.f_favail else ""
    return f"The file system of {there} has {free:,} of {size:,} bytes free{names}"


@contextmanager
def replacing(path: LakePath) -> Generator[Path]:
    """A temporary file to write; it is `path`, durably, when the block ends without error.

    In a folder it is a sibling that is moved: two writers of one path do not meet, and the last to
    finish wins. On a store it is one conditional PUT.

    Raises:
        CommitConflict: on a store, another writer was faster.
    """
    if isinstance(path, StorePath):
        before = seen(path)
        with scratch_file(path.name) as written:
            yield written
            commit(path, written, before)
        return
    temporary = _beside(path)
    try:
        # Reported before the temporary file goes: the disk has no room for its bytes.
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _sweep(path.parent)
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            require_locks()
            temporary.replace(path)
    finally:
        with suppress(OSError):  # reported already; leftovers are swept away later
            temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def replacing_folder(path: Path) -> Generator[Path]:
    """An empty temporary sibling to fill; it replaces folder `path` when the block ends.

    On an error the old folder stays. A reader finds the old folder or the new one. Where the system
    cannot exchange two folders in one step there is none between two renames; a process that is
    killed there leaves the old one aside, and `restore` puts it back.
    """
    temporary = _beside(path)
    try:
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            restore(path)
            _sweep(path.parent)
            temporary.mkdir()
            yield temporary
            for written in temporary.rglob("*"):
                if written.is_file():
                    with written.open("rb") as handle:
                        os.fsync(handle.fileno())
            with _alone(path):
                require_locks()
                _put(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def restore(path: Path) -> None:
    """Put back a folder whose replacement died between its two renames.

    Waits for a replacement that is under way: a reader may call it at any time.
    """
    if not path.exists() and _aside(path).is_dir():
        with _alone(path):
            _settle(path)


# Device, inode and modification time of a file or folder.
Stamp = tuple[int, ...]
# Times that a folder is read again because it was replaced meanwhile: each takes a writer's work.
_TRIES = 10


class ReplacedFolder(InputError):
    """A folder was replaced while it was read: the rows are of two versions."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was replaced while it was read: run this again", permanent=False)


def stamp(path: LakePath) -> Stamp:
    """Changes when a file or folder is replaced; empty where there is none."""
    if isinstance(path, StorePath):
        facts = path.facts()
        return (facts.size, zlib.crc32(facts.tag.encode())) if facts else ()
    try:
        about = path.stat()
    except FileNotFoundError:
        return ()
    return about.st_dev, about.st_ino, about.st_mtime_ns


def read_folder(path: Path, load: Callable[[Path], T]) -> T:
    """The result of `load`, read from one version of a folder: the old one or the new one.

    Files that are read later must be open when `load` returns.

    Raises:
        ReplacedFolder: it was replaced again and again.
    """
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


def remove_folder(path: Path) -> None:
    """Remove a folder if it is there; a killed run leaves it complete or not at all."""
    going = _beside(path)
    try:
        path.rename(going)
    except FileNotFoundError:
        return
    shutil.rmtree(going, ignore_errors=True)


def _beside(path: Path) -> Path:
    """A name for what is not there yet, or no longer; `_sweep` removes it if nobody else does."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


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
    _sync_folder(path.parent)
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


def write_bytes(path: LakePath, content: bytes) -> None:
    """Write a file, atomically and durably."""
    if isinstance(path, StorePath):
        commit(path, content, seen(path))
        return
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def link(source: LakePath, path: LakePath) -> None:
    """Give a file that nobody changes a second name, in place of what has that name now.

    On a store it is a copy.
    """
    if isinstance(source, StorePath) or isinstance(path, StorePath):
        assert isinstance(path, StorePath), "both names lie in one lake"
        overwrite(path, source.read_bytes())
        return
    temporary = _beside(path)
    try:
        with storing(path):
            try:
                os.link(source, temporary)
            except OSError:  # a file system without second names
                shutil.copyfile(source, temporary)
            temporary.replace(path)
    finally:
        with suppress(OSError):  # reported already; leftovers are swept away later
            temporary.unlink(missing_ok=True)


def append_line(path: Path, line: bytes) -> None:
    """Append one line to a journal, durably; a torn last line is the reader's to ignore."""
    with storing(path), path.open("ab") as journal:
        journal.write(line + b"\n")
        journal.flush()
        os.fsync(journal.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove what killed writers left behind long ago."""
    for left in folder.glob(".*.tmp"):
        try:
            if time.time() - left.stat().st_mtime > STALE_TEMPORARY:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        except FileNotFoundError:
            continue  # another writer swept it, or finished
