"""Captures → the tables of models and Spaces, in constant memory.

Pages come newest first, are parsed, cleaned and put into the lake a row group at a time: a listing
of 2.5 M models needs no more memory than one of 250 k. Categories, dates and counts are taken as
served or left null; what was changed is counted in the notes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import polars as pl

from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.client.loose_json import EXCERPT
from hf_assets.hub.client.rows import Kind, Odd, Oddities, odd_frame, parse_page
from hf_assets.hub.tables.base_models import base_models
from hf_assets.hub.tables.schemas import TEXTS
from hf_assets.storage.lake import TableWrite, iso

# Pages parsed and cleaned at a time.
BATCH_PAGES = 16
# Spaces joined with the models at a time: each time, the ids of all models are read.
JOINED_SPACES = 1 << 19
# Threads that parse pages: read_json holds Python's lock, reading and unpacking do not.
PARSERS = 2
# No repository of the Hub is older than its own start: older ones carry this date.
FLOOR_DAY = pl.date(2022, 3, 2)
# The Hub says how a repository is gated; old answers and scrapes say only that it is.
GATED = ("false", "auto", "manual", "true")
# Notes that a listing has even where they count nothing.
_TOLD: Mapping[Kind, tuple[str, ...]] = {
    "models": ("without category", "floor dated"),
    "spaces": (),
}


def models(capture: Capture, day: str) -> TableWrite:
    """The `models` table of a day, from its capture. Columns: `schemas.MODELS`."""
    made = TableWrite(frames=(), provenance={"raw_models": capture.provenance})
    made.frames = _cleaned("models", capture, day, made)
    return made


def enriched_spaces(capture: Capture, models: pl.LazyFrame, day: str) -> TableWrite:
    """The `enriched_spaces` table of a day. Columns: `schemas.ENRICHED_SPACES`.

    Args:
        capture: of the Spaces listing.
        models: that day's `models`: id and category are read.
        day: the partition key.
    """
    made = TableWrite(frames=(), provenance={"raw_spaces": capture.provenance})
    spaces = stacked(_cleaned("spaces", capture, day, made), JOINED_SPACES)
    made.frames = _enriched(spaces, models, made.notes)
    return made


def _cleaned(kind: Kind, capture: Capture, day: str, made: TableWrite) -> Iterator[pl.DataFrame]:
    """The clean rows of a capture, by and by; fills the notes and the quarantine of `made`."""
    counts: Counter[str] = Counter(dict.fromkeys(_TOLD[kind], 0))
    odd = Oddities()
    newest = Newest()
    spaces = partial(_clean_spaces, served=frozenset(capture.manifest.fields))
    clean = _clean_models if kind == "models" else spaces
    for wire in _batches(kind, capture, odd):
        if wire.is_empty():
            continue
        kept = newest.keep(wire)
        counts["doubled"] += wire.height - kept.height
        frame = clean(kept, counts, odd).with_columns(day=pl.lit(iso(day)))
        counts["rows"] += frame.height
        yield frame
    made.aside["quarantine"] = odd_frame(odd.kept).with_columns(day=pl.lit(iso(day)))
    left_out = {name: count for name, count in odd.counts.items() if name}
    made.notes |= {
        "served": capture.rows,
        "rows": counts.pop("rows", 0),
        "doubled": counts.pop("doubled", 0),
        "quarantined": odd.counts[None],
        "nulled": sum(left_out.values()),
        **{f"nulled {name}": count for name, count in sorted(left_out.items())},
        **counts,
    }


def stacked(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same rows in frames of about `rows`; the last may be smaller."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        if waiting and sum(one.height for one in waiting) + frame.height > rows:
            yield pl.concat(waiting)
            waiting.clear()
        waiting.append(frame)
    if waiting:
        yield pl.concat(waiting)


def _batches(kind: Kind, capture: Capture, odd: Oddities) -> Iterator[pl.DataFrame]:
    """Pages parsed and stacked, newest first, with `page` and `row` to find each again.

    The next batch is parsed while the caller has this one: writing a table holds no lock.
    """
    numbers = reversed(capture.page_numbers())

    def parsed(number: int) -> tuple[int, pl.DataFrame, list[Odd]]:
        return number, *parse_page(kind, number, capture.page(number))

    with ThreadPoolExecutor(PARSERS) as pool:

        def begun() -> list[Future]:
            return [pool.submit(parsed, number) for number in islice(numbers, BATCH_PAGES)]

        batch = begun()
        while batch:
            frames = []
            for number, frame, problems in (page.result() for page in batch):
                frames.append(_located(frame, number, problems))
                odd += problems
            batch = begun()
            yield pl.concat(frames)


def _located(frame: pl.DataFrame, number: int, problems: list[Odd]) -> pl.DataFrame:
    """With the page and the row in it, as served: rows that were put aside are counted."""
    aside = {odd.row for odd in problems if odd.field is None}
    rows = pl.Series(range(frame.height + len(aside)), dtype=pl.Int32)
    if aside:
        rows = rows.filter(~rows.is_in(list(aside)))
    return frame.with_columns(page=pl.lit(number, pl.Int32), row=rows)


@dataclass(frozen=True)
class _Seen:
    first: str
    last: str
    keys: pl.DataFrame


@dataclass
class Newest:
    """Keeps one row of each hub_id: the first it is shown, and pages are shown newest first.

    What was seen is remembered as two 64-bit hashes a row (40 MB for 2.5 M rows), which both must
    agree. Ids begin with a time, and pages come in its order: few batches can share one.
    """

    seen: list[_Seen] = field(default_factory=list)

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
        for before in self.seen:
            if before.first <= high and low <= before.last:
                fresh = fresh.join(before.keys, on=["first", "second"], how="anti")
        self.seen.append(_Seen(low, high, fresh.select("first", "second")))
        return frame if fresh.height == frame.height else frame[fresh["at"].sort()]


def _clean_models(wire: pl.DataFrame, counts: Counter[str], odd: Oddities) -> pl.DataFrame:
    frame = _common(wire, counts, odd, ("downloads", "downloadsAllTime", "likes", "trendingScore"))
    odd += _odd_values(
        frame, "gated", ~pl.col("gated").is_in(GATED), "neither false, true, auto nor manual"
    )
    counts["without category"] += frame["pipeline_tag"].null_count()
    counts["floor dated"] += int(frame["floor_dated"].sum())
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
    wire: pl.DataFrame, counts: Counter[str], odd: Oddities, *, served: frozenset[str]
) -> pl.DataFrame:
    frame = _common(wire, counts, odd, ("likes", "trendingScore"))
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
    wire: pl.DataFrame, counts: Counter[str], odd: Oddities, counters: tuple[str, ...]
) -> pl.DataFrame:
    """Dates parsed, authors completed, negative counters clipped to 0 and counted."""
    frame = wire.with_columns(
        created_at=_time("createdAt"),
        last_modified=_time("lastModified"),
        author=_author(wire),
    ).with_columns(floor_dated=pl.col("created_at").dt.date() <= FLOOR_DAY)
    for served, parsed in (("createdAt", "created_at"), ("lastModified", "last_modified")):
        unread = pl.col(parsed).is_null() & pl.col(served).is_not_null()
        odd += _odd_values(frame, served, unread, "no date")
    negative = frame.select(pl.col(counters) < 0).sum().row(0, named=True)
    for name, count in negative.items():
        if count:
            counts[f"clipped {name}"] += count
    clipped = [name for name in counters if negative[name]]
    return frame.with_columns(pl.col(clipped).clip(lower_bound=0))


def _author(wire: pl.DataFrame) -> pl.Series:
    """As served, else what the id begins with."""
    if not wire["author"].null_count():
        return wire["author"]
    begins = pl.col("id").str.extract(r"^([^/]+)/")
    return wire.select(pl.coalesce("author", begins).alias("author")).to_series()


def _time(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ms", time_zone="UTC", strict=False
    )


def _odd_values(frame: pl.DataFrame, name: str, which: pl.Expr, reason: str) -> list[Odd]:
    found = frame.filter(which).select("page", "row", name, "id")
    return [
        Odd(page, row, name, reason, str(value)[:EXCERPT], named[:EXCERPT])
        for page, row, value, named in found.iter_rows()
    ]


# The first `license:` tag, without its prefix.
_LICENSE = (
    pl.col("tags")
    .list.eval(pl.element().filter(pl.element().str.starts_with("license:")))
    .list.first()
    .str.strip_prefix("license:")
)


def _enriched(
    batches: Iterable[pl.DataFrame], models: pl.LazyFrame, notes: dict[str, Any]
) -> Iterator[pl.DataFrame]:
    """Adds the categories of the models that each Space names; counts the edges."""
    known_models = models.select("id", "category")
    edges = dangling = 0
    for frame in batches:
        named = frame.with_row_index("at").lazy().select("at", id="models").explode("id")
        named = named.filter(pl.col("id").is_not_null()).collect()
        # The few models a batch names are looked up in the many, not the other way round.
        found = (
            known_models.join(named.lazy().select("id").unique(), on="id", how="semi")
            # Two models that swapped names under the listing share one.
            .unique("id", keep="first", maintain_order=True)
            .with_columns(known=pl.lit(value=True))
        )
        joined = named.lazy().join(found, on="id", how="left").collect()
        edges += joined.height
        dangling += joined["known"].null_count()
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
    notes |= {"pairs": edges, "dangling pairs": dangling}
