"""A complete capture: one listing, page by page as the Hub served it, or as an archive has it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hf_assets.hub.capture_store.files import (
    CURE,
    JOURNAL,
    JSON,
    MARKER,
    page_path,
    read_journal,
    read_manifest,
    read_page,
)
from hf_assets.hub.capture_store.manifest import CaptureManifest, CorruptCapture, PageRecord
from hf_assets.hub.client.listing import ListingQuery
from hf_assets.object_store.at_once import Ahead
from hf_assets.object_store.path import StorePath

# The Hub's own count moves while it is listed; a listing this much shorter has lost pages.
SHORT_OF_TOTAL = 0.98
# Fields that a table's footer repeats; the second tuple only for archived days.
_FOOTER = ("endpoint", "started", "finished", "pages", "rows", "sha256", "client")
_FOOTER_ARCHIVED = (
    *("dataset", "revision", "committed", "file", "file_sha256", "time_known"),
    *("absent", "unread", "identity", "absent_kind"),
)


@dataclass(frozen=True)
class Capture:
    """A complete capture, and what its `capture.json` says.

    Args:
        folder: of its day: a path, or a prefix on a store.
        manifest: its record.
    """

    folder: Any
    manifest: CaptureManifest

    @property
    def path(self) -> Any:
        """The file of its manifest."""
        return self.folder / MARKER

    @property
    def rows(self) -> int:
        """Rows as served, duplicates included."""
        return self.manifest.rows

    @property
    def distinct(self) -> int:
        """Rows without duplicates."""
        distinct = self.manifest.distinct
        return self.rows if distinct is None else distinct

    @property
    def limited(self) -> bool:
        """True where less than the whole Hub was asked for."""
        return self.manifest.query.limited

    @property
    def source(self) -> str:
        """ "captured", "hub-stats" or "folder"."""
        return self.manifest.source or "captured"

    @property
    def form(self) -> str:
        """Of its pages: "json" rows, or "ranges" of the archive's Parquet file."""
        return self.manifest.form or JSON

    @property
    def absent_kind(self) -> str | None:
        """Why there are no rows, where the source has none of this kind."""
        return self.manifest.absent_kind

    @property
    def unread(self) -> Mapping[str, str]:
        """Columns of an archive that look like a field and were not read, with the reason."""
        return self.manifest.unread or {}

    @property
    def counted(self) -> Mapping[str, Any]:
        """What the archive's file holds, counted by `reconciliation`; empty where it was not."""
        return self.manifest.counted or {}

    @property
    def answered_twice(self) -> bool:
        """A check stops it, but the Hub gave the same answer twice: it is not asked again."""
        return self.manifest.objection is not None

    @property
    def pages_dropped(self) -> bool:
        """Retention removed its pages: the tables made of them remain."""
        return self.manifest.pages_dropped is not None

    @property
    def whole_hub(self) -> bool:
        """A listing of everything: neither limited nor a list that somebody kept."""
        return not self.limited and self.source != "folder" and self.absent_kind is None

    @property
    def provenance(self) -> dict[str, Any]:
        """Where a table made of this capture comes from, for its footer."""
        archived = _of(self.manifest, _FOOTER_ARCHIVED)
        kind = {"source": self.source, "limited": self.limited}
        return _of(self.manifest, _FOOTER) | kind | archived

    def covers(self, query: ListingQuery) -> bool:
        """True where this capture answers the query: whole, or limited in just the same way."""
        if not self.limited:
            return True
        asked = self.manifest.query
        same = (asked.filter, asked.max_rows) == (query.filter, query.max_rows)
        # The first rows of one order are not those of another.
        return same and (query.max_rows is None or asked.sort == query.sort)

    def page_numbers(self) -> range:
        """The numbers of the pages, first fetched first."""
        return range(self.manifest.pages)

    def page(self, number: int) -> bytes:
        """The body of one page.

        Raises:
            CorruptCapture: it is not what was fetched. Where the capture was replaced meanwhile,
                another try reads the new one; a page of the new one is never returned here.
        """
        if self.pages_dropped:
            raise CorruptCapture(
                f"the pages of {self.folder} were dropped on {self.manifest.pages_dropped}: the "
                "tables made of them remain, and cannot be rebuilt."
            )
        try:
            line = self.records[number]
            if isinstance(self.folder, StorePath):
                return read_page(self._attempt, line, self._ahead.read)
            return read_page(self._attempt, line)
        except CorruptCapture as error:
            now = read_manifest(self.folder)
            if now is None or now.attempt == self.manifest.attempt:
                raise
            raise CorruptCapture(
                f"the capture in {self.folder} was replaced while its pages were read: run this "
                "again to read the new one.",
                permanent=False,
            ) from error

    def fetch_ahead(self, numbers: Iterable[int]) -> None:
        """Name the pages that are read next: a store is asked for a few of them beforehand."""
        if isinstance(self.folder, StorePath):
            lines = [self.records[number] for number in numbers]
            paths = [page_path(self._attempt, line.page, line.form) for line in lines]
            self._ahead.begin(paths)

    @cached_property
    def _ahead(self) -> Ahead:
        return Ahead()

    @cached_property
    def _attempt(self) -> Any:
        return self.folder / self.manifest.attempt

    @cached_property
    def records(self) -> list[PageRecord]:
        """The journal's record of each page, first fetched first. CorruptCapture without one."""
        journal = self._attempt / JOURNAL
        try:
            lines = read_journal(self._attempt)[1]
        except FileNotFoundError:
            lines = []
        if len(lines) < self.manifest.pages:
            raise CorruptCapture(f"{journal} has lost lines: {CURE}")
        return lines


def _of(manifest: CaptureManifest, names: tuple[str, ...]) -> dict[str, Any]:
    """Those fields as JSON has them, without those that are not set."""
    values = {name: getattr(manifest, name) for name in names}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None
    }
