"""Values of a recorded file → what the Hub would have served.

Only a value that says the same in other words is rewritten ("12" in a CSV, a time with a space in
it). What does not fit is handed on as it is, for the strict parser to name.
"""

import ast
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from hf_assets.hub.archive import NAMED
from hf_assets.hub.rows import WIRE_SCHEMA, Kind

TIMES = ("createdAt", "lastModified")
# A CSV cell longer than this is no list of tags that Python should be made to parse.
LONGEST_LITERAL = 1 << 20
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}(\.0*)?")
_UTC = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z|\+00:?00)")
_BOOLEANS = {"true": True, "false": False}
# How an absent value is written where a cell cannot be absent.
_NOTHING = {"", "null", "None", "nan", "NaN", "NaT", "<NA>"}


def named(row: dict[str, Any]) -> dict[str, Any]:
    """A row with an identity: its `_id`, else its name."""
    if row.get("id") is None and isinstance(row.get("modelId"), str):
        row["id"] = row["modelId"]
    name = row.get("id")
    if row.get("_id") is None and isinstance(name, str) and name:
        row["_id"] = NAMED + name
    row.pop("modelId", None)
    return row


def served(kind: Kind, row: Mapping[str, Any]) -> dict[str, Any]:
    """The wire fields of a recorded JSON object, times in the Hub's form."""
    kept = {name: row[name] for name in (*WIRE_SCHEMA[kind], "modelId") if name in row}
    for name in TIMES:
        if isinstance(kept.get(name), str):
            kept[name] = utc_time(kept[name])
    return named(kept)


def from_cells(kind: Kind, cells: Mapping[str, str]) -> dict[str, Any]:
    """The wire fields of a line of a CSV; an empty cell is no value."""
    row = {
        name: _from_text(WIRE_SCHEMA[kind].get(name, pl.String), name, cells[name])
        for name in (*WIRE_SCHEMA[kind], "modelId")
        if name in cells and cells[name] not in _NOTHING
    }
    return named(row)


def utc_time(text: str) -> str:
    """A time in UTC as the Hub writes it; another text as it is."""
    found = _UTC.fullmatch(text)
    return f"{found[1]}T{found[2]}Z" if found else text


def _from_text(dtype: Any, name: str, text: str) -> Any:
    if name in TIMES:
        return utc_time(text)
    if name == "gated" or dtype == pl.Boolean:
        return _BOOLEANS.get(text.lower(), text)
    if dtype == pl.Int64:
        return int(text.split(".")[0]) if _INTEGER.fullmatch(text) else text
    if dtype == pl.Float64:
        return _number(text)
    return text if dtype == pl.String else literal(text)


def _number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def literal(text: str) -> Any:
    """A list or object written as JSON, or as Python prints it; another text as it is."""
    if not text.startswith(("[", "{")) or len(text) > LONGEST_LITERAL:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return text
