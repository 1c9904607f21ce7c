"""Captures → the tables of models, Spaces and datasets, in constant memory.

Pages are read newest first, parsed, cleaned and written a row group at a time: a listing of 2.5 M
models needs no more memory than one of 250 k. Categories, dates and counts are as served or null;
`CleaningCounts` counts every change.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import polars as pl

from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client.loose_json import EXCERPT
from hf_assets.hub.client.rows import (
    InvalidValue,
    InvalidValues,
    Kind,
    parse_page,
    quarantine_frame,
)
from hf_assets.hub.tables.base_models import base_models
from hf_assets.hub.tables.records import CleaningCounts
from hf_assets.hub.tables.schemas import TEXTS
from hf_assets.storage.lake import TableWrite, iso

# Pages parsed and cleaned at a time.
BATCH_PAGES = 16
# Spaces joined with the models at a time: each join reads the ids of all models.
JOINED_SPACES = 1 << 19
# Threads that parse pages: read_json holds Python's lock, reading and decompressing do not.
PARSERS = 2
# The Hub dates repositories that are older than its database with this day.
FLOOR_DAY = pl.date(2022, 3, 2)
# Old answers and scrapes have "true" where the Hub now has "auto" or "manual".
GATED = ("false", "auto", "manual", "true")


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
    spaces = stacked(_cleaned("spaces", capture, day, table, counts), JOINED_SPACES)
    table.frames = _enriched(spaces, models, counts)
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
    spaces = partial(_clean_spaces, served=frozenset(capture.manifest.fields))
    clean = {"models": _clean_models, "spaces": spaces, "datasets": _clean_datasets}[kind]
    for wire in _batches(kind, capture, invalid):
        if wire.is_empty():
            continue
        unique = newest.keep(wire)
        counts.duplicates += wire.height - unique.height
        frame = clean(unique, counts, invalid).with_columns(day=pl.lit(iso(day)))
        counts.rows += frame.height
        yield frame
    table.aside["quarantine"] = quarantine_frame(invalid.kept).with_columns(day=pl.lit(iso(day)))
    counts.coerced_fields = dict(sorted((name, n) for name, n in invalid.counts.items() if name))
    counts.coerced = sum(counts.coerced_fields.values())
    counts.quarantined = invalid.counts[None]


def stacked(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in frames of about `rows`; the last may be smaller."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        if waiting and sum(part.height for part in waiting) + frame.height > rows:
            yield pl.concat(waiting)
            waiting.clear()
        waiting.append(frame)
    if waiting:
        yield pl.concat(waiting)


def _batches(kind: Kind, capture: Capture, invalid: InvalidValues) -> Iterator[pl.DataFrame]:
    """Pages parsed and stacked, newest first, with `page` and `row` to find each again.

    The next batch is parsed while the caller uses this one: writing a table holds no lock.
    """
    numbers = reversed(capture.page_numbers())

    def parsed(number: int) -> tuple[int, pl.DataFrame, list[InvalidValue]]:
        return number, *parse_page(kind, number, capture.page(number))

    with ThreadPoolExecutor(PARSERS) as pool:

        def begun() -> list[Future]:
            return [pool.submit(parsed, number) for number in islice(numbers, BATCH_PAGES)]

        batch = begun()
        while batch:
            frames = []
            for number, frame, problems in (page.result() for page in batch):
                frames.append(_located(frame, number, problems))
                invalid += problems
            batch = begun()
            yield pl.concat(frames)


def _located(frame: pl.DataFrame, number: int, problems: list[InvalidValue]) -> pl.DataFrame:
    """With the page and the row in it, as served: quarantined rows count."""
    quarantined = {value.row for value in problems if value.field is None}
    rows = pl.Series(range(frame.height + len(quarantined)), dtype=pl.Int32)
    if quarantined:
        rows = rows.filter(~rows.is_in(list(quarantined)))
    return frame.with_columns(page=pl.lit(number, pl.Int32), row=rows)


@dataclass(frozen=True)
class _Batch:
    first: str
    last: str
    keys: pl.DataFrame


@dataclass
class Newest:
    """Keeps the first row of each hub_id; pages come newest first.

    It stores two 64-bit hashes a row (40 MB for 2.5 M rows); two rows are the same if both are
    equal. Ids begin with a time, and pages come in its order: few batches can share an id.
    """

    seen: list[_Batch] = field(default_factory=list)

    def keep(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows not seen before."""
        if frame.is_empty():
            return frame
        ids = frame["_id"]
        fresh = (
            pl.DataFrame({"first": ids.hash(0), "second": ids.hash(1)})
            .with_row_index("at")
            .unique(["first", "second"], keep="first")
        )
        low, high = str(ids.min()), str(ids.max())
        for batch in self.seen:
            if batch.first <= high and low <= batch.last:
                fresh = fresh.join(batch.keys, on=["first", "second"], how="anti")
        self.seen.append(_Batch(low, high, fresh.select("first", "second")))
        return frame if fresh.height == frame.height else frame[fresh["at"].sort()]


