"""Memory that nothing uses any more, given back to the system.

Arrow's pool and malloc keep what was freed for later. Whoever works through a large file part by
part gives it back after each: what a reader freed is then no part of what the writer beside it
needs. No setting of the environment does that for a process that runs already.
"""

import ctypes
from collections.abc import Callable
from functools import cache

import pyarrow as pa

# Of glibc's `mallopt`.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def give_back() -> None:
    """Give freed memory back; of Arrow's pool, what this thread had. Takes milliseconds."""
    pa.default_memory_pool().release_unused()
    _trim()(0)


@cache
def keep_for_next(bytes_kept: int = 16 << 20, largest: int = 8 << 20) -> None:
    """Let malloc keep so much of what is freed for what is allocated next; once a process.

    Whoever allocates and frees a few MB again and again otherwise takes them from the system each
    time, with zeros in them: some 550 faults for each page of a listing. glibc sets its bounds by
    what the process freed first, so that it does so in one process and not in another. `give_back`
    gives back all the same.

    Args:
        bytes_kept: at most so much stays at the end of the heap.
        largest: larger blocks go back to the system when they are freed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda *_: None)
    mallopt(_TRIM_THRESHOLD, bytes_kept)
    mallopt(_MMAP_THRESHOLD, largest)


@cache
def _trim() -> Callable[[int], object]:
    """`malloc_trim` of glibc; other libraries have none, and give more back by themselves."""
    return getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)
