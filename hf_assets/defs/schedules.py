"""When days are made. Not here: what a day is made of.

Both schedules are off until they are turned on in the UI: a clone must not list the Hub by itself.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from hf_assets.defs.partitions import daily
from hf_assets.defs.resources import RAW, LakeResource
from hf_assets.defs.trends import FIGURES_MARKER
from hf_assets.hub import quality
from hf_assets.hub.capture import MARKER

everything = dg.AssetSelection.from_string('group:"hub/*" or group:"trends"')
derived = everything - dg.AssetSelection.assets(*RAW)
# What shows that a derived day is whole: its last table, and each before it.
DERIVED_TABLES = ("models", "enriched_spaces", "top_models", "model_usage", "daily_metrics")


@dg.schedule(
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    target=everything,
    description="Captures today's models and Spaces and makes all that follows from them.",
)
def daily_capture(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """A run for the day that the tick is in: the Hub shows no other."""
    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return dg.RunRequest(run_key=day, partition_key=day)


@dg.schedule(
    cron_schedule="30 5 * * *",
    execution_timezone="UTC",
    target=derived,
    description="Makes the derived days whose capture is there and whose tables are not.",
)
def fill_derived_days(
    context: dg.ScheduleEvaluationContext, lake: LakeResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """One run for each stretch of days that wants filling."""
    missing = unfilled_days(lake)
    if not missing:
        return dg.SkipReason("every captured day that is whole has its tables and figures")
    return [
        dg.RunRequest(
            run_key=f"{first}...{last} at {context.scheduled_execution_time:%Y-%m-%d}",
            tags={
                "dagster/asset_partition_range_start": first,
                "dagster/asset_partition_range_end": last,
            },
        )
        for first, last in stretches(missing)
    ]


def unfilled_days(lake: LakeResource) -> list[str]:
    """Days that both listings were captured on, whole, and that lack a table or the figures."""
    tree = lake.tree
    # The blocking checks of a capture are no part of a run without `raw_*`: hence its rules here.
    usable = (quality.usable_days(lake.captures(asset, tree.days(asset, MARKER))) for asset in RAW)
    made = [set(tree.days(table)) for table in DERIVED_TABLES]
    made.append(set(tree.days("snapshot_figures", FIGURES_MARKER)))
    return sorted(set.intersection(*usable) - set.intersection(*made))


def stretches(days: Sequence[str]) -> Iterator[tuple[str, str]]:
    """First and last day of each unbroken stretch of days."""
    keys = daily.get_partition_keys()
    place = {key: at for at, key in enumerate(keys)}
    known = [day for day in days if day in place]
    begin = 0
    for at, day in enumerate(known):
        if at + 1 == len(known) or place[known[at + 1]] != place[day] + 1:
            yield known[begin], day
            begin = at + 1
