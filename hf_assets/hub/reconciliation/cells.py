"""Numbers from the cells of a recorded file, by expressions of polars.

A list is counted by patterns, not parsed: its items are its quoted texts, its licences the items
that begin with `license:`. A cell without a number counts as invalid; none raises an error.
"""

# These patterns are no second parser of literals to be merged with `literals.py`: reconciliation
# finds faults of the readers, and would share each of them if it called their parser.

from collections.abc import Callable, Mapping
from typing import NamedTuple

import polars as pl

from hf_assets.hub.archive.values import NOTHING
from hf_assets.hub.client.wire import Kind

# Fields by the type of their values: each type has its own counts.
COUNTERS = (
    *("downloads", "downloadsAllTime", "likes", "trendingScore", "usedStorage"),
    "mainSize",
)
WEIGHTS = ("safetensors", "gguf")
TIMES = ("createdAt", "lastModified")
WORDS = ("pipeline_tag", "library_name", "sdk")
TRUE = ("true", "t", "1", "1.0")
# SQLite has 0 and 1, PostgreSQL f and t.
_SWITCH = ("false", "f", "0", "0.0", *TRUE)
FLAGS: Mapping[str, tuple[str, ...]] = {
    "gated": ("false", "true", "auto", "manual"),
    "private": _SWITCH,
    "disabled": _SWITCH,
}
LISTS = ("tags", "models", "datasets")
BASES = "baseModels"
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "models": (*COUNTERS[:-1], *WEIGHTS, *TIMES, *WORDS[:2], "gated", "private", "tags", BASES),
    "datasets": (*COUNTERS, *TIMES, *FLAGS, "tags"),
    "spaces": ("likes", "trendingScore", "usedStorage", *TIMES, "sdk", "private", *LISTS),
}
_QUOTED = r"""(?s)'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
# Characters around the quoted texts of a list of Python, numpy or JSON.
_AROUND = r"^(?:array\(|dtype=(?:object)?|[\[\](),\s])*$"
# A list of DuckDB, with each quoted text as ''; the other items are plain words.
_WORD = r"""(?:''|[^\s,:=()\[\]{}'"\\][^,:=()\[\]{}'"\\]*)"""
_BARE = rf"^\[{_WORD}(?:, {_WORD})*\]$"
_NO_WORD = r"\b(?i:null|none|nan|nat|true|false|inf)\b|\b\d[\d.eE+-]*"
_ITEM = rf"""(?:{_QUOTED})|[^\s,\[\]'"][^,\[\]'"]*"""
_CUT_OFF = r"\.\.\.|…|Ellipsis"
_LICENCE = r"""(?:^|[\[(,\s])['"]license:"""
_BASE_TAG = r"""(?:^|[\[(,\s])['"]base_model:[^'"]"""
# An object of the Hub, a printed one, or a list of ids.
_BASE_OBJECT = r"""['"]?\bid['"]?\s*[:=]|^\[\s*['"]"""
# Complete texts first, each with its number: a total inside another text does not count.
_NAMED = rf"(?:{_QUOTED})(?:\s*[:=]\s*\d+)?|\btotal\s*[:=]\s*\d+"
_TOTAL = r"""^['"]?total['"]?\s*[:=]\s*(\d+)$"""
_ISO_TIME = r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?$"
_EPOCH = r"^\d{9,16}(?:\.\d*)?$"

Numbers = dict[str, pl.Expr]


class Cells(NamedTuple):
    """A column as an expression, and the type of its values."""

    values: pl.Expr
    dtype: pl.DataType


def numbers(frame: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Each row's contribution to the sums of a file: columns named `field:measure`.

    Args:
        frame: columns under the Hub's names, of any type.
        kind: "models", "spaces" or "datasets".
    """
    plain = frame.select(_plain(name, dtype) for name, dtype in frame.schema.items())
    cells = {name: Cells(pl.col(name), dtype) for name, dtype in plain.schema.items()}
    every: Numbers = {}
    for name, column in cells.items():
        if name not in (*WEIGHTS, BASES):
            every |= {f"{name}:{word}": one for word, one in _counting(name)(column).items()}
    if weights := [cells[name] for name in WEIGHTS if name in cells]:
        every |= {f"parameters:{word}": one for word, one in _parameters(weights).items()}
    if kind == "models" and {"tags", BASES} & cells.keys():
        every["bases:rows"] = _bases(cells.get("tags", _NO_CELLS), cells.get(BASES, _NO_CELLS))
    # A measure that no row has is a constant, which `with_columns` broadcasts.
    return plain.with_columns(**every).select(list(every))


def _counting(name: str) -> Callable[[Cells], Numbers]:
    if name in COUNTERS:
        return _score if name == "trendingScore" else _counter
    if name in TIMES:
        return _time
    if name in FLAGS:
        return lambda column: _flag(column, FLAGS[name])
    if name in LISTS:
        return lambda column: _list(column, once=name != "tags")
    return _word


_NO_CELLS = Cells(pl.lit(None, pl.String), pl.String())


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    """Texts trimmed, and null for texts that mean a missing value."""
    values = pl.col(name)
    extended = isinstance(dtype, pl.Extension)
    if extended:
        values = values.ext.storage()
    if extended or isinstance(dtype, pl.Categorical | pl.Enum | pl.Null | pl.String):
        text = values.cast(pl.String).str.strip_chars()
        return pl.when(~text.str.to_lowercase().is_in(NOTHING)).then(text).alias(name)
    if dtype.is_float():
        values = pl.when(values.is_not_nan()).then(values)
    return values.alias(name)


def has_text(dtype: pl.DataType) -> bool:
    """Whether values of that type have a text."""
    return not (dtype.is_nested() or isinstance(dtype, pl.Binary | pl.Object))


def _texts(column: Cells) -> pl.Expr:
    """The values as texts; null for lists and objects."""
    if not has_text(column.dtype):
        return _NO_CELLS.values
    # JSON in a column of texts has its own quotes.
    return column.values.cast(pl.String, strict=False).str.strip_chars('"')


def _measures(column: Cells, clear: pl.Expr, **more: pl.Expr) -> Numbers:
    """The counts of valid and of invalid values.

    Args:
        column: of the file.
        clear: true for a valid value.
        more: further measures.
    """
    clear = clear.fill_null(value=False)
    return {"values": clear, "invalid": column.values.is_not_null() & ~clear, **more}


def _counter(column: Cells) -> Numbers:
    """Integers of any type; negative values count as 0, as in the tables."""
    exact = _whole(column)
    amount = exact.clip(lower_bound=0)
    return _measures(column, exact.is_not_null(), sum=amount, largest=amount)


def _whole(column: Cells) -> pl.Expr:
    if isinstance(column.dtype, pl.Boolean) or column.dtype.is_temporal():
        return pl.lit(None, pl.Int64)
    text = _texts(column)
    number = text.cast(pl.Float64, strict=False)
    whole = pl.when((number == number.floor()) & (number.abs() < 2.0**63)).then(number)
    exact = column.values if column.dtype.is_integer() else text
    return pl.coalesce(exact.cast(pl.Int64, strict=False), whole.cast(pl.Int64, strict=False))


def _score(column: Cells) -> Numbers:
    """Scores with a fraction, in millionths."""
    number = _texts(column).cast(pl.Float64, strict=False)
    number = pl.when(number.is_finite() & (number.abs() < 2.0**40)).then(number)
    amount = (number.clip(lower_bound=0) * 1e6).round().cast(pl.Int64)
    return _measures(column, number.is_not_null(), sum=amount, largest=amount)


def _parameters(columns: list[Cells]) -> Numbers:
    """The first total of `safetensors` and `gguf`."""
    amount = pl.coalesce(_whole(_total(column)).clip(lower_bound=0) for column in columns)
    return {"values": amount.is_not_null(), "sum": amount, "largest": amount}


def _total(column: Cells) -> Cells:
    """The total of a struct, or in a text."""
    if isinstance(column.dtype, pl.Struct):
        return _part(column, "total")
    text = _texts(column)
    named = text.str.extract_all(_NAMED).list.eval(pl.element().str.extract(_TOTAL))
    digits = pl.coalesce(
        named.list.drop_nulls().list.first(), text.str.extract(r"^(\d+)(?:\.0*)?$")
    )
    return Cells(digits, pl.String())


def _part(column: Cells, name: str) -> Cells:
    fields = column.dtype.fields if isinstance(column.dtype, pl.Struct) else []
    dtype = next((one.dtype for one in fields if one.name == name), None)
    if dtype is None:
        return _NO_CELLS
    return Cells(column.values.struct.field(name), dtype() if isinstance(dtype, type) else dtype)


def _time(column: Cells) -> Numbers:
    """Times in ISO 8601 with any zone, or seconds or milliseconds since 1970."""
    if column.dtype.is_temporal():
        return _measures(column, column.values.is_not_null())
    text = _texts(column)
    day = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).is_not_null()
    return _measures(column, (text.str.contains(_ISO_TIME) & day) | text.str.contains(_EPOCH))


def _word(column: Cells) -> Numbers:
    return _measures(column, _texts(column).is_not_null())


def _flag(column: Cells, words: tuple[str, ...]) -> Numbers:
    text = _texts(column).str.to_lowercase()
    return _measures(column, text.is_in(words), true=text.is_in(TRUE))


def _list(column: Cells, *, once: bool) -> Numbers:
    """The items of lists of texts.

    Args:
        column: lists, or printed lists.
        once: duplicates in a list count once.
    """
    if isinstance(column.dtype, pl.List | pl.Array):
        return _items(column, once=once)
    text = _texts(column).str.replace_all(r"dtype='[^']*'", "")
    is_list = text.str.contains(r"^(?:array\()?[\[(]")
    around = text.str.replace_all(_QUOTED, "")
    cut_off = (is_list & around.str.contains(_CUT_OFF)).fill_null(value=False)
    quoted = is_list & around.str.contains(_AROUND)
    words = around.str.replace_all(_NO_WORD, "").str.contains(r"\pL")
    # Two words without a comma may be anything.
    one = around.str.contains(",") | ~around.str.contains(r"\s")
    duckdb = text.str.replace_all(_QUOTED, "''").str.contains(_BARE)
    bare = is_list & ~quoted & ~cut_off & duckdb & words & one
    clear = quoted | bare
    # Only for these lists: the extraction takes time.
    found = text.str.extract_all(_ITEM).list.eval(pl.element().filter(pl.element() != "NULL"))
    if once:
        items = found.list.n_unique()
    else:
        items = pl.when(bare).then(found.list.len()).otherwise(text.str.count_matches(_QUOTED))
    items = pl.when(clear).then(items).fill_null(0)
    measures = _measures(column, clear, items=items, rows=items > 0, largest=items)
    # The items of a truncated list are unknown: its row has a count of its own.
    measures["invalid"] &= ~cut_off
    return measures | {"cut_off": cut_off, "licences": clear & text.str.contains(_LICENCE)}


def _items(column: Cells, *, once: bool) -> Numbers:
    lists = _as_lists(column)
    if lists is None:
        # Items of another type do not count; an empty list is valid.
        empty = column.values.cast(pl.List(pl.Null), strict=False).list.len() == 0
        none = dict.fromkeys(("items", "rows", "largest", "licences"), pl.lit(0, pl.Int64))
        return _measures(column, empty, **none)
    texts = lists.list.drop_nulls()
    items = (texts.list.n_unique() if once else texts.list.len()).fill_null(0)
    return _measures(
        column,
        lists.is_not_null(),
        items=items,
        rows=items > 0,
        largest=items,
        licences=_any_begins(lists, "license:"),
    )


def _as_lists(column: Cells) -> pl.Expr | None:
    """Lists of texts; None for items of another type."""
    inner = column.dtype.inner if isinstance(column.dtype, pl.List | pl.Array) else None
    if inner not in (pl.String, pl.Null, pl.Categorical, pl.Enum):
        return None
    return column.values.cast(pl.List(pl.String))


def _any_begins(lists: pl.Expr, beginning: str) -> pl.Expr:
    return lists.list.eval(pl.element().str.starts_with(beginning)).list.any()


def _bases(tags: Cells, field: Cells) -> pl.Expr:
    """Rows that name a base model: in the field, else in a tag."""
    lists = _as_lists(tags)
    by_tag = (
        _texts(tags).str.contains(_BASE_TAG) if lists is None else _any_begins(lists, "base_model:")
    )
    if isinstance(field.dtype, pl.Struct):
        field = _part(field, "models")
    by_field = (
        field.values.list.len() > 0
        if isinstance(field.dtype, pl.List)
        else _texts(field).str.contains(_BASE_OBJECT)
    )
    return by_field.fill_null(value=False) | by_tag.fill_null(value=False)
