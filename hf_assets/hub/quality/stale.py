"""Stale comparisons: days whose `daily_changes` would differ if it were rebuilt now.

A day is stale where another day came between it and its baseline, or where either was replaced
since: its stalls, rollbacks and counts are those of another step.
"""

from collections.abc import Collection, Sequence

from hf_assets.hub.quality.baselines import FOLLOWING, LOOK_BACK, Baseline, baseline_among
from hf_assets.hub.quality.day_summary import DaySummary
from hf_assets.hub.quality.records import ListingComparison


def stale_among(days: Sequence[DaySummary]) -> set[str]:
    """The compared days of a listing that are stale, by their footers.

    Only days with a table can be baselines: a capture without tables may stay without.

    Args:
        days: all days of that listing, oldest first.
    """
    with_models = [day for day in days if day.has_models]
    by_day = {day.day: day for day in with_models}

    def stale(index: int, day: DaySummary) -> bool:
        baseline = baseline_among(len(with_models), index, lambda at: with_models[at].size)
        before = by_day.get(day.comparison.baseline_day or "")
        return is_stale(day.comparison, baseline, before.sha256 if before else None, day.sha256)

    return {day.day for index, day in enumerate(with_models) if day.compared and stale(index, day)}


def stale_datasets(days: Sequence[DaySummary]) -> set[str]:
    """The compared days whose datasets are stale, or were not compared: they came afterwards.

    Args:
        days: all days, oldest first.
    """
    with_datasets = [day.datasets for day in days if day.has_models and day.datasets]
    late = {day.day for day in days if day.compared and day.datasets and not day.datasets.compared}
    return late | stale_among(with_datasets)


def differ(first: str | None, second: str | None) -> bool:
    """Whether two captures differ, by their sha256; False where either is unknown."""
    return None not in (first, second) and first != second


def is_stale(
    comparison: ListingComparison,
    baseline: Baseline,
    baseline_sha256: str | None,
    sha256: str | None,
) -> bool:
    """Whether a comparison must be rebuilt.

    It must where the day was replaced since, where the day counted as partial and is not any more,
    where it has another baseline day now, or where that day was replaced since. A partial day is
    never rebuilt: nothing reads its comparison.

    Args:
        comparison: as stored.
        baseline: of that day, as it is now.
        baseline_sha256: of the capture of the baseline day, if known.
        sha256: of the capture of the day itself.
    """
    if differ(comparison.sha256, sha256):
        return True
    if baseline.partial:
        return False
    replaced = differ(comparison.baseline_sha256, baseline_sha256)
    return comparison.baseline_day != baseline.day or comparison.partial or replaced


def lacks_absences(comparison: ListingComparison) -> bool:
    """Whether an early version compared that day, without the side table `absences`.

    Its numbers are right, and it is trusted. It must be rebuilt all the same: without it, models
    that returned on later days cannot be counted. A partial day has no absences.
    """
    return bool(comparison.baseline_day) and not comparison.absences and not comparison.partial


def neighbours(stored_days: Sequence[str], days: Collection[str]) -> list[str]:
    """The stored days whose baseline may depend on some days, without those days themselves.

    Args:
        stored_days: all days, oldest first.
        days: that are new.
    """
    index = {day: at for at, day in enumerate(stored_days)}
    near: set[int] = set()
    for day in days:
        if day in index:
            near |= set(range(index[day] - FOLLOWING, index[day] + 1 + LOOK_BACK))
    return [day for at, day in enumerate(stored_days) if at in near and day not in days]
