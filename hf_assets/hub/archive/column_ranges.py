"""The needed columns of a Parquet file, byte for byte as an archive has them: pages of a capture.

A page holds the ranges of a row group's columns, with a line in front that says where they lie in
the file. The first page holds the file's footer as well. So a capture keeps what the archive has,
nothing is rewritten that would be parsed again, and a table is made from Arrow batches.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.hub.archive.arrow_rows import ArrowRows
from hf_assets.hub.archive.base import PAGE_ROWS, ArchivedPage
from hf_assets.hub.archive.ranged_file import PartialFile, Piece, RangedFile, Span, fetched_ahead
from hf_assets.hub.client.invalid_values import InvalidValue
from hf_assets.hub.client.rows import parse_page
from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind
from hf_assets.memory import give_back

RANGES = "ranges"
# Bytes between two ranges that are fetched along: less than a further request costs.
NEAR = 1 << 13
# Rows decoded at a time; a multiple of a page's.
BATCH_ROWS = 16 * PAGE_ROWS
_NO_IDS = pl.Series("_id", [], pl.String)
# A footer shares its page with a row group up to this size: it is read before any other page.
SMALL = 1 << 20


class _Head(msgspec.Struct):
    """What a page holds.

    Args:
        size: bytes of the complete file.
        columns: read of it.
        group: the row group; None for the footer alone.
        begins: of each piece, where it lies in the file.
        lengths: of each piece.
        etag: of the file, where its server gives one.
    """

    size: int
    columns: tuple[str, ...]
    group: int | None
    begins: tuple[int, ...]
    lengths: tuple[int, ...]
    etag: str | None = None


def range_pages(
    file: RangedFile,
    rows: ArrowRows,
    described: Callable[[], None],
    stored: Iterable[bytes] = (),
) -> Iterator[ArchivedPage]:
    """The pages of a remote file. All values are decoded: a broken file makes no capture.

    Args:
        file: of which the footer is at hand.
        rows: of that file.
        described: called before each page, when the columns of its rows are noted.
        stored: the first pages, where an earlier run has stored them; passed over if the first of
            them is of another file.
    """
    footer = [*file.pieces]
    # What is at hand of the file's end is not fetched again.
    end = min(begin for begin, _ in footer)
    first, footer_is_stored = 0, False
    for body in stored:
        head, pieces = _unpacked(body)
        if not footer_is_stored:
            if not _is_of(file, rows, head, pieces):
                break
            footer_is_stored, pieces = True, pieces[len(footer) :]
        file.pieces = [*footer, *pieces]
        file.stored += sum(head.lengths[-len(pieces) :]) if pieces else 0
        ids = [] if head.group is None else _noted(rows, head.group)
        first = 0 if head.group is None else head.group + 1
        described()
        yield ArchivedPage(body, pl.concat([_NO_IDS, *ids]), RANGES)
    groups = range(first, rows.file.num_row_groups)
    spans = [_spans(rows, group, end) for group in groups]
    for group, pieces in zip(groups, fetched_ahead(file.fetch, spans), strict=True):
        file.pieces = [*footer, *pieces]
        ids = _noted(rows, group)
        described()
        # With what was read besides, where no span foresaw it.
        kept = file.pieces[len(footer) :]
        if not footer_is_stored:
            footer_is_stored = True
            if sum(len(content) for _, content in kept) <= SMALL:
                kept = [*footer, *kept]
            else:
                yield ArchivedPage(_packed(file, rows, None, footer), _NO_IDS, RANGES)
        yield ArchivedPage(_packed(file, rows, group, kept), pl.concat([_NO_IDS, *ids]), RANGES)


def _noted(rows: ArrowRows, group: int) -> list[pl.Series]:
    return [rows.noted(batch) for batch in _batches(rows, group)]


def _is_of(file: RangedFile, rows: ArrowRows, head: _Head, pieces: Sequence[Piece]) -> bool:
    """Whether a stored first page is of that file, of which the footer is at hand."""
    same_tag = None in (head.etag, file.etag) or head.etag == file.etag
    same = (head.size, head.columns) == (file.size(), tuple(rows.columns)) and same_tag
    return same and [*pieces[: len(file.pieces)]] == file.pieces


def _spans(rows: ArrowRows, group: int, end: int) -> list[Span]:
    """The spans of a row group's columns before a place in the file; near ones are joined."""
    chunks = rows.file.metadata.row_group(group)
    spans: list[Span] = []
    for at in range(chunks.num_columns):
        chunk = chunks.column(at)
        if not _is_read(chunk.path_in_schema, rows.columns):
            continue
        begin = chunk.data_page_offset
        if chunk.has_dictionary_page and chunk.dictionary_page_offset:
            begin = min(begin, chunk.dictionary_page_offset)
        spans.append((begin, min(begin + chunk.total_compressed_size, end)))
    joined: list[Span] = []
    for begin, after in sorted(span for span in spans if span[0] < span[1]):
        if joined and begin - joined[-1][1] <= NEAR:
            joined[-1] = joined[-1][0], max(after, joined[-1][1])
        else:
            joined.append((begin, after))
    return joined


def _is_read(path: str, columns: Sequence[str]) -> bool:
    return any(path == column or path.startswith(f"{column}.") for column in columns)


