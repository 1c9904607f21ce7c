"""Answers about Spaces' files, and the journal that keeps them until their day is stored.

The journal is one file of lines, an answer each, appended as soon as it is there: a run that is
killed loses the answer that it was writing, which the next run asks for again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hf_assets.hub.space_code.schemas import FINAL, FINAL_PACKAGES


class Space(NamedTuple):
    """A Space to ask about: its last commit tells whether an answer still holds."""

    hub_id: str
    id: str
    last_modified: datetime | None


class Answer(msgspec.Struct, kw_only=True, frozen=True):
    """What the Hub says of the files of a Space at its last commit.

    Attributes:
        asked: UTC.
        requests: that it took.
        reason: one of `REASONS`; None: `pages` are the complete tree.
        pages: as served.
        requirements: the file as served, if it was asked for.
        packages_reason: one of `PACKAGE_REASONS`; None: `requirements` is the file.
    """

    hub_id: str
    id: str
    last_modified: datetime | None
    asked: datetime | None
    requests: int = 0
    reason: str | None = None
    pages: list[bytes] = []
    requirements: bytes | None = None
    packages_reason: str | None = None

    @property
    def final(self) -> bool:
        """Whether it holds until the next commit."""
        return holds(self.reason, self.packages_reason)

    def row(self) -> dict[str, Any]:
        """The answer as a row of `raw_space_trees`."""
        return {**msgspec.structs.asdict(self), "n_files": None, "bytes": None, "tags": None}


def holds(reason: str | None, packages_reason: str | None) -> bool:
    """Whether an answer holds as long as the Space's last commit does."""
    return reason in FINAL and packages_reason in FINAL_PACKAGES


class Entry(NamedTuple):
    """Where an answer lies in the journal, and of which commit it is."""

    offset: int
    last_modified: datetime | None
    asked: datetime | None
    requests: int
    final: bool

    @classmethod
    def of(cls, offset: int, answer: Answer) -> "Entry":
        """Of an answer at that byte."""
        return cls(offset, answer.last_modified, answer.asked, answer.requests, answer.final)


@dataclass
class Journal:
    """The answers that no stored day has yet, of one day or several.

    Args:
        path: the file; it need not exist.
    """

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for offset, answer in self._read():
            self._note(offset, answer)

    def _read(self) -> Iterator[tuple[int, Answer]]:
        """Each complete answer, with its offset. A torn last line is cut off."""
        if not self.path.exists():
            return
        offset = 0
        with self.path.open("rb+") as lines:
            for line in lines:
                try:
                    # Without its end a line is torn, too: the next answer would follow on it.
                    answer = msgspec.json.decode(line, type=Answer)
                    if not line.endswith(b"\n"):
                        raise msgspec.DecodeError
                except msgspec.DecodeError:
                    # What was written when a process was killed, or a disk lost its power.
                    lines.truncate(offset)
                    return
                yield offset, answer
                offset += len(line)

    def _note(self, offset: int, answer: Answer) -> None:
        self.entries[answer.hub_id] = Entry.of(offset, answer)

    def add(self, answer: Answer) -> None:
        """Append an answer."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as lines:
            offset = lines.tell()
            lines.write(msgspec.json.encode(answer) + b"\n")
        self._note(offset, answer)

    def answer(self, hub_id: str) -> Answer:
        """The newest answer about a Space. KeyError."""
        with self.path.open("rb") as lines:
            lines.seek(self.entries[hub_id].offset)
            return msgspec.json.decode(lines.readline(), type=Answer)

    def clear(self) -> None:
        """Forget the answers: a stored day has them."""
        self.path.unlink(missing_ok=True)
        self.entries.clear()
