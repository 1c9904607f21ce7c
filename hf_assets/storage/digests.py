"""SHA-256 of files, of which some take minutes to read."""

import hashlib
import io
from pathlib import Path

from hf_assets.progress import Log, TimedLog


def sha256(path: Path, log: Log = lambda _: None) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Args:
        path: the file.
        log: takes a line now and then while a large file is read.
    """
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file:
        watched = _Watched(file, TimedLog(log, size, path.name))
        return hashlib.file_digest(watched, "sha256").hexdigest()


class _Watched(io.RawIOBase):
    """A file of which each read is reported."""

    def __init__(self, file: io.FileIO, progress: TimedLog) -> None:
        self._file, self._progress, self._done = file, progress, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer, /) -> int:
        count = self._file.readinto(buffer) or 0
        self._done += count
        self._progress.at(self._done, "computing SHA-256")
        return count


def git_blob_id(path: Path) -> str:
    """git's name of a file: the SHA-1 of its header and content, in hexadecimal."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest()
