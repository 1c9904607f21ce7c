"""Captures several listings at once, each in a thread; what they tell reaches the caller's thread.

One listing after the other leaves a part of the Hub's rate limit unused, and each has times in
which it waits for a single page. All ask by way of one pacer.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

# Seconds between two looks at the captures, in which their log lines are written.
LOOK = 0.2
THREAD = "capture"


class SideBySide:
    """A capture of the caller's own, and others beside it."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = (
            queue.SimpleQueue()
        )
        self._stop = threading.Event()

    def in_caller(self, function: Callable[..., None]) -> Callable[..., None]:
        """That function, to be called by a capture: it runs later, in the caller's thread."""
        return lambda *arguments: self._calls.put((function, arguments))

    def stopped(self) -> bool:
        """Whether the caller has gone: a capture ends before its next page."""
        return self._stop.is_set()

    def run(
        self,
        own: Callable[[], T],
        beside: Mapping[str, Callable[[], object]],
        failed: Callable[[str, BaseException], None],
    ) -> T:
        """Run all of them to their ends; return what the caller's own one returns.

        Args:
            own: the caller's own; what it raises is raised here, once the others have ended.
            beside: the others by name.
            failed: called with the name and the error of each other one that failed.
        """
        results: list[T] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                results.append(own())
            except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
                errors.append(error)

        def work_beside(name: str, task: Callable[[], object]) -> None:
            try:
                task()
            except BaseException as error:  # noqa: BLE001 - told in the caller's thread
                self._calls.put((failed, (name, error)))

        threads = [threading.Thread(target=work, name=THREAD, daemon=True)]
        threads += [
            threading.Thread(target=work_beside, args=one, name=THREAD, daemon=True)
            for one in beside.items()
        ]
        try:
            for thread in threads:
                thread.start()
            while alive := [thread for thread in threads if thread.is_alive()]:
                alive[0].join(LOOK)
                self._call()
        finally:
            self._stop.set()
        self._call()
        if errors:
            raise errors[0]
        return results[0]

    def _call(self) -> None:
        while not self._calls.empty():
            function, arguments = self._calls.get()
            function(*arguments)
