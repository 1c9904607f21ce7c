"""Checks of days beside each other: each hands a day to a rule. Not here: any rule (`hub`)."""

from functools import cache, partial

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.quality import day_quality, day_rules
from hf_assets.hub.quality.day_summary import days_around, summarize_day
from hf_assets.rule_result import RuleResult


def _not_stalled(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
    # Each day is among those around fifteen others: it is looked at once.
    see = cache(partial(summarize_day, lake.tree))
    return {day: day_rules.not_stalled(see(day), days_around(see, day)) for day in days}


def _same_columns(lake: LakeResource, day: str) -> RuleResult:
    one = summarize_day(lake.tree, day)
    before = one.comparison.baseline_day
    return day_rules.same_columns(one, summarize_day(lake.tree, before) if before else None)


_OF_A_DAY = {
    "not_rolled_back": (
        lambda lake, day: day_rules.not_rolled_back(summarize_day(lake.tree, day)),
        "No more than one in twenty of the all-time counters fell.",
    ),
    "long_enough": (
        lambda lake, day: day_rules.long_enough(summarize_day(lake.tree, day)),
        "At least 18 hours after the day it is compared with.",
    ),
    "no_gap_before": (
        lambda lake, day: day_rules.no_gap_before(lake.tree, summarize_day(lake.tree, day)),
        "The day before is there.",
    ),
    "same_columns": (
        _same_columns,
        "The source has the columns it had, and none is null much more, or less, often.",
    ),
}
_OF_ALL_DAYS = {
    "days_trusted": (day_quality.days_trusted, "The last thirty days can be trusted."),
    "nothing_stale": (
        day_quality.nothing_stale,
        "No day is compared with one that is no neighbour any more.",
    ),
}


@dg.definitions
def day_checks() -> dg.Definitions:
    """All of them warn: a day that cannot be trusted is kept, and told of."""
    about = "Downloads moved on: not as on the day before, nor far under those of the days around."
    of_a_day = [
        check("daily_changes", "not_stalled", None, about, rules=_not_stalled),
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
