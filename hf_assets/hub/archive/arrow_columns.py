"""Columns of numbers and of structs in the types of the wire, a column at once."""

from typing import Any

import polars as pl

from hf_assets.hub.archive.values import EXACT

# A column as read: the valid values, and the invalid ones by row.
ColumnValues = tuple[pl.Series, dict[int, Any]]


def integers(column: pl.Series) -> ColumnValues:
    """Whole numbers; others are invalid, and NaN is missing."""
    if isinstance(column.dtype, pl.Decimal) and column.dtype.scale:
        column = column.cast(pl.Float64)
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = column.is_finite() & (column == column.floor()) & (column.abs() < EXACT)
        kept = pl.select(pl.when(whole).then(column)).to_series().cast(pl.Int64)
    else:
        kept = column.cast(pl.Int64, strict=False)
    return kept, _lost(column, kept)


def floats(column: pl.Series) -> ColumnValues:
    """Finite numbers; others are invalid, and NaN is missing."""
    floats = column.cast(pl.Float64).fill_nan(None)
    kept = pl.select(pl.when(floats.is_finite()).then(floats)).to_series()
    return kept, _lost(floats, kept)


def _lost(column: pl.Series, kept: pl.Series) -> dict[int, Any]:
    """The values that were dropped, by row."""
    lost = (kept.is_null() & column.is_not_null()).arg_true()
    return (
        dict(zip(lost.to_list(), column.gather(lost).to_list(), strict=True)) if len(lost) else {}
    )


def struct(column: pl.Series, wanted: pl.Struct) -> ColumnValues:
    """The parts that the tables need; a count may be a float without a fraction."""
    there = {one.name for one in column.dtype.fields}  # ty: ignore[missing-attribute]
    parts, lost = [], set()
    for one in wanted.fields:
        if one.name not in there:
            parts.append(pl.Series(one.name, [None] * len(column), one.dtype))
            continue
        part = column.struct.field(one.name)
        if one.dtype == pl.Int64:
            part, invalid = integers(part)
            lost |= set(invalid)
        elif isinstance(one.dtype, pl.Struct):
            part, invalid = struct(part, one.dtype)
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
    if names == [one.name for one in part.dtype.inner.fields]:  # ty: ignore[missing-attribute]
        return part.cast(wanted)
    only = pl.struct(pl.element().struct.field(name) for name in names)
    return part.to_frame("part").select(pl.col("part").list.eval(only)).to_series().cast(wanted)
