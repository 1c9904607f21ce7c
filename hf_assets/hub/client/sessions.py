"""HTTP sessions, each used by one request at a time.

huggingface_hub has one session for a whole process: to end one request that never ends, one would
have to close it under all others. Here a request has a session to itself while it lasts, and hands
it on with its open connections; a broken one is closed, and breaks nothing else.
"""

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import httpx2
from huggingface_hub.utils import _http


class Sessions:
    """Sessions of this process, made as huggingface_hub makes its own (`set_client_factory`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[tuple[Callable[[], httpx2.Client], httpx2.Client]] = []

    @contextmanager
    def session(self) -> Generator[httpx2.Client]:
        """One that nobody else uses until the block ends; whoever closes it ends its request."""
        # The library has no public way to ask for its factory.
        factory = _http._GLOBAL_CLIENT_FACTORY
        client = self._take(factory) or factory()
        try:
            yield client
        except httpx2.ConnectError:
            client.close()  # after a failure in TLS, a new session is the best start
            raise
        finally:
            if not client.is_closed:
                with self._lock:
                    self._free.append((factory, client))

    def _take(self, factory: Callable[[], httpx2.Client]) -> httpx2.Client | None:
        """The free session that was used last; those of another factory are closed."""
        with self._lock:
            others = [client for made_by, client in self._free if made_by is not factory]
            self._free = [free for free in self._free if free[0] is factory]
            found = self._free.pop()[1] if self._free else None
        for client in others:
            client.close()
        return found

    def forget(self) -> None:
        """In a forked process: the connections are those of its parent."""
        self._lock, self._free = threading.Lock(), []


SESSIONS = Sessions()
os.register_at_fork(after_in_child=SESSIONS.forget)
