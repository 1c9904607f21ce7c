"""Objects and lines of cells of a recorded file as pages, with a report of its columns."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hf_assets.hub.archive.base import NAMED, PAGE_ROWS, ArchivedDay, ArchivedPage
from hf_assets.hub.archive.field_names import columns_of, derived_columns, lookalikes
from hf_assets.hub.archive.values import (
    TIMES,
    excerpt,
    is_absent,
    is_valid,
    prefer_tags,
    utc_time,
    wire_value,
)
from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind

# Column names to check for misspelt fields: a hostile file has any number.
MOST_COLUMNS = 1000
_STRANGE = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass
class ColumnReport:
    """The columns of a file, and those with at least one valid value.

    Args:
        kind: "models", "spaces" or "datasets".
    """

    kind: Kind
    columns: dict[str, None] = field(default_factory=dict)
    zoneless: set[str] = field(default_factory=set)
    _readable: set[str] = field(default_factory=set)
    # Of the other columns: the number of invalid values, and the first.
    _invalid: dict[str, tuple[int, Any]] = field(default_factory=dict)
    # Columns without a valid value by their type or name, with the reason.
    refused: dict[str, str] = field(default_factory=dict)

    def add_columns(self, columns: Iterable[str]) -> None:
        """Note columns, with or without values."""
        for column in columns:
            if len(self.columns) < MOST_COLUMNS or column in WIRE_SCHEMA[self.kind]:
                self.columns[column] = None

    def is_readable(self, column: str) -> bool:
        """Whether a valid value of a column was noted."""
        return column in self._readable

    def add_valid(self, column: str) -> None:
        """Note a valid value of a column."""
        self._readable.add(column)

    def add_value(self, column: str, name: str, value: Any) -> None:
        """Note a value of a column, as the parser will get it."""
        if value is None or column in self._readable:
            return
        if is_valid(self.kind, name, value):
            self.add_valid(column)
            self._invalid.pop(column, None)
        else:
            count, first = self._invalid.get(column, (0, value))
            self._invalid[column] = count + 1, first

    def describe(self, day: ArchivedDay) -> None:
        """Write the columns so far into an archived day: `seen`, `unread`, times without a zone."""
        sources = columns_of(self.kind, self.columns)
        unread = dict(self.refused)
        for column, (count, first) in self._invalid.items():
            values = "its only value is not" if count == 1 else f"none of its {count:,} values is"
            unread[column] = f"{values} what the Hub serves: {excerpt(first)}"
        day.seen = {
            name
            for name, columns in sources.items()
            if any(column not in unread for column in columns)
        }
        for column, name in lookalikes(self.kind, self.columns, day.seen).items():
            unread[column] = f"not read, though it looks like `{name}`"
        for column, fields in derived_columns(self.columns, day.seen).items():
            unread[column] = f"not read: the tables take it from {fields}"
        day.unread = {_shown(column): why for column, why in unread.items()}
        if self.zoneless:
            day.facts["times_without_zone"] = sorted(self.zoneless)


def _shown(column: str) -> str:
    return _STRANGE.sub("?", column)[:100]


class RowReader:
    """Reads objects or lines of cells into the Hub's fields.

    Args:
        kind: "models", "spaces" or "datasets".
        cells: every value is a text, and an empty text is null.
    """

    def __init__(self, kind: Kind, *, cells: bool = False) -> None:
        self.kind, self.cells = kind, cells
        self.report = ColumnReport(kind)
        self._sources: dict[tuple[str, ...], dict[str, list[str]]] = {}

    def row(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a row, without its other columns."""
        kept: dict[str, Any] = {}
        for name, columns in self._columns(tuple(values)).items():
            for column in columns:
                value = self._value(name, column, values[column])
                if kept.get(name) is None:
                    kept[name] = value
        if "baseModels" in kept:
            kept["baseModels"] = prefer_tags(kept["baseModels"], kept.get("tags"))
        return named(kept)

    def _columns(self, columns: tuple[str, ...]) -> dict[str, list[str]]:
        """The columns of each field, cached by the shape of rows."""
        if columns not in self._sources:
            if len(self._sources) >= MOST_COLUMNS:
                self._sources.clear()
            self.report.add_columns(columns)
            self._sources[columns] = columns_of(self.kind, columns)
        return self._sources[columns]

    def _value(self, name: str, column: str, value: Any) -> Any:
        if self.cells and is_absent(name, value):
            return None
        value = wire_value(self.kind, name, value)
        if name in TIMES:
            value, zoneless = utc_time(value)
            if zoneless:
                self.report.zoneless.add(name)
        self.report.add_value(column, name, value)
        return value


def named(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row an `_id`: its own, else its name."""
    name = row.get("id")
    if row.get("_id") is None and isinstance(name, str) and name:
        row["_id"] = NAMED + name
    return row


def pages(rows: Iterable[Any], reader: RowReader, day: ArchivedDay) -> Iterator[ArchivedPage]:
    """Rows as pages; the parser reports items that are no objects.

    Updates the day's columns before each page.
    """
    waiting: list[Any] = []
    for row in rows:
        waiting.append(reader.row(row) if isinstance(row, dict) else row)
        if len(waiting) == PAGE_ROWS:
            reader.report.describe(day)
            yield page(waiting)
            waiting = []
    reader.report.describe(day)
    if waiting:
        yield page(waiting)


def page(rows: list[Any]) -> ArchivedPage:
    """A page of those rows."""
    return ArchivedPage(
        # A value that JSON lacks, such as a date among tags, becomes its text.
        json.dumps(rows, default=str).encode(),
        [row.get("_id") if isinstance(row, dict) else None for row in rows],
    )
