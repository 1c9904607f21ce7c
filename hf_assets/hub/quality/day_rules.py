"""What is wrong with a day: rules over what its footers tell of it, in the words of their checks.

Those of the peers who live on hub-stats; Model Pulse, in the comments, is the closest of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from hf_assets.hub.quality import changes
from hf_assets.hub.quality.coverage import Extent
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import Lake, iso

# Share of the larger models whose downloads stand still, and how many must be seen (Model Pulse:
# a quarter of those with 60 000 or more).
STALLED = 0.25
LEAST_LARGER = 10
# Total downloads beside the median of the days around, seven on either side (Model Pulse: 15 days).
LOW_TOTAL = 0.3
AROUND = timedelta(days=7)
# Fewer days around have no median worth the name.
LEAST_AROUND = 4
# Hours after the last under which a day shows no day's growth (Model Pulse).
SHORT = 18.0


@dataclass(frozen=True)
class Seen:
    """A stored day as its footers tell it; `notes` are those of `daily_changes`.

    `made` is False where the day has no `daily_changes` yet, or was captured and has no tables;
    `has_models` is False where it was captured and has no tables. `models_sha256` is of the capture
    behind its `models`, which may be another than `daily_changes` was made of.
    """

    extent: Extent
    notes: Mapping[str, Any]
    spaces: int | None = None
    made: bool = True
    has_models: bool = True
    models_sha256: str | None = None

    @property
    def sha256(self) -> str | None:
        """Of the capture behind its `models` as they are now, if known."""
        return self.models_sha256 or self.notes.get("sha256")

    @property
    def day(self) -> str:
        """The partition key."""
        return self.extent.day

    @property
    def compared(self) -> Mapping[str, int]:
        """Rows of the dimension `compared`, by key."""
        return self.notes.get("compared", {})

    def share(self, part: str, whole: str) -> float | None:
        """One count over another; None where there is nothing to share."""
        return self.compared.get(part, 0) / of if (of := self.compared.get(whole, 0)) else None


def not_stalled(one: Seen, near: Iterable[Seen]) -> RuleResult:
    """The counters moved on.

    They stand still where a quarter or more of the larger models (10 000 downloads in 30 days, ten
    of them at least) have the downloads of the day before; or where all downloads together are
    under 0.3 of the median of the days around, seven on either side and the day among them, that
    cover the same and are whole. A partial day's total is not looked at.

    Args:
        one: the day.
        near: the days around, itself among them.
    """
    larger, share = one.compared.get("larger", 0), one.share("larger_unchanged", "larger")
    figures: dict[str, Any] = {"larger models": larger}
    if share is not None:
        figures["unchanged share"] = share
    if share is not None and larger >= LEAST_LARGER and share >= STALLED:
        before = one.notes.get("before")
        said = f"A stall: {share:.0%} of {larger:,} larger models have the downloads of {before}."
        return RuleResult(False, said, figures, severity="WARN")
    total = one.notes.get("downloads")
    totals = [
        other.notes["downloads"]
        for other in near
        if other.extent.coverage == one.extent.coverage
        and other.notes.get("downloads") is not None
        and not other.notes.get("partial")
    ]
    if total is not None and not one.notes.get("partial") and len(totals) >= LEAST_AROUND:
        middle = median(totals)
        figures |= {"downloads": total, "median around": middle}
        if total < LOW_TOTAL * middle:
            said = f"A stall: {total:,} downloads, where the days around have {middle:,.0f}."
            return RuleResult(False, said, figures, severity="WARN")
    if share is None:
        return RuleResult(True, "No larger model to compare.", figures)
    return RuleResult(True, f"{share:.1%} of {larger:,} larger models unchanged.", figures)


def not_rolled_back(one: Seen) -> RuleResult:
    """No more than one in twenty of the all-time counters fell."""
    share, known = one.share("all_time_fell", "all_time"), one.compared.get("all_time", 0)
    if share is None:
        return RuleResult(True, "No all-time counters to compare.")
    says = f"{share:.1%} of {known:,} all-time counters fell since {one.notes['before']}."
    back = changes.rolled_back(dict(one.compared))
    figures = {"fell share": share, "counters": known}
    return RuleResult(not back, f"Rolled back: {says}" if back else says, figures, severity="WARN")


def long_enough(one: Seen) -> RuleResult:
    """At least 18 hours after the day it is compared with, where both times are known."""
    hours = one.notes.get("hours")
    if hours is None or not one.notes.get("time known", True):
        return RuleResult(True, "No two capture times to compare.")
    says = f"{hours:.1f} hours after {one.notes['before']}."
    short = hours < SHORT
    return RuleResult(
        not short, f"Short: {says}" if short else says, {"hours": hours}, severity="WARN"
    )


def same_columns(one: Seen, before: Seen | None) -> RuleResult:
    """The source has the columns it had, and none is null much more, or less, often."""
    if before is None or not before.made:
        return RuleResult(True, "No earlier day to compare with.")
    told = [*schema_changes(one, before), *null_shifts(one, before)]
    says = f"{'; '.join(told)} since {before.day}." if told else f"As on {before.day}."
    return RuleResult(not told, says, {"columns": len(told)}, severity="WARN")


def schema_changes(one: Seen, before: Seen | None) -> list[str]:
    """Fields that the source has again (+) and that it has no more (-)."""
    if before is None or not before.made:
        return []
    now, then = (set(each.notes.get("columns absent", [])) for each in (one, before))
    return [
        *(f"+{name}" for name in sorted(then - now)),
        *(f"-{name}" for name in sorted(now - then)),
    ]


def null_shifts(one: Seen, before: Seen | None) -> list[str]:
    """Columns whose share of nulls moved by more than five points, each with its step."""
    if before is None or not before.made:
        return []
    steps = changes.shifted(one.notes.get("nulls", {}), before.notes.get("nulls", {}))
    return [f"{name} {step:+.1%} null" for name, step in steps.items()]


def no_gap_before(lake: Lake, one: Seen) -> RuleResult:
    """The day before is there."""
    before = one.notes.get("before")
    if before is None:
        return RuleResult(True, "The first of its kind: nothing to compare with.")
    between = (iso(one.day) - iso(before)).days - 1
    days = [str(iso(before) + timedelta(days=number + 1)) for number in range(between)]
    # A run that was cut off may have left the folder of a day, and no day in it.
    stored = set(lake.days("models")) if days else set()
    gone = [day for day in days if day not in stored]
    says = f"Compared with {before}" + (f", {between} days lie between" if between else "")
    if not gone:
        return RuleResult(True, f"{says}.", {"days missing": 0})
    said = f"A gap: nobody has {_listed(gone)}; compared with {before}."
    return RuleResult(False, said, {"days missing": len(gone)}, severity="WARN")


def _listed(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"
