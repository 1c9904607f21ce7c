"""A single HTTP answer with bounds: on seconds from first byte to last, bytes, and redirects.

A read time-out bounds the silence between two bytes, not the answer: a byte a minute never times
out. Bytes count after decompression: 400 kB may become 900 MB.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import msgspec
from isal import isal_zlib

# Bytes to read of an error's body: enough for a message.
ERROR_BYTES = 1 << 16
REDIRECTS = 5
_PIECE = 1 << 20
# The first bytes of a gzip member.
_MAGIC = b"\x1f\x8b"
# Seconds. The cap on a Retry-After: a header may have any number of digits.
_LONGEST_WAIT = 1e9


class TooSlow(httpx2.TimeoutException):
    """The answer was incomplete after its total time-out."""


class TooLarge(ValueError):
    """The unpacked body has more bytes than the caller allows."""


class BrokenBody(ValueError):
    """The compressed body is cut off or invalid."""


@dataclass(frozen=True)
class Answer:
    """An answer with its unpacked body; of an error, the first `ERROR_BYTES` of the body."""

    status: int
    headers: httpx2.Headers
    body: bytes

    def json(self) -> Any:
        """The body as JSON. ValueError for any other body."""
        try:
            return msgspec.json.decode(self.body)
        except RecursionError as error:
            raise ValueError("nested too deep") from error

    @property
    def error_text(self) -> str:
        """The reason of an error, as the Hub and proxies give it: not cleaned."""
        texts = [self.headers.get("X-Error-Message", "")]
        try:
            body = self.json()
        except ValueError:
            if "html" not in self.headers.get("Content-Type", "").lower():
                texts.append(self.body.decode(errors="replace"))
        else:
            error = body.get("error", body.get("message")) if isinstance(body, dict) else body
            texts += map(str, error) if isinstance(error, list) else [str(error or "")]
        return "; ".join(dict.fromkeys(text.strip() for text in texts if text.strip()))


def fetch(
    client: httpx2.Client,
    method: str,
    url: str,
    *,
    timeout: httpx2.Timeout,
    seconds: float,
    max_bytes: int,
    only_status: int | None = None,
    abort: Callable[[], None] | None = None,
    **request: Any,
) -> Answer:
    """Send a request once, following redirects.

    Args:
        client: sends the request.
        method: GET or POST.
        url: absolute.
        timeout: seconds to connect and between two bytes.
        seconds: for the complete exchange.
        max_bytes: of the unpacked body.
        only_status: read the body of this status and of errors alone; None for any status.
        abort: ends every request of the client from another thread: headers that come byte by
            byte cannot be ended otherwise.
        request: `headers`, `params`, `data`.

    Raises:
        TooSlow: `seconds` have passed.
        TooLarge: the body has more than `max_bytes`.
        BrokenBody: the body does not unpack.
        httpx2.TransportError: the connection failed.
    """
    following = client.build_request(method, url, timeout=timeout, **request)
    with _deadline(seconds, abort) as expired:
        for _ in range(REDIRECTS + 1):
            response = client.send(following, stream=True, follow_redirects=False)
            try:
                if response.has_redirect_location:
                    if response.next_request is None:
                        raise httpx2.RemoteProtocolError("a redirect to nowhere")
                    following = response.next_request
                    continue
                read = response.is_error or only_status in (None, response.status_code)
                body = _body(response, max_bytes, expired) if read else b""
                return Answer(response.status_code, response.headers, body)
            finally:
                response.close()
    raise httpx2.TooManyRedirects(f"more than {REDIRECTS} redirects", request=following)


@contextmanager
def _deadline(seconds: float, abort: Callable[[], None] | None) -> Generator[Callable[[], bool]]:
    """Yield a test for the deadline. An error after the deadline becomes `TooSlow`."""
    ends = time.monotonic() + seconds

    def expired() -> bool:
        return time.monotonic() >= ends

    watch = threading.Timer(seconds, abort) if abort else None
    if watch:
        watch.daemon = True
        watch.start()
    try:
        yield expired
    except (httpx2.TransportError, RuntimeError, ValueError) as error:
        if expired() and not isinstance(error, TooLarge):
            raise TooSlow(f"not whole after {seconds:g} s") from None
        if isinstance(error, RuntimeError):  # another thread's `abort` closed the client
            raise httpx2.ReadError("the connection was closed") from None
        raise
    finally:
        if watch:
            watch.cancel()


def _body(response: httpx2.Response, max_bytes: int, expired: Callable[[], bool]) -> bytes:
    error = response.is_error
    max_bytes, pieces, size = min(max_bytes, ERROR_BYTES) if error else max_bytes, [], 0
    try:
        for piece in _unpacked(response):
            pieces.append(piece)
            size += len(piece)
            if size > max_bytes and not error:
                raise TooLarge(f"over {max_bytes:,} bytes, unpacked")
            if expired():
                raise TooSlow("")
            if size > max_bytes:
                break
    except (BrokenBody, httpx2.DecodingError):
        if not error:
            raise
    return b"".join(pieces)


def _unpacked(response: httpx2.Response) -> Iterator[bytes]:
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding in ("gzip", "x-gzip"):
        return _gunzipped(response.iter_raw())
    return response.iter_bytes()


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack every member of a gzip stream, at most `_PIECE` bytes at a time.

    Drops trailing bytes that are no member, such as padding. Raises `BrokenBody` for a member that
    is cut off.
    """
    member, began, pending = isal_zlib.decompressobj(31), False, b""
    try:
        for chunk in chunks:
            data, more = pending + chunk, bool(chunk)
            pending = b""
            while more:
                if member.eof:
                    if not data.startswith(_MAGIC):
                        if not _MAGIC.startswith(data):
                            return
                        pending = data  # maybe the first byte of a member
                        break
                    member = isal_zlib.decompressobj(31)
                piece = member.decompress(data, _PIECE)
                began = True
                yield piece
                data = member.unused_data if member.eof else member.unconsumed_tail
                more = bool(data) or (len(piece) == _PIECE and not member.eof)
    except isal_zlib.error as error:  # ty: ignore[invalid-exception-caught]  its stub is wrong
        raise BrokenBody(f"no gzip stream ({error})") from error
    if began and not member.eof:
        raise BrokenBody("the gzip stream is cut off")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms; None without a header."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:10]), _LONGEST_WAIT)
    try:
        wait = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, 0.0), _LONGEST_WAIT)


def whole_number(text: str) -> int | None:
    """The count in a header; None for other texts and for numbers of more than 64 bits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
