"""Parquet rows as pages in the Hub's field names, a row group at a time.

A column's type is not reliable: pandas makes floats of counters, DuckDB timestamps of texts, others
write structs as JSON. Values that mean the same in another type are rewritten, by column where the
Arrow type says enough, else by value (`values`). A page with an invalid value is written row by row
with the value unchanged, and the strict parser reports it. A column whose type excludes every valid
value is left out and reported.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.archive.arrow_columns import ColumnValues, floats, integers, struct
from hf_assets.hub.archive.arrow_types import (
    flat_hardware,
    from_json,
    holds_json,
    readable_columns,
    without_other_parts,
)
from hf_assets.hub.archive.base import NAMED, PAGE_ROWS, ArchivedPage
from hf_assets.hub.archive.field_names import columns_of, hint_of_ids
from hf_assets.hub.archive.row_reader import ColumnReport
from hf_assets.hub.archive.values import GATES, TIMES, prefer_tags, utc_time, wire_value
from hf_assets.hub.client.rows import fits
from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind

_AS_WIRE = "%Y-%m-%dT%H:%M:%S%.3fZ"
# Times that a text of the wire and a column of times hold alike: no rounding, four digits a year.
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
_WIRE_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"


@dataclass
class ArrowRows:
    """The rows of a Parquet file under the wire schema of a kind.

    Args:
        file: open; only its footer was read.
        kind: "models", "spaces" or "datasets".
        only: read no other columns; None: all.

    Raises:
        ValueError: no column can hold names.
    """

    file: pq.ParquetFile
    kind: Kind
    only: frozenset[str] | None = None
    columns: list[str] = field(init=False)
    report: ColumnReport = field(init=False)

    def __post_init__(self) -> None:
        schema = self.file.schema_arrow
        self.columns = []
        self.report = ColumnReport(self.kind)
        self.report.add_columns(schema.names)
        # The columns to read of each field.
        self._sources: dict[str, list[str]] = {}
        for name, columns in columns_of(self.kind, schema.names).items():
            for column in columns:
                self._add(name, column, schema)
        if "id" not in self._sources:
            raise ValueError(f"it has no column `id` of texts{hint_of_ids(schema.names)}")

    def _add(self, name: str, column: str, schema: pa.Schema) -> None:
        indices = schema.get_all_field_indices(column)
        kind = schema.field(indices[0]).type
        if len(indices) > 1:
            self.report.refused[column] = f"{len(indices)} columns of that name"
        elif (parts := readable_columns(name, column, kind, WIRE_SCHEMA[self.kind][name])) is None:
            self.report.refused[column] = f"a column of {kind}"[:200]
        elif self.only is None or self.only.issuperset(parts):
            self.columns += parts
            self._sources.setdefault(name, []).append(column)

    @property
    def seen(self) -> set[str]:
        """The fields to read."""
        return set(self._sources)

    @property
    def unread(self) -> dict[str, str]:
        """The columns that are not read, with the reason."""
        return self.report.refused

    def pages(self, groups: Iterable[int] | None = None) -> Iterator[ArchivedPage]:
        """The rows of those row groups, by default all; holds a batch of a group in memory."""
        for group in range(self.file.num_row_groups) if groups is None else groups:
            for batch in self.file.iter_batches(
                PAGE_ROWS, row_groups=[group], columns=self.columns
            ):
                yield self.page(batch)

    def page(self, batch: pa.RecordBatch) -> ArchivedPage:
        """A page of some rows, as JSON."""
        rows, invalid = self._rows(batch, WIRE_SCHEMA[self.kind])
        rows = times_as_text(rows)
        ids = rows["_id"].to_list()
        if not invalid:
            return ArchivedPage(rows.write_json().encode(), ids)
        as_objects = rows.to_dicts()
        for (row, name), value in invalid.items():
            as_objects[row][name] = value
        # Infinity is written in Python's way, which the parser reports as invalid.
        body = json.dumps(as_objects, default=str).encode()
        return ArchivedPage(body, [row["_id"] for row in as_objects])

    def frame(self, batch: pa.RecordBatch) -> pl.DataFrame | None:
        """Some rows under the wire schema, where the strict parser has no objection to any of them.

        Times may be such, and no texts. None: read the page; the parser says what is invalid.
        """
        rows, invalid = self._rows(batch, WIRE_SCHEMA[self.kind])
        if invalid or not _is_strict(rows):
            return None
        missing = {name: dtype for name, dtype in WIRE_SCHEMA[self.kind].items()
                   if name not in rows.columns}  # fmt: skip
        rows = rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in missing.items())
        return rows.select(*WIRE_SCHEMA[self.kind])

    def noted(self, batch: pa.RecordBatch) -> pl.Series:
        """The `_id` of some rows; the report notes the columns, as for a page.

        A column that is known to be readable is not read again. Raises pa.ArrowInvalid where a text
        is no UTF-8.
        """
        batch.validate(full=True)
        wanted = {name for name, columns in self._sources.items()
                  if not all(self._is_settled(column, batch) for column in columns)}  # fmt: skip
        if "baseModels" in wanted:
            wanted |= {"tags"}
        return self._rows(batch, wanted | {"_id", "id"})[0]["_id"]

    def _is_settled(self, column: str, batch: pa.RecordBatch) -> bool:
        """Whether further rows cannot change what the report says of a column."""
        is_text = column in self._timed and not pa.types.is_temporal(batch.column(column).type)
        return self.report.is_readable(column) and not is_text

    def _rows(
        self, batch: pa.RecordBatch, names: Collection[str]
    ) -> tuple[pl.DataFrame, dict[tuple[int, str], Any]]:
        """Those fields, and the invalid values by row and field; rows with a name get an `_id`."""
        parts: dict[str, pl.Series] = {}
        invalid: dict[tuple[int, str], Any] = {}
        for name in filter(names.__contains__, WIRE_SCHEMA[self.kind]):
            read: ColumnValues | None = None
            for column in self._sources.get(name, ()):
                read = _joined(read, self._read(name, column, batch.column(column), parts))
            if read is not None:
                parts[name] = read[0].alias(name)
                invalid |= {(row, name): value for row, value in read[1].items()}
        return _named(pl.DataFrame(list(parts.values()))), invalid

    @cached_property
    def _timed(self) -> set[str]:
        return {column for name in TIMES for column in self._sources.get(name, ())}

    def _read(
        self, name: str, column: str, values: pa.Array, parts: dict[str, pl.Series]
    ) -> ColumnValues:
        """A column in the wire type, and its invalid values; reports both."""
        # Python's lists of a million tags take longer than all other columns.
        tags = parts.get("tags") if name == "baseModels" else None
        if holds_json(values.type):
            decoded = [from_json(value, values.type) for value in values.to_pylist()]
            return self._by_value(name, column, decoded, tags)
        # Without the names of other parts: polars would copy them to drop them.
        bases = name == "baseModels" and pa.types.is_struct(values.type)
        series = pl.Series(column, without_other_parts(values, WIRE_SCHEMA[self.kind][name])
                           if bases else _storage(values))  # fmt: skip
        if series.dtype in (pl.Categorical, pl.Enum):
            series = series.cast(pl.String)
        typed = self._by_type(name, series, WIRE_SCHEMA[self.kind][name])
        if typed is None:
            return self._by_value(name, column, series.to_list(), tags)
        valid, invalid = typed
        if valid.len() > valid.null_count():
            self.report.add_valid(column)
        for value in invalid.values():
            self.report.add_value(column, name, value)
        return typed

    def _by_type(self, name: str, column: pl.Series, wanted: Any) -> ColumnValues | None:
        """The complete column at once; None if its type does not determine each value."""
        dtype = column.dtype
        if dtype == pl.Null:
            return column.cast(wanted), {}
        if name in TIMES:
            return self._times(name, column)
        if name == "gated":
            text = column.cast(pl.String)
            # Only if the Hub serves every value: others must pass unchanged.
            plain = text.str.to_lowercase()
            return (plain, {}) if plain.drop_nulls().is_in(GATES).all() else None
        if wanted == pl.String and dtype == pl.String:
            return column, {}
        if dtype == pl.String or (wanted == pl.Boolean and dtype != pl.Boolean):
            return None
        if wanted == pl.Int64:
            return integers(column)
        if wanted == pl.Float64:
            return floats(column)
        if isinstance(wanted, pl.Struct) and isinstance(dtype, pl.Struct):
            return None if flat_hardware(name, dtype) else struct(column, wanted)
        if isinstance(wanted, pl.Struct):
            return None  # bases as a list of ids
        return column.cast(wanted), {}

    def _times(self, name: str, column: pl.Series) -> ColumnValues | None:
        if column.dtype == pl.String:
            wire = column.drop_nulls().str.contains(_WIRE_TIME).all()
            return (column, {}) if wire else None
        if not column.dtype.is_temporal():
            return None
        if column.dtype == pl.Date:
            column = column.cast(pl.Datetime("ms"))
        zone = getattr(column.dtype, "time_zone", None)
        if not zone and column.null_count() < column.len():
            self.report.zoneless.add(name)
        utc = column.dt.convert_time_zone("UTC") if zone else column.dt.replace_time_zone("UTC")
        if utc.is_between(_FIRST, _LAST).all():
            return utc.cast(pl.Datetime("ms", "UTC")), {}
        return utc.dt.strftime(_AS_WIRE), {}

    def _by_value(
        self, name: str, column: str, values: list[Any], of_tags: pl.Series | None
    ) -> ColumnValues:
        """Each value by the rules of all formats."""
        tags = [] if of_tags is None else of_tags.to_list()
        kept: list[Any] = []
        invalid: dict[int, Any] = {}
        for row, original in enumerate(values):
            value = wire_value(self.kind, name, original)
            if name in TIMES:
                value, zoneless = utc_time(value)
                if zoneless:
                    self.report.zoneless.add(name)
            elif name == "baseModels" and tags:
                value = prefer_tags(value, tags[row])
            elif name == "gated" and isinstance(value, bool):
                value = str(value).lower()
            self.report.add_value(column, name, value)
            kept.append(value if value is None or fits(self.kind, name, value) else None)
            if kept[-1] is None and value is not None:
                invalid[row] = value
        return pl.Series(name, kept, WIRE_SCHEMA[self.kind][name]), invalid


def _storage(values: pa.Array) -> pa.Array:
    return values.storage if isinstance(values, pa.ExtensionArray) else values


def times_as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose times are such, with the texts of the wire."""
    return rows.with_columns(_as_text(rows[name]) for name in TIMES if name in rows.columns)


