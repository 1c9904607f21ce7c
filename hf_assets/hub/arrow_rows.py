"""Parquet rows → pages in the Hub's field names, a row group at a time.

A column's type is not trusted: pandas makes floats of counters, DuckDB timestamps of texts, others
write structs as JSON. What says the same in another type is rewritten column by column; a page
with a value that does not fit is written row by row, with that value as it is, for the strict
parser to name. A column that no value of can fit is left out and named.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.archive import NAMED, PAGE_ROWS, ArchivedPage
from hf_assets.hub.recorded_values import TIMES, literal
from hf_assets.hub.rows import WIRE_SCHEMA, Kind

# The parts of a struct that the tables need: nothing else of it is fetched.
_PARTS = {
    "safetensors": ("total",),
    "gguf": ("total",),
    "baseModels": ("relation", "models"),
    "runtime": ("stage", "hardware"),
}
_UTC = r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z|\+00:?00)$"
# A counter above this is no exact float: 2**63 itself would become a negative one.
_EXACT = 2.0**63

# A column as read: the values that fit, and those that do not, by row.
Read = tuple[pl.Series, dict[int, Any]]


@dataclass
class ArrowRows:
    """The rows of one Parquet file under the wire schema of a kind.

    Args:
        file: open, and read no further than its footer.
        kind: "models" or "spaces".

    Raises:
        ValueError: no row can have a name.
    """

    file: pq.ParquetFile
    kind: Kind
    columns: list[str] = field(init=False)
    seen: set[str] = field(init=False, default_factory=set)
    unread: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        schema = self.file.schema_arrow
        self.columns = []
        for name in (*WIRE_SCHEMA[self.kind], "modelId"):
            where = schema.get_all_field_indices(name)
            if not where:
                continue
            kind = schema.field(where[0]).type
            wanted = WIRE_SCHEMA[self.kind].get(name, pl.String)
            if len(where) > 1:
                self.unread[name] = f"{len(where)} columns of that name"
            elif (columns := _columns(name, kind, wanted)) is None:
                self.unread[name] = f"a column of {kind}"[:200]
            else:
                self.columns += columns
                self.seen.add(name)
        if not self.seen & {"id", "modelId"}:
            raise ValueError("it has no column `id` of texts")

    def pages(self, groups: Iterable[int] | None = None) -> Iterator[ArchivedPage]:
        """The rows of those row groups, or of all; one group's columns are in memory at a time."""
        for group in range(self.file.num_row_groups) if groups is None else groups:
            for batch in self.file.iter_batches(
                PAGE_ROWS, row_groups=[group], columns=self.columns
            ):
                yield self.page(batch)

    def page(self, batch: pa.RecordBatch) -> ArchivedPage:
        """One page of some rows."""
        frame = pl.DataFrame(
            {name: pl.Series(name, batch.column(name)) for name in batch.schema.names}
        )
        parts, misfits = [], {}
        for name, wanted in WIRE_SCHEMA[self.kind].items():
            if name in frame.columns:
                series, odd = _read(name, frame[name], wanted)
                parts.append(series.alias(name))
                misfits |= {(row, name): value for row, value in odd.items()}
        rows = self._named(pl.DataFrame(parts), frame)
        ids = rows["_id"].to_list()
        if not misfits:
            return ArchivedPage(rows.write_json().encode(), ids)
        as_they_are = rows.to_dicts()
        for (row, name), value in misfits.items():
            as_they_are[row][name] = value
        # No number (NaN) is written as Python writes it: the parser knows that, and names it.
        body = json.dumps(as_they_are, default=str).encode()
        return ArchivedPage(body, [row["_id"] for row in as_they_are])

    @staticmethod
    def _named(rows: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
        """With an id and an `_id` in each row that has a name."""
        given = [name for name in ("id", "modelId") if name in frame.columns]
        texts = [frame[name].cast(pl.String, strict=False) for name in given]
        name = pl.coalesce(texts) if texts else pl.lit(None, pl.String)
        rows = rows.with_columns(id=name) if "id" not in rows.columns else rows
        made = pl.when(pl.col("id") != "").then(NAMED + pl.col("id"))
        if "_id" not in rows.columns:
            return rows.with_columns(_id=made)
        return rows.with_columns(_id=pl.coalesce("_id", made))


def _columns(name: str, kind: pa.DataType, wanted: Any) -> list[str] | None:
    """What to read of a column, or None where no value of it can be what the Hub serves."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind) or _is_text(kind):
        return [name]
    if isinstance(wanted, pl.Struct):
        if not pa.types.is_struct(kind):
            return None
        parts = [part for part in _PARTS[name] if kind.get_field_index(part) >= 0]
        fits = all(_holds(kind.field(part).type, _part(wanted, part)) for part in parts)
        return [f"{name}.{part}" for part in parts] if parts and fits else None
    if name in TIMES and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return [name]
    if name == "gated" and pa.types.is_boolean(kind):
        return [name]
    return [name] if _holds(kind, wanted) else None


def _part(wanted: pl.Struct, name: str) -> Any:
    return next(one.dtype for one in wanted.fields if one.name == name)


def _is_text(kind: pa.DataType) -> bool:
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_number(kind: pa.DataType) -> bool:
    whole = pa.types.is_decimal128(kind) and kind.scale == 0
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or whole


def _holds(kind: pa.DataType, wanted: Any) -> bool:
    """Values of that Arrow type may be of the wanted wire type."""
    if pa.types.is_null(kind):
        return True
    if wanted == pl.String:
        return _is_text(kind)
    if wanted == pl.Boolean:
        return pa.types.is_boolean(kind)
    if wanted in (pl.Int64, pl.Float64):
        return _is_number(kind)
    if isinstance(wanted, pl.List):
        is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        return is_list and _holds(kind.value_type, wanted.inner)
    if isinstance(wanted, pl.Struct) and pa.types.is_struct(kind):
        found = [one for one in wanted.fields if kind.get_field_index(one.name) >= 0]
        return bool(found) and all(_holds(kind.field(one.name).type, one.dtype) for one in found)
    return False


def _read(name: str, column: pl.Series, wanted: Any) -> Read:
    """A column as the wire type, and the values that are none."""
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.Null:
        return column.cast(wanted), {}
    if name in TIMES:
        return _times(column), {}
    if name == "gated":
        text = column.cast(pl.String)
        flag = text.str.to_lowercase()
        return pl.select(
            pl.when(flag.is_in(["true", "false"])).then(flag).otherwise(text)
        ).to_series(), {}
    if column.dtype == pl.String and wanted != pl.String:
        return _from_texts(column, wanted)
    if wanted == pl.Int64:
        return _integers(column)
    if wanted == pl.Float64:
        return _floats(column)
    if isinstance(wanted, pl.Struct):
        return _struct(column, wanted)
    return column.cast(wanted), {}


def _times(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return column.str.replace(_UTC, "${1}T${2}Z")
    if column.dtype == pl.Date:
        column = column.cast(pl.Datetime("ms"))
    zone = getattr(column.dtype, "time_zone", None)
    utc = column.dt.convert_time_zone("UTC") if zone else column
    return utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")


def _integers(column: pl.Series) -> Read:
    if column.dtype.is_float():
        # A NaN is not equal to its floor either.
        whole = column.is_finite() & (column == column.floor()) & (column.abs() < _EXACT)
        kept = pl.select(pl.when(whole).then(column)).to_series().cast(pl.Int64)
    else:
        kept = column.cast(pl.Int64, strict=False)
    return kept, _lost(column, kept)


def _floats(column: pl.Series) -> Read:
    kept = column.cast(pl.Float64)
    kept = pl.select(pl.when(kept.is_finite()).then(kept)).to_series()
    return kept, _lost(column, kept)


def _lost(column: pl.Series, kept: pl.Series) -> dict[int, Any]:
    """The values that are there and were not kept, by row."""
    lost = (kept.is_null() & column.is_not_null()).arg_true()
    return (
        dict(zip(lost.to_list(), column.gather(lost).to_list(), strict=True)) if len(lost) else {}
    )


def _struct(column: pl.Series, wanted: pl.Struct) -> Read:
    """The parts that the tables need; a count in it may be a float, and must be whole."""
    there = {one.name for one in column.dtype.fields}  # ty: ignore[missing-attribute]
    parts, lost = [], set()
    for one in wanted.fields:
        if one.name not in there:
            parts.append(pl.Series(one.name, [None] * len(column), one.dtype))
            continue
        part = column.struct.field(one.name)
        if one.dtype == pl.Int64:
            part, odd = _integers(part)
            lost |= set(odd)
        elif isinstance(one.dtype, pl.Struct):
            part, odd = _struct(part, one.dtype)
            lost |= set(odd)
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


def _from_texts(column: pl.Series, wanted: Any) -> Read:
    """Texts where the Hub serves something else: numbers, true and false, JSON."""
    text = column.str.strip_chars()
    nothing = text.is_in(["", "null"])
    column = pl.select(pl.when(~nothing).then(column)).to_series().alias(column.name)
    if wanted == pl.Int64:
        kept = text.str.replace(r"^([+-]?\d+)\.0*$", "$1").cast(pl.Int64, strict=False)
        return kept, _lost(column, kept)
    if wanted == pl.Float64:
        return _floats_of(column, text)
    if wanted == pl.Boolean:
        kept = text.str.to_lowercase().replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=pl.Boolean
        )
        return kept, _lost(column, kept)
    values = {
        row: _parts(column.name, literal(value.strip()))
        for row, value in enumerate(column.to_list())
        if value is not None
    }
    return pl.Series(column.name, [None] * len(column), wanted), values


def _parts(name: str, value: Any) -> Any:
    """Of an object that was written as text, what the tables need."""
    if not isinstance(value, dict) or name not in _PARTS:
        return value
    return {part: value[part] for part in _PARTS[name] if part in value}


def _floats_of(column: pl.Series, text: pl.Series) -> Read:
    kept, _ = _floats(text.cast(pl.Float64, strict=False))
    return kept, _lost(column, kept)
