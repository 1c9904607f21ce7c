"""A model under a name that it does not have on the shown day: renamed since, or only later."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index.renames import TABLE, Renames
from hf_assets.hub.repository_days.reading import history_of
from hf_assets.storage.lake import iso

# Of this server: what one visitor's question has read answers another's.
RENAMES = Renames()
# Models that have had one name, of which a page looks at so many.
_MOST = 5


@dataclass(frozen=True)
class OtherName:
    """The name of a model on a day that does not list it under the name asked for.

    Attributes:
        id: that name.
        since: the first stored day with the later one of both names.
        day: the day of that name: the shown one, or the last that lists the model.
        text: a sentence that says so, without the name asked for.
    """

    id: str
    since: str
    day: str
    text: str


def other_name(reader: LakeReader, day: str, name: str) -> OtherName | Literal["unread"] | None:
    """What a model of that name is called on a day; None where no stored day has that name.

    Args:
        reader: of the lake.
        day: one that lists no model of that name.
        name: another name that a model has had.

    Returns:
        "unread" where the names of before are still being read.
    """
    names = RENAMES.of(reader.lake)
    if names is None:
        return "unread"
    known = names.filter((pl.col("before") == name) | (pl.col("id") == name))
    found = [
        other
        for hub_id in known["hub_id"].unique(maintain_order=True).tail(_MOST)
        if (other := _on(reader, day, name, hub_id))
    ]
    # A name may have been of several: the one that is there, else the one that was last.
    return max(found, key=lambda other: other.day, default=None)


def _on(reader: LakeReader, day: str, name: str, hub_id: str) -> OtherName | None:
    days = history_of(reader.lake, TABLE, hub_id).select("day", "id").sort("day")
    mine = days.filter(pl.col("id") == name)["day"]
    until = days.filter(pl.col("day") <= iso(day))
    if until.is_empty() or mine.is_empty():
        return None
    now = until["id"][-1]
    if now == name:
        return None
    there = reader.model(day, now) is not None
    if there and mine[0] > iso(day):
        since = mine[0].isoformat()
        return OtherName(now, since, day, f"It has this name since {since}; on {day} it was {now}.")
    if mine[0] > iso(day):
        return None
    before = until.filter(pl.col("id") != now)["day"][-1]
    since = until.filter(pl.col("day") > before)["day"][0].isoformat()
    if there:
        return OtherName(now, since, day, f"It was renamed: since {since} it is {now}.")
    last = until["day"][-1].isoformat()
    text = f"It was renamed: since {since} it is {now}, which stored days list to {last}."
    return OtherName(now, since, last, text)
