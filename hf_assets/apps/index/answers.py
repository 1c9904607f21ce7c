"""What an index answers about its day of models: as polars over the table would, and at once."""

import json
import mmap
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from hf_assets.apps.index.making import ABOUT, NO_BASE, Rows
from hf_assets.apps.index.query import KEYED, LISTED, NONE_GIVEN, ModelQuery, Page, Values

# Rows of an order that are looked at first; then four times as many, and so on.
_FIRST_LOOK = 1 << 12
# Below this part of the rows, their names are picked out rather than all searched.
_FEW = 3

Mask = NDArray[np.bool_]


class DayIndex:
    """The arrays of a day, mapped: only what an answer touches is in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        about = json.loads((folder / ABOUT).read_text())
        self.rows: int = about["rows"]
        self._fields: dict[str, tuple[int, int]] = about["fields"]
        self._relations: list[str | None] = about["relations"]
        # All are opened now: whoever removes the folder takes nothing from its readers.
        self._maps = {
            name: _map(folder / f"{name}.arrow")
            for name in ("names", "numbers", "codes", "orders", "keys", "postings", "bases")
        }
        self._frames = {name: _frame(mapped) for name, mapped in self._maps.items()}
        self._models = self._frames["names"].hstack(self._frames["numbers"])

    def release(self) -> None:
        """Give back the memory of what was touched; the next answer maps it again.

        The kernel keeps the pages while nobody else needs the room, so little is read again.
        """
        for mapped in self._maps.values():
            mapped.madvise(mmap.MADV_DONTNEED)

    # --- values and the rows that have them ------------------------------------------------------

    def values(self, field: str, most: int) -> list[str | None]:
        """The values of a field that most models have, most first; None among them: no value."""
        begin, end = self._fields[field]
        counts = self._counts[begin:end]
        first = np.argsort(-counts.astype(np.int64), kind="stable")[:most]
        keys = self._keys[begin:end]
        return [keys[int(at)] for at in first if counts[at]]

    def values_of(self, field: str, wanted: Iterable[str]) -> list[str]:
        """Of these values those that models have, in the order of `values`.

        There are a million tags: who wants some of them does not look at all.
        """
        places = {value: self._key(field, value) for value in wanted}
        counts = {value: self._counts[at] for value, at in places.items() if at is not None}
        return sorted(counts, key=lambda value: (-int(counts[value]), value.encode()))

    @cached_property
    def _keys(self) -> pl.Series:
        return self._frames["keys"]["value"]

    @cached_property
    def _counts(self) -> NDArray[np.uint32]:
        return self._frames["keys"]["count"].to_numpy()

    @cached_property
    def _postings(self) -> Rows:
        return self._frames["postings"]["row"].to_numpy()

    def _key(self, field: str, value: str | None) -> int | None:
        """The number of a value; null is the last one."""
        begin, end = self._fields[field]
        if value is None:
            return end - 1 if end > begin and self._keys[end - 1] is None else None
        keys, wanted = self._keys, value.encode()
        last = end - 1 if end > begin and keys[end - 1] is None else end
        at = bisect_left(range(last), wanted, begin, last, key=lambda key: keys[key].encode())
        return at if at < last and keys[at] == value else None

    def _part(self, field: str, value: str | None) -> slice:
        """Where the rows with a value stand among the postings."""
        key = self._key(field, value)
        if key is None:
            return slice(0, 0)
        start = self._frames["keys"]["start"][key]
        return slice(start, start + int(self._counts[key]))

    def _having(self, field: str, value: str | None) -> Rows:
        return self._postings[self._part(field, value)]

    # --- queries ---------------------------------------------------------------------------------

    def page(self, query: ModelQuery, first: int) -> Page:
        """The matching models in the query's order, and their number."""
        mask = self._mask(query)
        total = self.rows if mask is None else int(np.count_nonzero(mask))
        return Page(self._shown(self._best(mask, query.sort, min(first, total))), total)

    def _mask(self, query: ModelQuery) -> Mask | None:
        """Which models match; None: all."""
        mask: Mask | None = None
        for found in self._filters(query):
            mask = found if mask is None else mask & found
            if not mask.any():
                return mask
        return self._searched(query.words, mask) if query.words else mask

    def _filters(self, query: ModelQuery) -> Iterator[Mask]:
        chosen = {name: getattr(query, name) for name in KEYED}
        chosen_tags = (("tag", query.tag), ("tag", query.language))
        for field, values in (*chosen.items(), *chosen_tags):
            if values:
                parts = [self._having(field, None if v == NONE_GIVEN else v) for v in values]
                yield self._marked(*parts)
        if query.base_model:
            yield self._marked(*self._made_from(query.base_model, query.relation))
        elif query.relation:
            yield self._marked(*(self._having("relation", _value(v)) for v in query.relation))
        for test in query.measures:
            yield self._models.select(test.fill_null(value=False)).to_series().to_numpy()

    def _made_from(self, bases: Values, relations: Values) -> Iterator[Rows]:
        wanted = [self._relations.index(_value(v)) for v in relations
                  if _value(v) in self._relations]  # fmt: skip
        for base in bases:
            part = self._part("base_model", _value(base))
            rows = self._postings[part]
            if relations:
                rows = rows[np.isin(self._beside(part), [*wanted, NO_BASE])]
            yield rows

    def _beside(self, part: slice) -> NDArray[np.uint8]:
        """The relations of postings of base models."""
        begin = self._frames["keys"]["start"][self._fields["base_model"][0]]
        relations = self._frames["bases"]["relation"].to_numpy()
        return relations[part.start - begin : part.stop - begin]

    def _marked(self, *parts: Rows) -> Mask:
        mask = np.zeros(self.rows, np.bool_)
        for rows in parts:
            mask[rows] = True
        return mask

    def _searched(self, words: list[str], mask: Mask | None) -> Mask:
        """Of these models, those whose name has every word."""
        # A long word leaves few names for the others.
        for word in sorted(words, key=len, reverse=True):
            names, rows = self._models["low"], None
            if mask is not None and np.count_nonzero(mask) * _FEW < self.rows:
                rows = np.flatnonzero(mask)
                names = names.gather(rows)
            having = names.to_frame().lazy().select(pl.col("low").str.contains(word, literal=True))
            found = having.collect(engine="streaming").to_series().to_numpy()
            if rows is not None:
                mask = self._marked(rows[found])
            else:
                mask = found if mask is None else mask & found
        # The largest column, of which the answer needs some names: see `release`.
        self._maps["names"].madvise(mmap.MADV_DONTNEED)
        assert mask is not None
        return mask

    def _best(self, mask: Mask | None, sort: str, first: int) -> NDArray:
        """The first rows of an order that match."""
        if sort == "downloads":  # the order of the rows
            return np.arange(first) if mask is None else np.flatnonzero(mask)[:first]
        order = self._frames["orders"][sort].to_numpy()
        if mask is None:
            return order[:first]
        look = _FIRST_LOOK
        while True:
            rows = order[:look]
            rows = rows[mask[rows]]
            if len(rows) >= first or look >= self.rows:
                return rows[:first]
            look *= 4

    def _shown(self, rows: NDArray) -> pl.DataFrame:
        at = rows.astype(np.uint32)
        shown = self._models[at]
        codes = self._frames["codes"][at]
        return shown.with_columns(self._decoded(codes[name]) for name in codes.columns).select(
            LISTED
        )

    def _decoded(self, codes: pl.Series) -> pl.Series:
        begin, _ = self._fields[codes.name]
        return self._keys.gather(codes.cast(pl.UInt32) + begin).alias(codes.name)

    # --- one model -------------------------------------------------------------------------------

    def position(self, name: str) -> int | None:
        """The number of a model's row in the day's table; None where there is none."""
        ids, wanted = self._models["id"], name.encode()
        order = self._frames["orders"]["name"].to_numpy()
        at = bisect_left(order, wanted, key=lambda row: ids[int(row)].encode())
        if at < self.rows and ids[row := int(order[at])] == name:
            return self._models["at"][row]
        return None

    def rank(self, category: str, downloads: int) -> tuple[int, int]:
        """The rank of so many downloads in a category, and the number of models there."""
        rows = self._having("category", category)
        counters = self._models["downloads"]
        known = self.rows - counters.null_count()
        more = bisect_left(range(known), -downloads, key=lambda row: -counters[row])
        return int(np.searchsorted(rows, more)) + 1, len(rows)

    def derivatives(self, name: str, first: int) -> Page:
        """The models that name it as a base, most downloads first, with their relation."""
        part = self._part("base_model", name)
        # The first of a model's relations to it.
        rows, at = np.unique(self._postings[part], return_index=True)
        codes = self._beside(part)[at][:first]
        shown = self._shown(rows[:first]).select("id", "downloads", "likes", "license")
        relations = pl.Series([self._relations[code] for code in codes], dtype=pl.String)
        return Page(shown.with_columns(relation=relations), len(rows))

    # --- authors ---------------------------------------------------------------------------------

    def sums(self, query: ModelQuery) -> dict[str, Any]:
        """Totals of the matching models: models, downloads, downloads_all_time, likes."""
        mask = self._mask(query)
        frame = self._frames["numbers"]
        frame = frame if mask is None else frame[np.flatnonzero(mask)]
        return frame.select(**TOTALS).row(0, named=True)


TOTALS = {
    "models": pl.len(),
    **{name: pl.col(name).sum() for name in ("downloads", "downloads_all_time", "likes")},
    "first_created": pl.col("created_at").min(),
    "last_created": pl.col("created_at").max(),
}


def _value(text: str) -> str | None:
    return None if text == NONE_GIVEN else text


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _frame(mapped: mmap.mmap) -> pl.DataFrame:
    frame = pl.from_arrow(pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).read_all())
    assert isinstance(frame, pl.DataFrame)
    return frame
