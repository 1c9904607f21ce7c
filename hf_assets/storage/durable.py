"""Files that are there completely or not at all, however a writer ends."""

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from hf_assets.errors import InputError
from hf_assets.object_store.commit import ANY, LOOK, Condition, Seen, commit, overwrite, seen
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.object_store.scratch import in_scratch, scratch_file
from hf_assets.storage.postgres_locks import require_locks

# A temporary file of a writer that was killed is swept away after this many seconds.
STALE_TEMPORARY = 86_400

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
        if in_scratch(path):
            advice = advice.replace("HF_ASSETS_DATA", "HF_ASSETS_SCRATCH")
        super().__init__(
            f"{path} cannot be written: {os.strerror(number)}. {_space(path)}: {advice}; then run "
            "this again"
        )
        self.errno, self.filename = number, str(path)

    def __str__(self) -> str:
        """The message alone: an OSError puts its number first."""
        return str(self.args[0])


@contextmanager
def storing(path: LakePath) -> Generator[None]:
    """The block writes what belongs to `path`; a disk that does not take it is a StorageError.

    A store has errors of its own.
    """
    try:
        yield
    except (StorageError, StoreError):
        raise
    except Exception as error:
        if isinstance(path, StorePath) or (refused := _refused(error, path)) is None:
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
def replacing(path: LakePath, before: Seen | Condition = LOOK) -> Generator[Path]:
    """A temporary file to write; it is `path`, durably, when the block ends without error.

    In a folder it is a sibling that is moved: two writers of one path do not meet, and the last to
    finish wins. On a store it is one conditional PUT.

    Args:
        path: of the file.
        before: on a store, what the writer saw there: None for a name that nobody else has; by
            default this looks. ANY for copies: the last to finish wins there, too.

    Raises:
        CommitConflict: on a store, another writer was faster.
    """
    if isinstance(path, StorePath):
        tag = seen(path) if before is LOOK else before
        with scratch_file(path.name) as written:
            with storing(written):
                yield written
            _commit(path, written, tag)
        return
    temporary = beside(path)
    try:
        # Reported before the temporary file goes: the disk has no room for its bytes.
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent)
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            require_locks()
            temporary.replace(path)
    finally:
        with suppress(OSError):  # reported already; leftovers are swept away later
            temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


# Device, inode and modification time of a file or folder.
Stamp = tuple[int, ...]


def stamp(path: LakePath) -> Stamp:
    """Changes when a file or folder is replaced; empty where there is none."""
    if isinstance(path, StorePath):
        facts = path.facts()
        return facts.mark if facts else ()
    try:
        about = path.stat()
    except FileNotFoundError:
        return ()
    return about.st_dev, about.st_ino, about.st_mtime_ns


def beside(path: Path) -> Path:
    """A name for what is not there yet, or no longer; `sweep` removes it if nobody else does."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


def write_bytes(path: LakePath, content: bytes, before: Seen | Condition = LOOK) -> None:
    """Write a file, atomically and durably; arguments and errors as of `replacing`."""
    if isinstance(path, StorePath):
        _commit(path, content, seen(path) if before is LOOK else before)
        return
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def link(source: LakePath, path: LakePath) -> None:
    """Give a file that nobody changes a second name, in place of what has that name now.

    On a store it is a copy.
    """
    if isinstance(source, StorePath) or isinstance(path, StorePath):
        assert isinstance(source, StorePath), "both names lie in one lake"
        with replacing(path, ANY) as written, written.open("wb") as copy:
            for part in source.parts():
                copy.write(part)
        return
    temporary = beside(path)
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


def _commit(path: StorePath, content: bytes | Path, before: Seen | Condition) -> None:
    require_locks()
    if isinstance(before, Condition):
        overwrite(path, content)
    else:
        commit(path, content, before)


def append_line(path: Path, line: bytes) -> None:
    """Append one line to a journal, durably; a torn last line is the reader's to ignore."""
    with storing(path), path.open("ab") as journal:
        journal.write(line + b"\n")
        journal.flush()
        os.fsync(journal.fileno())


def sync_folder(folder: Path) -> None:
    """Make what was renamed in it durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what killed writers left behind long ago."""
    for left in folder.glob(".*.tmp"):
        try:
            if time.time() - left.stat().st_mtime > STALE_TEMPORARY:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        except FileNotFoundError:
            continue  # another writer swept it, or finished
