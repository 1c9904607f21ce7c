"""A day of `models` becomes arrays that answer at once: the rows by downloads, and who has what.

A folder of Arrow files, which readers map into memory. `names`, `numbers`, `codes`: a row a model,
most downloads first; codes are the numbers of its category, licence, … among the keys. `orders`:
the numbers of these rows in other orders. `keys`: every value of a field, sorted, with the part of
`postings` that lists the rows that have it. `bases`: beside the postings of base models, the
relation.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from hf_assets.apps.index.query import KEYED, LISTED, SORTS
from hf_assets.storage.stored import StoredTable

# Raised when the files mean something else: those of before are not read again.
FORMAT = 1
ABOUT = "about.json"
# Of a model without a base, in place of a relation.
NO_BASE = 255
_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)
_AT_ONCE = 1 << 22
_MOST = np.int64(2**63 - 1)

Rows = NDArray[np.uint32]
# A value's code above, a row below: sorted, the rows of each value follow each other.
Pairs = NDArray[np.uint64]


class _Postings:
    """Gathers the values of every field, and the rows that have each."""

    def __init__(self) -> None:
        self.fields: dict[str, tuple[int, int]] = {}
        self._keys: list[pl.DataFrame] = []
        self._rows: list[Rows] = []
        self._size = 0

    def add(self, field: str, values: pl.Series, counts: NDArray, rows: Rows) -> None:
        """A field's values in order, null last; how many rows each has; the rows of one by one."""
        begin = sum(part.height for part in self._keys)
        self.fields[field] = (begin, begin + len(values))
        starts = self._size + np.cumsum(counts, dtype=np.uint64) - counts.astype(np.uint64)
        self._keys.append(
            pl.DataFrame({"value": values, "start": starts, "count": counts.astype(np.uint32)})
        )
        self._rows.append(rows)
        self._size += len(rows)

    def write(self, folder: Path) -> None:
        """The files `keys` and `postings`."""
        _write(folder / "keys", pl.concat(self._keys))
        _write(folder / "postings", pl.DataFrame({"row": np.concatenate(self._rows)}))


def build(models: StoredTable, folder: Path, tell: Callable[[float], None] | None = None) -> None:
    """Write the files of a day into an empty folder.

    Args:
        models: the day of `models`.
        folder: where.
        tell: takes the share that is done, 0 to 1.
    """
    tell = tell or (lambda _: None)
    rows, row_of = _in_order(models, folder)
    tell(0.3)
    postings, edges = _Postings(), _Edges()
    values = {field: _Values() for field in KEYED}
    for share, there, table in _groups(models, row_of, KEYED):
        for field in KEYED:
            values[field].add(table[field].combine_chunks(), there)
        tell(0.3 + 0.2 * share)
    codes = {field: values.pop(field).finish(field, postings, rows) for field in KEYED}
    tags = _Values()
    for share, there, table in _groups(models, row_of, ("tags", "base_models")):
        tags.add(*_elements(table["tags"].combine_chunks(), there))
        edges.add(table.select(["base_models"]), there)
        tell(0.5 + 0.25 * share)
    tags.finish("tag", postings, rows)
    # What many models have is not shown; nor is the author, whose name the model's begins with.
    _write(folder / "codes", pl.DataFrame({name: codes[name] for name in KEYED if name in LISTED}))
    tell(0.9)
    relations = edges.finish(postings, folder)
    postings.write(folder)
    about = {"format": FORMAT, "rows": rows, "fields": postings.fields, "relations": relations}
    (folder / ABOUT).write_text(json.dumps(about))


