"""Cells of a recorded file → numbers to add up, without asking what the readers make of them.

A list is counted, never parsed: its items are its quoted texts, its licences those that begin with
`license:`. A cell that tells no number is counted as invalid; none is an error.
"""

from collections.abc import Callable, Mapping

import polars as pl

from hf_assets.hub.rows import Kind

# What a field holds: each kind of value is counted in its own way.
COUNTERS = ("downloads", "downloadsAllTime", "likes", "trendingScore", "usedStorage")
WEIGHTS = ("safetensors", "gguf")
TIMES = ("createdAt", "lastModified")
WORDS = ("pipeline_tag", "library_name", "sdk")
FLAGS: Mapping[str, tuple[str, ...]] = {
    "gated": ("false", "true", "auto", "manual"),
    "private": ("false", "true"),
}
LISTS = ("tags", "models", "datasets")
BASES = "baseModels"
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "models": (*COUNTERS, *WEIGHTS, *TIMES, *WORDS[:2], *FLAGS, "tags", BASES),
    "spaces": ("likes", "trendingScore", "usedStorage", *TIMES, "sdk", "private", *LISTS),
}
# How an absent value is written where a cell cannot be absent.
NOTHING = ("", "null", "none", "nan", "nat", "<na>")

_QUOTED = r"""(?s)'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
# What may stand around the quoted texts of a list: of Python, numpy or JSON.
_AROUND = r"^(?:array\(|dtype=(?:object)?|[\[\](),\s])*$"
_CUT_OFF = r"\.\.\.|…|Ellipsis"
_LICENCE = r"""(?:^|[\[(,\s])['"]license:"""
_BASE_TAG = r"""(?:^|[\[(,\s])['"]base_model:[^'"]"""
# An object of the Hub, a printed one, or a list of ids.
_BASE_OBJECT = r"""['"]?\bid['"]?\s*[:=]|^\[\s*['"]"""
_TOTAL = r"""total['"]?\s*[:=]\s*(\d+)"""
_ISO_TIME = r"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?$"
_EPOCH = r"^\d{9,16}(?:\.\d*)?$"

Numbers = dict[str, pl.Series]


def numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """What each row adds to the sums of a file: columns named `field:measure`.

    Args:
        frame: columns named as the Hub names them, of any type.
    """
    columns: Numbers = {}
    for name in frame.columns:
        if name in (*WEIGHTS, BASES):
            continue
        for measure, series in _counting(name)(_plain(frame[name])).items():
            columns[f"{name}:{measure}"] = series
    weights = [_plain(frame[name]) for name in WEIGHTS if name in frame.columns]
    if weights:
        for measure, series in _parameters(weights).items():
            columns[f"parameters:{measure}"] = series
    if {"tags", BASES} & set(frame.columns):
        columns["bases:rows"] = _bases(frame)
    return pl.DataFrame(
        {name: series.fill_null(0).cast(pl.Int128) for name, series in columns.items()}
    )


def _counting(name: str) -> Callable[[pl.Series], Numbers]:
    if name in COUNTERS:
        return _score if name == "trendingScore" else _counter
    if name in TIMES:
        return _time
    if name in FLAGS:
        return lambda column: _flag(column, FLAGS[name])
    if name in LISTS:
        return lambda column: _list(column, once=name != "tags")
    return _word


def _plain(column: pl.Series) -> pl.Series:
    """Texts trimmed, and null where they only say that there is nothing."""
    if isinstance(column.dtype, pl.Extension):
        column = column.ext.storage()
    if column.dtype in (pl.Categorical, pl.Enum) or column.dtype == pl.Null:
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        return _where(~text.str.to_lowercase().is_in(NOTHING), text)
    return _where(column.is_not_nan(), column) if column.dtype.is_float() else column


def _where(condition: pl.Series, column: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(column)).to_series()


def _texts(column: pl.Series) -> pl.Series:
    """The values as texts; null where a value is a list or an object."""
    if column.dtype.is_nested():
        return _texts_of_none(len(column))
    # JSON that lies in a column as text has its own quotes.
    return column.cast(pl.String, strict=False).str.strip_chars('"')


def _said(column: pl.Series, values: pl.Series, **measures: pl.Series) -> Numbers:
    """The values that count, and those that do not.

    Args:
        column: as it lies in the file.
        values: true where the value counts.
        measures: more to add up.
    """
    values = values.fill_null(value=False)
    return {"values": values, "invalid": column.is_not_null() & ~values, **measures}


def _counter(column: pl.Series) -> Numbers:
    """Whole numbers, whatever type holds them; negative ones count as 0, as the tables have it."""
    if column.dtype == pl.Boolean or column.dtype.is_nested() or column.dtype.is_temporal():
        return _said(column, pl.repeat(value=False, n=len(column), eager=True))
    exact = column if column.dtype.is_integer() else _texts(column)
    exact = exact.cast(pl.Int64, strict=False)
    if exact.null_count() > column.null_count():
        other = _texts(column).cast(pl.Float64, strict=False)
        whole = _where((other == other.floor()) & (other.abs() < 2.0**63), other)
        exact = pl.select(pl.coalesce(exact, whole.cast(pl.Int64, strict=False))).to_series()
    amount = exact.clip(lower_bound=0)
    return _said(column, exact.is_not_null(), sum=amount, largest=amount)


def _score(column: pl.Series) -> Numbers:
    """A score may have a fraction: counted in millionths."""
    number = _texts(column).cast(pl.Float64, strict=False)
    number = _where(number.is_finite() & (number.abs() < 2.0**40), number)
    amount = (number.clip(lower_bound=0) * 1e6).round().cast(pl.Int64)
    return _said(column, number.is_not_null(), sum=amount, largest=amount)


def _parameters(columns: list[pl.Series]) -> Numbers:
    """The first total of `safetensors` and `gguf`; one that tells none is no value."""
    totals = [_counter(_total(column)) for column in columns]
    amounts = [pl.when(one["values"]).then(one["sum"]) for one in totals]
    amount = pl.select(pl.coalesce(amounts)).to_series()
    return {"values": amount.is_not_null(), "sum": amount, "largest": amount}


def _total(column: pl.Series) -> pl.Series:
    """Of a struct, or where a text tells it."""
    if not isinstance(column.dtype, pl.Struct):
        text = _texts(column)
        parts = text.str.extract(_TOTAL), text.str.extract(r"^(\d+)(?:\.0*)?$")
        return pl.select(pl.coalesce(parts)).to_series()
    fields = {one.name for one in column.dtype.fields}
    return column.struct.field("total") if "total" in fields else _texts_of_none(len(column))


def _time(column: pl.Series) -> Numbers:
    """Times of any writing: ISO 8601 whatever its zone, or seconds or milliseconds since 1970."""
    if column.dtype.is_temporal():
        return _said(column, column.is_not_null())
    text = _texts(column)
    day = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).is_not_null()
    return _said(column, (text.str.contains(_ISO_TIME) & day) | text.str.contains(_EPOCH))


def _word(column: pl.Series) -> Numbers:
    return _said(column, _texts(column).is_not_null())


def _flag(column: pl.Series, words: tuple[str, ...]) -> Numbers:
    text = _texts(column).str.to_lowercase()
    return _said(column, text.is_in(words), true=text == "true")


def _list(column: pl.Series, *, once: bool) -> Numbers:
    """The items of lists of texts.

    Args:
        column: lists, or texts that a list was printed as.
        once: an item that a list holds twice counts once.
    """
    if isinstance(column.dtype, pl.List):
        return _items(column, once=once)
    text = _texts(column).str.replace_all(r"dtype='[^']*'", "")
    is_list = text.str.contains(r"^(?:array\()?[\[(]")
    around = text.str.replace_all(_QUOTED, "")
    cut_off = is_list & around.str.contains(_CUT_OFF)
    good = is_list & around.str.contains(_AROUND)
    if once:
        items = text.str.extract_all(_QUOTED).list.n_unique()
    else:
        items = text.str.count_matches(_QUOTED)
    items = _where(good, items).fill_null(0)
    measures = _said(column, good, items=items, rows=items > 0, largest=items)
    # Of a list that was cut off nobody knows the items: its row is counted apart.
    measures["invalid"] &= ~cut_off.fill_null(value=False)
    return measures | {"cut_off": cut_off, "licences": good & text.str.contains(_LICENCE)}


def _items(column: pl.Series, *, once: bool) -> Numbers:
    if column.dtype.inner not in (pl.String, pl.Null):  # ty: ignore[missing-attribute]
        return _said(column, column.list.len() == 0)
    texts = column.cast(pl.List(pl.String)).list.drop_nulls()
    items = (texts.list.n_unique() if once else texts.list.len()).fill_null(0)
    licences = _any_begins(texts, "license:")
    return _said(
        column, column.is_not_null(), items=items, rows=items > 0, largest=items, licences=licences
    )


def _any_begins(texts: pl.Series, beginning: str) -> pl.Series:
    return texts.list.eval(pl.element().str.starts_with(beginning)).list.any()


def _bases(frame: pl.DataFrame) -> pl.Series:
    """Rows that name what they were made from: in the field, else in a tag."""
    tags, field = (
        _plain(frame[name]) if name in frame.columns else _texts_of_none(frame.height)
        for name in ("tags", BASES)
    )
    by_tag = _texts(tags).str.contains(_BASE_TAG)
    if isinstance(tags.dtype, pl.List) and tags.dtype.inner == pl.String:
        by_tag = _any_begins(tags, "base_model:")
    if isinstance(field.dtype, pl.Struct):
        names = {one.name for one in field.dtype.fields}
        field = field.struct.field("models") if "models" in names else _texts_of_none(len(field))
    by_field = (
        field.list.len() > 0
        if isinstance(field.dtype, pl.List)
        else _texts(field).str.contains(_BASE_OBJECT)
    )
    unsaid = field.is_null()
    return by_field.fill_null(value=False) | (unsaid & by_tag.fill_null(value=False))


def _texts_of_none(rows: int) -> pl.Series:
    return pl.Series([None] * rows, dtype=pl.String)
