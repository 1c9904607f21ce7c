"""A clock that a test moves, for all processes of a service at once: Debian's libfaketime."""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hf_assets_tests.support.deploy.read import Process
from hf_assets_tests.support.deploy.running import skip_without

# libfaketime 0.9.10 moves the end of a sleep on a monotonic clock, too: Python's `time.sleep` fails
# with EINVAL. It leaves a wait for no file alone.
SLEEP = """import select, time
time.sleep = lambda seconds: select.select([], [], [], seconds) and None
"""
# Python has threads: the library without MT may hang.
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clock:
    """A time, UTC, that goes on at the pace of the real one until it is set again.

    It is an offset in a file that every process reads: they agree, whenever each began. What counts
    seconds (monotonic clocks) is not touched.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        skip_without(LIBRARIES, "faketime")
        self._file, self._site = folder / "clock", folder / "site"
        self._site.mkdir()
        (self._site / "sitecustomize.py").write_text(SLEEP)
        self.set(now)

    def set(self, now: datetime) -> None:
        """Move to that time; the processes see it within a second."""
        offset = now.astimezone(UTC) - datetime.now(UTC)
        temporary = self._file.with_name("clock.tmp")
        temporary.write_text(f"{offset.total_seconds():+.0f}\n")
        os.replace(temporary, self._file)

    @property
    def variables(self) -> dict[str, str]:
        """What makes a process see this clock."""
        return {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(self._site),
        }

    def seen_by(self, processes: Iterable[Process]) -> list[Process]:
        """Those processes, with this clock."""
        return [
            replace(process, environment=process.environment | self.variables)
            for process in processes
        ]
