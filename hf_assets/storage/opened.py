"""One version of a file, readable after another version has taken its name.

A stored file is never changed: a new file takes its name, and readers of the old file read on. So a
reader opens a file once, and reads rows, footer and statistics through that, never by path.
"""

import io
import json
import mmap
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.object_store.at_once import side_by_side
from hf_assets.object_store.errors import ReplacedError
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.object_store.reading import StoreFile
from hf_assets.object_store.scanning import scan_objects
from hf_assets.storage.parquet import FOOTER_KEY

# Files kept open at a time: a run may hold a thousand days, and a process may have 256 (macOS) or
# 1,024 files open. The others are opened again when they are read, if they are still the same.
MOST_OPEN = 128
# Bytes at the end of a Parquet file that contain most footers.
_TAIL = 1 << 14


class OpenedFile:
    """A file as it was when it was opened.

    Raises:
        FileNotFoundError: no file has that name.
        ReplacedError: by each method; the file was replaced while too many files were open to keep
            it open.
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
        """Its size in bytes."""
        return self._mark[1]

    @property
    def mark(self) -> tuple[int, int]:
        """Its size, and when it was written, in nanoseconds: another mark, another version."""
        return self._mark[1:]

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

    def arrow(self, about: pq.FileMetaData | None = None) -> pq.ParquetFile:
        """The file for pyarrow. `about`: its footer, where it is known already."""
        if not self.size:  # cannot be mapped
            return pq.ParquetFile(pa.BufferReader(b""))
        with self._file() as file:
            # Mapped: a file object's position would be shared with other readers.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return pq.ParquetFile(pa.BufferReader(pa.py_buffer(mapped)), metadata=about)

    def read_bytes(self) -> bytes:
        """The content."""
        parts = []
        with self._file() as file:
            while part := os.pread(file.fileno(), 1 << 24, sum(map(len, parts))):
                parts.append(part)
        return b"".join(parts)

    @contextmanager
    def _file(self) -> Generator[io.FileIO]:
        """A descriptor of its own for the caller."""
        with self._lock:
            own = os.dup(self._held())
        with io.FileIO(own) as file:
            yield file

    def _held(self) -> int:
        """The descriptor, valid while the caller holds the lock."""
        if self._handle is None:
            self._handle = self._reopened()
            self._bounded()
        return self._handle

    def _reopened(self) -> int:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ReplacedError(self.path) from error
        if _mark(handle) != self._mark:
            os.close(handle)
            raise ReplacedError(self.path)
        return handle

    def _bounded(self) -> None:
        """Count this file, and close the files opened first where too many are open."""
        with self._lock:
            refs = OpenedFile._open
            refs.append(weakref.ref(self))
            if len(refs) <= MOST_OPEN:
                return
            files = [file for file in (ref() for ref in refs) if file and file._handle is not None]
            for file in files[: max(len(files) - MOST_OPEN // 2, 0)]:
                file._close()
            refs.clear()
            refs.extend(weakref.ref(file) for file in files if file._handle is not None)

    def _close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def __del__(self) -> None:
        """Running readers have descriptors of their own."""
        if getattr(self, "_handle", None) is not None:
            self._close()


class UnnamedFile(OpenedFile):
    """A file whose name may go once it is open: it is there as long as this object is.

    Args:
        path: of the file.
        mark: what stands for its version.
    """

    def __init__(self, path: Path | str, mark: tuple[int, int]) -> None:
        super().__init__(path)
        self._stands_for = mark

    @property
    def mark(self) -> tuple[int, int]:
        """The mark of what it stands for."""
        return self._stands_for

    def _bounded(self) -> None:
        """Never closed for others: it could not be opened again."""


# A version of a file, in a folder or on a store.
LakeFile: TypeAlias = OpenedFile | StoreFile
T = TypeVar("T")
U = TypeVar("U")


def open_file(path: LakePath | str) -> LakeFile:
    """The file as it is now, in a folder or on a store. FileNotFoundError."""
    return StoreFile(path) if isinstance(path, StorePath) else OpenedFile(path)


def open_files(paths: Iterable[LakePath | str]) -> list[LakeFile]:
    """Files as they are now, in order; several requests at a time. FileNotFoundError."""
    every = list(paths)
    return read_each(open_file, every, every[0]) if every else []


def require_same(file: LakeFile) -> None:
    """ReplacedError where a folder has another version by now; a store refuses the PUT itself."""
    if isinstance(file, StoreFile):
        return
    try:
        same = open_file(file.path) == file
    except FileNotFoundError:
        same = False
    if not same:
        raise ReplacedError(file.path)


def read_each(read: Callable[[T], U], items: Iterable[T], where: LakePath | str) -> list[U]:
    """What `read` gives of each item, in order; on a store several at a time.

    Args:
        read: of a small file.
        items: days, or paths.
        where: a path in their lake.
    """
    if isinstance(where, StorePath):
        return list(side_by_side(read, items))
    return [read(item) for item in items]


def scan(files: Sequence[LakeFile], **options: Any) -> pl.LazyFrame:
    """The rows of these files, in order, unread.

    Args:
        files: all of them in a folder, or all on a store.
        options: of `polars.scan_parquet`: schema, missing_columns, extra_columns.
    """
    on_store = [file for file in files if isinstance(file, StoreFile)]
    if on_store:
        assert len(on_store) == len(files), "the files are of one lake"
        return scan_objects(on_store, **options)
    with ExitStack() as stack:
        local = (file for file in files if isinstance(file, OpenedFile))
        sources: list[Any] = [stack.enter_context(file._file()) for file in local]
        return pl.scan_parquet(sources, hive_partitioning=False, **options)


def read_row(file: LakeFile, at: int) -> pl.DataFrame:
    """One row of a file, by its number: a few pages are read; on a store, its row group.

    Raises:
        IndexError: the file has fewer rows.
    """
    if isinstance(file, OpenedFile):
        frame = scan([file]).slice(at, 1).collect(engine="streaming")
    else:
        frame = _row_of_group(file.arrow(), at)
    if at < 0 or frame.is_empty():
        raise IndexError(f"no row {at} in {file.path}")
    return frame


def _row_of_group(file: pq.ParquetFile, at: int) -> pl.DataFrame:
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if at < rows:
            frame = pl.from_arrow(file.read_row_group(group).slice(at, 1))
            assert isinstance(frame, pl.DataFrame)
            return frame
        at -= rows
    return pl.DataFrame()


def _mark(handle: int) -> tuple[int, int, int]:
    stat = os.fstat(handle)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
