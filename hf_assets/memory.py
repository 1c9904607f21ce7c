"""Memory that nothing uses any more, given back to the system.

Arrow's pool and malloc keep what was freed for later. Whoever works through a large file part by
part gives it back after each: what a reader freed is then no part of what the writer beside it
needs. No setting of the environment does that for a process that runs already.
"""

import ctypes
from collections.abc import Callable
from functools import cache

import pyarrow as pa


def give_back() -> None:
    """Give freed memory back; of Arrow's pool, what this thread had. Takes milliseconds."""
    pa.default_memory_pool().release_unused()
    _trim()(0)


@cache
def _trim() -> Callable[[int], object]:
    """`malloc_trim` of glibc; other libraries have none, and give more back by themselves."""
    return getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)