def _as_text(values: pl.Series) -> pl.Series:
    return values.dt.strftime(_AS_WIRE) if values.dtype.is_temporal() else values


def _joined(first: ColumnValues | None, second: ColumnValues) -> ColumnValues:
    """Two columns of the same field: the second fills missing values of the first."""
    if first is None:
        return second
    values, invalid = first
    if values.dtype != second[0].dtype:  # times of the one are texts
        values, second = _as_text(values), (_as_text(second[0]), second[1])
    free = {row: value for row, value in second[1].items() if values[row] is None}
    rest = second[0].to_list()
    for row in invalid:
        rest[row] = None
    filled = pl.Series("", rest, second[0].dtype)
    both = pl.select(pl.when(values.is_null()).then(filled).otherwise(values)).to_series()
    return both, free | invalid


def _is_strict(rows: pl.DataFrame) -> bool:
    """Whether each row has an identity, and no list an empty place: the parser takes them all."""
    if any(rows[name].null_count() or (rows[name] == "").any() for name in ("_id", "id")):
        return False
    lists = [one for one in rows.iter_columns() if isinstance(one.dtype, pl.List)]
    if "baseModels" in rows.columns:
        models = rows["baseModels"].struct.field("models")
        if models.list.eval(pl.element().struct.field("id").is_null()).list.any().any():
            return False
    return not any(one.list.eval(pl.element().is_null()).list.any().any() for one in lists)


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """Give each row that has a name an `_id`."""
    from_name = pl.when(pl.col("id") != "").then(NAMED + pl.col("id"))
    if "_id" not in rows.columns:
        return rows.with_columns(_id=from_name)
    return rows.with_columns(_id=pl.coalesce("_id", from_name))
