"""Which models that are new to a day had been listed before: what went on each day is remembered.

A day beside the last tells who came and who went, and of an older model that came not whether it
was ever listed. So each day of `daily_changes` keeps who went, and who came that may have been
there before, as numbers of 64 bits made of the Hub's identity (of the name, where a source has no
other): a few thousand a day. Whoever came on a day and went on an earlier one has returned. That is
found over all days at once, so that it does not matter in which order they were made: a past day
that is made later may turn "first seen late" into "returned" on the days after it.

It is of the stored days: who was listed only between two of them was never seen. A name is not
matched with an identity: where a chain of days changes from one to the other, returns over that
change are not found. A day that broke off tells of nobody who went.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from pathlib import Path

import polars as pl

from hf_assets.durable import replacing
from hf_assets.hub.day_rules import Seen
from hf_assets.lake import Lake
from hf_assets.months import Mark, marks, month_of

ASIDE = "absences"
# `came` is false of those who went; `undated`: the source does not say when it was created.
SCHEMA = {"key": pl.UInt64, "came": pl.Boolean, "undated": pl.Boolean}
_TABLE = "daily_changes"
_NOTE = "hf_assets_days"


@dataclass(frozen=True)
class Returned:
    """Models that came on a day and had been listed before it: of known age, and undated."""

    dated: int
    undated: int


def absences(went: Iterable[str], came: Iterable[str], undated: Iterable[str]) -> pl.DataFrame:
    """The side table of a day: who went, and who came that is older than the day before."""
    parts = ((went, False, False), (came, True, False), (undated, True, True))
    rows = [(_number(name), *flags) for names, *flags in parts for name in names]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _number(name: str) -> int:
    # Not polars' own hash: that of the next version may be another.
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")


def returned(lake: Lake, days: Sequence[Seen]) -> dict[str, Returned]:
    """Of each day that is compared, who returned; without those where it cannot be told.

    It cannot where the day, or one before it that covers the same, was compared by a version that
    did not remember who went: make `daily_changes` of those days again, and it can.

    Args:
        lake: the lake.
        days: all there are, oldest first.
    """
    compared = [one for one in days if one.made and one.notes.get("before")]
    coverage = {one.day: one.extent.coverage for one in compared}
    rows = _remembered(lake).filter(pl.col("day").is_in(list(coverage)))
    rows = rows.with_columns(
        coverage=pl.col("day").replace_strict(coverage, default=None, return_dtype=pl.String),
        before=pl.col("day").replace_strict(
            {one.day: one.notes["before"] for one in compared},
            default=None,
            return_dtype=pl.String,
        ),
    )
    went = rows.filter(~pl.col("came")).group_by("coverage", "key").agg(pl.col("day").min())
    back = (
        rows.filter("came")
        .join(went, on=("coverage", "key"), suffix="_went")
        .filter(pl.col("day_went") <= pl.col("before"))
        .group_by("day")
        .agg(dated=(~pl.col("undated")).sum(), undated=pl.col("undated").sum())
    )
    found = {day: Returned(dated, undated) for day, dated, undated in back.iter_rows()}
    return {day: found.get(day, Returned(0, 0)) for day in _told(compared)}


def _told(compared: Iterable[Seen]) -> Iterable[str]:
    """The days that remember, and all before them that cover the same."""
    forgotten: defaultdict[str, bool] = defaultdict(bool)
    for one in compared:
        remembers = bool(one.notes.get(ASIDE))
        if not one.notes.get("partial"):
            forgotten[one.extent.coverage] |= not remembers
        if remembers and not forgotten[one.extent.coverage]:
            yield one.day


def _remembered(lake: Lake) -> pl.DataFrame:
    """The side tables of all days, with the day of each: a month a file, as they are many."""
    parts = [pl.DataFrame(schema={"day": pl.String, **SCHEMA})]
    for month, of_month in groupby(marks(lake, _TABLE).items(), key=lambda item: month_of(item[0])):
        path = lake.folder(_TABLE, None) / ASIDE / f"{month}.parquet"
        parts.append(_of_month(lake, path, dict(of_month)))
    return pl.concat(parts)


def _of_month(lake: Lake, path: Path, days: Mapping[str, Mark]) -> pl.DataFrame:
    """Of one month, from the copy where it is still of those days."""
    said = json.dumps([[day, *mark] for day, mark in days.items()])
    if path.exists() and pl.read_parquet_metadata(path).get(_NOTE) == said:
        return pl.read_parquet(path)
    parts = [pl.DataFrame(schema={"day": pl.String, **SCHEMA})]
    for day in days:
        rows = lake.read(_TABLE, day).aside(ASIDE)
        if rows is not None:
            parts.append(rows.select(pl.lit(day).alias("day"), *SCHEMA))
    frame = pl.concat(parts)
    with replacing(path) as new:
        frame.write_parquet(new, metadata={_NOTE: said})
    return frame
