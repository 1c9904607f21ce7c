"""Rules over a day's summary: stalls, rollbacks, short days, gaps, moved columns.

Their thresholds are those of other users of hub-stats; Model Pulse, in the comments, is the closest
of them.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from statistics import median
from typing import Any

from hf_assets.hub.quality import changes
from hf_assets.hub.quality.day_summary import DaySummary
from hf_assets.hub.quality.rules import NOT_COMPARED, null_shift
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake, iso
from hf_assets.ui_words import percent

# The fewest larger models, or datasets, that tell; from what share of unchanged ones on it is a
# stall is a fact of each listing (`step.Listing`).
LEAST_LARGER = 10
# Total downloads under this share of the median of the days around make a stall.
LOW_TOTAL = 0.3
# Fewer days around give no usable median.
LEAST_AROUND = 4
# A day that is fewer hours after its baseline shows no day's growth (Model Pulse).
SHORT = 18.0


def not_stalled(day: DaySummary, near: Iterable[DaySummary]) -> RuleResult:
    """The counters moved on.

    A day is stalled where a quarter or more of the larger models (10,000 downloads in 30 days, at
    least ten such models) have the downloads of the baseline day, or a half or more of the larger
    datasets (1,000 downloads); or where total downloads are under 0.3 of the median of the days
    around, seven on either side and the day among them, that have the same scope and are complete.
    The total of a partial day does not count.

    Args:
        day: the day, of models or of datasets.
        near: the days around, itself among them.
    """
    comparison, noun = day.comparison, day.listing.noun
    larger, share = comparison.compared.larger or 0, comparison.compared.unchanged_share
    metadata: dict[str, Any] = {f"larger_{noun}": larger}
    if share is not None:
        metadata["unchanged_percent"] = round(100 * share, 1)
    if share is not None and larger >= LEAST_LARGER and share >= day.listing.stalled:
        text = (
            f"Stalled: {percent(share)} of {larger:,} larger {noun} have the downloads of "
            f"{comparison.baseline_day}."
        )
        return RuleResult(False, text, metadata, severity="WARN")
    total = comparison.downloads
    totals = [
        other.comparison.downloads
        for other in near
        if other.size.scope == day.size.scope
        and other.comparison.downloads is not None
        and not other.comparison.partial
    ]
    if total is not None and not comparison.partial and len(totals) >= LEAST_AROUND:
        middle = median(totals)
        metadata |= {"downloads": total, "median_of_the_days_around": middle}
        if total < LOW_TOTAL * middle:
            text = f"Stalled: {total:,} downloads; the median of the days around is {middle:,.0f}."
            return RuleResult(False, text, metadata, severity="WARN")
    if share is None:
        return RuleResult(True, f"No larger {noun} to compare.", metadata)
    text = f"{percent(share)} of {larger:,} larger {noun} have unchanged downloads."
    return RuleResult(True, text, metadata)


def not_rolled_back(day: DaySummary) -> RuleResult:
    """No more than one in twenty of the all-time counters fell."""
    compared = day.comparison.compared
    share, counters = compared.fell_share, compared.all_time or 0
    if share is None:
        return RuleResult(True, "No all-time counters to compare.")
    baseline_day = day.comparison.baseline_day
    text = f"{percent(share)} of {counters:,} all-time counters fell since {baseline_day}."
    rolled_back = changes.rolled_back(compared)
    metadata = {"fell_percent": round(100 * share, 2), "all_time_counters": counters}
    return RuleResult(
        not rolled_back, f"Rolled back: {text}" if rolled_back else text, metadata, severity="WARN"
    )


def long_enough(day: DaySummary) -> RuleResult:
    """At least 18 hours after the baseline day, where both times are known."""
    hours = day.comparison.hours
    if hours is None or not day.comparison.time_known:
        return RuleResult(True, "No two capture times to compare.")
    text = f"{hours:.1f} hours after {day.comparison.baseline_day}."
    short = hours < SHORT
    return RuleResult(
        not short, f"Short: {text}" if short else text, {"hours": round(hours, 1)}, severity="WARN"
    )


def same_columns(day: DaySummary, before: DaySummary | None) -> RuleResult:
    """The source has the same columns, and none is null much more, or less, often.

    Args:
        day: the day.
        before: the last earlier day of the same source and scope (`alike`), if any.
    """
    if before is None or not before.compared:
        return RuleResult(True, NOT_COMPARED)
    columns, nulls = schema_changes(day, before), null_shifts(day, before)
    if not columns and not nulls:
        return RuleResult(True, f"As on {before.day}.", {"changed_columns": 0}, severity="WARN")
    since = [f"{', '.join(columns)} since {before.day}"] if columns else []
    text = "; ".join([*since, *nulls])
    metadata = {"changed_columns": len(columns) + len(nulls)}
    return RuleResult(False, f"{text}.", metadata, severity="WARN")


def alike(day: DaySummary, earlier: DaySummary) -> bool:
    """Whether two compared days are of one source and scope, and the earlier one is complete."""
    of_one = (day.comparison.source, day.size.scope) == (
        earlier.comparison.source,
        earlier.size.scope,
    )
    complete = not earlier.comparison.partial and not earlier.size.absent
    return of_one and complete and day.compared and earlier.compared


def schema_changes(day: DaySummary, before: DaySummary | None) -> list[str]:
    """Fields that the source has again (+), and fields that it lacks now (-)."""
    if before is None or not before.compared:
        return []
    now, then = (set(one.comparison.absent_columns) for one in (day, before))
    return [
        *(f"+{name}" for name in sorted(then - now)),
        *(f"-{name}" for name in sorted(now - then)),
    ]


def null_shifts(day: DaySummary, before: DaySummary | None) -> list[str]:
    """Columns whose share of nulls moved by more than five points, each with both shares."""
    if before is None or not before.compared:
        return []
    steps = changes.null_steps(day.comparison.nulls, before.comparison.nulls)
    return [null_shift(name, before.day, *shares) for name, shares in steps.items()]


def no_gap_before(lake: Lake, day: DaySummary) -> RuleResult:
    """No day is missing between the day and its baseline."""
    baseline_day = day.comparison.baseline_day
    if baseline_day is None:
        return RuleResult(True, "The first day of its scope: no baseline day.")
    first = iso(baseline_day)
    between = (iso(day.day) - first).days - 1
    days = [str(first + timedelta(days=number + 1)) for number in range(between)]
    # A run that was cut off may leave an empty folder of a day.
    stored = set(lake.days("models")) if days else set()
    missing = [one for one in days if one not in stored]
    if missing:
        text = f"Missing: {_range(missing)}; compared with {baseline_day}."
        return RuleResult(False, text, {"days_missing": len(missing)}, severity="WARN")
    text = f"Compared with {baseline_day}" + (f"; {between} days lie between" if between else "")
    return RuleResult(True, f"{text}.", {"days_missing": 0})


def _range(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"
