"""One page of bytes → a typed frame of its rows, with every invalid value named.

`polars.read_json` with a schema is the fast way in, and bends what does not fit: 3.5 becomes 3,
2**63 becomes null, a scalar becomes a list of one. So each page first passes a strict decoder
(msgspec, a third of read_json's time). Where it objects, the page is taken row by row: a value of
the wrong type is left out and named, a row without identity is put aside.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import polars as pl

from hf_assets.hub.client.loose_json import EXCERPT, loose_rows

Kind = Literal["models", "spaces", "datasets"]

# The Hub's counters are JSON integers; what does not fit 64 bits is no counter.
Count = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# An identity is never empty.
Identity = Annotated[str, msgspec.Meta(min_length=1)]


class _Total(msgspec.Struct, gc=False):
    total: Count | None = None


class _Reference(msgspec.Struct, gc=False):
    id: str


class _BaseModels(msgspec.Struct, gc=False):
    relation: str | None = None
    models: list[_Reference] | None = None


class _Hardware(msgspec.Struct, gc=False):
    current: str | None = None
    requested: str | None = None


class _Runtime(msgspec.Struct, gc=False):
    stage: str | None = None
    hardware: _Hardware | None = None


class ModelRow(msgspec.Struct, gc=False):
    """A row of /api/models as the tables need it."""

    _id: Identity
    id: Identity
    author: str | None = None
    createdAt: str | None = None
    lastModified: str | None = None
    downloads: Count | None = None
    downloadsAllTime: Count | None = None
    likes: Count | None = None
    # The Hub serves floats here, such as 2.8000000000000003.
    trendingScore: float | None = None
    pipeline_tag: str | None = None
    library_name: str | None = None
    tags: list[str] | None = None
    gated: bool | str | None = None
    private: bool | None = None
    safetensors: _Total | None = None
    gguf: _Total | None = None
    baseModels: _BaseModels | None = None
    usedStorage: Count | None = None


class SpaceRow(msgspec.Struct, gc=False):
    """A row of /api/spaces as the tables need it."""

    _id: Identity
    id: Identity
    author: str | None = None
    createdAt: str | None = None
    lastModified: str | None = None
    likes: Count | None = None
    trendingScore: float | None = None
    sdk: str | None = None
    runtime: _Runtime | None = None
    tags: list[str] | None = None
    private: bool | None = None
    models: list[str] | None = None
    datasets: list[str] | None = None
    usedStorage: Count | None = None


class DatasetRow(msgspec.Struct, gc=False):
    """A row of /api/datasets as the tables need it."""

    _id: Identity
    id: Identity
    author: str | None = None
    createdAt: str | None = None
    lastModified: str | None = None
    downloads: Count | None = None
    downloadsAllTime: Count | None = None
    likes: Count | None = None
    trendingScore: float | None = None
    tags: list[str] | None = None
    gated: bool | str | None = None
    private: bool | None = None
    disabled: bool | None = None
    usedStorage: Count | None = None
    mainSize: Count | None = None


_TEXTS = pl.List(pl.String)
_TOTAL = pl.Struct({"total": pl.Int64})

WIRE_SCHEMA: Mapping[Kind, pl.Schema] = {
    "models": pl.Schema(
        {
            "_id": pl.String,
            "id": pl.String,
            "author": pl.String,
            "createdAt": pl.String,
            "lastModified": pl.String,
            "downloads": pl.Int64,
            "downloadsAllTime": pl.Int64,
            "likes": pl.Int64,
            "trendingScore": pl.Float64,
            "pipeline_tag": pl.String,
            "library_name": pl.String,
            "tags": _TEXTS,
            "gated": pl.String,
            "private": pl.Boolean,
            "safetensors": _TOTAL,
            "gguf": _TOTAL,
            "baseModels": pl.Struct(
                {"relation": pl.String, "models": pl.List(pl.Struct({"id": pl.String}))}
            ),
            "usedStorage": pl.Int64,
        }
    ),
    "spaces": pl.Schema(
        {
            "_id": pl.String,
            "id": pl.String,
            "author": pl.String,
            "createdAt": pl.String,
            "lastModified": pl.String,
            "likes": pl.Int64,
            "trendingScore": pl.Float64,
            "sdk": pl.String,
            "runtime": pl.Struct(
                {
                    "stage": pl.String,
                    "hardware": pl.Struct({"current": pl.String, "requested": pl.String}),
                }
            ),
            "tags": _TEXTS,
            "private": pl.Boolean,
            "models": _TEXTS,
            "datasets": _TEXTS,
            "usedStorage": pl.Int64,
        }
    ),
    "datasets": pl.Schema(
        {
            "_id": pl.String,
            "id": pl.String,
            "author": pl.String,
            "createdAt": pl.String,
            "lastModified": pl.String,
            "downloads": pl.Int64,
            "downloadsAllTime": pl.Int64,
            "likes": pl.Int64,
            "trendingScore": pl.Float64,
            "tags": _TEXTS,
            "gated": pl.String,
            "private": pl.Boolean,
            "disabled": pl.Boolean,
            "usedStorage": pl.Int64,
            "mainSize": pl.Int64,
        }
    ),
}
_ROW = {"models": ModelRow, "spaces": SpaceRow, "datasets": DatasetRow}
_PAGE = {kind: msgspec.json.Decoder(list[row]) for kind, row in _ROW.items()}
_FIELDS = {
    kind: {item.encode_name: item for item in msgspec.structs.fields(row)}
    for kind, row in _ROW.items()
}
# Field (None: the row), reason and excerpt.
_Problem = tuple[str | None, str, str]
_UNREADABLE = (
    *(msgspec.MsgspecError, UnicodeDecodeError, RecursionError),
    pl.exceptions.ComputeError,
)

QUARANTINE_SCHEMA = pl.Schema(
    {
        "page": pl.Int64,
        "row": pl.Int64,
        "id": pl.String,
        "field": pl.String,
        "reason": pl.String,
        "value": pl.String,
    }
)


@dataclass(frozen=True)
class InvalidValue:
    """An invalid row (`field` None: in quarantine) or an invalid value (coerced to null).

    `page` and `row` count from 0, as served; `id` is the repository's name, else its `_id`, else
    None.
    """

    page: int
    row: int
    field: str | None
    reason: str
    value: str
    id: str | None = None


def parse_page(kind: Kind, number: int, body: bytes) -> tuple[pl.DataFrame, list[InvalidValue]]:
    """The rows of a page under `WIRE_SCHEMA[kind]`, in order, and the invalid rows and values.

    Args:
        kind: "models", "spaces" or "datasets".
        number: the page's number, for the invalid values.
        body: a JSON list, as served.
    """
    schema = WIRE_SCHEMA[kind]
    try:
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


class InvalidValues:
    """The invalid rows and values of a listing: all are counted, some are kept.

    If the Hub changes a field, every row is invalid, and a few hundred say as much as millions.
    """

    MOST = 1000  # kept of each field and reason

    def __init__(self) -> None:
        self.kept: list[InvalidValue] = []
        self.counts: Counter[str | None] = Counter()
        self._reasons: Counter[tuple[str | None, str]] = Counter()

    def __iadd__(self, found: Iterable[InvalidValue]) -> "InvalidValues":
        for one in found:
            self.counts[one.field] += 1
            self._reasons[one.field, one.reason] += 1
            if self._reasons[one.field, one.reason] <= self.MOST:
                self.kept.append(one)
        return self


def quarantine_frame(invalid: list[InvalidValue]) -> pl.DataFrame:
    """Invalid rows and values as a table under `QUARANTINE_SCHEMA`."""
    return pl.DataFrame(
        [(one.page, one.row, one.id, one.field, one.reason, one.value) for one in invalid],
        schema=QUARANTINE_SCHEMA,
        orient="row",
    )
