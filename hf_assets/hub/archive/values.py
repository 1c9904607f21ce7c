"""Values of a recorded file in the Hub's own form: the same rules for every format.

Rewrites only values that mean the same: "12" and 12.0 for a counter, a time in another zone, a list
as numpy prints it. Other values pass unchanged to the strict parser, which reports them. NaN is
null. The rules of times:

- a time with a zone is converted to UTC; a time without, and a date (midnight), counts as UTC, and
  the capture's manifest names the field (`times_without_zone`);
- a number is seconds, milli-, micro- or nanoseconds since 1970, by the unit in which it falls
  between 2010 and 2100; any other number is no time.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl

from hf_assets.hub.client.rows import fits
from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind
from hf_assets.literals import InvalidLiteral, parse_literal

TIMES = ("createdAt", "lastModified")
# Values of `gated`; true: from an archive that does not say how.
GATES = ("false", "auto", "manual", "true")
# The parts of an object that the tables need.
PARTS: Mapping[str, tuple[str, ...]] = {
    "safetensors": ("total",),
    "gguf": ("total",),
    "baseModels": ("relation", "models"),
    "runtime": ("stage", "hardware"),
}
# From here a float is no exact counter: 2**63 itself would become negative.
EXACT = 2.0**63
# Texts for a missing value, in lower case.
NOTHING = frozenset({"", "null", "none", "nan", "nat", "<na>", r"\n", "na", "n/a"})
# An owner may have such a name.
_NO_OWNER = NOTHING - {"na", "n/a"}
# A repository may have any name but these, case counted.
NO_NAME = frozenset({"", "null", "None", "nan", "NaN", "NaT", "<NA>"})
# Characters. A longer cell is not parsed as a list.
LONGEST_LITERAL = 1 << 20
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}(\.0*)?")
# R writes 100000 as 1e+05.
_EXPONENT = re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]{0,19})?[eE][+-]?[0-9]{1,2}")
_NUMBER = re.compile(r"[0-9]{1,19}(\.[0-9]*)?([eE][+]?[0-9]{1,2})?")
WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_UTC = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z|\+00:?00)")
_ANY_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d.{0,40})?")
_ZULU = re.compile(r"\s*(?:[Zz]|UTC|GMT)$")
# SQLite has 0 and 1, PostgreSQL f and t.
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "0", "0.0"), False),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds from 1970 to 2010 and to 2100: every time of the Hub lies between, in a single unit.
FIRST_SECOND, LAST_SECOND = 1_262_304_000, 4_102_444_800
UNITS = (1, 10**3, 10**6, 10**9)


def is_absent(name: str, text: str) -> bool:
    """Whether a text means a missing value in a field of the Hub."""
    word = text.strip()
    if name in ("id", "_id"):
        return word in NO_NAME
    return word.lower() in (_NO_OWNER if name == "author" else NOTHING)


def utc_time(value: Any) -> tuple[Any, bool]:
    """A time in the Hub's form, any other value unchanged; and whether the time lacks a zone."""
    if isinstance(value, str):
        text = value.strip()
        if utc := _UTC.fullmatch(text):
            return f"{utc[1]}T{utc[2]}Z", False
        if _NUMBER.fullmatch(text):
            number = int(text) if text.isdecimal() else float(text)
            return _since_1970(number) or value, False
        return _iso_time(text) or (value, False)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _since_1970(value) or value, False
    return value, False


def _iso_time(text: str) -> tuple[str, bool] | None:
    if not _ANY_TIME.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(_ZULU.sub("+00:00", text))
        zoneless = at.tzinfo is None
        return _wire_time(at.replace(tzinfo=UTC) if zoneless else at.astimezone(UTC)), zoneless
    except (ValueError, OverflowError):
        return None


