"""The journal of answers on an object store, which appends nothing: many small objects.

An object has the answers of some time, and is never changed. A run on any machine reads them all,
into a file of its own, and goes on from there.
"""

import secrets
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import msgspec

from hf_assets.hub.space_code.answers import Answer, Entry, Journal
from hf_assets.object_store.at_once import fetched
from hf_assets.object_store.commit import commit
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.path import LakePath, StorePath, delete
from hf_assets.object_store.scratch import scratch

# An object is stored after so many answers, seconds or bytes, whichever comes first. The Hub's
# limit is under two requests a second, and an answer takes one or two: a run that dies loses half
# a minute of a night's questions, and its 10,000 answers are some 350 objects, in a burst 100.
ANSWERS = 100
SECONDS = 30.0
BYTES = 8 << 20


class JournalOnStore:
    """The answers that no stored day has yet, of one day or several.

    Answers of runs on other machines are among them, if they were stored when this one began.

    Args:
        folder: the prefix of its objects.
    """

    def __init__(self, folder: StorePath) -> None:
        self.entries: dict[str, Entry] = {}
        self._folder = folder
        # Without a name: it is gone with the process, however that ends.
        self._copy = tempfile.TemporaryFile(dir=scratch())  # noqa: SIM115 - closed with this object
        self._lock = threading.RLock()
        self._open: list[bytes] = []
        self._began = 0.0
        self._timer: threading.Timer | None = None
        # The store's time of each: the clocks of two machines may differ.
        objects = sorted((facts.modified, path) for path, facts in folder.below())
        self._objects = [path for _, path in objects]
        for content in fetched(self._objects, _content):
            for line in content.splitlines(keepends=True):
                try:
                    answer = msgspec.json.decode(line, type=Answer)
                except msgspec.DecodeError:
                    break  # damaged: the Spaces are asked about again
                self._note(line, answer)

    def _note(self, line: bytes, answer: Answer) -> None:
        offset = self._copy.seek(0, 2)
        self._copy.write(line)
        self.entries[answer.hub_id] = Entry.of(offset, answer)

    def add(self, answer: Answer) -> None:
        """Append an answer. StoreError where an object cannot be stored; it is tried again."""
        line = msgspec.json.encode(answer) + b"\n"
        with self._lock:
            self._note(line, answer)
            if not self._open:
                self._began = time.monotonic()
                self._timer = threading.Timer(SECONDS, self._store_in_time)
                self._timer.daemon = True
                self._timer.start()
            self._open.append(line)
            full = len(self._open) >= ANSWERS or sum(map(len, self._open)) >= BYTES
            if full or time.monotonic() - self._began >= SECONDS:
                self.store()

    def _store_in_time(self) -> None:
        """Store what waits, though no answer follows: the Hub may let a run wait for minutes."""
        with suppress(StoreError):  # the next answer tries again, and tells
            self.store()

    def store(self) -> None:
        """Store the answers that wait, as one object. StoreError."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            if not self._open:
                return
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}.jsonl"
            path = self._folder / name
            # Listed first: what an error leaves stored is cleared, too.
            self._objects.append(path)
            commit(path, b"".join(self._open), None)
            self._open.clear()

    def answer(self, hub_id: str) -> Answer:
        """The newest answer about a Space. KeyError."""
        with self._lock:
            self._copy.seek(self.entries[hub_id].offset)
            return msgspec.json.decode(self._copy.readline(), type=Answer)

    def clear(self) -> None:
        """Forget these answers: a stored day has them. Those of another run meanwhile stay."""
        with self._lock:
            self._open.clear()
            delete(self._objects)
            self._objects.clear()
            self._copy.truncate(0)
            self.entries.clear()


def _content(path: StorePath) -> bytes:
    """The content; nothing where another run has just cleared it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


@contextmanager
def open_journal(folder: LakePath) -> Generator[Journal | JournalOnStore]:
    """The journal of a lake; on a store, what waits is stored when the block ends.

    Args:
        folder: of `raw_space_trees`.
    """
    if not isinstance(folder, StorePath):
        yield Journal(folder / "answers.jsonl")
        return
    journal = JournalOnStore(folder / "answers")
    try:
        yield journal
    except BaseException:
        with suppress(StoreError):  # the first error says more
            journal.store()
        raise
    journal.store()
