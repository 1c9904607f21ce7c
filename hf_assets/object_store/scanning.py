"""Rows of Parquet files on a store, unread: what a query does not ask for is not fetched.

Small files are scanned in memory. Of a larger one the wanted columns are fetched a row group at a
time, into a file of this machine that has holes for the rest; polars reads that as it reads any
file, so that values, types and order are the same as those of a lake in a folder.
"""

import io
import os
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import polars as pl
import pyarrow.parquet as pq
from polars.io.plugins import register_io_source

from hf_assets.object_store.reading import AT_ONCE, PIECE, StoreFile
from hf_assets.object_store.scratch import scratch

# Bytes that are fetched before they are read, and bytes between two columns that are fetched with
# them: less than a request costs.
AHEAD = 32 << 20
# Requests at a time.
REQUESTS = 16
GAP = 1 << 18

# A file of Parquet, the first row of a part of it, and how many; None: all.
_Rows = tuple[Any, int, int | None]


def scan_objects(files: Sequence[StoreFile], **options: Any) -> pl.LazyFrame:
    """The rows of these files, in order, unread.

    Args:
        files: of a store.
        options: of `polars.scan_parquet`: schema, missing_columns, extra_columns.

    Raises:
        ReplacedError: when the rows are read; a file is another version now.
    """
    options |= {"hive_partitioning": False}
    if all(file.is_in_memory for file in files):
        return pl.scan_parquet([io.BytesIO(file.read_bytes()) for file in files], **options)
    schema = pl.scan_parquet(io.BytesIO(files[0].end()), **options).collect_schema()
    options["schema"] = schema

    def rows(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        wanted = None
        if columns is not None:
            wanted = {*columns, *(() if predicate is None else predicate.meta.root_names())}
        pieces = chain.from_iterable(_pieces(file, wanted) for file in files)
        for source, first, count in _ahead(pieces):
            if limit == 0:
                return
            frame = pl.scan_parquet([source], **options)
            if count is not None:
                frame = frame.slice(first, count)
            if wanted is not None:
                # Nothing else is there: a limit reads the rows as they are.
                frame = frame.select(name for name in schema if name in wanted)
            if limit is not None:
                # The limit is of the rows before the filter.
                read = frame.head(limit).collect()
                limit, frame = limit - read.height, read.lazy()
            if predicate is not None:
                frame = frame.filter(predicate)
            yield (frame if columns is None else frame.select(columns)).collect()

    return register_io_source(rows, schema=schema, is_pure=True)


@dataclass(frozen=True)
class _Piece:
    """A part of a file: its bytes, and what fetches them."""

    size: int
    fetch: Callable[[], _Rows]


def _pieces(file: StoreFile, columns: Collection[str] | None) -> Iterator[_Piece]:
    if file.size <= AT_ONCE:
        yield _Piece(file.size, lambda: (io.BytesIO(file.read_bytes()), 0, None))
        return
    end = file.end()
    metadata = pq.read_metadata(io.BytesIO(end))
    local, first = _WithHoles(file, end), 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        ranges = _ranges(group, columns)
        size = sum(stop - start for start, stop in ranges)
        yield _Piece(size, partial(local.fetch, ranges, first, group.num_rows))
        first += group.num_rows


class _WithHoles:
    """A file of this machine without a name, as long as the object: it has what was fetched."""

    def __init__(self, file: StoreFile, end: bytes) -> None:
        self._file = file
        self._local = tempfile.TemporaryFile(dir=scratch(), buffering=0)  # noqa: SIM115
        self._local.truncate(file.size)
        self._write(0, end[-4:])
        self._write(file.size - len(end), end)

    def fetch(self, ranges: Sequence[tuple[int, int]], first: int, rows: int) -> _Rows:
        """Fill these ranges; rows from `first` on are complete then."""
        for start, stop in ranges:
            self._write(start, self._file.read(start, stop))
        return self._local, first, rows

    def _write(self, at: int, content: Any) -> None:
        rest = memoryview(content).cast("B")
        while rest:
            written = os.pwrite(self._local.fileno(), rest, at)
            at, rest = at + written, rest[written:]


def _ranges(group: Any, columns: Collection[str] | None) -> list[tuple[int, int]]:
    """The bytes of these columns in a row group, those near each other as one."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(_chunks(group, columns)):
        if merged and start - merged[-1][1] <= GAP and stop - merged[-1][0] <= PIECE:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    return [
        (at, min(at + PIECE, stop)) for start, stop in merged for at in range(start, stop, PIECE)
    ]


def _chunks(group: Any, columns: Collection[str] | None) -> Iterator[tuple[int, int]]:
    for number in range(group.num_columns):
        chunk = group.column(number)
        name = chunk.path_in_schema
        # `a.b` is a column of that name, or a field of `a`.
        if columns is None or any(name == one or name.startswith(f"{one}.") for one in columns):
            begins = [chunk.data_page_offset]
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                begins.append(chunk.dictionary_page_offset)
            yield min(begins), min(begins) + chunk.total_compressed_size


def _ahead(pieces: Iterator[_Piece]) -> Generator[_Rows]:
    """What the pieces fetch, in order, the next ones while the caller reads."""
    waiting: deque[tuple[int, Future[_Rows]]] = deque()
    pool = ThreadPoolExecutor(REQUESTS)
    try:
        for piece in pieces:
            waiting.append((piece.size, pool.submit(piece.fetch)))
            while sum(size for size, _ in waiting) > AHEAD or len(waiting) > REQUESTS:
                yield waiting.popleft()[1].result()
        while waiting:
            yield waiting.popleft()[1].result()
    finally:
        pool.shutdown(cancel_futures=True)
