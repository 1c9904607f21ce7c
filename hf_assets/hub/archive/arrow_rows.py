"""Parquet rows as pages in the Hub's field names, a row group at a time.

A column's type is not reliable: pandas makes floats of counters, DuckDB timestamps of texts, others
write structs as JSON. Values that mean the same in another type are rewritten, by column where the
Arrow type says enough, else by value (`values`). A page with an invalid value is written row by row
with the value unchanged, and the strict parser reports it. A column whose type excludes every valid
value is left out and reported.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.archive.arrow_types import flat_hardware, from_json, holds_json, readable_columns
from hf_assets.hub.archive.base import NAMED, PAGE_ROWS, ArchivedPage
from hf_assets.hub.archive.field_names import columns_of, hint_of_ids
from hf_assets.hub.archive.row_reader import ColumnReport
from hf_assets.hub.archive.values import EXACT, GATES, TIMES, prefer_tags, utc_time, wire_value
from hf_assets.hub.client.rows import fits
from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind

_WIRE_TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"

# A column as read: the valid values, and the invalid ones by row.
ColumnValues = tuple[pl.Series, dict[int, Any]]


@dataclass
class ArrowRows:
    """The rows of a Parquet file under the wire schema of a kind.

    Args:
        file: open; only its footer was read.
        kind: "models", "spaces" or "datasets".

    Raises:
        ValueError: no column can hold names.
    """

    file: pq.ParquetFile
    kind: Kind
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
        else:
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
        """A page of some rows."""
        parts: dict[str, pl.Series] = {}
        invalid: dict[tuple[int, str], Any] = {}
        for name in WIRE_SCHEMA[self.kind]:
            read: ColumnValues | None = None
            for column in self._sources.get(name, ()):
                read = _joined(read, self._read(name, column, batch.column(column), parts))
            if read is not None:
                parts[name] = read[0].alias(name)
                invalid |= {(row, name): value for row, value in read[1].items()}
        rows = _named(pl.DataFrame(list(parts.values())))
        ids = rows["_id"].to_list()
        if not invalid:
            return ArchivedPage(rows.write_json().encode(), ids)
        as_objects = rows.to_dicts()
        for (row, name), value in invalid.items():
            as_objects[row][name] = value
        # Infinity is written in Python's way, which the parser reports as invalid.
        body = json.dumps(as_objects, default=str).encode()
        return ArchivedPage(body, [row["_id"] for row in as_objects])

    def _read(
        self, name: str, column: str, values: pa.Array, parts: dict[str, pl.Series]
    ) -> ColumnValues:
        """A column in the wire type, and its invalid values; reports both."""
        tags = parts["tags"].to_list() if name == "baseModels" and "tags" in parts else []
        if holds_json(values.type):
            decoded = [from_json(value, values.type) for value in values.to_pylist()]
            return self._by_value(name, column, decoded, tags)
        series = pl.Series(column, _storage(values))
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
            return _integers(column)
        if wanted == pl.Float64:
            return _floats(column)
        if isinstance(wanted, pl.Struct) and isinstance(dtype, pl.Struct):
            return None if flat_hardware(name, dtype) else _struct(column, wanted)
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
        utc = column.dt.convert_time_zone("UTC") if zone else column
        return utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"), {}

    def _by_value(self, name: str, column: str, values: list[Any], tags: list[Any]) -> ColumnValues:
        """Each value by the rules of all formats."""
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


def _joined(first: ColumnValues | None, second: ColumnValues) -> ColumnValues:
    """Two columns of the same field: the second fills missing values of the first."""
    if first is None:
        return second
    values, invalid = first
    free = {row: value for row, value in second[1].items() if values[row] is None}
    rest = second[0].to_list()
    for row in invalid:
        rest[row] = None
    filled = pl.Series("", rest, second[0].dtype)
    both = pl.select(pl.when(values.is_null()).then(filled).otherwise(values)).to_series()
    return both, free | invalid


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """Give each row that has a name an `_id`."""
    from_name = pl.when(pl.col("id") != "").then(NAMED + pl.col("id"))
    if "_id" not in rows.columns:
        return rows.with_columns(_id=from_name)
    return rows.with_columns(_id=pl.coalesce("_id", from_name))


def _integers(column: pl.Series) -> ColumnValues:
    if isinstance(column.dtype, pl.Decimal) and column.dtype.scale:
        column = column.cast(pl.Float64)
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.is_finite() & (column == column.floor()) & (column.abs() < EXACT)
        kept = pl.select(pl.when(whole).then(column)).to_series().cast(pl.Int64)
    else:
        kept = column.cast(pl.Int64, strict=False)
    return kept, _lost(column, kept)


def _floats(column: pl.Series) -> ColumnValues:
    floats = column.cast(pl.Float64).fill_nan(None)
    kept = pl.select(pl.when(floats.is_finite()).then(floats)).to_series()
    return kept, _lost(floats, kept)


def _lost(column: pl.Series, kept: pl.Series) -> dict[int, Any]:
    """The values that were dropped, by row."""
    lost = (kept.is_null() & column.is_not_null()).arg_true()
    return (
        dict(zip(lost.to_list(), column.gather(lost).to_list(), strict=True)) if len(lost) else {}
    )


def _struct(column: pl.Series, wanted: pl.Struct) -> ColumnValues:
    """The parts that the tables need; a count may be a float without a fraction."""
    there = {one.name for one in column.dtype.fields}  # ty: ignore[missing-attribute]
    parts, lost = [], set()
    for one in wanted.fields:
        if one.name not in there:
            parts.append(pl.Series(one.name, [None] * len(column), one.dtype))
            continue
        part = column.struct.field(one.name)
        if one.dtype == pl.Int64:
            part, invalid = _integers(part)
            lost |= set(invalid)
        elif isinstance(one.dtype, pl.Struct):
            part, invalid = _struct(part, one.dtype)
            lost |= set(invalid)
        elif isinstance(one.dtype, pl.List) and isinstance(one.dtype.inner, pl.Struct):
            part = _listed(part, one.dtype)
        else:
            part = part.cast(one.dtype)
        parts.append(part.alias(one.name))
    built = pl.DataFrame(parts).to_struct(column.name)
    built = pl.select(pl.when(column.is_not_null()).then(built)).to_series()
    return built, {row: column[row] for row in lost}


def _listed(part: pl.Series, wanted: pl.List) -> pl.Series:
    if part.dtype == pl.Null or not isinstance(getattr(part.dtype, "inner", None), pl.Struct):
        return part.cast(wanted)
    names = [one.name for one in wanted.inner.fields]  # ty: ignore[missing-attribute]
    only = pl.struct(pl.element().struct.field(name) for name in names)
    return part.to_frame("part").select(pl.col("part").list.eval(only)).to_series().cast(wanted)
