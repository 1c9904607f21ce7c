"""Processes that share the texts of a tagger.

A published copy of `tagger.py` imports this file by its name, from the same folder.
"""

import importlib
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np


def answers(tagger: Any, texts: Iterator[str], workers: int) -> Iterator[np.ndarray]:
    """Scores text by text, in order, from so many processes that load the tagger again."""
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing import get_context

    module = type(tagger).__module__
    chunk_size = importlib.import_module(module).CHUNK
    file = str(tagger.path.relative_to(tagger.folder))
    given = module, tagger.folder, file, tagger.words is not None
    waiting: deque[Future[np.ndarray]] = deque()
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, given) as pool:
        try:
            while True:
                while len(waiting) < 3 * workers and (chunk := list(islice(texts, chunk_size))):
                    with _deaf():
                        waiting.append(pool.submit(_work, chunk))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf() -> Generator[None]:
    """Processes started meanwhile never hear Control-C, which is for their parent to handle."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_worker: list[Any] = []


def _start_worker(module: str, folder: Path, file: str, words: bool) -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    assert parent is not None, "this runs in a spawned process"
    # A worker whose parent is gone, however it went, goes too.
    threading.Thread(target=lambda: os._exit(parent.join() or 1), daemon=True).start()
    _worker.append(importlib.import_module(module).Tagger.load(folder, file, words=words))


def _work(texts: list[str]) -> np.ndarray:
    return np.stack(list(_worker[0].each(texts, None)))
