"""Checks of a day against its baseline day: each hands a day to a rule of `hub.quality`."""

from functools import cache, partial

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.quality import day_quality, day_rules
from hf_assets.hub.quality.baselines import last_alike
from hf_assets.hub.quality.day_summary import days_around, summarize_day
from hf_assets.rule_result import RuleResult


def _not_stalled(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
    # Each day is a neighbour of fifteen others: read its footer once.
    see = cache(partial(summarize_day, lake.tree))
    return {day: day_rules.not_stalled(see(day), days_around(see, day)) for day in days}


def _same_columns(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
    see, stored = cache(partial(summarize_day, lake.tree)), lake.tree.days("daily_changes")
    before = {day: last_alike(stored, day, see, day_rules.alike) for day in days}
    return {day: day_rules.same_columns(see(day), before[day]) for day in days}


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
}
_SAME_COLUMNS = (
    "The source has the same columns as on its last day; none is null much more or less often."
)
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
