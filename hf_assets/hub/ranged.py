"""A file of a Hub read by byte ranges: only what is asked for crosses the network.

huggingface_hub's own file system asks three questions before the first byte and takes a whole file
where a server does not know ranges; here a read is one request, and a server that would send more
than was asked for is refused before it does.
"""

import io
import time
from dataclasses import dataclass, field

import httpx2
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff

from hf_assets.hub.archive import ArchiveError

# Tries of one range for what the backoff of huggingface_hub does not see: bodies that break off.
TRIES = 5


@dataclass
class Web:
    """How this process talks to a Hub.

    Args:
        connect_timeout, read_timeout: seconds.
        retry_wait: seconds before the first retry, then doubled up to 8 times as long.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    retry_wait: float = 1.0
    fetched: int = field(default=0, init=False)  # bytes

    def get(
        self, url: str, what: str, *, span: tuple[int, int] | None = None, form: dict | None = None
    ) -> httpx2.Response:
        """The answer, its body read.

        Args:
            url: whole, with its query.
            what: for messages.
            span: first byte and the one after the last.
            form: sent by POST where there is one.

        Raises:
            ArchiveError: with the cause and what can be done.
        """
        problems: list[str] = []
        headers = build_hf_headers(library_name="hf_assets")
        if span:
            headers["range"] = f"bytes={span[0]}-{span[1] - 1}"
        while True:
            try:
                return self._once(url, headers, span, form)
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                problems.append(f"{type(error).__name__}: {error}")
                if len(problems) == TRIES:
                    said = "; ".join(dict.fromkeys(problems))
                    raise ArchiveError(
                        f"{what} cannot be read: {said}. Run again later.", permanent=False
                    ) from error
                time.sleep(self.retry_wait * min(2 ** (len(problems) - 1), 8))
            except (HfHubHTTPError, OfflineModeIsEnabled) as error:
                raise _failure(what, error) from error

    def _once(
        self, url: str, headers: dict, span: tuple[int, int] | None, form: dict | None
    ) -> httpx2.Response:
        with http_stream_backoff(
            "POST" if form else "GET",
            url,
            headers=headers,
            data=form,
            timeout=httpx2.Timeout(self.read_timeout, connect=self.connect_timeout),
            max_retries=TRIES,
            base_wait_time=self.retry_wait,
            max_wait_time=8 * self.retry_wait,
            # What breaks off in the middle comes back to `get` anyhow, and is counted there.
            retry_on_exceptions=(),
            retry_on_status_codes=(408, 429, 500, 502, 503, 504),
        ) as response:
            if response.is_error:
                response.read()
                hf_raise_for_status(response)
            if span and response.status_code != 206:
                raise ArchiveError(
                    f"{httpx2.URL(url).host} answers a range of {httpx2.URL(url).path} with "
                    f"{response.status_code}, not 206: it would send the whole file. Use another "
                    "endpoint (HF_ENDPOINT)."
                )
            body = response.read()
        self.fetched += len(body)
        if span and len(body) != span[1] - span[0]:
            raise httpx2.RemoteProtocolError(f"{len(body)} bytes instead of {span[1] - span[0]}")
        return response


def _failure(what: str, error: HfHubHTTPError | OfflineModeIsEnabled) -> ArchiveError:
    if isinstance(error, OfflineModeIsEnabled):
        return ArchiveError(f"{what} cannot be read: unset HF_HUB_OFFLINE to fetch it.")
    status = error.response.status_code
    said = error.server_message or error.response.text[:200]
    advice = {
        401: "The token is refused: set a valid HF_TOKEN, or none",
        403: "The token may not do this: set another HF_TOKEN, or none",
        404: "It is not there: check HF_ASSETS_ARCHIVE and HF_ENDPOINT",
        429: "The Hub asks for patience: run again later",
    }.get(status, "Run again later")
    return ArchiveError(
        f"{what} cannot be read: HTTP {status} {said}".strip() + f". {advice}.",
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

    def tell(self) -> int:
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
        missing = self._web.get(self._url, self._what, span=(begin, min(end, kept_from))).content
        if not self._end and end == self._size:
            self._end = missing
            return missing
        return missing + self._end[: max(end - kept_from, 0)]
