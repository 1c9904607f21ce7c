"""`daily_changes` of a stored day, and the counts that its stored comparison keeps.

A thinned day has lost the rows that its counts came from: counts of the same two days are kept.
"""

from hf_assets.hub.quality import changes
from hf_assets.hub.quality.baselines import Baseline
from hf_assets.hub.quality.records import DayComparison
from hf_assets.hub.quality.schemas import ABSENCES
from hf_assets.hub.quality.stale import differ, is_stale, lacks_absences
from hf_assets.hub.retention import thinned
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, TableWrite


def compare_day(lake: Lake, now: StoredTable, baseline: Baseline) -> TableWrite:
    """`daily_changes` of a day of the lake.

    A thinned day that is not stale keeps its comparison; only the side table `absences` is added
    where an early version compared it. A thinned day that is stale is compared again, and has no
    births and no adoption where it lost the dates: those counted with another baseline would be
    wrong.

    Args:
        lake: the lake.
        now: that day's `models`.
        baseline: of that day.
    """
    before = lake.read("models", baseline.day) if baseline.day else None
    stored = _stored(lake, now.day)
    comparison = DayComparison.read(stored.notes) if stored else None
    if (
        stored
        and comparison
        and thinned(now)
        and not is_stale(comparison, baseline, _sha256(before), _sha256(now))
    ):
        return _unchanged(stored, comparison, now, before)
    carried = _still_true(comparison, before, now) if comparison else None
    return changes.daily_changes(now, before, now.day, partial=baseline.partial, carried=carried)


def _unchanged(
    stored: StoredTable, comparison: DayComparison, now: StoredTable, before: StoredTable | None
) -> TableWrite:
    """The stored comparison, with `absences`; notes of other versions are kept."""
    frames, notes, aside = [stored.frame.collect()], stored.notes, stored.asides
    if lacks_absences(comparison):
        # Absences need identities alone, which a thinned day keeps.
        notes, aside = notes | {ABSENCES: True}, changes.daily_changes(now, before, now.day).aside
    return TableWrite(frames, notes, stored.provenance, aside)


def _stored(lake: Lake, day: str) -> StoredTable | None:
    try:
        return lake.read("daily_changes", day)
    except MissingDay:
        return None


def _sha256(stored: StoredTable | None) -> str | None:
    return changes.capture_of(stored).sha256 if stored else None


def _still_true(
    comparison: DayComparison, before: StoredTable | None, now: StoredTable
) -> DayComparison:
    """The stored counts that a comparison of these two days would have, too."""
    if differ(comparison.sha256, _sha256(now)):
        return DayComparison()
    same_day = comparison.baseline_day == (before.day if before else None)
    if not same_day or differ(comparison.baseline_sha256, _sha256(before)):
        return DayComparison(nulls=comparison.nulls)
    return DayComparison(nulls=comparison.nulls, lifecycle=comparison.lifecycle)
