"""Tables as Parquet files: their schemas, and the encodings that make them small."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.memory import give_back
from hf_assets.object_store.reading import FOOTER_KEY
from hf_assets.storage.records import Footer

# Rows of a row group: 128 k models are ~40 MB in memory; groups four times as large save 4 % of the
# bytes and cost 200 MB.
ROW_GROUP = 1 << 17
# Rows of a table's preview.
PREVIEW_ROWS = 8
# A dictionary page of 1 MB, pyarrow's default, overflows on `tags` and doubles the column.
DICTIONARY_PAGE = 16 << 20
# Level 9 saves 6 % of the bytes and doubles the time to write them.
ZSTD_LEVEL = 3


@dataclass(frozen=True)
class Column:
    """One column: its polars type, and its meaning with the unit."""

    dtype: pl.DataType | type[pl.DataType]
    description: str


@dataclass(frozen=True)
class Table:
    """The schema of a stored table: its name, its columns in order, the columns never null.

    `row_group` is the number of rows gathered before a row group is written, `zstd_level` how hard
    it is compressed. `encodings` names Parquet encodings that suit the order of the rows better
    than the default of the type.
    `bounds` names the columns whose least and greatest value each row group says: readers skip
    groups by them, and those of many small groups are read whole each time; None: all.
    `preview_by` is the column whose highest values the UI's preview shows, or None.
    """

    name: str
    columns: Mapping[str, Column]
    required: tuple[str, ...] = ()
    encodings: Mapping[str, str] = field(default_factory=dict)
    preview_by: str | None = None
    row_group: int = ROW_GROUP
    zstd_level: int = ZSTD_LEVEL
    bounds: tuple[str, ...] | None = None

    @cached_property
    def schema(self) -> pl.Schema:
        """The polars schema."""
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the file."""
        return _arrow(pl.DataFrame(schema=self.schema)).schema


class ParquetBatches:
    """A Parquet file written batch by batch, in the lake's encodings.

    Numbers and times are split by byte and text goes through a dictionary, unless the table names
    another encoding: two thirds of the bytes of polars' own writer on a day of models.
    """

    def __init__(self, path: Path, table: Table) -> None:
        self.path, self.table = path, table
        self.footer: Footer | None = None
        self.rows = 0
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._unreturned = 0
        self._shown: list[pa.Table] = []
        lists = (name for name, dtype in table.schema.items() if isinstance(dtype, pl.List))
        self._list_nulls = dict.fromkeys(lists, 0)

    def __enter__(self) -> "ParquetBatches":
        schema = self.table.arrow_schema
        dictionary, encoding = _encodings(schema, self.table.encodings)
        self._writer = pq.ParquetWriter(
            self.path,
            schema,
            compression="zstd",
            compression_level=self.table.zstd_level,
            use_dictionary=dictionary,
            column_encoding=encoding,
            dictionary_pagesize_limit=DICTIONARY_PAGE,
            write_statistics=True if self.table.bounds is None else list(self.table.bounds),
        )
        return self

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows; the frame must have the table's columns, in any order."""
        if frame.height:
            self.rows += frame.height
            frame = self._shaped(frame)
            for name in self._list_nulls:
                self._list_nulls[name] += frame.get_column(name).null_count()
            if self.table.preview_by or self._kept() < PREVIEW_ROWS:
                self._shown.append(_arrow(self._first_rows(frame)))
            # As Arrow while it waits: a frame would keep the memory of the frame it is a slice of.
            self._waiting.append(_arrow(frame))
        if sum(part.num_rows for part in self._waiting) >= self.table.row_group:
            self._flush()

    @property
    def shown(self) -> pl.DataFrame:
        """The rows of the preview, of those written until now: to read them takes far longer."""
        parts = pa.concat_tables([self.table.arrow_schema.empty_table(), *self._shown])
        frame = pl.from_arrow(parts)
        assert isinstance(frame, pl.DataFrame)
        return self._first_rows(frame)

    def _kept(self) -> int:
        return sum(part.num_rows for part in self._shown)

    def _first_rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        by = self.table.preview_by
        return frame.top_k(PREVIEW_ROWS, by=by) if by else frame.head(PREVIEW_ROWS)

    def _flush(self, *, all_rows: bool = False) -> None:
        assert self._writer is not None, "enter the writer first"
        if self._waiting:
            rows, whole = pa.concat_tables(self._waiting), self.table.row_group == ROW_GROUP
            self._waiting.clear()
            # Whole groups: who reads as many rows at a time (`in_parts`) reads each group once.
            if whole and not all_rows and (left := rows.num_rows % ROW_GROUP):
                self._waiting.append(rows.slice(rows.num_rows - left))
                rows = rows.slice(0, rows.num_rows - left)
            self._writer.write_table(rows, row_group_size=ROW_GROUP if whole else 2 * ROW_GROUP)
            self._unreturned += rows.num_rows
            del rows
        # Pages that are given back are cleared when they are used again: after each small group
        # that took a tenth of the time.
        if self._unreturned >= ROW_GROUP:
            self._unreturned = 0
            give_back()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._writer is not None
        if kind is None:
            self._flush(all_rows=True)
            if self.footer:
                self.footer.list_nulls = self._list_nulls
            footer = msgspec.structs.asdict(self.footer) if self.footer else {}
            self._writer.add_key_value_metadata({FOOTER_KEY: json.dumps(footer, default=str)})
        self._writer.close()

    def _shaped(self, frame: pl.DataFrame) -> pl.DataFrame:
        schema = self.table.schema
        if frame.schema == schema:
            return frame
        return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def in_parts(frame: pl.LazyFrame, rows: int = ROW_GROUP) -> Iterator[pl.DataFrame]:
    """The rows of a file, so many at a time: what reads ahead holds several row groups.

    At least one part, without rows where there are none.
    """
    total = frame.select(pl.len()).collect().item()
    for begin in range(0, max(total, 1), rows):
        yield frame.slice(begin, rows).collect()


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _encodings(schema: pa.Schema, chosen: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Which leaf columns get a dictionary, and the encoding of the others."""
    dictionary: list[str] = []
    encoding: dict[str, str] = {}
    for path, kind in _leaves(schema):
        if path in chosen:
            encoding[path] = chosen[path]
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
