"""A folder with one recorded file, and what the strict parser makes of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hf_assets.hub.archive.base import ArchivedDay
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.client.invalid_values import InvalidValue
from hf_assets.hub.client.rows import parse_page
from hf_assets.hub.client.wire import Kind

DAY = "2025-06-01"


@dataclass
class Scrape:
    """A day of a folder as it was read."""

    day: ArchivedDay
    rows: list[dict[str, Any]]
    odd: list[InvalidValue]

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    @property
    def named(self) -> list[tuple[int, str | None]]:
        """Row and field of what was left out."""
        return [(one.row, one.field) for one in self.odd]


def read(folder: Path, kind: Kind = "models", day: str = DAY) -> Scrape:
    """That day of a folder, page by page."""
    found = RecordedDays(folder).find(kind, day)
    assert found is not None
    rows: list[dict[str, Any]] = []
    odd: list[InvalidValue] = []
    for number, page in enumerate(found.read()):
        frame, problems = parse_page(kind, number, page.body)
        assert len(page.ids) >= frame.height
        rows += frame.to_dicts()
        odd += problems
    return Scrape(found, rows, odd)


def scrape(folder: Path, name: str, content: str | bytes, kind: Kind = "models") -> Scrape:
    """The same of one file with that content."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read(folder, kind)
