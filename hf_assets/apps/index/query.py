"""A question about a day's models: words, filters and an order; and how polars answers it.

This is the meaning of each filter. `answers` says the same over the arrays of an index.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, TypeAlias

import polars as pl

SIZES: dict[str, tuple[float, float]] = {
    "under 1B": (0, 1e9),
    "1B to 10B": (1e9, 1e10),
    "10B to 35B": (1e10, 3.5e10),
    "35B to 100B": (3.5e10, 1e11),
    "100B and more": (1e11, float("inf")),
}
NONE_GIVEN = "none given"
Sort = Literal[
    "downloads", "downloads_all_time", "likes", "trending_score", "created_at", "parameters"
]
SORTS: tuple[Sort, ...] = (
    *("downloads", "downloads_all_time", "likes", "trending_score", "created_at", "parameters"),
)
# Columns with one value a model, whose filters are lists of values.
KEYED = ("category", "library", "license", "author", "gated")
# Counters with a filter from-to.
COUNTED = ("downloads", "likes")
LISTS = (*KEYED, "size", "tag", "language", "base_model", "relation")
RANGES = (*COUNTED, "created")
# What a list of models shows.
LISTED = (
    *("id", "downloads", "likes", "category", "library", "license", "parameters"),
    *("downloads_all_time", "trending_score", "created_at", "gated"),
)
# Of a counter in an address: more fit no column.
_DIGITS = 18
# From and to, both included; None: without a bound.
Numbers: TypeAlias = tuple[int | None, int | None]
Dates: TypeAlias = tuple[date | None, date | None]
Values: TypeAlias = tuple[str, ...]

# A word or a value costs a pass over the rows: an address may not ask for thousands.
LONGEST_SEARCH, MOST_VALUES = 200, 50


@dataclass(frozen=True)
class ModelQuery:
    """Filters of the list of models, joined by AND; the values of one filter by OR.

    An empty tuple is no filter. `NONE_GIVEN` among the values matches models without one.

    Args:
        search: words that the name contains, in any case.
        size: keys of `SIZES`, by parameters.
        gated: "false", "auto", "manual", "true".
        tag: tags as served.
        language: codes of `trends.metrics.languages`, which the Hub serves as tags.
        base_model: names of base models.
        relation: to a base: finetune, adapter, quantized, merge; with `base_model`, to that base.
        downloads: in 30 days, from and to; no model without a counter matches.
        likes: likewise.
        created: days, likewise.
    """

    search: str = ""
    category: Values = ()
    library: Values = ()
    license: Values = ()
    author: Values = ()
    size: Values = ()
    gated: Values = ()
    tag: Values = ()
    language: Values = ()
    base_model: Values = ()
    relation: Values = ()
    downloads: Numbers = (None, None)
    likes: Numbers = (None, None)
    created: Dates = (None, None)
    sort: Sort = "downloads"

    def __post_init__(self) -> None:
        if len(self.search) > LONGEST_SEARCH:
            raise ValueError(f"search: at most {LONGEST_SEARCH} characters, not {len(self.search)}")
        for name in LISTS:
            if (count := len(getattr(self, name))) > MOST_VALUES:
                raise ValueError(f"{name}: at most {MOST_VALUES} values, not {count}")

    @classmethod
    def new_in_week(cls, day: str, sort: Sort = "downloads") -> "ModelQuery":
        """The models created on that day or the six before it."""
        last = date.fromisoformat(day)
        return cls(created=(last - timedelta(days=6), last), sort=sort)

    def to_address(self) -> list[tuple[str, str]]:
        """Names and values of what is set, for an address."""
        said = [("search", self.search)] if self.search.strip() else []
        for name in LISTS:
            said += [(name, value) for value in getattr(self, name)]
        for name in RANGES:
            low, high = ("" if bound is None else str(bound) for bound in getattr(self, name))
            if low or high:
                said.append((name, f"{low}..{high}"))
        return said

    @classmethod
    def from_address(cls, said: Iterable[tuple[str, str]]) -> "ModelQuery":
        """The query that `to_address` gave; other names are not looked at. ValueError."""
        chosen: dict[str, Any] = dict.fromkeys(LISTS, ())
        for name, value in said:
            if name == "search":
                chosen[name] = value
            elif name in LISTS:
                chosen[name] += (value,)
            elif name in RANGES:
                read = date.fromisoformat if name == "created" else _counter
                low, dots, high = value.partition("..")
                if not dots:
                    raise ValueError(f"{name}: give it as from..to, one of them may be empty")
                chosen[name] = tuple(read(bound) if bound else None for bound in (low, high))
        return cls(**chosen)

    @property
    def words(self) -> list[str]:
        """The words of the search, in lower case, each once."""
        return list(dict.fromkeys(self.search.lower().split()))

    @property
    def wanted(self) -> pl.Expr:
        """The filter over the columns of the day's table."""
        # Literal: a visitor's regular expression may run for ever.
        low = pl.col("id").str.to_lowercase()
        tests = [pl.lit(value=True), *(low.str.contains(word, literal=True) for word in self.words)]
        for name in KEYED:
            if values := getattr(self, name):
                tests.append(_any_of(pl.col(name), values))
        for chosen in (self.tag, self.language):
            if chosen:
                tests.append(_has_tag(chosen))
        if self.base_model or self.relation:
            tests.append(self._made_from())
        return pl.all_horizontal([*tests, *self.measures])

    @property
    def measures(self) -> list[pl.Expr]:
        """The filters over numbers and dates."""
        tests = [self._sized()] if self.size else []
        for name in COUNTED:
            tests += _between(pl.col(name), *getattr(self, name))
        return [*tests, *_between(pl.col("created_at").dt.date(), *self.created)]

    def ordered(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The highest first, then by name; what is unknown comes last."""
        return frame.sort(self.sort, "id", descending=[True, False], nulls_last=True)

    def _sized(self) -> pl.Expr:
        held = pl.col("parameters")
        tests = [
            held.is_null() if size == NONE_GIVEN else (held >= low) & (held < high)
            for size in self.size
            for low, high in [SIZES.get(size, (0, 0))]
        ]
        return pl.any_horizontal(tests).fill_null(value=False)

    def _made_from(self) -> pl.Expr:
        """One base is among the names, and the relation to it among the relations."""
        bases, tests = pl.col("base_models"), [pl.lit(value=True)]
        for name, values in (("id", self.base_model), ("relation", self.relation)):
            if values:
                tests.append(_any_of(pl.element().struct.field(name), values))
        found = bases.list.eval(pl.all_horizontal(tests)).list.any().fill_null(value=False)
        if NONE_GIVEN in self.base_model:
            found |= _empty(bases)
        return found


@dataclass(frozen=True)
class Page:
    """The first rows of a result, and the number of all rows."""

    rows: pl.DataFrame
    total: int


def _counter(text: str) -> int:
    if not text.isdecimal() or len(text) > _DIGITS:
        raise ValueError(f"not a whole number: {text[:80]}")
    return int(text)


def _any_of(column: pl.Expr, values: Values) -> pl.Expr:
    given = [value for value in values if value != NONE_GIVEN]
    found = column.is_in(given).fill_null(value=False)
    return found | column.is_null() if NONE_GIVEN in values else found


def _has_tag(values: Values) -> pl.Expr:
    tags = pl.col("tags")
    tests = [_empty(tags) if value == NONE_GIVEN else tags.list.contains(value) for value in values]
    return pl.any_horizontal(tests).fill_null(value=False)


def _empty(texts: pl.Expr) -> pl.Expr:
    return texts.list.len().fill_null(0) == 0


def _between(column: pl.Expr, low: Any, high: Any) -> list[pl.Expr]:
    tests = [] if low is None else [column >= low]
    return tests if high is None else [*tests, column <= high]
