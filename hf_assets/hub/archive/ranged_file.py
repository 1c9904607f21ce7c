"""A file of a Hub read by byte ranges: only what is asked for crosses the network.

huggingface_hub's own file system asks three questions before the first byte and takes a whole file
where a server does not know ranges; here a read is one request, and a server that would send more
than was asked for is refused before it does.
"""

import io
import time
from dataclasses import dataclass, field

import httpx2
from huggingface_hub.errors import OfflineModeIsEnabled

from hf_assets.errors import clean
from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.client.retries import MOST_BYTES, TRIES, HubRefusal, Patience
from hf_assets.transport import Answer, BrokenBody, TooLarge

_BUSY = (408, 429, 500, 502, 503, 504)


@dataclass
class Web:
    """How this process talks to a Hub.

    Args:
        connect_timeout, read_timeout: seconds.
        retry_wait: seconds before the first retry, then doubled up to 8 times as long.
        total_timeout: seconds for one answer as a whole: a row group has hundreds of MB.
        most_bytes: of an answer that is no range, unpacked.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    retry_wait: float = 1.0
    total_timeout: float = 900.0
    most_bytes: int = MOST_BYTES
    fetched: int = field(default=0, init=False)  # bytes

    def get(
        self, url: str, what: str, *, span: tuple[int, int] | None = None, form: dict | None = None
    ) -> Answer:
        """The answer with its body.

        Args:
            url: whole, with its query.
            what: for messages.
            span: first byte and the one after the last.
            form: sent by POST where there is one.

        Raises:
            ArchiveError: with the cause and what can be done.
        """
        problems: list[str] = []
        while True:
            try:
                return self._once(url, span, form)
            except (httpx2.TransportError, httpx2.DecodingError, BrokenBody) as error:
                problems.append(clean(f"{type(error).__name__}: {error}"))
                if len(problems) == TRIES:
                    said = "; ".join(dict.fromkeys(problems))
                    raise ArchiveError(
                        f"{what} cannot be read: {said}. Run again later.", permanent=False
                    ) from None
                time.sleep(self.retry_wait * min(2 ** (len(problems) - 1), 8))
            except TooLarge as error:
                raise ArchiveError(
                    f"{what} cannot be read: a body {error}. Check HF_ENDPOINT, and what is before "
                    "it."
                ) from None
            except (HubRefusal, httpx2.HTTPError, OfflineModeIsEnabled) as error:
                raise _failure(what, error) from None

    def _once(self, url: str, span: tuple[int, int] | None, form: dict | None) -> Answer:
        wanted = span[1] - span[0] if span else None
        patience = Patience(
            self.connect_timeout,
            self.read_timeout,
            max(self.total_timeout, 2 * self.read_timeout),
            self.retry_wait,
            self.most_bytes if wanted is None else wanted,
        )
        headers = (
            {"Range": f"bytes={span[0]}-{span[1] - 1}", "Accept-Encoding": "identity"}
            if span
            else None
        )
        # What breaks off in the middle comes back to `get` anyhow, and is counted there.
        answer = patience.ask(
            url, headers=headers, form=form, busy=_BUSY, only=206 if span else None
        )
        if span and answer.status != 206:
            address = httpx2.URL(url)
            raise ArchiveError(
                f"{address.host} answers a range of {address.path} with {answer.status}, not 206: "
                "it would send the whole file. Use another endpoint (HF_ENDPOINT)."
            )
        self.fetched += len(answer.body)
        if wanted is not None and len(answer.body) != wanted:
            raise httpx2.RemoteProtocolError(f"{len(answer.body)} bytes instead of {wanted}")
        return answer


def _failure(what: str, error: Exception) -> ArchiveError:
    if isinstance(error, OfflineModeIsEnabled):
        return ArchiveError(f"{what} cannot be read: unset HF_HUB_OFFLINE to fetch it.")
    status = error.status if isinstance(error, HubRefusal) else None
    said = str(error) if status else clean(f"{type(error).__name__}: {error}")
    advice = {
        401: "The token is refused: set a valid HF_TOKEN, or none",
        403: "The token may not do this: set another HF_TOKEN, or none",
        404: "It is not there: check HF_ASSETS_ARCHIVE and HF_ENDPOINT",
        429: "The Hub asks for patience: run again later",
    }.get(status or 0, "Run again later")
    return ArchiveError(
        f"{what} cannot be read: {said}. {advice}.",
        permanent=status in {400, 401, 403, 404, 410, 416, 451},
    )


class RangedFile(io.RawIOBase):
    """A remote file of known size for pyarrow: each read is one range.

    The end of the file is kept once it was read: a Parquet footer is asked for in two steps.
    """

    def __init__(self, web: Web, url: str, size: int, what: str) -> None:
        self._web, self._url, self._size, self._what = web, url, size, what
        self._at = 0
        self._end = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def log(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is fetched."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def size(self) -> int:
        """Bytes of the whole file."""
        return self._size

    def read(self, size: int = -1) -> bytes:
        """That many bytes from here, or fewer at the end. ArchiveError."""
        end = self._size if size < 0 else min(self._size, self._at + size)
        if end <= self._at:
            return b""
        begin, self._at = self._at, end
        kept_from = self._size - len(self._end)
        if begin >= kept_from:
            return self._end[begin - kept_from : end - kept_from]
        missing = self._web.get(self._url, self._what, span=(begin, min(end, kept_from))).body
        if not self._end and end == self._size:
            self._end = missing
            return missing
        return missing + self._end[: max(end - kept_from, 0)]
