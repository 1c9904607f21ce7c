"""Who may ask a page, and how much at once: a middleware of two pages, one of them a Space's.

A file of its own that needs no package: it is copied beside the Space's `app.py`.

A page on one's own machine can be reached by every site that the browser shows: with a form, with a
script, and, where a site's name is made to lead here (DNS rebinding), as that site itself.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

# Of title and text together: a hundred pages. A model reads the first few hundred words.
MOST_CHARACTERS = 200_000
# Of a request's body: as many characters as JSON may write them, twelve bytes each, and some more.
MOST_BYTES = 4 << 20
_LONGER = f"The body is longer than {MOST_BYTES} bytes."
_READ_ON = 16 * MOST_BYTES
# Of Gradio's own ways in, those that no page here needs.
CLOSED = ("/monitoring", "/gradio_api/upload", "/gradio_api/process_recording")

_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[Any], Awaitable[None]]


class TooMuch(Exception):
    """A body went on after it was said to end, or never said how long it is."""


def too_long(*texts: str) -> str | None:
    """What to say where the texts are longer together than a page reads; else None."""
    length = sum(map(len, texts))
    if length <= MOST_CHARACTERS:
        return None
    return f"{length:,} characters are too many: the limit is {MOST_CHARACTERS:,}, shorten the text"


class Guard:
    """Refuses foreign hosts and origins, bodies without end, and what no page here needs.

    Args:
        app: what is guarded.
        names: host names that this page has; addresses and `localhost` need none. None: any, for a
            page that is public anyhow.
    """

    def __init__(self, app: Any, names: Iterable[str] | None = ()) -> None:
        self.app = app
        # As people give them: an address of a page, or with a port, too.
        own = None if names is None else {_name(name.rpartition("://")[2]) for name in names}
        # An address needs no name, and what else it serves is another page.
        named = {name for name in own or () if name and not _is_address(name)}
        self.names = None if own is None else named | {"localhost"}

    async def __call__(self, scope: Any, receive: _Receive, send: _Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1")
                   for name, value in scope["headers"]}  # fmt: skip
        refused = self._refused(scope["path"], headers)
        if refused:
            await _refuse(scope, receive, send, *refused)
            return
        begun = False
        read = 0

        async def bounded() -> Any:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise TooMuch
            return message

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, bounded if scope["type"] == "http" else receive, sending)
        except TooMuch:
            if not begun:
                await _refuse(scope, receive, send, 413, _LONGER)

    def _refused(self, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and words for what is refused; else None."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._own(host):
            return 403, f"This page is not at {host!r:.80}: name the host when it is started."
        if origin is not None and not self._same(origin, host):
            return 403, f"{origin!r:.80} may not ask this page."
        if path.rstrip("/").startswith(CLOSED):
            return 403, "This is closed."
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > MOST_BYTES:
            return 413, _LONGER
        return None

    def _own(self, host: str) -> bool:
        """Whether the request was meant for this page: by its address, or one of its names."""
        if self.names is None:
            return True
        name = _name(host)
        return name in self.names or _is_address(name)

    def _same(self, origin: str, host: str) -> bool:
        """Whether the page that asks is this one."""
        if self.names is None:
            return True
        try:
            there = urlsplit(origin)
            if there.netloc.lower() == host.lower():
                return True
            name = (there.hostname or "").lower()
        except ValueError:
            return False
        # A proxy before the page may have given it another host.
        return name != "localhost" and name in self.names


def _name(host: str) -> str:
    """The host without its port; empty where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    """Whether it is an IP address: nobody can make another's lead here."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(scope: Any, receive: _Receive, send: _Send, status: int, said: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": said[:120]})
        return
    if status == 413:
        await _let_go(receive)
    body = said.encode("utf-8", "replace")
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"),
               (b"content-length", str(len(body)).encode())]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _let_go(receive: _Receive) -> None:
    """Read on a while and keep nothing: who still sends does not hear why it was refused."""
    read = 0
    while read < _READ_ON:
        message = await receive()
        read += len(message.get("body", b""))
        if not message.get("more_body"):
            return