def _clean_models(
    wire: pl.DataFrame, counts: CleaningCounts, invalid: InvalidValues
) -> pl.DataFrame:
    frame = _common(
        wire, counts, invalid, ("downloads", "downloadsAllTime", "likes", "trendingScore")
    )
    invalid += _invalid_values(
        frame, "gated", ~pl.col("gated").is_in(GATED), "neither false, true, auto nor manual"
    )
    counts.without_category = (counts.without_category or 0) + frame["pipeline_tag"].null_count()
    counts.floor_dated = (counts.floor_dated or 0) + int(frame["floor_dated"].sum())
    return frame.select(
        hub_id="_id",
        id="id",
        author="author",
        created_at="created_at",
        last_modified="last_modified",
        year=pl.col("created_at").dt.year(),
        floor_dated="floor_dated",
        downloads="downloads",
        downloads_all_time="downloadsAllTime",
        likes="likes",
        trending_score="trendingScore",
        category="pipeline_tag",
        library="library_name",
        license=_LICENSE,
        tags="tags",
        gated=pl.when(pl.col("gated").is_in(GATED)).then("gated"),
        private="private",
        parameters=pl.coalesce(
            pl.col("safetensors").struct.field("total"), pl.col("gguf").struct.field("total")
        ),
        base_models=base_models(frame),
        used_storage="usedStorage",
    )


def _clean_spaces(
    wire: pl.DataFrame, counts: CleaningCounts, invalid: InvalidValues, *, served: frozenset[str]
) -> pl.DataFrame:
    frame = _common(wire, counts, invalid, ("likes", "trendingScore"))
    hardware = pl.col("runtime").struct.field("hardware")
    return frame.select(
        hub_id="_id",
        id="id",
        author="author",
        created_at="created_at",
        last_modified="last_modified",
        likes="likes",
        trending_score="trendingScore",
        sdk="sdk",
        stage=pl.col("runtime").struct.field("stage"),
        hardware=pl.coalesce(hardware.struct.field("current"), hardware.struct.field("requested")),
        license=_LICENSE,
        tags="tags",
        private="private",
        models=_names("models", served),
        datasets=_names("datasets", served),
        used_storage="usedStorage",
    ).with_columns(n_models=pl.col("models").list.len(), n_datasets=pl.col("datasets").list.len())


def _clean_datasets(
    wire: pl.DataFrame, counts: CleaningCounts, invalid: InvalidValues
) -> pl.DataFrame:
    frame = _common(
        wire, counts, invalid, ("downloads", "downloadsAllTime", "likes", "trendingScore")
    )
    invalid += _invalid_values(
        frame, "gated", ~pl.col("gated").is_in(GATED), "neither false, true, auto nor manual"
    )
    counts.floor_dated = (counts.floor_dated or 0) + int(frame["floor_dated"].sum())
    return frame.select(
        hub_id="_id",
        id="id",
        author="author",
        created_at="created_at",
        last_modified="last_modified",
        floor_dated="floor_dated",
        downloads="downloads",
        downloads_all_time="downloadsAllTime",
        likes="likes",
        trending_score="trendingScore",
        task_categories=_tagged("task_categories:"),
        languages=_tagged("language:"),
        size_category=_tagged("size_categories:").list.first(),
        modalities=_tagged("modality:"),
        formats=_tagged("format:"),
        license=_LICENSE,
        tags="tags",
        gated=pl.when(pl.col("gated").is_in(GATED)).then("gated"),
        private="private",
        disabled="disabled",
        used_storage="usedStorage",
        main_size="mainSize",
    )


