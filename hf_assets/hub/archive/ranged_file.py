"""A file of a Hub read by byte ranges: only the requested bytes cross the network.

huggingface_hub's own file system asks three questions before the first byte, and fetches a complete
file where a server does not know ranges. Here a read is one request.
"""

import io

from hf_assets.hub.client.connection import HubConnection


class RangedFile(io.RawIOBase):
    """A remote file of known size for pyarrow: each read is one range.

    Keeps the end of the file after its first read: pyarrow asks for a Parquet footer in two steps.

    Args:
        connection: to the Hub.
        url: of the file; redirects are followed.
        size: bytes.
    """

    def __init__(self, connection: HubConnection, url: str, size: int) -> None:
        self._connection, self._url, self._size = connection, url, size
        self._position = 0
        self._end = b""

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

    def read(self, size: int = -1) -> bytes:
        """That many bytes from here, or fewer at the end. HubError."""
        end = self._size if size < 0 else min(self._size, self._position + size)
        if end <= self._position:
            return b""
        begin, self._position = self._position, end
        kept_from = self._size - len(self._end)
        if begin >= kept_from:
            return self._end[begin - kept_from : end - kept_from]
        span = begin, min(end, kept_from)
        missing = self._connection.get(self._url, lambda answer: answer.body, span=span)
        if not self._end and end == self._size:
            self._end = missing
            return missing
        return missing + self._end[: max(end - kept_from, 0)]
