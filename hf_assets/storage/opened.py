"""One version of a file, for as long as somebody reads it, whatever becomes of its name.

A stored file is never changed: another one takes its name. Who opened it reads on in what it was.
So a reader opens a file once, and reads rows, footer and statistics through that, never by path.
"""

import io
import json
import mmap
import os
import threading
import weakref
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.errors import InputError
from hf_assets.storage.parquet import FOOTER_KEY

# Files kept open at a time: a run may hold a thousand days, and a process may have 256 (macOS) or
# 1,024 files open. Others are opened again when they are read, if they are still the same.
MOST_OPEN = 128
# The end of a Parquet file that holds most footers whole.
_TAIL = 1 << 14


class ReplacedError(InputError):
    """A file was replaced that could not be kept open, as too many were read at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} was replaced while it was read: read it again", permanent=False)


class OpenedFile:
    """A file as it was when it was opened.

    Raises:
        FileNotFoundError: there is none of that name.
    """

    _open: ClassVar[deque["weakref.ref[OpenedFile]"]] = deque()
    _lock: ClassVar[threading.RLock] = threading.RLock()

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self._handle: int | None = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._mark = _mark(self._handle)
        self._bounded()

    @property
    def size(self) -> int:
        """Its size."""
        return self._mark[1]

    def __eq__(self, other: object) -> bool:
        """Whether both are the same version."""
        return isinstance(other, OpenedFile) and self._mark == other._mark

    def __hash__(self) -> int:
        """Fits `__eq__`."""
        return hash(self._mark)

    def footer(self, key: str = FOOTER_KEY) -> dict[str, Any]:
        """The JSON in its footer under that key; in half the time that pyarrow takes."""
        size = self.size
        with self._lock:
            handle = self._held()
            end = os.pread(handle, _TAIL, max(size - _TAIL, 0))
            length = int.from_bytes(end[-8:-4], "little") + 8
            if len(end) < length < size:
                end = os.pread(handle, length, size - length)
        return json.loads(pl.read_parquet_metadata(io.BytesIO(end)).get(key, "{}"))

    def arrow(self) -> pq.ParquetFile:
        """The same for pyarrow."""
        with self._file() as file:
            # Mapped: through a file its place in it would be everybody's.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return pq.ParquetFile(pa.BufferReader(pa.py_buffer(mapped)))

    def read_bytes(self) -> bytes:
        """All of it."""
        parts = []
        with self._file() as file:
            while part := os.pread(file.fileno(), 1 << 24, sum(map(len, parts))):
                parts.append(part)
        return b"".join(parts)

    @contextmanager
    def _file(self) -> Generator[io.FileIO]:
        """A descriptor of the caller's own."""
        with self._lock:
            own = os.dup(self._held())
        with io.FileIO(own) as file:
            yield file

    def _held(self) -> int:
        """Its descriptor, for as long as the caller has the lock."""
        if self._handle is None:
            self._handle = self._again()
            self._bounded()
        return self._handle

    def _again(self) -> int:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ReplacedError(Path(self.path)) from error
        if _mark(handle) != self._mark:
            os.close(handle)
            raise ReplacedError(Path(self.path))
        return handle

    def _bounded(self) -> None:
        """Count this one in, and close those that were opened long ago where there are too many."""
        with self._lock:
            known = OpenedFile._open
            known.append(weakref.ref(self))
            if len(known) <= MOST_OPEN:
                return
            there = [one for one in (ref() for ref in known) if one and one._handle is not None]
            for one in there[: max(len(there) - MOST_OPEN // 2, 0)]:
                one._close()
            known.clear()
            known.extend(weakref.ref(one) for one in there if one._handle is not None)

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def __del__(self) -> None:
        """Whoever reads still has a descriptor of its own."""
        if getattr(self, "_handle", None) is not None:
            self._close()


def scan(files: Sequence[OpenedFile], **options: Any) -> pl.LazyFrame:
    """The rows of those files, one after the other, unread."""
    with ExitStack() as given:
        sources: list[Any] = [given.enter_context(file._file()) for file in files]
        return pl.scan_parquet(sources, hive_partitioning=False, **options)


def _mark(handle: int) -> tuple[int, int, int]:
    about = os.fstat(handle)
    return about.st_ino, about.st_size, about.st_mtime_ns
