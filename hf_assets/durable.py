"""Files and folders that are there whole or not at all, whatever happens while they are written."""

import os
import secrets
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

# A temporary file of a writer that was killed is swept away after this many seconds.
STALE_TEMPORARY = 86_400


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A temporary sibling to write; moved over `path`, synced, when the block ends without error.

    Two writers of one path do not meet: each has its own sibling, and the last to finish wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
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

    On an error the old folder stays. A reader finds the old folder, the new one, or, between two
    renames, none; a process killed just there leaves the old one aside, and `recover` puts it back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    recover(path)
    _sweep(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        for written in temporary.rglob("*"):
            if written.is_file():
                with written.open("rb") as handle:
                    os.fsync(handle.fileno())
        aside = _aside(path)
        if path.exists():
            path.rename(aside)
        temporary.rename(path)
        _sync_folder(path.parent)
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def recover(path: Path) -> None:
    """Put back a folder whose replacement died between its two renames."""
    aside = _aside(path)
    if not aside.is_dir():
        return
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.rename(path)


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
