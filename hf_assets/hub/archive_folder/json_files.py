"""JSON of recorded days: an array of rows, or an object with an array for each kind."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage, unpacked
from hf_assets.hub.archive.field_names import is_row, letters
from hf_assets.hub.archive.row_reader import RowReader, pages
from hf_assets.hub.archive_folder.dates import DateColumn, day_column, day_of, id_of, times_of
from hf_assets.hub.client.loose_json import integer
from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind


class JsonDays:
    """A JSON array of one or many days, or an object of one day with an array for each kind."""

    def __init__(self, path: Path, name: str, day: str | None) -> None:
        self.path, self.name, self.remark = path, name, ""
        with unpacked(path) as packed:
            body = packed.read()
        try:
            content = json.loads(body, parse_int=integer)
        except RecursionError:
            raise ValueError("nested too deep") from None
        self._rows: dict[str, list[Any]]
        self._by_day: dict[str, list[Any]] = {}
        fetched: Any = None
        if isinstance(content, dict):
            # A row by itself: JSON lines of a single line.
            self._rows = {"": [content]} if is_row(content) else _lists(content)
            fetched = content.get("fetched_at")
            day = day or day_of(content.get("date")) or day_of(content.get("day"))
            if day and not self._rows:
                raise ValueError("an object without a list under `models`, `spaces` or `datasets`")
        elif isinstance(content, list):
            self._rows = {"": content} if day else {}
            self._by_day = {} if day else self._sorted(content)
        else:
            raise ValueError(f"a {type(content).__name__} where a list of rows belongs")
        self.fetched = _aware(fetched)
        self.kinds = frozenset(self._rows) - {""}
        self.days = {day} if day else set(self._by_day)

    def pages(self, kind: Kind, day: str, archived: ArchivedDay) -> Iterator[ArchivedPage]:
        """The rows of a day."""
        rows = self._rows.get(kind, self._rows.get("", self._by_day.get(day, [])))
        return pages(rows, RowReader(kind), archived)

    def _sorted(self, rows: list[Any]) -> dict[str, list[Any]]:
        """Rows by their column of days; empty if the first row has no such column."""
        first = rows[0] if rows and isinstance(rows[0], dict) else {}
        column = day_column(first)
        if column is None:
            return {}
        dates = DateColumn(column) if letters(column) == "date" else None
        days: dict[str, list[Any]] = {}
        for number, row in enumerate(rows):
            day = day_of(row.get(column)) if isinstance(row, dict) else None
            if day is None:
                raise ValueError(f"row {number}: no day in {column}")
            days.setdefault(day, []).append(row)
            if dates:
                dates.add(day, id_of(row), times_of(row))
        if dates:
            self.remark = dates.remark(self.name)
        return {} if dates and dates.refusal() else days


def _lists(content: dict[str, Any]) -> dict[str, list[Any]]:
    return {kind: content[kind] for kind in WIRE_SCHEMA if isinstance(content.get(kind), list)}


def _aware(value: Any) -> datetime | None:
    """A time with a zone; None for any other value."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None
