"""A case in a process of its own: wall and CPU seconds, peak memory, and what it says."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """wall and cpu in seconds, peak resident memory in MB, and the case's own figures."""

    wall: float
    cpu: float
    peak_mb: float
    said: dict[str, Any]


def machine() -> str:
    """The line above all figures: the date, and what they were measured on."""
    cores, python = os.cpu_count(), platform.python_version()
    return f"{date.today()}, {cores} cores, {platform.machine()}, Python {python}"


def case(
    name: str,
    *arguments: object,
    module: str = "cases",
    environment: dict[str, str] | None = None,
) -> Measured:
    """Run `<module>.<name>(*arguments)` in a new process; it prints its figures as JSON."""
    command = [sys.executable, "-m", f"hf_assets_tests.benchmarks.{module}", name]
    return run([*command, *map(str, arguments)], environment)


def run(command: list[str], environment: dict[str, str] | None = None) -> Measured:
    """Run a command; its last line of output is taken as JSON where it is JSON."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if environment else None,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    output = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(
            f"{' '.join(command)} ended with {process.returncode}:\n{output[-2000:]}"
        )
    last = (output.strip().splitlines() or [""])[-1]
    said = json.loads(last) if last.startswith("{") else {}
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(time.perf_counter() - began, cpu, usage.ru_maxrss / 1024, said)


@contextmanager
def served(folder: Path, *options: object) -> Generator[str]:
    """The prerendered Hub of that folder, in a process of its own; gives its address.

    Args:
        folder: of the pages.
        options: seconds a page, requests a window, seconds a window; by default without bounds.
    """
    with serving_module("hf_assets_tests.benchmarks.cases", "serve", folder, *options) as url:
        yield url


@contextmanager
def serving_module(module: str, *arguments: object) -> Generator[str]:
    """A module that serves, in a process of its own; gives the address that it prints first."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
