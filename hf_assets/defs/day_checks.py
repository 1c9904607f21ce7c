"""Checks of days beside each other: each hands a day to a rule. Not here: any rule (`hub`)."""

import dagster as dg

from hf_assets.defs.checking import check
from hf_assets.defs.resources import LakeResource
from hf_assets.hub import day_quality, day_rules
from hf_assets.verdict import Verdict


def _not_stalled(lake: LakeResource, day: str) -> Verdict:
    near = day_quality.around(lake.tree, day)
    return day_rules.not_stalled(day_quality.seen(lake.tree, day), near)


def _same_columns(lake: LakeResource, day: str) -> Verdict:
    one = day_quality.seen(lake.tree, day)
    before = one.notes.get("before")
    return day_rules.same_columns(one, day_quality.seen(lake.tree, before) if before else None)


_OF_A_DAY = {
    "not_stalled": (
        _not_stalled,
        "Downloads moved on: not those of the day before, nor far under those of the days around.",
    ),
    "not_rolled_back": (
        lambda lake, day: day_rules.not_rolled_back(day_quality.seen(lake.tree, day)),
        "No more than one in twenty of the all-time counters fell.",
    ),
    "long_enough": (
        lambda lake, day: day_rules.long_enough(day_quality.seen(lake.tree, day)),
        "At least 18 hours after the day it is compared with.",
    ),
    "no_gap_before": (
        lambda lake, day: day_rules.no_gap_before(lake.tree, day_quality.seen(lake.tree, day)),
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
    of_a_day = [check("daily_changes", name, *rule) for name, rule in _OF_A_DAY.items()]
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
