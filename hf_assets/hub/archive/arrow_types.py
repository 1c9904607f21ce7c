"""Which parts of a Parquet column can hold the Hub's values, by Arrow type."""

import json
from typing import Any

import polars as pl
import pyarrow as pa

from hf_assets.hub.archive.values import PARTS, TIMES

# DuckDB's and others' logical type of a text that is JSON.
_JSON = "arrow.json"
# Parts of huggingface_hub's objects that the Hub's lack.
_CLIENT_PARTS = {"runtime": ("requested_hardware",)}


def holds_json(kind: pa.DataType) -> bool:
    """Whether texts of that type, or nested in it, are JSON, as in DuckDB's mixed columns."""
    if isinstance(kind, pa.BaseExtensionType):
        return kind.extension_name == _JSON
    return any(holds_json(kind.field(at).type) for at in range(kind.num_fields))


def from_json(value: Any, kind: pa.DataType) -> Any:
    """Decode a value whose texts are JSON; an invalid text stays unchanged."""
    if value is None or not holds_json(kind):
        return value
    if pa.types.is_struct(kind):
        return {name: from_json(one, kind.field(name).type) for name, one in value.items()}
    if _is_list(kind):
        return [from_json(one, kind.value_type) for one in value]
    try:
        return json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return value


def readable_columns(name: str, column: str, kind: pa.DataType, wanted: Any) -> list[str] | None:
    """The parts of a column to read; None if no value of that type can be the Hub's."""
    if holds_json(kind):
        return [column]
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind) or _is_text(kind):
        return [column]
    if isinstance(wanted, pl.Struct) and pa.types.is_struct(kind):
        parts = [part for part in PARTS[name] if kind.get_field_index(part) >= 0]
        fits = all(_part_holds(name, part, kind, wanted) for part in parts)
        also = [part for part in _CLIENT_PARTS.get(name, ()) if kind.get_field_index(part) >= 0]
        return [f"{column}.{part}" for part in [*parts, *also]] if parts and fits else None
    if name == "baseModels" and _holds(kind, pl.List(pl.String)):
        return [column]
    if name in TIMES and (pa.types.is_temporal(kind) or _is_number(kind)):
        return None if pa.types.is_time(kind) or pa.types.is_duration(kind) else [column]
    if name == "gated" and pa.types.is_boolean(kind):
        return [column]
    return [column] if _holds(kind, wanted) else None


def _part_holds(name: str, part: str, kind: pa.DataType, wanted: pl.Struct) -> bool:
    type_of_part = kind.field(part).type
    if (name, part) == ("runtime", "hardware") and _is_text(type_of_part):
        return True
    return _holds(type_of_part, next(one.dtype for one in wanted.fields if one.name == part))


def flat_hardware(name: str, dtype: pl.Struct) -> bool:
    """Whether a runtime has huggingface_hub's form: the hardware is a text."""
    parts = {one.name: one.dtype for one in dtype.fields}
    return name == "runtime" and (
        "requested_hardware" in parts or parts.get("hardware") == pl.String
    )


def _is_text(kind: pa.DataType) -> bool:
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal128(kind)


def _is_list(kind: pa.DataType) -> bool:
    return (
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
    )


def _holds(kind: pa.DataType, wanted: Any) -> bool:
    """Whether values of that Arrow type may have the wanted wire type."""
    if pa.types.is_null(kind):
        return True
    if wanted == pl.String:
        return _is_text(kind)
    if wanted == pl.Boolean:
        return pa.types.is_boolean(kind) or _is_number(kind)
    if wanted in (pl.Int64, pl.Float64):
        return _is_number(kind)
    if isinstance(wanted, pl.List):
        return _is_list(kind) and _holds(kind.value_type, wanted.inner)
    if isinstance(wanted, pl.Struct) and pa.types.is_struct(kind):
        parts = [part for part in wanted.fields if kind.get_field_index(part.name) >= 0]
        return bool(parts) and all(_holds(kind.field(part.name).type, part.dtype) for part in parts)
    return False


def without_other_parts(values: pa.Array, wanted: Any, *, listed: bool = False) -> pa.Array:
    """Structs, and lists of them, with the wanted parts alone; a slice stays as it is.

    An absent element of a list becomes one without parts, as polars makes it.
    """
    kind = values.type
    if values.offset:
        return values
    hidden = values.is_null() if values.null_count else None
    if isinstance(wanted, pl.Struct) and pa.types.is_struct(kind):
        parts = {
            one.name: without_other_parts(values.field(one.name), one.dtype)
            for one in wanted.fields
            if kind.get_field_index(one.name) >= 0
        }
        hidden = None if listed else hidden
        return pa.StructArray.from_arrays([*parts.values()], [*parts], mask=hidden)
    if isinstance(wanted, pl.List) and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        inner = without_other_parts(values.values, wanted.inner, listed=True)
        return type(values).from_arrays(values.offsets, inner, mask=hidden)
    return values
