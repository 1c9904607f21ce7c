"""Columns that tables of several kinds share: dates, authors, counters, gates, licences, tags."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pyarrow as pa

from hf_assets.hub.client.invalid_values import InvalidValue, InvalidValues
from hf_assets.hub.client.loose_json import EXCERPT
from hf_assets.hub.tables.records import CleaningCounts

# The Hub dates repositories that are older than its database with this day.
FLOOR_DAY = pl.date(2022, 3, 2)
# In milliseconds since 1970.
_YEAR_1000 = 1000 * int(datetime(1000, 1, 1, tzinfo=UTC).timestamp())
# Old answers and scrapes have "true" where the Hub now has "auto" or "manual".
_GATED = ("false", "auto", "manual", "true")
# The counters of a kind that is downloaded.
DOWNLOADED = ("downloads", "downloadsAllTime", "likes", "trendingScore")

# The first `license:` tag, without its prefix.
LICENSE = (
    pl.col("tags")
    .list.eval(pl.element().filter(pl.element().str.starts_with("license:")))
    .list.first()
    .str.strip_prefix("license:")
)


def common_columns(
    wire: pl.DataFrame, counts: CleaningCounts, invalid: InvalidValues, counters: tuple[str, ...]
) -> pl.DataFrame:
    """Dates parsed, authors completed, negative counters clipped to 0 and counted."""
    frame = wire.with_columns(
        created_at=_time(wire["createdAt"]),
        last_modified=_time(wire["lastModified"]),
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
    lacking = wire["author"].is_null().arg_true()
    begins = wire["id"].gather(lacking).str.extract(r"^([^/]+)/")
    if begins.null_count() == len(begins):
        return wire["author"]
    return wire["author"].scatter(lacking, begins)


def _time(texts: pl.Series) -> pl.Series:
    """Times as the Hub writes them, null where a text is none; an archive has them as times.

    All in the Hub's own form take a quarter of the time of those in any form.
    """
    if texts.dtype.is_temporal():
        return texts
    usual = _parsed(texts, "%Y-%m-%dT%H:%M:%S.000Z")
    # Polars takes a sign for a digit there: -025 for the year 25.
    strange = usual.null_count() > texts.null_count() or (usual.to_physical() < _YEAR_1000).any()
    return _parsed(texts, "%Y-%m-%dT%H:%M:%S%.fZ") if strange else usual


def _parsed(texts: pl.Series, form: str) -> pl.Series:
    return texts.str.to_datetime(form, time_unit="ms", time_zone="UTC", strict=False)


def _invalid_values(
    frame: pl.DataFrame, name: str, which: pl.Expr, reason: str
) -> list[InvalidValue]:
    # Nearly always none: no row is copied to find that out.
    if not frame.select(which.any()).item():
        return []
    rows = frame.filter(which).select("page", "row", name, "id")
    return [
        InvalidValue(page, row, name, reason, str(value)[:EXCERPT], repository[:EXCERPT])
        for page, row, value, repository in rows.iter_rows()
    ]


def gate(frame: pl.DataFrame, invalid: InvalidValues) -> pl.Expr:
    """The column `gated`, without its invalid values, which are reported."""
    valid = pl.col("gated").is_in(_GATED)
    invalid += _invalid_values(frame, "gated", ~valid, "neither false, true, auto nor manual")
    return pl.when(valid).then("gated")


def once(texts: pl.Expr, name: str) -> pl.Expr:
    """Lists of texts with each text once, in their order."""
    several = texts.list.len() > 1
    kept = pl.when(several).then(texts.list.unique(maintain_order=True)).otherwise(texts)
    return kept.alias(name)


def tagged(tags: pl.Series, prefixes: Iterable[str]) -> dict[str, pl.Series]:
    """What follows each prefix in the tags, each once, in their order; null without tags."""
    tags = tags.rechunk()
    lengths = tags.list.len().fill_null(0).to_numpy()
    flat = pl.DataFrame(
        {
            "at": np.repeat(np.arange(len(tags), dtype=np.uint32), lengths),
            "tag": tags.explode(empty_as_null=False, keep_nulls=False),
        }
    ).lazy()
    missing, tag = tags.is_null().to_numpy(), pl.col("tag")
    found = {}
    for prefix in prefixes:
        chosen = flat.filter(tag.str.starts_with(prefix), tag != prefix)
        values = chosen.with_columns(tag.str.strip_prefix(prefix)).unique(
            ["at", "tag"], keep="first", maintain_order=True
        )
        found[prefix] = as_lists(values.collect(engine="in-memory"), len(tags), missing)
    return found


def as_lists(values: pl.DataFrame, rows: int, missing: np.ndarray | None = None) -> pl.Series:
    """Values as lists, a list a row, from Arrow's parts: to group them takes ten times as long.

    Args:
        values: `at`, the row of each, ascending; and the value, or columns that become a struct.
        rows: number of lists.
        missing: lists that are null; by default, none.
    """
    lengths = np.bincount(values["at"].to_numpy(), minlength=rows)
    names = values.columns[1:]
    parts = [
        values[name].rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()) for name in names
    ]
    # By polars: to see whether a value is of pandas, `pa.array` imports it, 40 MB of a process.
    offsets = pl.Series(np.append(0, np.cumsum(lengths, dtype=np.int64))).to_arrow()
    lists = pa.LargeListArray.from_arrays(
        offsets,
        parts[0] if len(parts) == 1 else pa.StructArray.from_arrays(parts, names),
        mask=None if missing is None else pl.Series(missing).to_arrow(),
    )
    return pl.Series(names[0], lists)
