"""Checks of a day against its baseline day: each hands a day to a rule of `hub.quality`."""

from collections.abc import Callable
from functools import cache, partial

import dagster as dg

from hf_assets.defs.common.check_factory import Rule, check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.quality import day_quality, day_rules
from hf_assets.hub.quality.baselines import last_alike
from hf_assets.hub.quality.day_summary import DaySummary, days_around, summarize_day
from hf_assets.rule_result import RuleResult


def _not_stalled(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
    # Each day is a neighbour of fifteen others: read its footer once.
    see = cache(partial(summarize_day, lake.tree))
    return {day: day_rules.not_stalled(see(day), days_around(see, day)) for day in days}


def _same_columns(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
    see, stored = cache(partial(summarize_day, lake.tree)), lake.tree.days("daily_changes")
    before = {day: last_alike(stored, day, see, day_rules.alike) for day in days}
    return {day: day_rules.same_columns(see(day), before[day]) for day in days}


def _of_datasets(rule: Callable[[DaySummary], RuleResult]) -> Rule:
    """A rule of a day, of its datasets; a day without datasets passes."""

    def of_datasets(lake: LakeResource, day: str) -> RuleResult:
        datasets = summarize_day(lake.tree, day).datasets
        return rule(datasets) if datasets else RuleResult(True, _NO_DATASETS)

    return of_datasets


def _datasets_not_stalled(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
    see = cache(partial(summarize_day, lake.tree))
    results = dict.fromkeys(days, RuleResult(True, _NO_DATASETS))
    for day in days:
        if now := see(day).datasets:
            near = [one.datasets for one in days_around(see, day) if one.datasets]
            results[day] = day_rules.not_stalled(now, near)
    return results


def _datasets_same_columns(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
    @cache
    def see(day: str) -> DaySummary | None:
        return summarize_day(lake.tree, day).datasets

    def alike(now: DaySummary | None, earlier: DaySummary | None) -> bool:
        return bool(now and earlier) and day_rules.alike(now, earlier)

    stored = lake.tree.days("daily_changes")
    return {
        day: day_rules.same_columns(now, last_alike(stored, day, see, alike))
        if (now := see(day))
        else RuleResult(True, _NO_DATASETS)
        for day in days
    }


_NO_DATASETS = "The day has no datasets."
_OF_A_DAY = {
    "not_rolled_back": (
        lambda lake, day: day_rules.not_rolled_back(summarize_day(lake.tree, day)),
        "At most 1 in 20 all-time counters fell.",
    ),
    "long_enough": (
        lambda lake, day: day_rules.long_enough(summarize_day(lake.tree, day)),
        "Captured at least 18 hours after its baseline day.",
    ),
    "no_gap_before": (
        lambda lake, day: day_rules.no_gap_before(lake.tree, summarize_day(lake.tree, day)),
        "The previous day is stored.",
    ),
    "datasets_not_rolled_back": (
        _of_datasets(day_rules.not_rolled_back),
        "At most 1 in 20 all-time counters of datasets fell.",
    ),
    "datasets_long_enough": (
        _of_datasets(day_rules.long_enough),
        "Datasets were captured at least 18 hours after their baseline day.",
    ),
}
_SAME_COLUMNS = (
    "The source has the same columns as on its last day; none is null much more or less often."
)
_OF_DATASETS = {
    "datasets_not_stalled": (
        "Downloads of datasets changed: half of the larger ones, and their total.",
        _datasets_not_stalled,
    ),
    "datasets_same_columns": (
        "The listing of datasets has the same columns as on its last day, about as often null.",
        _datasets_same_columns,
    ),
}
_OF_ALL_DAYS = {
    "days_trusted": (day_quality.days_trusted, "Each of the last 30 days can be trusted."),
    "nothing_stale": (
        day_quality.nothing_stale,
        "Every day is compared with its current baseline day.",
    ),
}


@dg.definitions
def day_checks() -> dg.Definitions:
    """All of them warn: a day that cannot be trusted is kept and flagged."""
    about = "Downloads changed: not equal to the day before, nor far below the days around."
    of_a_day = [
        check("daily_changes", "not_stalled", None, about, rules=_not_stalled),
        check("daily_changes", "same_columns", None, _SAME_COLUMNS, rules=_same_columns),
        *(
            check("daily_changes", name, None, about, rules=rules)
            for name, (about, rules) in _OF_DATASETS.items()
        ),
        *(check("daily_changes", name, *rule) for name, rule in _OF_A_DAY.items()),
    ]
    of_all_days = [
        check(
            "day_quality",
            name,
            lambda lake, _, rule=rule: rule(lake.tree.read("day_quality", None).frame.collect()),
            about,
            partitions=None,
        )
        for name, (rule, about) in _OF_ALL_DAYS.items()
    ]
    return dg.Definitions(asset_checks=[*of_a_day, *of_all_days])
