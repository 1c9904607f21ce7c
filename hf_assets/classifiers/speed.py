"""How fast something answers, and on which machine that was.

What belongs here: timing an answer, whatever gives it. What does not: what is timed.
"""

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

TEXTS = 200  # alone
BATCHED = 96  # three batches of 32
_WARM_UP = 5
Answer = Callable[[Sequence[str]], np.ndarray]


def timed(
    one: Answer, batches: Answer, texts: Sequence[str]
) -> tuple[dict[str, float], np.ndarray]:
    """Seconds it takes to answer the first texts, 200 at most, after a warm-up; and the answers.

    Args:
        one: answers texts one at a time.
        batches: answers many texts at once.
        texts: at least one.

    Returns:
        `ms_p50` and `ms_p95` a text alone, and `texts_per_second` of the first 96 at most in
        batches; and what `one` gave for the texts alone, float32 [texts, labels].
    """
    texts = texts[:TEXTS]
    for text in texts[:_WARM_UP]:
        one([text])
    taken, given = [], []
    for text in texts:
        began = time.perf_counter()
        given.append(one([text]))
        taken.append(1000 * (time.perf_counter() - began))
    batches(texts[:_WARM_UP])
    many = texts[:BATCHED]
    began = time.perf_counter()
    batches(many)
    rate = len(many) / (time.perf_counter() - began)
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    pace = {"ms_p50": float(p50), "ms_p95": float(p95), "texts_per_second": rate}
    return pace, np.concatenate(given)


def machine() -> str:
    """The processor's name and how many cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    info = Path("/proc/cpuinfo")
    lines = info.read_text(errors="replace").splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    name = next(named, "") or platform.processor() or platform.machine()
    return f"{name}, {cores} cores"