def _since_1970(number: int | float) -> str | None:
    for unit in UNITS:
        if FIRST_SECOND * unit <= number < LAST_SECOND * unit:
            milliseconds = int(number * 1000 // unit)
            return _wire_time(_EPOCH + timedelta(milliseconds=milliseconds))
    return None


def _wire_time(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def wire_value(kind: Kind, name: str, value: Any) -> Any:
    """A value of a field in the Hub's form; a value with another meaning stays unchanged.

    Args:
        kind: "models", "spaces" or "datasets".
        name: the Hub's name of the field; for times, see `utc_time`.
        value: from JSON, Arrow or a cell.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    rule = _rule(kind, name)
    if rule is _gate or (rule is _unchanged and name not in TIMES):
        return rule(value)
    if isinstance(value, str) and is_absent(name, value):
        return None
    return rule(value)


@cache
def _rule(kind: Kind, name: str) -> Callable[[Any], Any]:
    """The rule of a field's values; cached, as polars' types are slow to compare."""
    if name == "gated":
        return _gate
    plain = {pl.String: _unchanged, pl.Int64: _count, pl.Float64: _number, pl.Boolean: _flag}
    for dtype, rule in plain.items():
        if WIRE_SCHEMA[kind][name] == dtype:
            return rule
    shape = _SHAPES.get(name, _texts)
    return lambda value: shape(literal(value) if isinstance(value, str) else value)


def _unchanged(value: Any) -> Any:
    return value


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower(), value)
    return bool(value) if value in (0, 1) else value


def _gate(value: Any) -> Any:
    """False, "auto", "manual", or true for gated in an unknown way."""
    if not isinstance(value, str):
        return value
    # In quotes: JSON that was written as text.
    text = value.strip().strip('"')
    return _BOOLEANS.get(text.lower(), text) if text.lower() in GATES else value


def _count(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            return int(text.split(".")[0])
        if not _EXPONENT.fullmatch(text):
            return value
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < EXACT else value
    whole = isinstance(value, float) and value.is_integer() and abs(value) < EXACT
    return int(value) if whole else value


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    return number if math.isfinite(number) else value


def literal(text: str) -> Any:
    """The list or object in a text; any other text unchanged, and a truncated list too."""
    if len(text) > LONGEST_LITERAL:
        return text
    try:
        value = parse_literal(text, bare_words=True)
    except InvalidLiteral:
        return text
    # A set has no order, bytes are no texts, JSON has neither.
    return value if isinstance(value, list | dict) and _is_json(value) else text


def _is_json(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(one) for key, one in value.items())
    return value is None or isinstance(value, str | int | float)


def _texts(value: Any) -> Any:
    """Unwrap a list of a single list, as of `[array(['a', 'b'], dtype=object)]`."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        return value[0]
    return value


def _total(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    total = value.get("total")
    nothing = isinstance(total, float) and math.isnan(total)
    return {"total": None if nothing else _count(total)} if "total" in value else {}


def _bases(value: Any) -> Any:
    """The Hub's object, also from huggingface_hub's form: a list of ids without a relation."""
    value = _texts(value)
    if isinstance(value, dict):
        return {part: value[part] for part in PARTS["baseModels"] if part in value}
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return {"models": [{"id": one} for one in value]}
    return value


def _runtime(value: Any) -> Any:
    """The Hub's object, also from huggingface_hub's form: the hardware is a text."""
    if not isinstance(value, dict):
        return value
    kept = {part: value[part] for part in PARTS["runtime"] if part in value}
    hardware = value.get("hardware")
    flat = hardware is None and "requested_hardware" in value
    if flat or isinstance(hardware, str):
        kept["hardware"] = {"current": hardware, "requested": value.get("requested_hardware")}
    return kept


_SHAPES: Mapping[str, Callable[[Any], Any]] = {
    "safetensors": _total,
    "gguf": _total,
    "baseModels": _bases,
    "runtime": _runtime,
}


def prefer_tags(bases: Any, tags: Any) -> Any:
    """Drop bases without a relation if a tag names a base: tags have the relation."""
    if not isinstance(bases, dict) or "relation" in bases or not isinstance(tags, list):
        return bases
    tagged = any(isinstance(tag, str) and tag.startswith("base_model:") for tag in tags)
    return None if tagged else bases


def is_valid(kind: Kind, name: str, value: Any) -> bool:
    """Whether a value enters the table, rather than the quarantine."""
    if name in TIMES:
        return isinstance(value, str) and WIRE_TIME.fullmatch(value) is not None
    if name == "gated":
        return str(value).lower() in GATES
    return fits(kind, name, value)


def excerpt(value: Any) -> str:
    """A value as a reason quotes it."""
    return json.dumps(value, default=str)[:80]
