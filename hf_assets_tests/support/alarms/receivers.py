"""Receivers of alarms on loopback: a webhook that behaves as it is told, and a mail server."""

import json
import socket
import struct
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

OK = 200
# A connection that is reset, and one that is never answered.
RESET, HANG = -1, -2


@dataclass
class Hook:
    """A webhook. Each of its answers is given once, in order; then it takes what comes.

    Attributes:
        url: with a secret in its path, as the real ones have.
        answers: status, or (status, headers, body).
        posts: the JSON of every request that it took.
        asked: all requests.
    """

    url: str
    answers: list[Any] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def webhook() -> Generator[Hook]:
    """A webhook on loopback; it refuses what is not JSON, as Slack does."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.asked += 1
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = hook.answers.pop(0) if hook.answers else OK
            status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, "")
            if status == RESET:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                return
            if status == HANG:
                stop.wait(30)
                return
            if status == OK:
                if not self.headers["Content-Type"].startswith("application/json"):
                    status, text = 400, "invalid_payload"
                else:
                    hook.posts.append(json.loads(body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    stop = threading.Event()
    server = _Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook = Hook(f"http://127.0.0.1:{server.server_port}/services/T000/B000/verysecretword")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield hook
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


@dataclass
class Mailbox:
    """A mail server, and what it took.

    Attributes:
        port: on 127.0.0.1.
        mails: envelopes.
        refused: recipients it takes nothing for, with its answer.
        logins: user and password of each login.
    """

    port: int = 0
    mails: list[Envelope] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[str, str]] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(envelope)
        return "250 OK"


@contextmanager
def mailbox(password: str = "", box: Mailbox | None = None, **options: Any) -> Generator[Mailbox]:
    """A mail server on loopback; with a password it takes no mail before the login."""
    box = box or Mailbox()

    def login(*given: Any) -> AuthResult:
        data = given[-1]
        assert isinstance(data, LoginPassword)
        box.logins.append((data.login.decode(), data.password.decode()))
        # The server answers a refusal that is not handled here.
        return AuthResult(success=data.password.decode() == password, handled=False)

    auth: dict[str, Any] = {
        "authenticator": login,
        "auth_required": True,
        "auth_require_tls": False,
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=port, **(auth if password else {}), **options
    )
    controller.start()
    box.port = port
    try:
        yield box
    finally:
        controller.stop()


def until(there: Any, seconds: float = 10.0) -> None:
    """Wait for what must come."""
    ends = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < ends
        time.sleep(0.01)