def _in_order(models: StoredTable, folder: Path) -> tuple[int, Rows]:
    """Write names, numbers and orders. Returns how many rows, and the row of each in the table."""
    ids = _column(models, "id")
    # Sorted by name once: every other order keeps it among equals.
    names = ids.arg_sort().to_numpy()
    best = names[_descending(_column(models, "downloads").gather(names))]
    ids = ids.gather(best)
    _write(folder / "names", ids.to_frame().with_columns(low=pl.col("id").str.to_lowercase()))
    del ids
    row_of = np.empty(len(best), np.uint32)
    row_of[best] = np.arange(len(best), dtype=np.uint32)
    rows_by_name = row_of[names]
    orders, numbers = {"name": rows_by_name}, [pl.Series("at", best, dtype=pl.UInt32)]
    for name in SORTS:
        column = _column(models, name)
        numbers.append(column.gather(best))
        if name != "downloads":
            orders[name] = rows_by_name[_descending(column.gather(names))]
    _write(folder / "orders", pl.DataFrame(orders))
    _write(folder / "numbers", pl.DataFrame(numbers))
    return len(best), row_of


def _column(models: StoredTable, name: str) -> pl.Series:
    return models.frame.select(name).collect(engine="streaming").to_series()


def _descending(values: pl.Series) -> NDArray:
    """Where the highest stand, and so on; equals in their order, and nulls last."""
    known = values.is_not_null().to_numpy()
    there = np.flatnonzero(known)
    keys = values.drop_nulls().to_physical().to_numpy()
    if keys.dtype.kind == "f":
        # As whole numbers in the same order; what is no number is above all, as polars has it.
        bits = (keys + 0.0).view(np.int64)
        keys = np.where(np.isnan(keys), _MOST, bits ^ ((bits >> 63) & _MOST))
    return np.append(there[np.argsort(~keys, kind="stable")], np.flatnonzero(~known))


def _groups(
    models: StoredTable, row_of: Rows, columns: Sequence[str]
) -> Iterator[tuple[float, Rows, pa.Table]]:
    """Each row group with the rows of its models, and the share that is read with it."""
    file, first = models.file.arrow(), 0
    for number in range(file.num_row_groups):
        table = file.read_row_group(number, columns=list(columns))
        yield (number + 1) / file.num_row_groups, row_of[first : first + table.num_rows], table
        first += table.num_rows


def _elements(lists: pa.ListArray, rows: Rows) -> tuple[pa.Array, Rows, Rows]:
    """The elements that are not null, the row of each, and the rows whose list is empty."""
    lengths = np.asarray(lists.value_lengths().fill_null(0))
    elements, owners = lists.flatten(), np.repeat(rows, lengths)
    if elements.null_count:
        there = elements.is_valid()
        elements, owners = elements.filter(there), owners[np.asarray(there)]
    return elements, owners, rows[lengths == 0]


