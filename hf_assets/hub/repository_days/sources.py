"""The tables of days, of which a series is made."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import polars as pl
import pyarrow as pa

from hf_assets.hub.repository_days.facts import ColumnDigests
from hf_assets.hub.repository_days.schemas import NAMED, Kind
from hf_assets.storage.lake import Lake
from hf_assets.storage.months import Mark, marks
from hf_assets.storage.stored import ROWS_IN

# Rows that are put together at a time.
_PART = 1 << 16


@dataclass(frozen=True)
class SourceDay:
    """A day as its table is now.

    Attributes:
        mark: of its file.
        trusted: `day_quality` trusts the day.
        gone: there is no table any more; the month alone has the rows.
    """

    mark: Mark
    trusted: bool
    gone: bool = False


def source_days(lake: Lake, kind: Kind) -> dict[str, SourceDay]:
    """The stored days, oldest first. MissingDay where `day_quality` was never materialised."""
    quality = lake.read("day_quality", None).frame
    columns = quality.collect_schema().names()
    trusted = pl.col(kind.trusted) if kind.trusted in columns else pl.lit(None, pl.Boolean)
    rows = quality.select("day", trusted=trusted.fill_null(value=False)).collect()
    trusts = {day.isoformat(): trusted for day, trusted in rows.iter_rows()}
    return {
        day: SourceDay(mark, trusts.get(day, False))
        for day, mark in marks(lake, kind.source.name).items()
    }


def is_only_in_month(lake: Lake, kind: Kind, day: str, source: SourceDay) -> bool:
    """Whether a day's rows lie nowhere but in its month."""
    return source.gone or ROWS_IN in lake.notes(kind.source.name, day)


class DayRows(ABC):
    """A day's rows in the order of `hub_id`, a range after the other; no more are in memory.

    Attributes:
        height: rows that were given.
        repeated: rows left out, as another row of that day has their identity.
    """

    def __init__(self, kind: Kind, repeated: int = 0) -> None:
        self._kind, self.height, self.repeated = kind, 0, repeated
        self._digests = ColumnDigests()

    @property
    def digest(self) -> str:
        """The digest of the rows that were given."""
        return self._digests.of_all()

    @property
    def digests(self) -> dict[str, str]:
        """That of each column."""
        return self._digests.digests()

    def until(self, last: str | None) -> pl.DataFrame:
        """The following rows to that identity; None: all others.

        Returns:
            hub_id, id, traits and counters.
        """
        rows = self._until(last)
        self._digests.add_all(rows, self._kind.kept)
        self.height += rows.height
        return rows

    def read_all(self) -> "DayRows":
        """Digest all of them."""
        while last := self.ahead(_PART):
            self.until(last)
        self.until(None)
        return self

    @abstractmethod
    def ahead(self, count: int) -> str | None:
        """The identity of the following row of that number; None: no other row follows it."""

    @abstractmethod
    def _until(self, last: str | None) -> pl.DataFrame: ...


class GivenRows(DayRows):
    """Rows that come in their order.

    Args:
        parts: of any size.
        kind: of repository.
        repeated: rows that were left out.
    """

    def __init__(self, parts: Iterable[pl.DataFrame], kind: Kind, repeated: int = 0) -> None:
        super().__init__(kind, repeated)
        schema = {name: kind.source.schema[name] for name in kind.kept}
        self._parts, self._waiting = iter(parts), pl.DataFrame(schema=schema)

    def ahead(self, count: int) -> str | None:
        """The identity of the following row of that number; None: no other row follows it."""
        while self._waiting.height <= count and self._more():
            pass
        return self._waiting["hub_id"][count - 1] if self._waiting.height > count else None

    def _more(self) -> bool:
        if (part := next(self._parts, None)) is None:
            return False
        self._waiting = pl.concat([self._waiting, part]) if self._waiting.height else part
        return True

    def _until(self, last: str | None) -> pl.DataFrame:
        while last is None or not self._waiting.height or self._waiting["hub_id"][-1] <= last:
            if not self._more():
                break
        rows = self._waiting
        end = rows.height if last is None else end_of(rows["hub_id"], last)
        self._waiting = rows[end:]
        return rows[:end]


class OneLength:
    """Texts of the same number of bytes; a Series takes 16 bytes more for each, and copies more.

    Args:
        values: an array of bytes.
    """

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def __len__(self) -> int:
        """How many there are."""
        return len(self._values)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> pl.Series: ...

    def __getitem__(self, at: int | slice) -> str | pl.Series:
        """One of them, or neighbours."""
        if isinstance(at, int):
            return self._values[at : at + 1].tobytes().decode()
        values = self._values[at]
        ends = np.arange(len(values) + 1) * values.itemsize
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(values)]
        texts = pl.from_arrow(pa.Array.from_buffers(pa.large_string(), len(values), buffers))
        assert isinstance(texts, pl.Series)
        return texts.alias("hub_id")

    def filter(self, kept: np.ndarray) -> "OneLength":
        """Some of them."""
        return OneLength(self._values[kept])


