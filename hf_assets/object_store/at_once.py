"""Several at a time: requests, of which a store takes hundreds at once, and days that are made."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from hf_assets.object_store.path import StorePath

# Requests at a time where each is a question of a few hundred bytes.
AT_ONCE = 32
# Objects fetched before they are asked for: in the time of a request a page is parsed twice.
AHEAD = 4
S = TypeVar("S")
T = TypeVar("T")


def side_by_side(work: Callable[[S], T], items: Iterable[S], most: int = AT_ONCE) -> Iterator[T]:
    """The result of each, in order, at most so many at a time; the first error ends all."""
    todo = [*items]
    if len(todo) < 2 or most < 2:
        yield from map(work, todo)
        return
    with ThreadPoolExecutor(min(most, len(todo))) as pool:
        yield from pool.map(work, todo)


def fetched(
    paths: Iterable[StorePath], read: Callable[[StorePath], bytes] = StorePath.read_bytes
) -> Iterator[bytes]:
    """What `read` gives of each object, in order; a few are fetched before they are asked for.

    Raises:
        FileNotFoundError: one is missing.
        StoreError: the store does not give it.
    """
    coming: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(AHEAD) as pool:
        try:
            for path in paths:
                coming.append(pool.submit(read, path))
                if len(coming) > AHEAD:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for one in coming:
                one.cancel()


def made_ahead(
    makes: Mapping[S, Callable[[], T]], most: int, discard: Callable[[T], object]
) -> Generator[tuple[S, T]]:
    """What each makes, in order, by its key: so many at a time, made before they are asked for.

    The first error ends all.

    Args:
        makes: by key.
        most: of them at a time.
        discard: takes what was made for nothing, after an error or where no more is asked for.
    """
    with ThreadPoolExecutor(most) as pool:
        begun = ((key, pool.submit(make)) for key, make in makes.items())
        coming = deque(islice(begun, most))
        try:
            while coming:
                made = coming[0][1].result()
                key = coming.popleft()[0]
                coming.extend(islice(begun, 1))
                yield key, made
        finally:
            for _, future in coming:
                future.cancel()
            for _, future in coming:
                if not future.cancelled() and future.exception() is None:
                    discard(future.result())


class Ahead:
    """Objects that are fetched before they are read; its threads end with the last of them."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._coming: dict[StorePath, Future[bytes]] = {}
        self._lock = threading.Lock()

    def begin(self, paths: Iterable[StorePath]) -> None:
        """Fetch these next."""
        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(AHEAD)
            for path in paths:
                if path not in self._coming:
                    self._coming[path] = self._pool.submit(path.read_bytes)

    def read(self, path: StorePath) -> bytes:
        """The content, fetched now where `begin` did not name it. FileNotFoundError, StoreError."""
        with self._lock:
            coming = self._coming.pop(path, None)
            if self._pool and not self._coming:
                self._pool.shutdown(wait=False)
                self._pool = None
        return coming.result() if coming else path.read_bytes()
