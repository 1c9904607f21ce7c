"""An ASGI application on a loopback port, in a thread of this process."""

import asyncio
import logging
import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0


def _unexpected(record: logging.LogRecord) -> bool:
    # A body cut on purpose and a request dropped at the end are errors to uvicorn alone.
    error = record.exc_info[1] if record.exc_info else None
    message = record.getMessage()
    return not (
        "without completing response" in message
        or message.startswith("Cancel ")
        or isinstance(error, asyncio.CancelledError)
    )


logging.getLogger("uvicorn.error").addFilter(_unexpected)


class LoopbackServer:
    """Serves `app` on 127.0.0.1 from `with` (or `start()`) until its end (or `stop()`).

    Example:
        >>> with LoopbackServer(app) as server:  # doctest: +SKIP
        ...     httpx2.get(f"{server.url}/api/models")

    Args:
        app: any ASGI application.
        port: 0 takes a free one.

    Raises:
        OSError: the port is taken.
        RuntimeError: the server did not start.
    """

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        self.app = app
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="error",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=60,
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def start(self) -> Self:
        """Returns when the server accepts connections."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_SECONDS / 0.005)):
            if self._server.started:
                return self
            if not self._thread.is_alive():
                break
            waited.wait(0.005)
        self.stop()
        raise RuntimeError(f"no server on {self.url} after {_START_SECONDS:g} s")

    def stop(self) -> None:
        """Stops at once: requests that are still open are dropped."""
        self._server.should_exit = True
        self._server.force_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def wait(self) -> None:
        """Returns when the server has stopped."""
        # A join without an end is not woken by ctrl-c.
        while self._thread.is_alive():
            self._thread.join(0.5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
