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
from itertools import groupby
from pathlib import Path

import polars as pl

from hf_assets.hub.quality.absence_rows import ASIDE, SCHEMA
from hf_assets.hub.quality.day_rules import Seen
from hf_assets.storage.durable import replacing
from hf_assets.storage.lake import Lake, iso
from hf_assets.storage.months import Mark, marks, month_of
from hf_assets.storage.opened import OpenedFile, scan

_KEPT = {"day": pl.Date, **SCHEMA}
_TABLE = "daily_changes"
_NOTE = "hf_assets_days"


@dataclass(frozen=True)
class Returned:
    """Models that came on a day and had been listed before it: of known age, and undated."""

    dated: int
    undated: int


def returned(lake: Lake, days: Sequence[Seen]) -> dict[str, Returned]:
    """Of each day that is compared, who returned; without those where it cannot be told.

    It cannot where the day, or one before it that covers the same, was compared by a version that
    did not remember who went: those days are among `still_stale`, and once `daily_changes` of them
    is made again, it can. Of a thinned one it is told who returned, not who came late.

    Args:
        lake: the lake.
        days: all there are, oldest first.
    """
    compared = [one for one in days if one.made and one.notes.get("before")]
    about = pl.DataFrame(
        [(iso(one.day), iso(one.notes["before"]), one.extent.coverage) for one in compared],
        schema={"day": pl.Date, "before": pl.Date, "coverage": pl.String},
        orient="row",
    )
    rows = _remembered(lake)
    came = rows.filter("came")
    # Millions went in some years; who came is one in ten, and only of them it matters.
    went = rows.filter(~pl.col("came")).join(came.select("key"), on="key", how="semi")
    first = (
        went.select("day", "key")
        .join(about.drop("before"), on="day")
        .group_by("coverage", "key")
        .agg(pl.col("day").min())
    )
    back = (
        came.join(about, on="day")
        .join(first, on=("coverage", "key"), suffix="_went")
        .filter(pl.col("day_went") <= pl.col("before"))
        .group_by("day")
        .agg(dated=(~pl.col("undated")).sum(), undated=pl.col("undated").sum())
    )
    found = {str(day): Returned(dated, undated) for day, dated, undated in back.iter_rows()}
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
    kept = []
    for month, of_month in groupby(marks(lake, _TABLE).items(), key=lambda item: month_of(item[0])):
        path = lake.folder(_TABLE, None) / ASIDE / f"{month}.parquet"
        kept.append(_kept(lake, path, dict(of_month)))
    return scan(kept).collect() if kept else pl.DataFrame(schema=_KEPT)


def _kept(lake: Lake, path: Path, days: Mapping[str, Mark]) -> OpenedFile:
    """The copy of one month, of those days as they are."""
    said = [[day, *mark] for day, mark in days.items()]
    try:
        copy = OpenedFile(path)
        if copy.footer(_NOTE) == said:
            return copy
    except (FileNotFoundError, ValueError, pl.exceptions.PolarsError):
        pass  # a copy that somebody broke is made anew
    parts = [pl.DataFrame(schema=_KEPT)]
    for day in days:
        rows = lake.read(_TABLE, day).aside(ASIDE)
        if rows is not None:
            parts.append(rows.select(pl.lit(iso(day)).alias("day"), *SCHEMA))
    with replacing(path) as new:
        pl.concat(parts).write_parquet(new, metadata={_NOTE: json.dumps(said)})
        # Another process may put its own in place: this one is what is read here.
        copy = OpenedFile(new)
        copy.path = path
    return copy
