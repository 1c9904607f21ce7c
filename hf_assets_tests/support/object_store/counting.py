"""A proxy before an S3 server: it counts requests, and answers some of them as a store in trouble.

Requests are passed on as they were signed, the `Host` header too: the server verifies signatures.
"""

import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

# The answers of stores in trouble: error codes of S3, with their HTTP status.
STATUS = {
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "InternalError": 500,
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "ExpiredToken": 400,
    "InsufficientStorage": 507,
    "NoSuchBucket": 404,
    "NotImplemented": 501,
    "InvalidArgument": 400,
}
_KEY = re.compile(r"Credential=([^/,]+)")
# Seconds that a thread has to answer what was asked before the end.
_ENDING = 10.0
_OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Asked:
    """One request: `kind` is the method, or GET range, LIST, LIST v1, DELETE many, MULTIPART."""

    kind: str
    key: str
    status: int
    size: int  # bytes of the body, of the request and of the answer
    agent: str = ""


@dataclass
class Fault:
    """What happens to the requests that it fits.

    Args:
        what: an error code of S3; `cut`: the answer's body ends half-way; `lost`: the server does
            what is asked, and the connection ends without an answer; `late`: after `seconds`.
        kinds: of requests (see `Asked`); empty: all.
        key: a regular expression for the key of the object.
        times: how many requests; None: all.
        after: so many requests that fit are let through first.
        share: of the requests, drawn by chance from one seed.
    """

    what: str
    kinds: tuple[str, ...] = ()
    key: str = ""
    times: int | None = None
    after: int = 0
    share: float = 1.0
    seconds: float = 0.0
    hits: int = 0
    draw: random.Random = field(default_factory=lambda: random.Random(7))

    def fits(self, kind: str, key: str) -> bool:
        """Whether it happens to this request; counts it."""
        if (self.kinds and kind not in self.kinds) or not re.search(self.key, key):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        if self.draw.random() >= self.share:
            return False
        self.hits += 1
        return True


@dataclass
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Its value; None where it is missing."""
        values = (value for each, value in self.headers if each.lower() == name)
        return next(values, None)

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters."""
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    @property
    def key(self) -> str:
        """Of the object; empty for a bucket."""
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    @property
    def kind(self) -> str:
        """As in `Asked`."""
        query = self.query
        if "uploads" in query or "uploadId" in query:
            return "MULTIPART"
        if self.method == "POST" and "delete" in query:
            return "DELETE many"
        if self.method == "GET" and not self.key:
            return "LIST" if query.get("list-type") == ["2"] else "LIST v1"
        return "GET range" if self.method == "GET" and self.header("range") else self.method


@dataclass
class Answer:
    """What the client gets."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def error(cls, code: str, request: Request) -> "Answer":
        """An error of S3: like S3's own, it repeats the access key."""
        key = _KEY.search(request.header("authorization") or "")
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>On purpose'
            f"</Message><AWSAccessKeyId>{key[1] if key else ''}</AWSAccessKeyId></Error>"
        )
        return cls(STATUS[code], [("Content-Type", "application/xml")], body.encode())


class CountingProxy:
    """Serves on a free port of loopback from `with` to its end.

    Args:
        port: of the S3 server on 127.0.0.1.

    Attributes:
        asked: every request, oldest first.
        faults: what happens to requests; the first that fits.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self._lock = threading.Lock()
        self._connections = threading.local()
        self._server = PlainServer(self.answered)
        self.url = self._server.url

    def counts(self) -> Counter[str]:
        """How many requests of each kind."""
        with self._lock:
            return Counter(each.kind for each in self.asked)

    def clear(self) -> None:
        """Forget the requests and the faults."""
        with self._lock:
            self.asked.clear()
            self.faults.clear()

    def answered(self, request: Request) -> Answer | None:
        """The answer, counted; None: the connection ends without."""
        with self._lock:
            fault = next(
                (each for each in self.faults if each.fits(request.kind, request.key)), None
            )
        answer = self._faulty(fault, request) if fault else self.ask(request)
        asked = Asked(
            request.kind,
            request.key,
            answer.status if answer else 0,
            len(request.body) + (len(answer.body) if answer else 0),
            request.header("user-agent") or "",
        )
        with self._lock:
            self.asked.append(asked)
        return answer

    def _faulty(self, fault: Fault, request: Request) -> Answer | None:
        if fault.what in STATUS:
            return Answer.error(fault.what, request)
        if fault.what == "late":
            time.sleep(fault.seconds)
            return self.ask(request)
        answer = self.ask(request)
        if fault.what == "lost":
            return None
        assert fault.what == "cut", fault.what
        length = [("Content-Length", str(len(answer.body)))]
        return Answer(answer.status, answer.headers + length, answer.body[: len(answer.body) // 2])

    def ask(self, request: Request) -> Answer:
        """The server's answer. A server that is away is one that closes connections."""
        for fresh in (False, True):
            connection = getattr(self._connections, "open", None)
            if connection is None or fresh:
                connection = HTTPConnection("127.0.0.1", self._upstream, timeout=120)
                self._connections.open = connection
            try:
                connection.putrequest(
                    request.method, request.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in request.headers:
                    connection.putheader(name, value)
                connection.endheaders(request.body or None)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, HTTPException):
                connection.close()
                self._connections.open = None
                if fresh:
                    raise
            else:
                return Answer(answer.status, answer.getheaders(), body)
        raise AssertionError("unreachable")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


class PlainServer:
    """Serves what `answer` gives on a free port of loopback; None ends the connection."""

    def __init__(self, answer: Callable[[Request], Answer | None]) -> None:
        class Handler(_Handler):
            pass

        Handler.answer = staticmethod(answer)
        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def start(self) -> None:
        """Take requests, in threads."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more; connections that clients keep open end, and the thread of each."""
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 256

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._lock = threading.Lock()
        self._open: dict[Any, threading.Thread] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._lock:
            self._open.pop(request, None)

    def end_connections(self) -> None:
        """End those that clients keep open, and wait for their threads: one may still answer."""
        with self._lock:
            left = dict(self._open)
        for connection, thread in left.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(_ENDING)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the proxy."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    answer: Any

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, list(self.headers.items()), body)
        try:
            answer = self.answer(request)
        except (OSError, HTTPException):
            answer = None
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        lengths = [value for name, value in answer.headers if name.lower() == "content-length"]
        for name, value in answer.headers:
            if name.lower() not in _OF_A_CONNECTION:
                self.send_header(name, value)
        # The last is the one of a fault; of a HEAD it is the object's.
        length = int(lengths[-1]) if lengths else len(answer.body)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()
        if self.command != "HEAD" and length != len(answer.body):
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: `Asked` has it."""
