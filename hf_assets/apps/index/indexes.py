"""The indexes of a process: opened where they are there, else made by a process of their own.

Making one takes some ten seconds of CPU and half a gigabyte of memory at 2.5 M models: a child does
it at low priority, and questions are answered from the table meanwhile.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from hf_assets.apps.index import folders
from hf_assets.apps.index.answers import DayIndex
from hf_assets.apps.index.old_days import OldDays
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.storage.stored import StoredTable

# Of fewer models, polars answers as fast.
FEWEST = 100_000
# Days that stay open: what nobody asks of them costs no memory.
_OPEN = 4
# Seconds after which an index that could not be made is tried again.
_AGAIN = 600.0
_REPLACED = 3
_LOW_PRIORITY = 10
_log = logging.getLogger(__name__)


@dataclass
class Making:
    """An index while a child makes it."""

    process: subprocess.Popen[str]
    share: float = 0.0
    failed: float | None = None


class Indexes:
    """The indexes that this process has open, is making, or could not make.

    Args:
        fewest: models of a day that gets an index.
    """

    def __init__(self, fewest: int = FEWEST) -> None:
        self.fewest = fewest
        self._lock = threading.Lock()
        self._open: OrderedDict[str, DayIndex] = OrderedDict()
        self._making: dict[str, Making] = {}
        self._closed = False

    def of(self, lake: Lake, models: StoredTable) -> DayIndex | None:
        """The index of that version of a day's `models`; None where it is not there (yet).

        Args:
            lake: where the table lies; the child reads it from there.
            models: the day.
        """
        if models.rows < self.fewest or not folders.has_room(models.rows):
            return None
        name = folders.index_name(models)
        with self._lock:
            index = self._open.get(name) or folders.opened(name)
            if index:
                if name != next(reversed(self._open), name):
                    self._release()  # a day more costs no memory but its own
                self._open[name] = index
                self._open.move_to_end(name)
                while len(self._open) > _OPEN:
                    self._open.popitem(last=False)
            elif self._may_begin(name):
                self._begin(name, lake, models.day)
        return index

    def share(self, models: StoredTable) -> float | None:
        """The share of a day's index that this process has made; None: it makes none."""
        making = self._making.get(folders.index_name(models))
        return making.share if making and making.failed is None else None

    def release(self) -> None:
        """Give back the memory of all that is open, for who needs some."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        for index in self._open.values():
            index.release()

    def close(self) -> None:
        """End the children, begin no more, and forget what is open."""
        with self._lock:
            self._closed = True
            children = [making.process for making in self._making.values()]
            self._open.clear()
        # Without the lock: whoever follows a child takes it when that has ended.
        for process in children:
            process.terminate()

    def _may_begin(self, name: str) -> bool:
        if self._closed:
            return False
        last = self._making.get(name)
        if last and (last.failed is None or time.monotonic() - last.failed < _AGAIN):
            return False
        return not folders.is_being_made(name)

    def _begin(self, name: str, lake: Lake, day: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(lake.root), day, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        making = self._making[name] = Making(process)
        threading.Thread(target=self._follow, args=(name, making), daemon=True).start()

    def _follow(self, name: str, making: Making) -> None:
        process = making.process
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            making.share = float(line)
        said = process.stderr.read()
        made = process.wait() in (0, _REPLACED)
        with self._lock:
            closed = self._closed
            if made:
                self._making.pop(name, None)
            else:
                making.failed = time.monotonic()
        if not made and not closed:
            last = (said.strip().splitlines() or ["no reason given"])[-1]
            _log.warning("the index of a day was not made, answers take longer: %s", last)


def main(root: str, day: str, name: str) -> int:
    """The child: make the index of that name; 3 where the table is another version by now."""
    try:
        models = OldDays(Lake.at(root)).read("models", day)
    except MissingDay:
        return _REPLACED
    if folders.index_name(models) != name:
        return _REPLACED
    folders.make(models, lambda share: print(f"{share:.2f}", flush=True))
    return 0


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    # It ends with the process that began it: nobody would answer from it sooner.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(_LOW_PRIORITY)
    sys.exit(main(*sys.argv[1:]))
