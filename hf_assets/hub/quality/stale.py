"""Which days are compared as they would not be now. Not here: how a lake is read for that.

A day is stale where another came between it and the one it is compared with, or where either was
replaced since: what it says of stalls, rollbacks and counts is of another step.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hf_assets.hub.quality.absence_rows import ASIDE
from hf_assets.hub.quality.coverage import FOLLOWING, LOOK_BACK, Place, place_among
from hf_assets.hub.quality.day_rules import Seen


def stale_among(days: Sequence[Seen]) -> set[str]:
    """The days that are compared as they would not be now, by what the footers tell.

    Only days with models are beside each other: a capture without them may stay without.
    """
    there = [one for one in days if one.has_models]
    by_day = {one.day: one for one in there}

    def stale(at: int, one: Seen) -> bool:
        place = place_among(len(there), at, lambda number: there[number].extent)
        before = by_day.get(one.notes.get("before") or "")
        return is_stale(one.notes, place, before.sha256 if before else None, one.sha256)

    return {one.day for at, one in enumerate(there) if one.made and stale(at, one)}


def differ(one: str | None, other: str | None) -> bool:
    """Whether two captures are not the same, by their sha256; False where either is not known."""
    return None not in (one, other) and one != other


def is_stale(notes: Mapping[str, Any], place: Place, sha256: str | None, own: str | None) -> bool:
    """Whether `daily_changes` is to be made anew.

    It is where the day was replaced and not compared since; where it takes that day for partial,
    that is not; compares it with another than the one it stands beside; or with that day as it was
    before it was replaced. What broke off is as it will stay: nobody reads it.

    Args:
        notes: of `daily_changes`.
        place: of that day, as it is now.
        sha256: of the capture of the day before, if known.
        own: that of the capture of the day itself.
    """
    if differ(notes.get("sha256"), own):
        return True
    if place.partial:
        return False
    replaced = differ(notes.get("before sha256"), sha256)
    return notes.get("before") != place.before or notes.get("partial", False) or replaced


def forgets(notes: Mapping[str, Any]) -> bool:
    """Whether a version compared that day that did not remember who went (`absences`).

    What it says is right, and it is trusted. It is to be made anew all the same, as who returned
    afterwards cannot be told until then. A day that broke off tells of nobody who went.

    Args:
        notes: of `daily_changes`.
    """
    return bool(notes.get("before")) and not notes.get(ASIDE) and not notes.get("partial")


def beside(known: Sequence[str], days: Collection[str]) -> list[str]:
    """The stored days that one of those may have another place beside, and not those themselves."""
    number = {day: at for at, day in enumerate(known)}
    found: set[int] = set()
    for day in days:
        if day in number:
            found |= set(range(number[day] - FOLLOWING, number[day] + 1 + LOOK_BACK))
    return [day for at, day in enumerate(known) if at in found and day not in days]
