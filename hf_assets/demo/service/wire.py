"""How the embedded Hub puts an answer on the wire: headers, rate limit, bodies that go wrong."""

import asyncio
import base64
import gzip
import hashlib
import math
import time
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Delivery = Literal["whole", "stall", "stall_body", "trickle", "cut", "cut_chunked"]

# As one anonymous GET of 2026-06 showed them.
_CONSTANT_HEADERS = {
    "X-Powered-By": "huggingface-moon",
    "cross-origin-opener-policy": "same-origin",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Access-Control-Max-Age": "86400",
    "Access-Control-Allow-Origin": "https://huggingface.co",
    "Vary": "Origin",
    "Access-Control-Expose-Headers": (
        "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,"
        "Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,X-Xet-Hash"
    ),
    "X-Cache": "Miss from cloudfront",
}
JSON_TYPE = "application/json; charset=utf-8"
_PIECE = 64 * 1024


@dataclass
class _Window:
    began: float
    used: int = 0


@dataclass(frozen=True)
class Quota:
    """What the RateLimit headers say: requests left, seconds to the reset, and the policy."""

    allowed: bool
    remaining: int
    reset: int
    limit: int
    window: float
    bucket: str = "api"

    def headers(self) -> dict[str, str]:
        """The two headers that come with every answer."""
        return {
            "RateLimit": f'"{self.bucket}";r={self.remaining};t={self.reset}',
            "RateLimit-Policy": (
                f'"fixed window";"{self.bucket}";q={self.limit};w={math.ceil(self.window)}'
            ),
        }


class RateLimiter:
    """A fixed window for each caller and bucket, which opens with the first request in it.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def count(self, caller: str, limit: int, window: float, bucket: str = "api") -> Quota:
        """Counts one request of that caller; a refused one costs nothing."""
        now, key = self._clock(), (caller, bucket)
        current = self._windows.get(key)
        if current is None or now - current.began >= window:
            current = self._windows[key] = _Window(now)
        allowed = current.used < limit
        current.used += allowed
        left = window - (now - current.began)  # in this order: never above the window
        return Quota(allowed, max(limit - current.used, 0), math.ceil(left), limit, window, bucket)


class HubResponse(Response):
    """An answer with the Hub's headers.

    Args:
        body: as it goes out, compressed already if `headers` say so.
        status: HTTP status.
        headers: besides those on every answer.
        delivery: how the body comes; see Faults.
        delivery_value: seconds, bytes a second or share, by `delivery`.
        delay: seconds before the first byte.
    """

    def __init__(
        self,
        body: bytes,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        delivery: Delivery = "whole",
        delivery_value: float | None = None,
        delay: float = 0.0,
    ) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self._delivery, self._value, self._delay = delivery, delivery_value, delay
        request_id = uuid.uuid4().hex
        self.init_headers(
            {
                "Content-Type": JSON_TYPE,
                **_CONSTANT_HEADERS,
                "X-Request-Id": f"Root=1-{int(time.time()):08x}-{request_id[:24]}",
                "ETag": weak_etag(body),
                **(headers or {}),
            }
        )

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Sets the headers as they are: listings are chunked, as the Hub sends them."""
        self.raw_headers = [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer; stops early when the client has gone."""
        how, value, body = self._delivery, self._value, self.body
        delay = self._delay
        if how == "stall":
            delay += 3600 if value is None else value
        if delay and not await _paused(delay, receive):
            return
        if how == "cut":
            self.headers["content-length"] = str(len(body))
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        if how in ("cut", "cut_chunked"):
            part = body[: int(len(body) * (0.5 if value is None else value))]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            # Returning without an end makes the server close the connection.
            return
        if how == "stall_body":
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            if not await _paused(3600 if value is None else value, receive):
                return
        if how == "trickle":
            per_step = max(int((200 if value is None else value) / 10), 1)
            while body:
                await send(
                    {"type": "http.response.body", "body": body[:per_step], "more_body": True}
                )
                body = body[per_step:]
                if not await _paused(0.1, receive):
                    return
        for start in range(0, len(body), _PIECE):
            piece = body[start : start + _PIECE]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _paused(seconds: float, receive: Receive) -> bool:
    """Waits; False when the client left meanwhile."""
    end = asyncio.get_running_loop().time() + seconds
    while (left := end - asyncio.get_running_loop().time()) > 0:
        try:
            message = await asyncio.wait_for(receive(), left)
        except TimeoutError:
            return True
        if message["type"] == "http.disconnect":
            return False
    return True


def weak_etag(body: bytes) -> str:
    """`W/"<length in hex>-<hash>"`, the form of the Hub's."""
    digest = hashlib.sha1(body, usedforsecurity=False).digest()
    return f'W/"{len(body):x}-{base64.b64encode(digest).decode()[:27]}"'


def compressed(body: bytes) -> bytes:
    """gzip at the fastest level: a listing shrinks to about a fifth."""
    return gzip.compress(body, compresslevel=1, mtime=0)


def error_response(
    status: int, message: str, headers: dict[str, str], *, delay: float = 0.0
) -> HubResponse:
    """The Hub's JSON error: `{"error": message}`; in X-Error-Message too where a header can be."""
    if message.isascii() and message.isprintable() and len(message) < 4000:
        headers = {**headers, "X-Error-Message": message}
    return HubResponse(msgspec.json.encode({"error": message}), status, headers, delay=delay)


def json_response(
    request: Request,
    body: bytes,
    headers: dict[str, str],
    *,
    gzipped: bytes | None = None,
    delay: float = 0.0,
    delivery: Delivery = "whole",
    value: float | None = None,
    gzip_share: float | None = None,
    members: int = 1,
) -> HubResponse:
    """A JSON body, gzip'd where the client takes it.

    Args:
        request: whose Accept-Encoding counts.
        body: the JSON; not looked at where `gzipped` is given.
        headers: besides those on every answer.
        gzipped: the same, compressed already.
        delay: seconds before the first byte.
        delivery: how the body comes.
        value: the delivery's own figure.
        gzip_share: where the gzip stream ends, as a share of it; None for its end.
        members: gzip members that the body is cut into.
    """
    if "gzip" in request.headers.get("accept-encoding", ""):
        if members > 1:
            whole = body if gzipped is None else zlib.decompress(gzipped, 31)
            size = -(-len(whole) // members)
            gzipped = b"".join(
                compressed(whole[start : start + size]) for start in range(0, len(whole), size)
            )
        packed = compressed(body) if gzipped is None else gzipped
        if gzip_share is not None:
            packed = packed[: int(len(packed) * gzip_share)]
            headers = {**headers, "Content-Length": str(len(packed))}
        body, headers = packed, {**headers, "Content-Encoding": "gzip"}
    elif gzipped is not None:
        body = zlib.decompress(gzipped, 31)
    return HubResponse(body, headers=headers, delivery=delivery, delivery_value=value, delay=delay)
