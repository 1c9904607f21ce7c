"""The pages of an attempt while it is under way: in a folder, or on a store.

In a folder a page is a file, and then a line at the end of the journal. A store appends nothing:
there a page is one object with its line in front, and the journal has the header until the end.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.manifest import (
    CaptureManifest,
    CorruptCapture,
    JournalHeader,
    PageRecord,
)
from hf_assets.hub.capture_store.page_frames import framed, line_of
from hf_assets.object_store.at_once import fetched
from hf_assets.object_store.commit import Seen, commit, seen
from hf_assets.object_store.errors import CommitConflict
from hf_assets.object_store.path import ObjectFacts, StorePath, delete
from hf_assets.object_store.writer import writer
from hf_assets.storage.durable import storing

STAMP = "%Y%m%dT%H%M%S.%fZ"
# A listing that took longer than this describes no one day: it is started again.
RESUMABLE = timedelta(hours=24)
# Clocks of two machines may differ by so much.
_CLOCKS = timedelta(hours=1)


class TakenOver(CommitConflict):
    """Another run goes on with the same attempt."""

    def __init__(self, path: object) -> None:
        super().__init__(path)
        self.args = (
            f"another run works on the capture in {path} and has stored its next page: this one "
            "ends. Run it again when the other is over. With HF_ASSETS_LOCKS=postgres one waits "
            "for the other",
        )


@dataclass
class InFolder:
    """An attempt in a folder. Whoever works on it holds the day's lock."""

    path: Path

    def begin(self, header: JournalHeader) -> None:
        """Store the header, before anything is asked."""
        with storing(self.path):
            self.path.mkdir(parents=True)
        files.append_journal(self.path, header)

    def keep(self, line: PageRecord, body: bytes, rows_before: int) -> None:  # noqa: ARG002
        """Store a page, and then its line in the journal."""
        files.write_page(self.path, line.page, body, line.form)
        files.append_journal(self.path, line)

    def pages(self, lines: list[PageRecord]) -> Iterator[tuple[PageRecord, bytes]]:
        """The stored pages in order. CorruptCapture at one that is damaged."""
        for line in lines:
            yield line, files.read_page(self.path, line)

    def tidy(self, header: JournalHeader, lines: list[PageRecord]) -> None:
        """Rewrite the journal without a torn last line: the next would be glued to it."""
        files.rewrite_journal(self.path, header, lines)

    def finish(
        self, header: JournalHeader, lines: list[PageRecord], manifest: CaptureManifest
    ) -> CaptureManifest:
        """Make this attempt its day's capture, and remove others; its manifest."""
        del header, lines  # the journal is complete
        files.write_manifest(self.path.parent, manifest)
        for other in files.attempts(self.path.parent):
            if other != self.path:
                files.remove(other)
        return manifest

    def give_up(self) -> None:
        """Remove it with its pages."""
        shutil.rmtree(self.path, ignore_errors=True)


@dataclass
class OnStore:
    """An attempt on a store, on which another run may work, too: no lock is certain there.

    Each page is stored on the condition that its number is free, and is never changed. Of two runs
    that go on with an attempt the first to store a page has it; the other has a conflict, and ends.
    So the pages of an attempt follow each other, whoever stored them.

    Args:
        path: the prefix.
        replaces: the version of `capture.json` that was there before; None: none.
        run: the id of the run, for its pages and the marker.
    """

    path: StorePath
    replaces: Seen = None
    run: str = field(default_factory=writer)
    # Bytes of each page, by name.
    _sizes: dict[str, int] = field(default_factory=dict, init=False)
    # The marker may be stored, even where the store's answer was an error.
    _marked: bool = field(default=False, init=False)

    def begin(self, header: JournalHeader) -> None:
        """Store the header, before anything is asked."""
        commit(self.path / files.JOURNAL, files.journal_of(header, []), None)

    def keep(self, line: PageRecord, body: bytes, rows_before: int) -> None:
        """Store a page, its line in front, in one request. TakenOver."""
        path = files.page_path(self.path, line.page, line.form)
        encoded = files.encoded(line, run=self.run, rows_before=rows_before)
        content = framed(encoded, body, files.codec_of(line.form))
        try:
            commit(path, content, None)
        except CommitConflict:
            raise TakenOver(self.path) from None
        self._sizes[path.name] = len(content)

    def pages(self, lines: list[PageRecord]) -> Iterator[tuple[PageRecord, bytes]]:
        """The stored pages in order. CorruptCapture at one that is damaged."""
        del lines  # written at the end: each page has its own
        paths = files.page_paths(self.path)
        try:
            for number, (path, content) in enumerate(zip(paths, fetched(paths), strict=True)):
                line = files.decoded(line_of(content) or b"", PageRecord)
                if line is None or path != files.page_path(self.path, number, line.form):
                    raise CorruptCapture(f"{path} is not page {number}")
                self._sizes[path.name] = len(content)
                yield line, files.unpacked(path, content, line)
        except FileNotFoundError as error:
            raise CorruptCapture(f"{error.filename} is gone") from error

    def tidy(self, header: JournalHeader, lines: list[PageRecord]) -> None:
        """Nothing: a page is there completely or not at all."""

    def finish(
        self, header: JournalHeader, lines: list[PageRecord], manifest: CaptureManifest
    ) -> CaptureManifest:
        """Make this attempt its day's capture, and remove those that are over; its manifest.

        Raises:
            CommitConflict: another run has made the day's capture meanwhile.
            TakenOver: the pages are not those that this run has seen.
        """
        if files.page_sizes(self.path) != self._sizes:
            raise TakenOver(self.path)
        journal, day = self.path / files.JOURNAL, self.path.parent
        commit(journal, files.journal_of(header, lines), seen(journal))
        manifest = msgspec.structs.replace(manifest, run=self.run)
        self._marked = True
        try:
            files.write_manifest(day, manifest, self.replaces)
        except CommitConflict:
            self._marked = False
            raise
        begun = datetime.fromisoformat(header.started)
        for other in files.attempts(day):
            if other != self.path:
                delete([*left_behind(other, begun)])
        return manifest

    def give_up(self) -> None:
        """Remove it where it is certain that no capture names it: another run may have gone on."""
        if self._marked:
            return
        done = files.read_manifest(self.path.parent)
        if done is None or done.attempt != self.path.name:
            files.remove(self.path)


def left_behind(attempt: StorePath, at: datetime) -> dict[StorePath, ObjectFacts]:
    """The objects of an attempt on which neither a run nor a copy works any more; else none.

    It was rejected, or begun, and its last object stored, long before a time. Its name alone does
    not tell: a copy of a lake stores attempts of any day under the names that they have.
    """
    try:
        begun = datetime.strptime(attempt.name.partition("-")[0] + "+0000", STAMP + "%z")
    except ValueError:  # not an attempt
        return {}
    there = dict(attempt.below())
    last = max((facts.modified for facts in there.values()), default=begun)
    is_old = at - max(begun, last) > RESUMABLE + _CLOCKS
    return there if is_old or attempt / files.REJECTED in there else {}