def _tagged(prefix: str) -> pl.Expr:
    """The values of the tags that begin with a prefix, in their order; null without tags."""
    element = pl.element()
    return pl.col("tags").list.eval(
        element.filter(element.str.starts_with(prefix) & (element != prefix)).str.strip_prefix(
            prefix
        )
    )


def _names(column: str, served: frozenset[str]) -> pl.Expr:
    """A list of ids, each once; absent from a row: none. Null where the Hub refused the field."""
    once = (
        pl.when(pl.col(column).list.len() > 1)
        .then(pl.col(column).list.unique(maintain_order=True))
        .otherwise(pl.col(column))
        .alias(column)
    )
    return once.fill_null(pl.lit([], TEXTS)) if column in served else once


def _common(
    wire: pl.DataFrame, counts: CleaningCounts, invalid: InvalidValues, counters: tuple[str, ...]
) -> pl.DataFrame:
    """Dates parsed, authors completed, negative counters clipped to 0 and counted."""
    frame = wire.with_columns(
        created_at=_time("createdAt"),
        last_modified=_time("lastModified"),
        author=_author(wire),
    ).with_columns(floor_dated=pl.col("created_at").dt.date() <= FLOOR_DAY)
    for served, parsed in (("createdAt", "created_at"), ("lastModified", "last_modified")):
        unread = pl.col(parsed).is_null() & pl.col(served).is_not_null()
        invalid += _invalid_values(frame, served, unread, "no date")
    negative = frame.select(pl.col(counters) < 0).sum().row(0, named=True)
    for name, count in negative.items():
        if count:
            counts.clipped[name] = counts.clipped.get(name, 0) + count
    clipped = [name for name in counters if negative[name]]
    return frame.with_columns(pl.col(clipped).clip(lower_bound=0))


def _author(wire: pl.DataFrame) -> pl.Series:
    """As served, else the first part of the id."""
    if not wire["author"].null_count():
        return wire["author"]
    begins = pl.col("id").str.extract(r"^([^/]+)/")
    return wire.select(pl.coalesce("author", begins).alias("author")).to_series()


def _time(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ms", time_zone="UTC", strict=False
    )


def _invalid_values(
    frame: pl.DataFrame, name: str, which: pl.Expr, reason: str
) -> list[InvalidValue]:
    rows = frame.filter(which).select("page", "row", name, "id")
    return [
        InvalidValue(page, row, name, reason, str(value)[:EXCERPT], repository[:EXCERPT])
        for page, row, value, repository in rows.iter_rows()
    ]


# The first `license:` tag, without its prefix.
_LICENSE = (
    pl.col("tags")
    .list.eval(pl.element().filter(pl.element().str.starts_with("license:")))
    .list.first()
    .str.strip_prefix("license:")
)


def _enriched(
    batches: Iterable[pl.DataFrame], models: pl.LazyFrame, counts: CleaningCounts
) -> Iterator[pl.DataFrame]:
    """Adds the categories of the models that each Space names; counts the pairs."""
    categories_of = models.select("id", "category")
    pairs = dangling = 0
    for frame in batches:
        named = frame.with_row_index("at").lazy().select("at", id="models").explode("id")
        named = named.filter(pl.col("id").is_not_null()).collect()
        # Look up the few models that a batch names in the many, not the other way round.
        named_models = (
            categories_of.join(named.lazy().select("id").unique(), on="id", how="semi")
            # Two models that swapped names during the listing have the same name.
            .unique("id", keep="first", maintain_order=True)
            .with_columns(listed=pl.lit(value=True))
        )
        joined = named.lazy().join(named_models, on="id", how="left").collect()
        pairs += joined.height
        dangling += joined["listed"].null_count()
        categories = (
            joined.lazy()
            .filter(pl.col("category").is_not_null())
            .group_by("at")
            .agg(categories=pl.col("category").unique().sort())
        )
        yield (
            frame.with_row_index("at")
            .lazy()
            .join(categories, on="at", how="left", maintain_order="left")
            .with_columns(pl.col("categories").fill_null(pl.lit([], TEXTS)))
            .drop("at")
            .collect()
        )
    counts.pairs, counts.dangling_pairs = pairs, dangling
