"""A capture: one listing fetched whole, page by page, so that a run that dies goes on.

A day of an archive is a capture too, whose `source` says so: "hub-stats" or "folder" in place of
"captured".

On disk, under the folder of one day of `raw_models` or `raw_spaces`:

    capture.json                 there only when a capture is complete; names its attempt
    20261120T030000.000000Z/     one attempt
        journal.jsonl            first what was asked, then a line a page
        rejected.json            where the listing ended and no capture could be made of it: why
        000000.json.zst          the pages, as served

A page is on disk, and its line in the journal, before the next page is asked for. `capture.json` is
replaced in one step: a reader sees the old capture or the new one, and half a day never.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from hf_assets.errors import InputError
from hf_assets.hub.client.listing import ListingQuery

ZSTD = pa.Codec("zstd", compression_level=3)
MARKER = "capture.json"
JOURNAL = "journal.jsonl"
# In the folder of an attempt that a blocking check rejected, with the reason.
REJECTED = "rejected.json"
# The Hub's own count moves while it is listed; a listing this much shorter has lost pages.
SHORT_OF_TOTAL = 0.98
# What capture.json says besides of a day that came from an archive.
_OF_ARCHIVES = (
    *("dataset", "revision", "committed", "file", "file_sha256", "time_known"),
    *("absent", "unread", "identity", "absent_kind"),
)
_CURE = (
    "restore it, or capture the day anew with `refetch` while it is still today, or has an archive."
)


class CorruptCapture(InputError):
    """A stored page is not what was fetched."""


@dataclass(frozen=True)
class Capture:
    """A complete capture on disk: `facts` is what capture.json says."""

    folder: Path
    facts: dict[str, Any]

    @property
    def rows(self) -> int:
        """Rows as served, doubles included."""
        return self.facts["rows"]

    @property
    def distinct(self) -> int:
        """Rows without doubles."""
        return self.facts.get("distinct", self.rows)

    @property
    def limited(self) -> bool:
        """True where less than the whole Hub was asked for."""
        ask = self.facts["ask"]
        return bool(ask["filter"]) or ask["max_rows"] is not None

    @property
    def source(self) -> str:
        """ "captured", "hub-stats" or "folder"."""
        return self.facts.get("source", "captured")

    @property
    def absent_kind(self) -> str | None:
        """Why there are no rows, where the source has none of this kind."""
        return self.facts.get("absent_kind")

    @property
    def said_twice(self) -> bool:
        """A check stops it, but the Hub said the same twice: it is not asked again."""
        return "objection" in self.facts

    @property
    def pages_dropped(self) -> bool:
        """Its pages were given up to save room: the tables made of them remain."""
        return "pages_dropped" in self.facts

    @property
    def whole_hub(self) -> bool:
        """A listing of everything: no limited one, no list that somebody kept."""
        return not self.limited and self.source != "folder" and self.absent_kind is None

    @property
    def provenance(self) -> dict[str, Any]:
        """Where a table made of this capture comes from."""
        kept = ("endpoint", "started", "finished", "pages", "rows", "sha256", "client")
        more = {name: self.facts[name] for name in _OF_ARCHIVES if name in self.facts}
        said = {"source": self.source, "limited": self.limited}
        return {name: self.facts[name] for name in kept} | said | more

    def covers(self, ask: ListingQuery) -> bool:
        """True where this capture answers `ask`: whole, or limited in just the same way."""
        if not self.limited:
            return True
        asked = self.facts["ask"]
        same = (tuple(asked["filter"]), asked["max_rows"]) == (ask.filter, ask.max_rows)
        # The first rows of one order are not those of another.
        return same and (ask.max_rows is None or asked["sort"] == ask.sort)

    def page_numbers(self) -> range:
        """The numbers of the pages, first fetched first."""
        return range(self.facts["pages"])

    def page(self, number: int) -> bytes:
        """The body of one page. CorruptCapture where it is not what was fetched.

        The pages of a capture that is replaced meanwhile are gone: that is an error, never a page
        of the other one, and another try reads the new capture.
        """
        if self.pages_dropped:
            raise CorruptCapture(
                f"the pages of {self.folder} were dropped on {self.facts['pages_dropped']}: the "
                "tables made of them remain, and cannot be made anew."
            )
        try:
            return read_page(self._attempt, self._lines[number])
        except CorruptCapture as error:
            now = open_capture(self.folder)
            if now is None or now.facts["attempt"] == self.facts["attempt"]:
                raise
            raise CorruptCapture(
                f"the capture in {self.folder} was replaced while its pages were read: run this "
                "again to read the new one.",
                permanent=False,
            ) from error

    @property
    def _attempt(self) -> Path:
        return self.folder / self.facts["attempt"]

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        journal = self._attempt / JOURNAL
        lines = read_journal(self._attempt)[1] if journal.exists() else []
        if len(lines) < self.facts["pages"]:
            raise CorruptCapture(f"{journal} has lost lines: {_CURE}")
        return lines


def open_capture(folder: Path) -> Capture | None:
    """The complete capture of that day, or None."""
    marker = folder / MARKER
    if not marker.exists():
        return None
    return Capture(folder, json.loads(marker.read_bytes()))


def read_journal(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The header and the page lines; a torn last line is left out."""
    lines = []
    for line in (path / JOURNAL).read_bytes().split(b"\n"):
        try:
            lines.append(json.loads(line))
        except ValueError:  # no JSON, or not even text
            break
    return (lines[0], lines[1:]) if lines else ({}, [])


def read_page(attempt: Path, line: dict[str, Any]) -> bytes:
    """The body that a line of the journal tells of. CorruptCapture where it is not there."""
    path = attempt / page_name(line["page"])
    try:
        body = ZSTD.decompress(path.read_bytes(), line["bytes"], asbytes=True)
    except (OSError, pa.ArrowException) as error:
        raise CorruptCapture(f"{path} cannot be read ({error}): {_CURE}") from error
    if hashlib.sha256(body).hexdigest() != line["sha256"]:
        raise CorruptCapture(f"{path} is not what was fetched (sha256 differs): {_CURE}")
    return body


def page_name(number: int) -> str:
    """The file of a page."""
    return f"{number:06d}.json.zst"
