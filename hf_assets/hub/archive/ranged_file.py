"""A file of a Hub read by byte ranges: only the requested bytes cross the network.

huggingface_hub's own file system asks three questions before the first byte, and fetches a complete
file where a server does not know ranges. Here a read is one request, or none where its bytes were
fetched before it.
"""

import io
import queue
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets.transport import Answer

# The first byte, and the one after the last.
Span = tuple[int, int]
# Bytes from a place on.
Piece = tuple[int, bytes | memoryview]
# Ranges under way at a time.
AT_ONCE = 8
# Bytes that are fetched before their row group's turn, at most; one row group ahead may be larger
# where it is no larger than the one before it.
AHEAD_BYTES = 8 << 20
_PLACE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)


class PartialFile(io.RawIOBase):
    """A file of which some pieces are at hand, for pyarrow.

    Args:
        size: bytes of the complete file.
        pieces: of it.
    """

    def __init__(self, size: int, pieces: Sequence[Piece] = ()) -> None:
        self._size, self._position = size, 0
        self.pieces = [*pieces]

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is fetched."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = start + offset
        return self._position

    def size(self) -> int:
        """Bytes of the complete file."""
        return self._size

    def read(self, size: int = -1) -> bytes | memoryview:
        """That many bytes from here, or fewer at the end. OSError where they are not at hand."""
        end = self._size if size < 0 else min(self._size, self._position + size)
        if end <= self._position:
            return b""
        begin, self._position = self._position, end
        parts, at = [], begin
        while at < end:
            parts.append(self._part(at, end))
            at += len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _part(self, begin: int, end: int) -> bytes | memoryview:
        """The first bytes of a span: of a piece, or up to where the next piece begins."""
        for start, content in self.pieces:
            if start <= begin < start + len(content):
                return memoryview(content)[begin - start : end - start]
        end = min([start for start, _ in self.pieces if begin < start] + [end])
        content = self.missing(begin, end)
        self.pieces.append((begin, content))
        return content

    def missing(self, begin: int, end: int) -> bytes:
        """Bytes that no piece holds. OSError where they cannot be had."""
        raise OSError(f"bytes {begin} to {end} of the file are not stored")


class RangedFile(PartialFile):
    """A remote file of known size: what is not at hand is fetched, and at hand from then on.

    pyarrow asks for a Parquet footer in two steps, of which the second contains the first.

    Args:
        connection: to the Hub.
        url: of the file; redirects are followed.
        size: bytes.
    """

    def __init__(self, connection: HubConnection, url: str, size: int) -> None:
        super().__init__(size)
        self._connection, self._url = connection, url
        # Of all its ranges; None where a server gives none.
        self.etag: str | None = None
        # Bytes that an earlier run had fetched.
        self.stored = 0

    def fetch(self, span: Span) -> bytes:
        """Those bytes, asked for now; by several threads, if need be.

        Raises:
            HubError: it cannot be had, or the file is not the one of the ranges before.
        """
        return self._connection.get(self._url, lambda answer: self._body(answer, span), span=span)

    def _body(self, answer: Answer, span: Span) -> bytes:
        """The bytes of an answer. ValueError where it names another range: asked again."""
        etag = answer.headers.get("ETag", "").removeprefix("W/") or None
        self.etag = self.etag or etag
        place = _PLACE.fullmatch(answer.headers.get("Content-Range", ""))
        changed = etag not in (None, self.etag)
        if changed or (place and place[3] not in ("*", str(self.size()))):
            raise HubError("the file was replaced while it was read", None, permanent=False)
        if place and (int(place[1]), int(place[2]) + 1) != span:
            raise ValueError(
                f"bytes {place[1]} to {place[2]} instead of {span[0]} to {span[1] - 1}"
            )
        return answer.body

    def missing(self, begin: int, end: int) -> bytes:
        """Fetch them. HubError."""
        return self.fetch((begin, end))


def fetched_ahead(
    fetch: Callable[[Span], bytes], groups: Sequence[Sequence[Span]]
) -> Iterator[list[Piece]]:
    """The pieces of each group of spans, in order: several at a time, and those of the next ahead.

    The first error ends all; a request under way then ends by its own bounds, in a thread that
    nothing waits for.

    Args:
        fetch: gives the bytes of a span; called by several threads.
        groups: of spans.
    """
    todo: queue.SimpleQueue[tuple[Span, Future[bytes]] | None] = queue.SimpleQueue()
    ended = threading.Event()

    def work() -> None:
        while (job := todo.get()) is not None and not ended.is_set():
            span, coming = job
            try:
                coming.set_result(fetch(span))
            except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
                coming.set_exception(error)

    most = min(AT_ONCE, sum(map(len, groups)))
    for _ in range(most):
        threading.Thread(target=work, daemon=True).start()
    coming: deque[list[tuple[Span, Future[bytes]]]] = deque()
    waiting, begun = deque(groups), 0
    try:
        for spans in groups:
            ahead = max(AHEAD_BYTES, _bytes(spans))
            while waiting and (not coming or begun + _bytes(waiting[0]) <= ahead):
                jobs = [(span, Future[bytes]()) for span in waiting.popleft()]
                begun += _bytes([span for span, _ in jobs]) if coming else 0
                coming.append(jobs)
                for job in jobs:
                    todo.put(job)
            jobs = coming.popleft()
            begun -= _bytes([span for span, _ in coming[0]]) if coming else 0
            yield [(span[0], future.result()) for span, future in jobs]
    finally:
        ended.set()
        for _ in range(most):
            todo.put(None)


def _bytes(spans: Sequence[Span]) -> int:
    return sum(end - begin for begin, end in spans)
