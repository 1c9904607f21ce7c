"""Where every artefact lies, and how it gets there whole.

One table of one day is one Parquet file, `<root>/<asset>/day=YYYY-MM-DD/data.parquet`: written
beside its place, synced, and moved over the old file in one step, so that a reader sees the old day
or the new one. Its footer carries what a later reader wants to know without reading rows: where the
day came from, what was counted on the way, how long it took. A table without days lies in
`<root>/<asset>/data.parquet`. What is more than tables (a corpus, a classifier) is a folder, and is
replaced as one.

Only this module may assume that the lake is a folder of this machine.
"""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.durable import recover, replacing, write_bytes

# Rows of a row group at most: 128 k models are ~40 MB in memory; groups four times as large save
# 4 % of the bytes and cost 200 MB.
ROW_GROUP = 1 << 17
# A dictionary page of 1 MB, pyarrow's default, overflows on `tags` and doubles the column.
DICTIONARY_PAGE = 16 << 20
# Level 9 saves 6 % of the bytes and doubles the time to write them.
ZSTD_LEVEL = 3

FOOTER_KEY = "hf_assets"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_./-]*")


class MissingDay(LookupError):
    """A table has no such day, or was never made; the message says what to materialise."""


class MissingArtefact(LookupError):
    """A folder was never made; the message says which."""


@dataclass(frozen=True)
class Column:
    """One column: its polars type and what it means, with its unit."""

    dtype: pl.DataType | type[pl.DataType]
    description: str


@dataclass(frozen=True)
class Table:
    """What a stored table promises: its name, its columns in order, the columns never null.

    `row_group` is the number of rows that are gathered before they are written as a row group.
    `encodings` names Parquet encodings that suit the order of its rows better than those that suit
    the type; `preview_by` the column whose highest values show the table best, or None.
    """

    name: str
    columns: Mapping[str, Column]
    required: tuple[str, ...] = ()
    encodings: Mapping[str, str] = field(default_factory=dict)
    preview_by: str | None = None
    row_group: int = ROW_GROUP

    @property
    def schema(self) -> pl.Schema:
        """The polars schema."""
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})


@dataclass
class Made:
    """One day of a table on its way into the lake.

    Args:
        frames: the rows, in batches of any size.
        notes: counts by name, complete once `frames` is exhausted; kept in the footer.
        provenance: for each raw asset behind the table, what its capture says of itself.
        aside: small side tables by name, complete once `frames` is exhausted; those with rows are
            stored beside the data, as `<name>.parquet`.
    """

    frames: Iterable[pl.DataFrame]
    notes: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    aside: dict[str, pl.DataFrame] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """One day of a table as it lies in the lake; `frame` is lazy, the rest is from the footer.

    `day` is empty for a table without days.
    """

    path: Path
    day: str
    rows: int
    notes: dict[str, Any]
    provenance: dict[str, dict[str, Any]]
    seconds: float

    @property
    def frame(self) -> pl.LazyFrame:
        """The rows, unread."""
        return pl.scan_parquet(self.path, hive_partitioning=False)

    def aside(self, name: str) -> pl.DataFrame | None:
        """The side table of that name, or None where it has no rows."""
        path = self.path.with_name(f"{name}.parquet")
        return pl.read_parquet(path) if path.exists() else None


