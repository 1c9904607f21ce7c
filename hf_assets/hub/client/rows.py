"""One page of bytes → a typed frame of its rows, with every invalid value named.

`polars.read_json` with a schema is the fast way in, and bends what does not fit: 3.5 becomes 3,
2**63 becomes null, a scalar becomes a list of one. So each page first passes a strict decoder
(msgspec, half of read_json's time). Where it objects, the page is taken row by row: a value of the
wrong type is left out and named, a row without identity is put aside. A capture records which
decoder has taken a page, so that each page is decoded once.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from hf_assets.hub.client.invalid_values import InvalidValue
from hf_assets.hub.client.loose_json import EXCERPT, loose_rows
from hf_assets.hub.client.wire import ROW, WIRE_SCHEMA, Kind

_PAGE = {kind: msgspec.json.Decoder(list[row]) for kind, row in ROW.items()}
_ROW = {kind: msgspec.json.Decoder(row) for kind, row in ROW.items()}
_RAW_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
# The decoders by name: what a row may be, and the library that reads it.
DECODER: Mapping[str, str] = {
    kind: hashlib.sha256(
        f"msgspec {msgspec.__version__} {msgspec.inspect.type_info(row)}".encode()
    ).hexdigest()[:16]
    for kind, row in ROW.items()
}
_FIELDS = {
    kind: {item.encode_name: item for item in msgspec.structs.fields(row)}
    for kind, row in ROW.items()
}
# Field (None: the row), reason and excerpt.
_Problem = tuple[str | None, str, str]
_UNREADABLE = (
    *(msgspec.MsgspecError, UnicodeDecodeError, RecursionError),
    pl.exceptions.ComputeError,
)


def parse_page(
    kind: Kind, number: int, body: bytes, decoded: str | None = None
) -> tuple[pl.DataFrame, list[InvalidValue]]:
    """The rows of a page under `WIRE_SCHEMA[kind]`, in order, and the invalid rows and values.

    Args:
        kind: "models", "spaces" or "datasets".
        number: the page's number, for the invalid values.
        body: a JSON list, as served.
        decoded: the name of the decoder that has taken this body, if any.
    """
    schema = WIRE_SCHEMA[kind]
    try:
        if decoded != DECODER[kind]:
            _PAGE[kind].decode(body)
        return pl.read_json(body, schema=schema), []
    except _UNREADABLE:
        rows, invalid = _row_by_row(kind, number, body)
    return pl.read_json(msgspec.json.encode(rows), schema=schema), invalid


def _row_by_row(
    kind: Kind, number: int, body: bytes
) -> tuple[list[dict[str, Any]], list[InvalidValue]]:
    rows, invalid = [], []
    for at, served in enumerate(loose_rows(body)):
        row, problems = _valid_part(kind, served)
        name = _name(served) if problems else None
        invalid += [InvalidValue(number, at, *problem, name) for problem in problems]
        if row is not None:
            rows.append(row)
    return rows, invalid


def _valid_part(kind: Kind, row: Any) -> tuple[dict[str, Any] | None, list[_Problem]]:
    """The row without its invalid values, None for a row without identity; and the problems."""
    if not isinstance(row, dict):
        return None, [(None, f"a {type(row).__name__}, no object", _excerpt(row))]
    kept: dict[str, Any] = {}
    problems: list[_Problem] = []
    for name, item in _FIELDS[kind].items():
        if name not in row:
            if item.required:
                return None, [(None, f"no {name}", _excerpt(row))]
            continue
        try:
            value = msgspec.to_builtins(msgspec.convert(row[name], item.type, strict=True))
            msgspec.json.encode(value)  # half of a surrogate pair has no bytes
            if isinstance(value, float) and not math.isfinite(value):
                raise msgspec.ValidationError("not a finite number")  # JSON would make it null
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            reason = str(error).split(" - at ")[0]
            if item.required:
                return None, [(None, f"{name}: {reason}", _excerpt(row))]
            problems.append((name, reason, _excerpt(row[name])))
        else:
            kept[name] = value
    return kept, problems


def _excerpt(value: Any) -> str:
    return json.dumps(value)[:EXCERPT]


def fits(kind: Kind, name: str, value: Any) -> bool:
    """Whether the strict parser takes a value for that field."""
    row, problems = _valid_part(kind, {"_id": "1", "id": "1", name: value})
    return row is not None and not problems


def _name(row: Any) -> str | None:
    """A row's name, else its `_id`; None without either."""
    names = (row.get("id"), row.get("_id")) if isinstance(row, dict) else ()
    name = next((one for one in names if isinstance(one, str) and one), None)
    return None if name is None else name[:EXCERPT].encode(errors="replace").decode()


class _Identity(msgspec.Struct, gc=False):
    _id: Any = None


_IDENTITIES = msgspec.json.Decoder(list[_Identity])


def decoded_ids(kind: str, body: bytes) -> tuple[list[Any], str | None]:
    """The ids as of `row_ids`, and the name of the decoder where it takes every row as it is.

    Args:
        kind: of the rows; of another than a `Kind`, no decoder takes any.
        body: a JSON list, as served.

    Raises:
        ValueError: the body is no JSON list.
    """
    try:
        # Row by row: each is gone before the next, which finds its memory in the processor's cache.
        decode = _ROW[kind].decode
        return [decode(row)._id for row in _RAW_ROWS.decode(body)], DECODER[kind]
    except (KeyError, *_UNREADABLE):
        return row_ids(body), None


def row_ids(body: bytes) -> list[Any]:
    """The `_id` of each row of a page; None for rows without, and for items that are no objects.

    Raises:
        ValueError: the body is no JSON list.
    """
    try:
        return [row._id for row in _IDENTITIES.decode(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        rows = loose_rows(body)
    return [row.get("_id") if isinstance(row, dict) else None for row in rows]
