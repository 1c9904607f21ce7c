"""`daily_changes` of a day of the lake, and what is taken over from the one that is stored.

A thinned day has given up what it was counted from. What was counted of the same two days stays.
"""

from collections.abc import Mapping
from typing import Any

from hf_assets.hub.quality import changes
from hf_assets.hub.quality.absence_rows import ASIDE
from hf_assets.hub.quality.coverage import Place
from hf_assets.hub.quality.stale import differ, forgets, is_stale
from hf_assets.hub.retention import thinned
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite


def compared(lake: Lake, now: StoredTable, place: Place) -> TableWrite:
    """`daily_changes` of that day, as it stands among the others.

    A thinned day that is compared as it would be now is kept as it is; only who went is added
    where a version compared it that did not remember. One that is not is compared
    again, and has no births and no adoption where it gave them up: those counted beside another
    day are not true of this one.

    Args:
        lake: the lake.
        now: that day's `models`.
        place: of that day.
    """
    before = lake.read("models", place.before) if place.before else None
    stored = _stored(lake, now.day)
    if stored and thinned(now) and not is_stale(stored.notes, place, _sha(before), _sha(now)):
        frames, notes, aside = [stored.frame.collect()], stored.notes, stored.asides
        if forgets(notes):
            # Who came and who went is known by the identities that are left.
            made = changes.daily_changes(now, before, now.day)
            notes, aside = notes | {ASIDE: True}, made.aside
        return TableWrite(frames, notes, stored.provenance, aside)
    known = _still_true(stored.notes, before, now) if stored else None
    return changes.daily_changes(now, before, now.day, partial=place.partial, known=known)


def _stored(lake: Lake, day: str) -> StoredTable | None:
    try:
        return lake.read("daily_changes", day)
    except MissingDay:
        return None


def _sha(stored: StoredTable | None) -> str | None:
    return changes.facts_of(stored).get("sha256") if stored else None


def _still_true(
    notes: Mapping[str, Any], before: StoredTable | None, now: StoredTable
) -> dict[str, Any]:
    """What the stored one says that a comparison of these two days would say too."""
    if differ(notes.get("sha256"), _sha(now)):
        return {}
    same = notes.get("before") == (before.day if before else None)
    if not same or differ(notes.get("before sha256"), _sha(before)):
        return {"nulls": notes.get("nulls", {})}
    return {"nulls": notes.get("nulls", {}), "lifecycle": notes.get("lifecycle", {})}