class _Values:
    """The values of a field and the rows that have each: of tags, some 30 million rows."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._pairs: list[Pairs] = []
        self._without: list[Rows] = []

    def add(self, texts: pa.Array, owners: Rows, without: Rows | None = None) -> None:
        """The values of a row group, the row of each, and the rows that have none.

        Args:
            texts: null stands for none where there is no `without`.
            owners: as many rows.
            without: the rows of no text.
        """
        if without is None:
            there = np.asarray(texts.is_valid())
            texts, owners, without = texts.drop_null(), owners[there], owners[~there]
        self._without.append(without)
        coded = texts.dictionary_encode()
        codes = self._codes
        named = [codes.setdefault(text, len(codes)) for text in coded.dictionary.to_pylist()]
        if named:
            self._pairs.append(
                _pairs(np.array(named, np.uint32)[np.asarray(coded.indices)], owners)
            )

    def _joined(self) -> Pairs:
        """All pairs; each part goes as soon as it is copied."""
        joined, at = np.empty(sum(map(len, self._pairs)), np.uint64), 0
        while self._pairs:
            part = self._pairs.pop()
            joined[at : at + len(part)] = part
            at += len(part)
        return joined

    def finish(self, field: str, postings: _Postings, rows: int) -> pl.Series:
        """Add them; a model that has a value twice has it once.

        Returns the number of each row's value, of the last one where it has several.
        """
        texts = pl.Series(list(self._codes), dtype=pl.String)
        self._codes.clear()
        order = texts.arg_sort().to_numpy()
        rank = np.empty(len(order), np.uint64)
        rank[order] = np.arange(len(order), dtype=np.uint64)
        pairs = self._joined()
        for begin in range(0, len(pairs), _AT_ONCE):
            part = pairs[begin : begin + _AT_ONCE]
            part[:] = (rank[part >> _HIGH] << _HIGH) | (part & _LOW)
        pairs.sort()
        pairs = _each_once(pairs)
        keys, owners = (pairs >> _HIGH).astype(np.uint32), _rows(pairs)
        del pairs
        codes = np.full(rows, len(texts), np.uint16 if len(texts) < 1 << 16 else np.uint32)
        codes[owners] = keys
        counts = np.bincount(keys, minlength=len(texts))
        without = np.sort(np.concatenate(self._without)) if self._without else _none()
        postings.add(
            field,
            pl.concat([texts.gather(order), pl.Series([None], dtype=pl.String)]),
            np.append(counts, len(without)),
            np.concatenate([owners, without]),
        )
        return pl.Series(codes)


class _Edges:
    """From models to their base models, in the order of each model's list."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []
        self._without: list[Rows] = []

    def add(self, table: pa.Table, rows: Rows) -> None:
        """The base models of a row group, and the row of each model."""
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        frame = frame.with_columns(row=rows)
        some = pl.col("base_models").list.len().fill_null(0) > 0
        self._without.append(frame.filter(~some)["row"].to_numpy())
        self._parts.append(frame.filter(some).explode("base_models").unnest("base_models"))

    def finish(self, postings: _Postings, folder: Path) -> list[str | None]:
        """Add base models and relations; write the relation beside each posting of a base."""
        edges = pl.concat(self._parts).with_row_index("at") if self._parts else _NO_EDGES
        edges = edges.select("row", base="id", relation="relation", at="at")
        names = edges["relation"].unique().sort(nulls_last=True)
        numbered = names.to_frame("relation").with_row_index("code")
        edges = edges.join(numbered, on="relation", nulls_equal=True, how="left")
        edges = edges.sort("base", "row", "at", nulls_last=True)
        values = edges["base"].unique(maintain_order=True)
        counts = edges.group_by("base", maintain_order=True).len()["len"].to_numpy()
        rows, codes = edges["row"].to_numpy(), edges["code"].to_numpy().astype(np.uint8)
        without = np.sort(np.concatenate(self._without)) if self._without else _none()
        # Without a base, and with one that has no name: both have none that is given.
        if not values.null_count():
            values, counts = values.append(pl.Series([None], dtype=pl.String)), np.append(counts, 0)
        counts = counts.copy()
        counts[-1] += len(without)
        postings.add("base_model", values, counts, np.concatenate([rows, without]))
        beside = np.concatenate([codes, np.full(len(without), NO_BASE, np.uint8)])
        _write(folder / "bases", pl.DataFrame({"relation": beside}))
        pairs = _pairs(codes.astype(np.uint32), rows)
        pairs.sort()
        pairs = _each_once(pairs)
        having = np.bincount((pairs >> _HIGH).astype(np.int32), minlength=len(names))
        postings.add("relation", names, having, _rows(pairs))
        return names.to_list()


_NO_EDGES = pl.DataFrame(
    schema={"row": pl.UInt32, "id": pl.String, "relation": pl.String, "at": pl.UInt32}
)


def _none() -> Rows:
    return np.empty(0, np.uint32)


def _pairs(codes: NDArray, rows: Rows) -> Pairs:
    return (codes.astype(np.uint64) << _HIGH) | rows


def _rows(pairs: Pairs) -> Rows:
    return pairs.astype(np.uint32)  # the lower half


def _each_once(pairs: Pairs) -> Pairs:
    again = pairs[1:] == pairs[:-1]
    return pairs[np.append(True, ~again)] if again.any() else pairs


def _write(path: Path, frame: pl.DataFrame) -> None:
    """As one batch, uncompressed: readers map it, and each column is one piece of memory."""
    table = frame.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    with pa.ipc.new_file(path.with_suffix(".arrow"), table.schema) as writer:
        writer.write_table(table)
