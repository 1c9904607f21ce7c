"""What a month says about its days, and the digest by which a day given back is proven equal."""

import hashlib
import json
from collections.abc import Iterable

import msgspec
import numpy as np
import polars as pl

from hf_assets.hub.repository_days.schemas import Kind
from hf_assets.storage.records import Record

# The key of the days in a month's footer.
DAYS_NOTE = "days"
# Rows that are digested at a time.
_BLOCK = 1 << 16


class DayFacts(Record):
    """A day of a series.

    Attributes:
        trusted: `day_quality` trusts it.
        rows: repositories listed.
        digest: of identities, names, traits and counters of its table.
        mark: size and time of the table's file.
        repeated: rows left out, as another row of that day has their identity.
        only_here: its table has no rows, or is gone: the month alone has them.
    """

    trusted: bool
    rows: int
    digest: str
    mark: tuple[int, int] = (0, 0)
    repeated: int = 0
    only_here: bool = False


def days_of(notes: dict[str, object]) -> dict[str, DayFacts]:
    """The days that the footer of a month names, oldest first."""
    return msgspec.convert(notes.get(DAYS_NOTE, {}), dict[str, DayFacts])


def digest(rows: Iterable[pl.DataFrame], kind: Kind) -> str:
    """The digest of a day's rows, in the order of `hub_id`: equal rows have an equal one.

    Args:
        rows: parts of any size.
        kind: whose columns count.
    """
    digests = ColumnDigests()
    for part in rows:
        digests.add_all(part, kind.kept)
    return digests.of_all()


class ColumnDigests:
    """A digest of each column of rows that come in parts of any size."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[hashlib.blake2b, hashlib.blake2b, hashlib.blake2b]] = {}

    def add_all(self, rows: pl.DataFrame, columns: Iterable[str]) -> None:
        """The next values of several columns."""
        for name in columns:
            self.add(rows[name])

    def add(self, column: pl.Series, name: str | None = None) -> None:
        """The next values of a column."""
        name = name or column.name
        if name not in self._parts:
            one, two, three = (hashlib.blake2b(digest_size=16) for _ in range(3))
            self._parts[name] = one, two, three
        nulls, lengths, values = self._parts[name]
        for part in column.to_frame().iter_slices(_BLOCK):
            self._add(part.to_series(), name, nulls, lengths, values)

    def _add(
        self,
        part: pl.Series,
        name: str,
        nulls: "hashlib.blake2b",
        lengths: "hashlib.blake2b",
        values: "hashlib.blake2b",
    ) -> None:
        missing = part.null_count()
        nulls.update(part.is_null().to_numpy().tobytes() if missing else bytes(len(part)))
        if part.dtype == pl.List:
            lengths.update(part.list.len().fill_null(0).to_numpy().tobytes())
            self.add(part.filter(part.list.len() > 0).explode(), f"{name}.")
            return
        if part.dtype == pl.String:
            ends, content = _texts(part.fill_null("") if missing else part)
            lengths.update(np.diff(ends).tobytes())
            values.update(content)
            return
        plain = part.cast(pl.UInt8) if part.dtype == pl.Boolean else part.to_physical()
        values.update((plain.fill_null(0) if missing else plain).to_numpy().tobytes())

    def digests(self) -> dict[str, str]:
        """That of each column, by its name."""
        return {
            name: "".join(part.hexdigest() for part in parts) for name, parts in self._parts.items()
        }

    def of_all(self) -> str:
        """That of all columns together."""
        text = json.dumps(self.digests(), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _texts(texts: pl.Series) -> tuple[np.ndarray, memoryview]:
    """Where each begins and ends, and their bytes, one after the other."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets, content = array.buffers()[1:]
    ends = np.frombuffer(offsets, np.int64)[array.offset :][: len(array) + 1]
    return ends, memoryview(content)[ends[0] : ends[-1]]