class TableRows(DayRows):
    """The rows of a day's table, whatever their order there.

    A listing is nearly in the order of `hub_id`, forwards or backwards: of its row groups one or
    two are in memory at a time, beside all identities. Of a table in another order all are.

    Args:
        lake: the lake.
        kind: of repository.
        day: YYYY-MM-DD.

    Attributes:
        named: every identity that begins with `name:` is one that the table lacks.

    Raises:
        MissingDay: there is no such day.
    """

    def __init__(self, lake: Lake, kind: Kind, day: str) -> None:
        stored = lake.read(kind.source.name, day)
        self._file = stored.file.arrow()
        self._schema = stored.frame.select(kind.kept).collect_schema()
        found = self._of_one_length() or self._texts()
        keys, order, repeated, self.named = found
        if count := int(repeated.sum()):
            keys, order = keys.filter(~repeated), order[~repeated]
        super().__init__(kind, count)
        self._keys, self._at, self._places = keys, 0, order
        about = self._file.metadata
        sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
        self._begins = np.cumsum([0, *sizes])
        # Rows of each group that are still to come; the groups in memory.
        self._left = np.bincount(self._groups(self._places), minlength=max(len(sizes), 1))
        self._held: dict[int, pl.DataFrame] = {}
        pa.default_memory_pool().release_unused()

    def _of_one_length(self) -> "tuple[OneLength, np.ndarray, np.ndarray, bool] | None":
        """Identities in their order, the row of each, which repeat, `named`; None: see `_texts`."""
        parts: list[np.ndarray] = []
        for group in range(self._file.num_row_groups):
            read = self._file.read_row_group(group, ["hub_id"], use_threads=False)
            if not read.num_rows:
                continue
            texts = read["hub_id"].combine_chunks().cast(pa.large_string())
            ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(texts) + 1]
            width = parts[0].itemsize if parts else int(ends[-1] - ends[0]) // len(texts)
            if texts.null_count or not width or (np.diff(ends) != width).any():
                return None
            content = np.frombuffer(texts.buffers()[2], np.uint8)[ends[0] : ends[-1]]
            parts.append(content.copy().view(f"S{width}"))
        if not parts:
            return None
        values = np.concatenate(parts)
        del parts
        order = np.arange(len(values), dtype=np.uint32)
        if (values[1:] < values[:-1]).any():
            order = np.argsort(values, kind="stable").astype(np.uint32)
            values = values[order]
        repeated = np.append(False, values[1:] == values[:-1])
        first, last = np.searchsorted(values, [NAMED.encode(), NAMED.encode() + b"\xff"])
        return OneLength(values), order, repeated, bool(first == last)

    def _texts(self) -> tuple[pl.Series, np.ndarray, np.ndarray, bool]:
        """`_of_one_length` of any."""
        keys = self._column("hub_id")
        if nameless := keys.null_count():
            frame = pl.DataFrame([keys, self._column("id")])
            keys = frame.select(pl.coalesce("hub_id", NAMED + pl.col("id"))).to_series()
        order = np.arange(len(keys), dtype=np.uint32)
        if not keys.is_sorted():
            every = keys.to_frame().select(pl.arg_sort_by("hub_id", maintain_order=True))
            order = every.to_series().to_numpy()
            keys = keys.gather(every.to_series())
        # Identities that begin as ours do are those that the table lacks.
        named = nameless == int(keys.str.starts_with(NAMED).sum())
        return keys, order, (keys == keys.shift()).fill_null(value=False).to_numpy(), named

    def _column(self, name: str) -> pl.Series:
        """A column, read a row group at a time: the file as Arrow is as large again."""
        parts = [pl.DataFrame(schema={name: self._schema[name]})]
        for group in range(self._file.num_row_groups):
            parts.append(self._read(group, [name]))
        return pl.concat(parts, rechunk=False).to_series()

    def _read(self, group: int, names: Sequence[str]) -> pl.DataFrame:
        """Columns of a row group. Of such texts pyarrow reads twice as many a second as polars."""
        read = pl.from_arrow(self._file.read_row_group(group, [*names], use_threads=False))
        assert isinstance(read, pl.DataFrame)
        return read.select(pl.col(name).cast(self._schema[name]) for name in names)

    def _groups(self, places: np.ndarray) -> np.ndarray:
        """The row group of each row of the table."""
        return np.searchsorted(self._begins, places, side="right") - 1

    def ahead(self, count: int) -> str | None:
        """The identity of the following row of that number; None: no other row follows it."""
        at = self._at + count
        return self._keys[at - 1] if at < len(self._keys) else None

    def _until(self, last: str | None) -> pl.DataFrame:
        begin = self._at
        end = len(self._keys) if last is None else end_of(self._keys, last, begin)
        self._at = end
        others = self._gathered(self._places[begin:end])
        return others.insert_column(0, self._keys[begin:end])

    def _gathered(self, places: np.ndarray) -> pl.DataFrame:
        """The columns beside `hub_id` of these rows of the table."""
        names = self._kind.kept[1:]
        of_group = self._groups(places)
        groups = np.flatnonzero(np.bincount(of_group)) if len(places) else places
        parts, order = [pl.DataFrame(schema=self._schema).select(names)], list[np.ndarray]()
        for group in groups.tolist():
            rows = np.flatnonzero(of_group == group)
            if group not in self._held:
                self._held[group] = self._read(group, names)
            parts.append(self._held[group][places[rows] - self._begins[group]])
            order.append(rows)
            self._left[group] -= len(rows)
            if not self._left[group]:
                del self._held[group]
        every = pl.concat(parts)
        to = np.concatenate(order) if order else places
        if (np.diff(to) < 0).any():
            every = every[np.argsort(to)]
        return every


def end_of(keys: pl.Series | OneLength, last: str, begin: int = 0) -> int:
    """The row after the last one whose identity is not after `last`."""
    low, high = begin, len(keys)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if keys[middle] <= last else (low, middle)
    return low
