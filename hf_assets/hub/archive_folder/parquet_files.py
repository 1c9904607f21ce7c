"""Parquet of recorded days: of one day, or of many days with a column of days."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.archive.arrow_rows import ArrowRows
from hf_assets.hub.archive.base import PAGE_ROWS, ArchivedDay, ArchivedPage
from hf_assets.hub.archive.field_names import letters
from hf_assets.hub.archive_folder.dates import (
    DateColumn,
    day_column,
    day_of,
    id_and_time_columns,
    id_of,
    times_of,
)
from hf_assets.hub.client.wire import Kind
from hf_assets.storage.opened import open_file


class ParquetDays:
    """A Parquet file; rows are read on request."""

    kinds, fetched = frozenset(), None

    def __init__(self, path: Path, name: str, day: str | None) -> None:
        # The days are of the row groups of this version of the file.
        self._file, self.name, self.remark = open_file(path), name, ""
        self._day, self._column = day, None
        self._groups: dict[str, list[int]] = {}
        if day is None:
            self._read_days()
        self.days = {day} if day else set(self._groups)

    def _read_days(self) -> None:
        """The days of each row group."""
        with self._file.arrow() as file:
            self._column = day_column(file.schema_arrow.names)
            if self._column is None:
                return
            for group in range(file.num_row_groups):
                days = set()
                for value in self._values(file.read_row_group(group, columns=[self._column])):
                    day = day_of(value)
                    if day is None:
                        raise ValueError(f"row group {group}: no day in {self._column}: {value!r}")
                    days.add(day)
                for day in days:
                    self._groups.setdefault(day, []).append(group)
            if letters(self._column) == "date":
                self._look_at_date(file, self._column)

    def _look_at_date(self, file: pq.ParquetFile, column: str) -> None:
        dates = DateColumn(column)
        names = file.schema_arrow.names
        ids, times = id_and_time_columns(tuple(names))
        wanted = [name for name in (*ids, *times) if names.count(name) == 1]
        for batch in file.iter_batches(PAGE_ROWS, columns=[*wanted, column]):
            texts = {name: _texts(batch.column(name)) for name in batch.schema.names}
            for at, day in enumerate(texts.pop(column)):
                row = {name: values[at] for name, values in texts.items()}
                dates.add(day_of(day) or "", id_of(row), times_of(row))
        self.remark = dates.remark(self.name)
        if dates.refusal():
            self._groups.clear()

    def _values(self, table: pa.Table) -> list[Any]:
        return pl.Series("", table.column(0)).cast(pl.String).unique().to_list()

    def pages(self, kind: Kind, day: str, archived: ArchivedDay) -> Iterator[ArchivedPage]:
        """The rows of a day."""
        with self._file.arrow() as file:
            rows = ArrowRows(file, kind)
            rows.report.describe(archived)
            if self._day:
                archived.expected_rows = file.metadata.num_rows
            for page in rows.pages() if self._day else self._pages_of(day, file, rows):
                rows.report.describe(archived)
                yield page

    def _pages_of(self, day: str, file: pq.ParquetFile, rows: ArrowRows) -> Iterator[ArchivedPage]:
        for group in self._groups[day]:
            columns = [*rows.columns, self._column]
            for batch in file.iter_batches(PAGE_ROWS, row_groups=[group], columns=columns):
                texts = _texts(batch.column(self._column))
                of_day = {text for text in set(texts) if day_of(text) == day}
                wanted = pl.Series([text in of_day for text in texts], dtype=pl.Boolean).to_arrow()
                kept = batch.filter(wanted).drop_columns([self._column])
                if kept.num_rows:
                    yield rows.page(kept)


def _texts(column: pa.Array) -> list[str | None]:
    return pl.Series("", column).cast(pl.String, strict=False).to_list()