class Lake:
    """The tree of artefacts under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def folder(self, asset: str, day: str | None) -> Path:
        """Where that day of that asset lies, or, without a day, the asset.

        Raises:
            ValueError: no asset or day can have that name.
        """
        if not _NAME.fullmatch(asset) or ".." in asset:
            raise ValueError(f"not an asset's name: {asset!r}")
        if day is None:
            return self.root / asset
        if not _DAY.fullmatch(day):
            raise ValueError(f"not a day (YYYY-MM-DD): {day!r}")
        return self.root / asset / f"day={day}"

    def days(self, asset: str, marker: str = "data.parquet") -> list[str]:
        """The days of that asset that are whole, oldest first.

        Args:
            asset: its name.
            marker: the file whose presence says that the day is whole.
        """
        found = self.root.joinpath(asset).glob(f"day=*/{marker}")
        return sorted(path.parent.name.removeprefix("day=") for path in found)

    def write(self, table: Table, day: str | None, made: Made) -> Stored:
        """Store one day, or a table without days, in one step; on any error the old one stays."""
        folder = self.folder(table.name, day)
        path = folder / "data.parquet"
        began = time.perf_counter()
        # Everything is written before anything is moved; first in, last moved.
        with ExitStack() as moves:
            with ParquetBatches(moves.enter_context(replacing(path)), table) as writer:
                for frame in made.frames:
                    writer.write(frame)
                writer.footer = {
                    "day": day,
                    "notes": made.notes,
                    "provenance": made.provenance,
                    "seconds": round(time.perf_counter() - began, 3),
                }
            for name, frame in made.aside.items():
                if frame.height:
                    aside = moves.enter_context(replacing(folder / f"{name}.parquet"))
                    frame.write_parquet(aside)
        for name, frame in made.aside.items():
            if not frame.height:
                (folder / f"{name}.parquet").unlink(missing_ok=True)
        return self.read(table.name, day)

    def read(self, asset: str, day: str | None) -> Stored:
        """That day of that table (or a table without days), unread. MissingDay if not there."""
        path = self.folder(asset, day) / "data.parquet"
        if not path.exists():
            raise MissingDay(
                f"there is no {asset} for {day}: materialise {asset} of that day first"
                if day
                else f"there is no {asset}: materialise it first"
            )
        metadata = pq.read_metadata(path)
        footer = json.loads((metadata.metadata or {}).get(FOOTER_KEY.encode(), b"{}"))
        return Stored(
            path=path,
            day=day or "",
            rows=metadata.num_rows,
            notes=footer.get("notes", {}),
            provenance=footer.get("provenance", {}),
            seconds=footer.get("seconds", 0.0),
        )

    def before(self, asset: str, day: str) -> Stored | None:
        """The last stored day of that table before `day`, or None."""
        earlier = [known for known in self.days(asset) if known < day]
        return self.read(asset, earlier[-1]) if earlier else None

    def artefact(self, *names: str) -> Path:
        """A folder that is replaced as one; MissingArtefact where it was never made.

        To make it, write into `replacing_folder(lake.folder("/".join(names), None))`.
        """
        path = self.folder("/".join(names), None)
        recover(path)
        if not path.is_dir():
            raise MissingArtefact(f"there is no {'/'.join(names)}: materialise it first")
        return path

    def write_file(self, asset: str, day: str, name: str, content: bytes) -> Path:
        """Store one file of that day of that asset, atomically. Returns its path."""
        if not _NAME.fullmatch(name) or "/" in name:
            raise ValueError(f"not a file name of the lake: {name!r}")
        path = self.folder(asset, day) / name
        write_bytes(path, content)
        return path


class ParquetBatches:
    """A Parquet file written batch by batch, in the lake's encodings.

    Numbers and times are split by byte, text goes through a dictionary, unless the table knows
    better: two thirds of the bytes of polars' own writer on a day of models.
    """

    def __init__(self, path: Path, table: Table) -> None:
        self.path, self.table = path, table
        self.footer: dict[str, Any] = {}
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []

    def __enter__(self) -> "ParquetBatches":
        schema = self._arrow(pl.DataFrame(schema=self.table.schema)).schema
        dictionary, encoding = _encodings(schema, self.table.encodings)
        self._writer = pq.ParquetWriter(
            self.path,
            schema,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            use_dictionary=dictionary,
            column_encoding=encoding,
            dictionary_pagesize_limit=DICTIONARY_PAGE,
        )
        return self

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows; the frame must have the table's columns, in any order."""
        if frame.height:
            # As Arrow while it waits: compact, where a frame holds on to what it was cut from.
            self._waiting.append(self._arrow(frame))
        if sum(part.num_rows for part in self._waiting) >= self.table.row_group:
            self._flush()

    def _flush(self) -> None:
        assert self._writer is not None, "enter the writer first"
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=ROW_GROUP * 2)
            self._waiting.clear()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._writer is not None
        if kind is None:
            self._flush()
            self._writer.add_key_value_metadata({FOOTER_KEY: json.dumps(self.footer, default=str)})
        self._writer.close()

    def _arrow(self, frame: pl.DataFrame) -> pa.Table:
        shaped = frame.select(list(self.table.columns)).cast(dict(self.table.schema))
        return shaped.to_arrow(compat_level=pl.CompatLevel.oldest())


def _encodings(schema: pa.Schema, known: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Which leaf columns get a dictionary, and the encoding of the others."""
    dictionary: list[str] = []
    encoding: dict[str, str] = {}
    for path, kind in _leaves(schema):
        if path in known:
            encoding[path] = known[path]
        elif pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_timestamp(kind):
            encoding[path] = "BYTE_STREAM_SPLIT"
        else:
            dictionary.append(path)
    return dictionary, encoding


def _leaves(fields: Iterable[pa.Field], prefix: str = "") -> Iterator[tuple[str, pa.DataType]]:
    """Parquet's name and the type of each leaf: lists add `.list.element`."""
    for item in fields:
        path, kind = prefix + item.name, item.type
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            path, kind = f"{path}.list.element", kind.value_type
        if pa.types.is_struct(kind):
            yield from _leaves(kind, f"{path}.")
        else:
            yield path, kind


def today() -> str:
    """The day it is now, in UTC: the partition key the Hub can still be asked for."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def iso(day: str) -> date:
    """A partition key as a date."""
    return date.fromisoformat(day)
