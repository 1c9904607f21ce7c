"""How many threads a training step takes, by measurement: more of them are not always faster.

Threads that share a product wait for one another, spinning. Where another program has one of the
cores, a step of two threads takes five times as long as a step of one.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

_TURNS = 3
# Fewer threads must be this much faster: alone, a machine is faster with all of them.
_WORTH = 1.1


def fastest(
    step: Callable[[], object], set_threads: Callable[[int], None], most: int
) -> dict[int, float]:
    """Seconds of a step by number of threads: 1, half of `most`, and `most`, measured in turn.

    The best of three turns counts, after a first step that warms up.
    """
    counts = sorted({1, (most + 1) // 2, most})
    seconds = dict.fromkeys(counts, float("inf"))
    step()
    for _ in range(_TURNS):
        for count in counts:
            set_threads(count)
            began = time.perf_counter()
            step()
            seconds[count] = min(seconds[count], time.perf_counter() - began)
    return seconds


def chosen(seconds: dict[int, float]) -> int:
    """The largest number of threads, unless fewer are a tenth faster: then the fastest."""
    most = max(seconds)
    best = min(seconds, key=lambda count: (seconds[count], count))
    return best if seconds[best] * _WORTH < seconds[most] else most


def threads_for(
    step: Callable[[], object], work: Path, fixed: int | None, log: Callable[[str], None]
) -> int:
    """The number of threads to train with; a training that goes on keeps the one it began with.

    Args:
        step: a training step, that changes nothing.
        work: the folder of the training's checkpoints, which keeps the number.
        fixed: by the recipe; then nothing is measured.
    """
    most = torch.get_num_threads()
    for mark in work.glob("threads-*"):
        with suppress(ValueError):
            return int(mark.name.partition("-")[2])
    # Earlier versions left no number beside their checkpoints, and trained with all threads.
    if fixed or most == 1 or any(work.glob("checkpoint-*")):
        count = fixed or most
    else:
        try:
            seconds = fastest(step, torch.set_num_threads, most)
        finally:
            torch.set_num_threads(most)
        count = chosen(seconds)
        measured = ", ".join(f"{1000 * of:.0f} ms with {at}" for at, of in seconds.items())
        log(f"threads: a step takes {measured}; training with {count}")
    (work / f"threads-{count}").touch()
    return count
