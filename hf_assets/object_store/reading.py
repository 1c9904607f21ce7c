"""One version of an object, read by ranges: an answer of another version is an error.

The first request gets the end of the object, with its size and its tag: a small object completely,
of a Parquet file the footer. The tag of every other answer is compared with that of the first.
"""

import io
import json
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.object_store.at_once import side_by_side
from hf_assets.object_store.errors import ReplacedError, StoreError, asking
from hf_assets.object_store.path import ObjectFacts, StorePath, api

# Of a Parquet file: the key of the JSON that is asked for most.
FOOTER_KEY = "hf_assets"
# Bytes of the first request: most days of small tables, most footers of large ones.
TAIL = 1 << 17
# An object of so many bytes is read completely where a part of it is wanted.
AT_ONCE = 4 << 20
# Bytes of one request at most.
PIECE = 16 << 20


class StoreFile:
    """An object as it was when it was opened; see `storage.opened.OpenedFile`.

    Args:
        path: of the object.
        later: ask for it when it is used first: for an object that another one names.

    Raises:
        FileNotFoundError: there is no such object.
        ReplacedError: by each method; the object is another version now.
    """

    def __init__(self, path: StorePath, *, later: bool = False) -> None:
        self.path = path
        self._first: tuple[ObjectFacts, bytes] | None = None if later else _end_of(path)

    def _opened(self) -> tuple[ObjectFacts, bytes]:
        if self._first is None:
            try:
                self._first = _end_of(self.path)
            except FileNotFoundError:
                raise ReplacedError(self.path) from None
        return self._first

    @property
    def facts(self) -> ObjectFacts:
        """Size, tag and time."""
        return self._opened()[0]

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self.facts.size

    @property
    def mark(self) -> tuple[int, int]:
        """Its size and a number: another mark, another version."""
        return self.facts.mark

    @property
    def is_in_memory(self) -> bool:
        """Whether nothing more has to be asked for."""
        facts, end = self._opened()
        return len(end) == facts.size

    def __eq__(self, other: object) -> bool:
        """Whether both are the same version."""
        return isinstance(other, StoreFile) and self._version() == other._version()

    def __hash__(self) -> int:
        """Fits `__eq__`."""
        return hash(self._version())

    def _version(self) -> tuple[StorePath, int, str]:
        return self.path, self.facts.size, self.facts.tag

    def read(self, start: int, end: int) -> Any:
        """The bytes from `start` to before `end`, as a buffer. One request, or none."""
        facts, tail = self._opened()
        begin = facts.size - len(tail)
        if start >= min(begin, end):
            return memoryview(tail)[max(start - begin, 0) : max(end - begin, 0)]
        try:
            now, content = get(self.path, (start, end))
        except FileNotFoundError:
            raise ReplacedError(self.path) from None
        except StoreError as error:
            if error.code == "InvalidRange":  # it is shorter now
                raise ReplacedError(self.path) from None
            raise
        if (now.tag, now.size) != (facts.tag, facts.size):
            raise ReplacedError(self.path)
        return content

    def read_bytes(self) -> bytes:
        """The content."""
        facts, tail = self._opened()
        begin = facts.size - len(tail)
        starts = range(0, begin, PIECE)
        parts = side_by_side(lambda at: self.read(at, min(at + PIECE, begin)), starts)
        return b"".join([*parts, tail])

    def end(self) -> bytes:
        """The last bytes of a Parquet file, with its footer."""
        facts, tail = self._opened()
        length = int.from_bytes(tail[-8:-4], "little") + 8
        if len(tail) < length <= facts.size:
            return bytes(self.read(facts.size - length, facts.size))
        return tail

    def footer(self, key: str = FOOTER_KEY) -> dict[str, Any]:
        """The JSON in its footer under that key."""
        return json.loads(pl.read_parquet_metadata(io.BytesIO(self.end())).get(key, "{}"))

    def arrow(self, about: pq.FileMetaData | None = None) -> pq.ParquetFile:
        """The file for pyarrow. `about`: its footer, where it is known already."""
        if self.size <= AT_ONCE:
            return pq.ParquetFile(pa.BufferReader(self.read_bytes()), metadata=about)
        return pq.ParquetFile(pa.PythonFile(_Ranges(self), "r"), metadata=about, pre_buffer=True)


class _Ranges(io.RawIOBase):
    """An object as a file: each read is a request."""

    def __init__(self, file: StoreFile) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = (
            offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        )
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        end = self._file.size
        if size is not None and size >= 0:
            end = min(end, self._at + size)
        parts = []
        while self._at < end:
            part = self._file.read(self._at, min(end, self._at + PIECE))
            parts.append(part)
            self._at += len(part)
        return b"".join(parts)

    def readinto(self, buffer: Any, /) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def _end_of(path: StorePath) -> tuple[ObjectFacts, bytes]:
    try:
        facts, content = get(path, {"suffix": TAIL})
    except StoreError as error:
        if error.code != "InvalidRange":
            raise
        facts, content = get(path)  # an empty object has no last bytes
    return facts, bytes(content)


def get(path: StorePath, part: Any = None) -> tuple[ObjectFacts, Any]:
    """The answer to one GET: what the store says of the object, and its bytes as a buffer.

    Args:
        path: of the object.
        part: of it, as obstore's option `range` has it; None: all.

    Raises:
        FileNotFoundError: it is missing.
        StoreError: the store does not give it.
    """
    options = {"range": part} if part else None
    with asking(path):
        answer = api().get(path.address.client(), path.key, options=options)
        return ObjectFacts.of(answer.meta), answer.bytes()
