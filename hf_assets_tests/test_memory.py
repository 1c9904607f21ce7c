"""Freed memory goes back to the system, and what nobody asked for is not loaded."""

import ctypes
import platform
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from hf_assets import memory

STATM = Path("/proc/self/statm")
FREED = """
from pathlib import Path
import numpy as np
import pyarrow as pa
from hf_assets.memory import give_back

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

before = held()
buffers = [pa.allocate_buffer(200_000, resizable=True) for _ in range(200)]
for buffer in buffers:
    np.frombuffer(buffer, np.uint8)[:] = 1
texts = [bytearray(50_000) for _ in range(400)]
last = bytearray(50_000)  # above them all in malloc's heap
most = held() - before
del buffers, buffer, texts
give_back()
print(most, held() - before)
"""
PAGES = """
import resource
import sys
from hf_assets.memory import keep_for_next

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def page():
    held = [bytearray(600_000) for _ in range(5)]

if sys.argv[1] == "kept":
    keep_for_next()
for _ in range(3):
    page()
before = faults()
for _ in range(50):
    page()
print((faults() - before) // 50)
"""
LISTS = """
import sys
import numpy as np
import polars as pl
from hf_assets.hub.tables.columns import as_lists
from hf_assets.trends.lives.folding import _lists

values = pl.DataFrame({"at": [0, 2, 2], "value": ["a", "b", "c"]})
assert as_lists(values, 3, np.array([False, True, False])).to_list() == [["a"], None, ["b", "c"]]
assert _lists(np.array([1, 1, 3]), values["value"]).to_list() == [["a"], [], ["b", "c"]]
print(*sorted({"pandas", "matplotlib", "dagster"} & {*sys.modules}))
"""


def said(code: str, *words: str) -> list[str]:
    """What that code prints in a process of its own, in words."""
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(not STATM.exists(), reason="this system does not say what a process holds")
def test_what_is_freed_goes_back() -> None:
    most, left = map(int, said(FREED))
    assert most > 55e6
    assert left < most / 4


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another malloc")
def test_a_page_reuses_the_memory_of_the_last() -> None:
    """Freed and taken again, it costs a page as many faults as it has pages of memory."""
    assert int(said(PAGES, "as it is")[0]) > 300
    assert int(said(PAGES, "kept")[0]) < 30


def test_a_library_without_a_trim_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        """No glibc."""

    memory._trim.cache_clear()
    memory.keep_for_next.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Other())
    try:
        memory.give_back()
        memory.keep_for_next()
    finally:
        memory._trim.cache_clear()
        memory.keep_for_next.cache_clear()


@pytest.mark.skipif(find_spec("pandas") is None, reason="pandas is not installed")
def test_lists_load_no_pandas() -> None:
    """It costs each process that makes a table 40 MB and half a second."""
    assert said(LISTS) == []
