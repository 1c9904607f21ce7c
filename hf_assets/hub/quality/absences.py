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

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from hf_assets.hub.quality.absence_rows import ASIDE, SCHEMA
from hf_assets.hub.quality.day_rules import Seen
from hf_assets.storage.lake import Lake, iso
from hf_assets.storage.months import frames_by_month

_KEPT = {"day": pl.Date, **SCHEMA}
_TABLE = "daily_changes"


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
    return frames_by_month(lake, _TABLE, ASIDE, _KEPT, _rows_of)


def _rows_of(lake: Lake, day: str) -> pl.DataFrame | None:
    rows = lake.read(_TABLE, day).aside(ASIDE)
    return None if rows is None else rows.select(pl.lit(iso(day)).alias("day"), *SCHEMA)
