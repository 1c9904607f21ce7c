"""A file, or one member of a .7z, as a stream that is never unpacked on disk.

py7zr pushes the unpacked bytes; a reader pulls. A pipe of the operating system connects them: it
holds 64 kB, stops the faster end, and signals the other one when an end has gone.
"""

import os
import re
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import py7zr
import py7zr.io
from py7zr.exceptions import PasswordRequired

from hf_assets.errors import InputError

_MAGIC = b"7z\xbc\xaf\x27\x1c"
_PART = re.compile(r"\.(7z\.)?[0-9]{3}$")


class UnpackError(InputError):
    """An archive cannot be read; the message names it and says what to do."""


class Readable(Protocol):
    """What can be read on, and gives no bytes at its end."""

    def read(self, size: int, /) -> bytes:
        """As many bytes as that, fewer at the end alone."""
        ...


@contextmanager
def opened(
    path: Path, member: str, sized: Callable[[int], None] = lambda _: None
) -> Generator[Readable]:
    """The bytes of `path`, or, where it is a .7z, of the file called `member` inside it.

    Args:
        path: the file.
        member: a file inside it.
        sized: called with the number of bytes, before the first one is read.

    Raises:
        UnpackError: a broken archive, a part of one, or one without that member. What was read
            before may have been broken too: the end of the block says whether it was whole.
    """
    with path.open("rb") as plain:
        packed = plain.read(len(_MAGIC)) == _MAGIC
        plain.seek(0)
        if _PART.search(path.name):
            raise UnpackError(
                f"{path} is one part of a split archive: join the parts (`cat x.7z.* > x.7z`) "
                "and name the whole."
            )
        if not packed:
            if path.suffix.lower() == ".7z":
                raise UnpackError(f"{path} is no .7z, whatever its name says: download it again.")
            sized(path.stat().st_size)
            yield plain
            return
    with _unpacked(path, member, sized) as stream:
        yield stream


@contextmanager
def _unpacked(path: Path, member: str, sized: Callable[[int], None]) -> Generator[Readable]:
    problems: list[BaseException] = []
    out, into = os.pipe()

    def unpack() -> None:
        with os.fdopen(into, "wb", buffering=0) as pipe:
            try:
                _push(path, member, pipe, sized)
            except Exception as error:  # noqa: BLE001 - raised again where the stream is read
                problems.append(error)

    worker = threading.Thread(target=unpack, name="unpacking", daemon=True)
    worker.start()
    try:
        with os.fdopen(out, "rb") as stream:
            yield _Checked(stream, worker, problems, path)
    finally:
        worker.join()


class _Checked:
    """A stream whose end is an end only where the unpacking went well."""

    def __init__(
        self, stream: BinaryIO, worker: threading.Thread, problems: list, path: Path
    ) -> None:
        self._stream, self._worker, self._problems, self._path = stream, worker, problems, path

    def read(self, size: int, /) -> bytes:
        """As many bytes as that; UnpackError where the archive broke off."""
        chunk = self._stream.read(size)
        if len(chunk) < size:
            self._worker.join()
            if self._problems:
                raise _explained(self._problems[0], self._path) from self._problems[0]
        return chunk


def _explained(error: BaseException, path: Path) -> UnpackError:
    if isinstance(error, UnpackError):
        return error
    if isinstance(error, PasswordRequired):
        return UnpackError(f"{path} is locked with a password: give one without.")
    return UnpackError(
        f"{path} is a broken or truncated .7z ({type(error).__name__}: {error}): download it "
        "again; nothing was stored."
    )


def _push(path: Path, member: str, pipe: BinaryIO, sized: Callable[[int], None]) -> None:
    """Unpack that member into the pipe; its checksum is compared at the end."""
    with py7zr.SevenZipFile(path, "r") as archive:
        found = [one for one in archive.list() if one.filename.split("/")[-1] == member]
        if len(found) != 1:
            raise UnpackError(
                f"{path} holds {'no' if not found else 'more than one'} {member}: a site's dump "
                "has exactly one; name that archive."
            )
        sized(found[0].uncompressed)
        archive.extract(targets=[found[0].filename], factory=_IntoPipe(pipe))


class _IntoPipe(py7zr.io.WriterFactory, py7zr.io.Py7zIO):
    """py7zr's way to hand out what it unpacks."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe, self._size = pipe, 0

    def create(self, filename: str) -> py7zr.io.Py7zIO:  # noqa: ARG002
        """Itself: there is one member."""
        return self

    def write(self, s: bytes | bytearray) -> int:
        """Waits until the reader has taken it."""
        view = memoryview(s)
        while view:  # an unbuffered pipe may take a part
            view = view[self._pipe.write(view) :]
        self._size += len(s)
        return len(s)

    def read(self, size: int | None = None) -> bytes:  # noqa: ARG002
        """Nothing: what was handed out is gone."""
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: ARG002
        """Nowhere."""
        return 0

    def flush(self) -> None:
        """Nothing waits here."""

    def size(self) -> int:
        """Bytes written."""
        return self._size