def _packed(file: RangedFile, rows: ArrowRows, group: int | None, pieces: Sequence[Piece]) -> bytes:
    begins, contents = zip(*pieces, strict=True) if pieces else ((), ())
    lengths = tuple(map(len, contents))
    head = _Head(file.size(), tuple(rows.columns), group, begins, lengths, file.etag)
    return b"\n".join([msgspec.json.encode(head), b"".join(contents)])


def _unpacked(body: bytes) -> tuple[_Head, list[Piece]]:
    end = body.index(b"\n")
    line, at = msgspec.json.decode(body[:end], type=_Head), end + 1
    pieces: list[Piece] = []
    content = memoryview(body)
    for begin, length in zip(line.begins, line.lengths, strict=True):
        pieces.append((begin, content[at : at + length]))
        at += length
    return line, pieces


def _batches(rows: ArrowRows, group: int, most: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    # In this thread: each thread of Arrow keeps memory of its own that no other gives back.
    yield from rows.file.iter_batches(
        most, row_groups=[group], columns=rows.columns, use_threads=False
    )
    give_back()


# A page as JSON would have it: its number, its rows under the wire schema, what is invalid in them.
ParsedPage = tuple[int, pl.DataFrame, list[InvalidValue]]


class StoredRanges:
    """The rows of a capture whose pages are ranges of a Parquet file, parsed as strictly as JSON.

    They come in pages of `PAGE_ROWS`, numbered through the file: there an invalid value is found.

    Args:
        kind: "models", "spaces" or "datasets".
        first: the body of the first page.
    """

    def __init__(self, kind: Kind, first: bytes) -> None:
        self.kind = kind
        head, self._pieces = _unpacked(first)
        file = pa.PythonFile(PartialFile(head.size, self._pieces), mode="r")
        self._metadata = pq.read_metadata(file)
        self._first_pages = [0]
        for group in range(self._metadata.num_row_groups):
            pages = -(-self._metadata.row_group(group).num_rows // PAGE_ROWS)
            self._first_pages.append(self._first_pages[-1] + pages)

    def newest_first(self, body: bytes) -> Iterator[ParsedPage]:
        """The rows of a page of the capture, the file's last first."""
        head, rows = self._opened(body)
        if head.group is None:
            return
        for row, batch in _last_first(rows, head.group):
            first = self._first_pages[head.group] + row // PAGE_ROWS
            yield from self._parsed(rows, batch, first)

    def first(self, body: bytes, most: int) -> pl.DataFrame:
        """The first rows of a page of the capture; none where it holds the footer alone."""
        head, rows = self._opened(body)
        batches = () if head.group is None else _batches(rows, head.group, most)
        pages = [parse_page(self.kind, 0, rows.page(batch).body) for batch in islice(batches, 1)]
        return pages[0][0] if pages else pl.DataFrame(schema=WIRE_SCHEMA[self.kind])

    def _opened(self, body: bytes) -> tuple[_Head, ArrowRows]:
        head, pieces = _unpacked(body)
        file = pa.PythonFile(PartialFile(head.size, [*self._pieces, *pieces]), mode="r")
        opened = pq.ParquetFile(file, metadata=self._metadata)
        return head, ArrowRows(opened, self.kind, frozenset(head.columns))

    def _parsed(self, rows: ArrowRows, batch: pa.RecordBatch, first: int) -> Iterator[ParsedPage]:
        frame = rows.frame(batch)
        for number in reversed(range(-(-batch.num_rows // PAGE_ROWS))):
            begin = number * PAGE_ROWS
            if frame is not None:
                yield first + number, frame.slice(begin, PAGE_ROWS), []
                continue
            part = batch.slice(begin, PAGE_ROWS)
            valid = rows.frame(part)
            if valid is not None:
                yield first + number, valid, []
            else:
                body = rows.page(part).body
                yield first + number, *parse_page(self.kind, first + number, body)


def stored_preview(kind: Kind, bodies: Iterable[bytes], most: int) -> pl.DataFrame:
    """The first rows of a capture; its first page may be the footer alone."""
    first, *others = islice(bodies, 2)
    stored = StoredRanges(kind, first)
    return pl.concat([stored.first(body, most) for body in (first, *others)]).head(most)


def _last_first(rows: ArrowRows, group: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The batches of a row group, the last first, each with the number of its first row."""
    batches = _batches(rows, group)
    if rows.file.metadata.row_group(group).num_rows <= 2 * BATCH_ROWS:
        yield from reversed([*_counted(batches)])
        return
    # A million rows would take half a GB; Parquet is not read backwards.
    begins = []
    with tempfile.TemporaryFile() as spool:
        writer = None
        for begin, batch in _counted(batches):
            writer = writer or pa.ipc.new_file(pa.PythonFile(spool, mode="w"), batch.schema)
            begins.append(begin)
            writer.write_batch(batch)
        assert writer is not None
        writer.close()
        spool.seek(0)
        reader = pa.ipc.open_file(pa.PythonFile(spool, mode="r"))
        for at, begin in reversed([*enumerate(begins)]):
            yield begin, reader.get_batch(at)


def _counted(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    before = 0
    for batch in batches:
        yield before, batch
        before += batch.num_rows
