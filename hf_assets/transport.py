"""One HTTP answer, bounded: in seconds from its first byte to its last, in bytes, in redirects.

A read time-out bounds the silence between two bytes, not the answer: a byte a minute never times
out. And a body is as large as it unpacks to: 400 kB may become 900 MB.
"""

import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import msgspec

# Bytes of an error's body that are read: what it says is for a message.
ERROR_BYTES = 1 << 16
REDIRECTS = 5
_PIECE = 1 << 20
# How a member of a gzip stream begins.
_MEMBER = b"\x1f\x8b"
# A wait that no program outlives, for headers with more digits than a number has.
_FOR_EVER = 1e9


class TooSlow(httpx2.TimeoutException):
    """The answer was not whole in the time that it may take."""


class TooLarge(ValueError):
    """The body is larger than any that is wanted, once unpacked."""


class BrokenBody(ValueError):
    """The body does not unpack."""


@dataclass(frozen=True)
class Answer:
    """An answer with its body, unpacked; of an error, the body's beginning."""

    status: int
    headers: httpx2.Headers
    body: bytes

    def json(self) -> Any:
        """The body as JSON. ValueError where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except RecursionError as error:
            raise ValueError("nested too deep") from error

    @property
    def said(self) -> str:
        """What an error says of itself, as the Hub and proxies write it: to be cleaned."""
        texts = [self.headers.get("X-Error-Message", "")]
        try:
            found = self.json()
        except ValueError:
            if "html" not in self.headers.get("Content-Type", "").lower():
                texts.append(self.body.decode(errors="replace"))
        else:
            error = found.get("error", found.get("message")) if isinstance(found, dict) else found
            texts += map(str, error) if isinstance(error, list) else [str(error or "")]
        return "; ".join(dict.fromkeys(text.strip() for text in texts if text.strip()))


def fetch(
    client: httpx2.Client,
    method: str,
    url: str,
    *,
    timeout: httpx2.Timeout,
    seconds: float,
    most: int,
    only: int | None = None,
    abort: Callable[[], None] | None = None,
    **request: Any,
) -> Answer:
    """Ask once, following redirects.

    Args:
        client: sends the request.
        method: GET or POST.
        url: whole.
        timeout: of the connection and between two bytes.
        seconds: for everything.
        most: bytes of the body, unpacked.
        only: the status whose body is read, besides errors; None for any.
        abort: ends every request of the client from another thread: headers that come byte by
            byte cannot be ended otherwise.
        request: `headers`, `params`, `data`.

    Raises:
        TooSlow: the time is over.
        TooLarge: the body has more bytes.
        BrokenBody: it does not unpack.
        httpx2.TransportError: the connection failed.
    """
    asked = client.build_request(method, url, timeout=timeout, **request)
    with _ending(seconds, abort) as over:
        for _ in range(REDIRECTS + 1):
            response = client.send(asked, stream=True, follow_redirects=False)
            try:
                if response.has_redirect_location:
                    if response.next_request is None:
                        raise httpx2.RemoteProtocolError("a redirect to nowhere")
                    asked = response.next_request
                    continue
                read = response.is_error or only in (None, response.status_code)
                body = _body(response, most, over) if read else b""
                return Answer(response.status_code, response.headers, body)
            finally:
                response.close()
    raise httpx2.TooManyRedirects(f"more than {REDIRECTS} redirects", request=asked)


@contextmanager
def _ending(seconds: float, abort: Callable[[], None] | None) -> Generator[Callable[[], bool]]:
    """Tells when the time is over; what fails after that failed for that reason."""
    ends = time.monotonic() + seconds

    def over() -> bool:
        return time.monotonic() >= ends

    watch = threading.Timer(seconds, abort) if abort else None
    if watch:
        watch.daemon = True
        watch.start()
    try:
        yield over
    except (httpx2.TransportError, RuntimeError, ValueError) as error:
        if over() and not isinstance(error, TooLarge):
            raise TooSlow(f"not whole after {seconds:g} s") from None
        if isinstance(error, RuntimeError):  # another thread's `abort` closed the client
            raise httpx2.ReadError("the connection was closed") from None
        raise
    finally:
        if watch:
            watch.cancel()


def _body(response: httpx2.Response, most: int, over: Callable[[], bool]) -> bytes:
    error = response.is_error
    most, pieces, size = min(most, ERROR_BYTES) if error else most, [], 0
    try:
        for piece in _unpacked(response):
            pieces.append(piece)
            size += len(piece)
            if size > most and not error:
                raise TooLarge(f"over {most:,} bytes, unpacked")
            if over():
                raise TooSlow("")
            if size > most:
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
    """Every member of a gzip stream, a little at a time. BrokenBody where one breaks off.

    What follows a whole member and is none itself, as padding, is left out.
    """
    member, began, ended = zlib.decompressobj(31), False, b""
    try:
        for chunk in chunks:
            data, more = ended + chunk, bool(chunk)
            ended = b""
            while more:
                if member.eof:
                    if not data.startswith(_MEMBER):
                        if not _MEMBER.startswith(data):
                            return
                        ended = data  # its first byte, perhaps
                        break
                    member = zlib.decompressobj(31)
                piece = member.decompress(data, _PIECE)
                began = True
                yield piece
                data = member.unused_data if member.eof else member.unconsumed_tail
                more = bool(data) or (len(piece) == _PIECE and not member.eof)
    except zlib.error as error:
        raise BrokenBody(f"no gzip stream ({error})") from error
    if began and not member.eof:
        raise BrokenBody("the gzip stream is cut off")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its forms; None without one."""
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return min(float(said[:10]), _FOR_EVER)
    try:
        wait = (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, 0.0), _FOR_EVER)


def whole_number(text: str) -> int | None:
    """A count in a header; None where it is none, or no 64 bits hold it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
