"""Times answers, and names the machine they were timed on."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

TEXTS = 200  # alone
BATCHED = 96  # three batches of 32
_WARM_UP = 5
DECISIVE = (
    "avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8",
)  # fmt: skip
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
    name = _cpuinfo("model name") or platform.processor() or platform.machine()
    return f"{name}, {cores} cores"


def instructions() -> list[str]:
    """Those of `DECISIVE` that this processor has; none where the system does not say.

    They decide in which order and format products are added up: answers of float32 differ by them
    in the last bits, those of bfloat16 and int8 in the first.
    """
    there = _cpuinfo("flags").split()
    return [name for name in DECISIVE if name in there]


def _cpuinfo(field: str) -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(errors="replace").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")
