"""When days are made. Not here: what a day is made of.

The schedules are off until they are turned on in the UI: a clone must not list the Hub by itself.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from hf_assets.defs.common.events import DEFERRED
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.partitions import daily
from hf_assets.defs.common.resources import RAW, HubResource, LakeResource
from hf_assets.defs.trends.daily import FIGURES_MARKER
from hf_assets.hub.archive.base import KINDS, Archive, ArchiveError
from hf_assets.hub.quality import day_quality, rules
from hf_assets.settings import settings
from hf_assets.storage.lake import today

of_days = dg.AssetSelection.from_string('group:"hub/*" or group:"trends"')
over_days = dg.AssetSelection.groups("trends/history")
derived = of_days - dg.AssetSelection.assets(*RAW)
# What shows that a derived day is whole: its last table, and each before it.
DERIVED_TABLES = (
    *("models", "enriched_spaces", "top_models", "model_usage"),
    *("daily_metrics", "daily_changes"),
)

# Each day wants a question to the archive to know that it is there.
MOST_LOOKUPS = 200

past_days = dg.define_asset_job(
    "past_days",
    # A second a day to draw: 700 days of figures nobody looks at are what the rest takes together.
    selection=of_days - dg.AssetSelection.assets("snapshot_figures"),
    tags={DEFERRED: "true"},
    description="Makes every day of a range that was captured or that the archive has, in one run, "
    "and leaves out the others.",
)


@dg.schedule(
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    target=of_days | over_days,
    description="Captures today's models and Spaces and makes all that follows from them: tables, "
    "figures, series over all days, the report.",
)
def daily_capture(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """A run for the day that the tick is in: the Hub shows no other."""
    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
    return dg.RunRequest(run_key=day, partition_key=day)


@dg.schedule(
    cron_schedule="30 5 * * *",
    execution_timezone="UTC",
    target=derived,
    description="Makes the derived days whose capture is there and whose tables are not, and "
    "compares again those that are compared with a day that is no neighbour any more, or by a "
    "version that did not remember who went.",
)
def fill_derived_days(
    context: dg.ScheduleEvaluationContext, lake: LakeResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """One run for each stretch of days that lack a table, and for each that is only stale."""
    missing, stale = unfilled_days(lake), day_quality.stale_days(lake.tree)
    only_stale = sorted(set(stale) - set(missing))
    if not missing and not only_stale:
        return dg.SkipReason(
            "every captured day that is whole has its tables and figures, none stale"
        )
    # Rows and pages of an old day may be gone: it is compared again, and not made again.
    compared = [dg.AssetKey("daily_changes")]
    return _ranges(context, missing) + _ranges(context, only_stale, "stale ", compared)


@dg.schedule(
    cron_schedule="0 7 * * *",
    execution_timezone="UTC",
    job=past_days,
    description="Makes past days that nobody captured from the archive, newest first, a few a "
    "night (HF_ASSETS_RECOVER_DAYS).",
)
def recover_past_days(
    context: dg.ScheduleEvaluationContext, lake: LakeResource, hub: HubResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """One run for each stretch of the newest missing days that the archive has."""
    with clear_failures():
        archive = hub.open_past()
        if archive is None:
            return dg.SkipReason("no archive is set (HF_ASSETS_ARCHIVE)")
        days = recoverable_days(lake, archive, settings().recover_days)
    if not days:
        return dg.SkipReason(f"{archive.name} has no day that is missing")
    return _ranges(context, days)


def recoverable_days(lake: LakeResource, archive: Archive, most: int) -> list[str]:
    """The newest days that lack a listing and that the archive has, oldest first.

    A day that the archive lacks is not among them, whoever asks how often.
    """
    whole = set.intersection(*(set(lake.stores[asset].days()) for asset in RAW))
    keys = set(daily.get_partition_keys())
    missing = sorted((archive.days() & keys) - whole - {today()}, reverse=True)
    found: list[str] = []
    for day in missing[:MOST_LOOKUPS]:
        try:
            there = [archive.find(kind, day) for kind in KINDS]
        except ArchiveError as error:
            if not error.permanent:
                raise
            # One broken day must not stop the others, night after night.
            dg.get_dagster_logger().warning(f"{day} is left out: {error}")
            continue
        if any(there):
            found.append(day)
        if len(found) == most:
            break
    return sorted(found)


def unfilled_days(lake: LakeResource) -> list[str]:
    """Days that both listings were captured on, whole, and that lack a table or the figures.

    Figures of days that nobody captured are drawn when somebody wants them; a day whose pages were
    dropped cannot be made anew.
    """
    tree = lake.tree
    found = [lake.stores[asset].captures() for asset in RAW]
    # The blocking checks of a capture are no part of a run without `raw_*`: hence its rules here.
    usable = set.intersection(*(rules.usable_days(captures) for captures in found))
    every = [(day, capture) for captures in found for day, capture in captures.items()]
    recovered = {day for day, capture in every if capture.source != "captured"}
    dropped = {day for day, capture in every if capture.pages_dropped}
    tables = set.intersection(*(set(tree.days(table)) for table in DERIVED_TABLES))
    drawn = set(tree.days("snapshot_figures", FIGURES_MARKER)) | recovered
    return sorted(usable - (tables & drawn) - dropped)


def _ranges(
    context: dg.ScheduleEvaluationContext,
    days: Sequence[str],
    what: str = "",
    assets: Sequence[dg.AssetKey] | None = None,
) -> list[dg.RunRequest]:
    """A run for each unbroken stretch of those days, asked for once a night."""
    return [
        dg.RunRequest(
            run_key=f"{what}{first}...{last} at {context.scheduled_execution_time:%Y-%m-%d}",
            asset_selection=assets,
            tags={
                "dagster/asset_partition_range_start": first,
                "dagster/asset_partition_range_end": last,
            },
        )
        for first, last in stretches(days)
    ]


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
