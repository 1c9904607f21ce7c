"""Files and folders that are there whole or not at all, whatever happens while they are written."""

import ctypes
import os
import secrets
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

# A temporary file of a writer that was killed is swept away after this many seconds.
STALE_TEMPORARY = 86_400


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A temporary sibling to write; moved over `path`, synced, when the block ends without error.

    Two writers of one path do not meet: each has its own sibling, and the last to finish wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    temporary = _beside(path)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


@contextmanager
def replacing_folder(path: Path) -> Generator[Path]:
    """An empty temporary sibling to fill; it takes the place of folder `path` at the block's end.

    On an error the old folder stays. A reader finds the old folder or the new one. Where the system
    cannot exchange two folders in one step it finds, between two renames, none; a process killed
    just there leaves the old one aside, and `recover` puts it back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    recover(path)
    _sweep(path.parent)
    temporary = _beside(path)
    temporary.mkdir()
    try:
        yield temporary
        for written in temporary.rglob("*"):
            if written.is_file():
                with written.open("rb") as handle:
                    os.fsync(handle.fileno())
        with _alone(path):
            _put(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def recover(path: Path) -> None:
    """Put back a folder whose replacement died between its two renames.

    Of a replacement that lives it waits for the end: who merely reads may call it at any time.
    """
    if not path.exists() and _aside(path).is_dir():
        with _alone(path):
            _settle(path)


def remove_folder(path: Path) -> None:
    """Remove a folder that may not be there; killed meanwhile, it is there whole or not at all."""
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


def _alone(path: Path) -> FileLock:
    """Held by whoever renames that folder; it goes with its process, however that dies."""
    return FileLock(path.with_name(f".{path.name}.lock"))


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
    """End what a killed writer began; the lock tells that no living one is in the midst of it."""
    aside = _aside(path)
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
    elif aside.is_dir():
        aside.rename(path)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the two changed places, in one step: Linux can, on most of its file systems."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if os.name == "posix" else None
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE, of linux/fcntl.h and linux/fs.h
    paths = (os.fsencode(path.absolute()) for path in (one, other))
    return rename is not None and not rename(here, next(paths), here, next(paths), exchange)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file, atomically and durably."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def append_line(path: Path, line: bytes) -> None:
    """Append one line to a journal, durably; a torn last line is the reader's to ignore."""
    with path.open("ab") as journal:
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
