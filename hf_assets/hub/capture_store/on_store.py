"""Captures on an object store: requests that several files of one need, many at a time."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from hf_assets.hub.capture_store.page_frames import START, line_length
from hf_assets.object_store.errors import asking
from hf_assets.object_store.path import StorePath, api

# Requests at a time where each is a question of a few hundred bytes.
AT_ONCE = 32
# Pages fetched before they are asked for. A store answers in some 50 ms, a page is parsed in 20.
AHEAD = 4
S = TypeVar("S")
T = TypeVar("T")


def side_by_side(work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """The result of each, in order; the first error ends all."""
    todo = [*items]
    if len(todo) < 2:
        yield from map(work, todo)
        return
    with ThreadPoolExecutor(min(AT_ONCE, len(todo))) as pool:
        yield from pool.map(work, todo)


def fetched(paths: Iterable[StorePath]) -> Iterator[bytes]:
    """The content of each object, in order; a few are fetched before they are asked for.

    Raises:
        FileNotFoundError: one is missing.
        StoreError: the store does not give it.
    """
    coming: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:
        try:
            for path in paths:
                coming.append(pool.submit(path.read_bytes))
                if len(coming) > AHEAD:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for one in coming:
                one.cancel()


class Ahead:
    """Objects that are fetched before they are read, by several threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AHEAD)
        self._coming: dict[StorePath, Future[bytes]] = {}
        self._lock = threading.Lock()

    def begin(self, paths: Iterable[StorePath]) -> None:
        """Fetch these next."""
        with self._lock:
            for path in paths:
                if path not in self._coming:
                    self._coming[path] = self._pool.submit(path.read_bytes)

    def read(self, path: StorePath) -> bytes:
        """The content, fetched now where `begin` did not name it. FileNotFoundError, StoreError."""
        with self._lock:
            coming = self._coming.pop(path, None)
        return coming.result() if coming else path.read_bytes()


def read_with_tag(path: StorePath) -> tuple[bytes, str]:
    """The content of an object and the tag of that version, in one request. FileNotFoundError."""
    with asking(path):
        answer = api().get(path.address.client(), path.key)
        return bytes(answer.bytes()), answer.meta["e_tag"] or ""


def start_of(path: StorePath) -> bytes:
    """The beginning of a page's object, with all of its line. FileNotFoundError."""
    with asking(path):
        client = path.address.client()
        start = bytes(api().get_range(client, path.key, start=0, length=START))
        end = line_length(start)
        if end is not None and end > len(start):
            start = bytes(api().get_range(client, path.key, start=0, length=end))
        return start


def later(folder: StorePath, after: str) -> list[StorePath]:
    """The objects below whose name, relative to the folder, follows that one, in order."""
    client, found = folder.address.client(), []
    with asking(folder):
        for batch in api().list(client, folder.key, offset=f"{folder.key}/{after}"):
            found += [StorePath(folder.address, meta["path"]) for meta in batch]
    return found
