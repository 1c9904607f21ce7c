"""Captures → the tables of models, Spaces and datasets, in constant memory.

Pages are read newest first, parsed, cleaned and written a row group at a time: a listing of 2.5 M
models needs no more memory than one of 250 k. Categories, dates and counts are as served or null;
`CleaningCounts` counts every change.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice

import numpy as np
import polars as pl

from hf_assets.hub.archive.arrow_rows import times_as_text
from hf_assets.hub.archive.column_ranges import RANGES, ParsedPage, StoredRanges
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client.invalid_values import InvalidValue, InvalidValues, quarantine_frame
from hf_assets.hub.client.rows import parse_page
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.tables.dataset_rows import clean_datasets
from hf_assets.hub.tables.model_rows import clean_models
from hf_assets.hub.tables.newest import Newest
from hf_assets.hub.tables.records import CleaningCounts
from hf_assets.hub.tables.space_rows import clean_spaces, with_categories
from hf_assets.storage.lake import TableWrite, iso

# Pages parsed and cleaned at a time.
BATCH_PAGES = 16
# Of an archive: a page has four thousand rows.
ARCHIVED_PAGES = 5
# Of an archive they may be texts or times.
_TIMES = ("createdAt", "lastModified")
# Threads that parse pages: read_json holds no lock of Python's, nor do reading and unpacking.
PARSERS = 2


def models(capture: Capture, day: str) -> TableWrite:
    """The `models` table of a day, from its capture. Columns: `schemas.MODELS`."""
    counts = CleaningCounts(without_category=0, floor_dated=0)
    table = TableWrite((), provenance={"raw_models": capture.provenance}, record=counts)
    table.frames = _cleaned("models", capture, day, table, counts)
    return table


def enriched_spaces(capture: Capture, models: pl.LazyFrame, day: str) -> TableWrite:
    """The `enriched_spaces` table of a day. Columns: `schemas.ENRICHED_SPACES`.

    Args:
        capture: of the Spaces listing.
        models: that day's `models`: id and category are read.
        day: the partition key.
    """
    counts = CleaningCounts()
    table = TableWrite((), provenance={"raw_spaces": capture.provenance}, record=counts)
    spaces = _cleaned("spaces", capture, day, table, counts)
    table.frames = with_categories(spaces, models, counts)
    return table


def hub_datasets(capture: Capture, day: str) -> TableWrite:
    """The `hub_datasets` table of a day, from its capture. Columns: `schemas.HUB_DATASETS`."""
    counts = CleaningCounts(floor_dated=0)
    table = TableWrite((), provenance={"raw_datasets": capture.provenance}, record=counts)
    table.frames = _cleaned("datasets", capture, day, table, counts)
    return table


def _cleaned(
    kind: Kind, capture: Capture, day: str, table: TableWrite, counts: CleaningCounts
) -> Iterator[pl.DataFrame]:
    """The clean rows of a capture, batch by batch; fills the counts and the quarantine."""
    invalid = InvalidValues()
    newest = Newest()
    counts.served = capture.rows
    spaces = partial(clean_spaces, served=frozenset(capture.manifest.fields))
    clean = {"models": clean_models, "spaces": spaces, "datasets": clean_datasets}[kind]
    for wire in _batches(kind, capture, invalid):
        if wire.is_empty():
            continue
        unique = newest.keep(wire)
        counts.duplicates += wire.height - unique.height
        frame = clean(unique, counts, invalid).with_columns(day=pl.lit(iso(day)))
        counts.rows += frame.height
        # Gone before the next are read.
        del wire, unique
        yield frame
        del frame
    table.aside["quarantine"] = quarantine_frame(invalid.kept).with_columns(day=pl.lit(iso(day)))
    counts.coerced_fields = dict(sorted((name, n) for name, n in invalid.counts.items() if name))
    counts.coerced = sum(counts.coerced_fields.values())
    counts.quarantined = invalid.counts[None]


def _batches(kind: Kind, capture: Capture, invalid: InvalidValues) -> Iterator[pl.DataFrame]:
    """Pages parsed and stacked, newest first, with `page` and `row` to find each again.

    The next batch is parsed while the caller uses this one: writing a table holds no lock.
    """
    if capture.form == RANGES:
        yield from _archived(kind, capture, invalid)
        return
    numbers = reversed(capture.page_numbers())

    def parsed(number: int) -> tuple[int, pl.DataFrame, list[InvalidValue]]:
        body = capture.page(number)
        return number, *parse_page(kind, number, body, capture.records[number].decoded)

    with ThreadPoolExecutor(PARSERS) as pool:

        def begun() -> list[Future]:
            coming = [*islice(numbers, BATCH_PAGES)]
            capture.fetch_ahead(coming)
            return [pool.submit(parsed, number) for number in coming]

        batch = begun()
        while batch:
            pages = [page.result() for page in batch]
            for _, _, problems in pages:
                invalid += problems
            batch = begun()
            yield _stacked(pages)
            del pages


def _archived(kind: Kind, capture: Capture, invalid: InvalidValues) -> Iterator[pl.DataFrame]:
    """The same of pages that are ranges of a Parquet file; a stored page holds a row group.

    Not ahead: there is no JSON to parse, and a second batch is a tenth of the memory.
    """

    def pages() -> Iterator[ParsedPage]:
        stored = StoredRanges(kind, capture.page(0))
        for number in reversed(capture.page_numbers()):
            capture.fetch_ahead([number - 1] if number else [])
            yield from stored.newest_first(capture.page(number))

    parsed = pages()
    while batch := [*islice(parsed, ARCHIVED_PAGES)]:
        for _, _, problems in batch:
            invalid += problems
        yield _stacked(batch)


def _stacked(pages: list[ParsedPage]) -> pl.DataFrame:
    """The rows of some pages, each with its page and the row in it, as served.

    Empties the list: a page is gone when it is stacked.
    """
    numbers = [np.full(frame.height, number, np.int32) for number, frame, _ in pages]
    rows = [_rows(frame.height, problems) for _, frame, problems in pages]
    frames = [frame for _, frame, _ in pages]
    pages.clear()
    # Where the times of one are texts, all are.
    alike = all(len({frame.get_column(name).dtype for frame in frames}) == 1 for name in _TIMES)
    stacked = pl.concat(frames if alike else map(times_as_text, frames))
    # For all pages at once: polars takes longer to begin a column than to fill that of a page.
    places = {"page": np.concatenate(numbers), "row": np.concatenate(rows)}
    return stacked.with_columns(pl.Series(name, values) for name, values in places.items())


def _rows(count: int, problems: list[InvalidValue]) -> np.ndarray:
    """The row in its page of each row that is left of it: quarantined rows count."""
    quarantined = [value.row for value in problems if value.field is None]
    rows = np.arange(count + len(set(quarantined)), dtype=np.int32)
    return np.delete(rows, quarantined) if quarantined else rows
