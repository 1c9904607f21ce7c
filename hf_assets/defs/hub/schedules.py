"""Jobs and schedules of the Hub's days.

The schedules are off until a person turns them on in the UI: a clone must not list the Hub by
itself.
"""

from collections.abc import Iterator, Sequence

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from hf_assets.defs.common.events import DEFERRED
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.partitions import daily
from hf_assets.defs.common.pools import BULK
from hf_assets.defs.common.resources import HubResource, LakeResource
from hf_assets.defs.configuration import configuration_checks
from hf_assets.defs.trends.daily import FIGURES_MARKER
from hf_assets.hub.archive.base import KINDS, Archive, ArchiveError
from hf_assets.hub.capture_store.store import ESSENTIAL, RAW
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.quality import day_quality, rules
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, today
from hf_assets.storage.months import notes_by_month

of_days = dg.AssetSelection.from_string('group:"hub/*" or group:"trends"')
over_days = dg.AssetSelection.groups("trends/history")
# Their source shows the present only: no run over past days can make them. What somebody recorded
# of the files of Spaces is made by itself.
CODE = ("raw_space_trees", "space_code", "space_code_figures")
PRESENT_ONLY = ("raw_inference_providers", "inference_providers", *CODE)
derived = of_days - dg.AssetSelection.assets(*RAW, *PRESENT_ONLY)
# Not of every day: days of earlier versions, and of some archives, have no datasets.
RAW_DATASETS, HUB_DATASETS = "raw_datasets", "hub_datasets"
# The last step of a night, where a setting names a repository.
published = dg.AssetSelection.assets(*["published_lake"] * bool(settings().publish_dataset))
# A derived day is complete when it has all of these tables.
DERIVED_TABLES = (
    *("models", "enriched_spaces", "top_models", "model_usage", "families"),
    *("uses", "used_by"),
    *("daily_metrics", "daily_changes"),
)

# Those that days of earlier versions lack; their other tables stay as they are: rows made again, by
# another configuration, would be other rows.
LATER = ("families", "uses", "used_by")
_EARLIER = tuple(name for name in DERIVED_TABLES if name not in (*LATER, "daily_metrics"))

# The archive is asked once for each day.
MOST_LOOKUPS = 200

# Seconds. 4 500 pages take 45 minutes at the Hub's lowest limit, and two hours if it is slow;
# a step waits up to 2 hours for another run. A run that is cut off resumes at its next page, and
# begun at 03:00 it leaves time for more attempts that day.
LONGEST_CAPTURE = 4 * 3600

# All of a night; and what a night makes without datasets, where their listing fails for good.
night = of_days | over_days | published | configuration_checks()
night_without_datasets = night - dg.AssetSelection.assets(RAW_DATASETS, HUB_DATASETS)

capture_today = dg.define_asset_job(
    "capture_today",
    selection=night,
    tags={"dagster/priority": "10", "dagster/max_runtime": str(LONGEST_CAPTURE)},
    description="Start here. Captures the Hub's models, Spaces and datasets of today, then makes "
    "all that follows: tables, figures, the series over all days and the report. Materialize the "
    "newest partition. Run it again after a failure: what is stored is kept. The schedule "
    "daily_capture runs it every night.",
)

past_days = dg.define_asset_job(
    "past_days",
    # Figures take a second a day: over 700 days as long as all the rest together. Predictions of a
    # past day are made by themselves where somebody wants them.
    selection=of_days
    - dg.AssetSelection.assets("snapshot_figures", "predicted_categories", *PRESENT_ONLY),
    tags={DEFERRED: "true", **BULK},
    description="Backfills a range of days in one run, from captures and from the archive. Skips "
    "days that neither has.",
)


@dg.schedule(
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    job=capture_today,
    description="Captures today's models, Spaces and datasets, then makes tables, figures, the "
    "series over all days and the report.",
)
def daily_capture(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A run for the day of the tick: the Hub shows the present only.

    A machine that was off has the ticks that it missed evaluated when it is on again.
    """
    day = f"{context.scheduled_execution_time:%Y-%m-%d}"
    if day < today():
        return dg.SkipReason(
            f"{day} is over: the Hub shows today only. recover_past_days asks the archive for it."
        )
    return dg.RunRequest(run_key=day, partition_key=day)


@dg.schedule(
    cron_schedule="30 5 * * *",
    execution_timezone="UTC",
    target=derived,
    description="Makes the missing tables of captured days. Compares days again whose baseline day "
    "changed, and those compared by a version that did not store deleted models.",
)
def fill_derived_days(
    context: dg.ScheduleEvaluationContext, lake: LakeResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """One run for each range of days that lack a table, and for each range of stale days.

    Ranges of days with datasets and without are runs of their own: none fails for the other. Days
    of earlier versions get the tables that came later, and what is made of those.
    """
    missing, stale = unfilled_days(lake), day_quality.stale_days(lake.tree)
    listed = days_with_datasets(lake)
    earlier = days_of_earlier_versions(lake, missing)
    earlier |= outdated_aggregates(lake.tree) - {*missing}
    rest = [day for day in missing if day not in earlier]
    of_models = [day for day in rest if day not in listed]
    of_datasets = sorted(listed - {*lake.tree.days(HUB_DATASETS), *missing})
    only_stale = sorted(set(stale) - set(missing))
    datasets = dg.AssetKey(HUB_DATASETS)
    others = [key for key in derived.resolve(_graph(context)) if key != datasets]
    kept = (*_EARLIER, "predicted_categories")
    later = [key for key in others if key.path[-1] not in kept]
    # Thinning may have removed the rows and pages of an old day: compare it, rebuild nothing.
    compared = [dg.AssetKey("daily_changes")]
    requests = [
        *_ranges(context, [day for day in rest if day in listed]),
        *_ranges(context, of_models, "without datasets ", others),
        *_ranges(context, sorted(earlier), "later tables ", later),
        *_ranges(context, of_datasets, "datasets ", [datasets]),
        *_ranges(context, only_stale, "stale ", compared),
    ]
    nothing = "Nothing to do: every complete day has current tables and figures."
    return requests or dg.SkipReason(nothing)


def _graph(context: dg.ScheduleEvaluationContext) -> BaseAssetGraph:
    assert context.repository_def is not None, "the daemon gives each schedule its repository"
    return context.repository_def.asset_graph


@dg.schedule(
    cron_schedule="0 7 * * *",
    execution_timezone="UTC",
    job=past_days,
    description="Backfills days that were never captured from the archive, newest first, a few a "
    "night (HF_ASSETS_RECOVER_DAYS).",
)
def recover_past_days(
    context: dg.ScheduleEvaluationContext, lake: LakeResource, hub: HubResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """One run for each range of the newest missing days that the archive has."""
    try:
        with clear_failures():
            archive = hub.open_past()
            if archive is None:
                return dg.SkipReason("No archive is set (HF_ASSETS_ARCHIVE).")
            days = recoverable_days(lake, archive, settings().recover_days)
    except dg.Failure as failure:
        if failure.allow_retries:
            raise
        # The setting is wrong, not the night: a person must mend it.
        return dg.SkipReason(f"The archive cannot be read: {failure.description}")
    if not days:
        return dg.SkipReason(f"Nothing to do: {archive.name} has none of the missing days.")
    return _ranges(context, days)


def recoverable_days(lake: LakeResource, archive: Archive, most: int) -> list[str]:
    """The newest days that lack a listing and that the archive has, oldest first.

    Days without models or Spaces go first. A day that lacks its datasets alone counts if the
    archive has those.
    """
    stored = {asset: set(lake.stores[asset].days()) for asset in RAW}
    usable = set.intersection(*(stored[asset] for asset in ESSENTIAL))
    past = (archive.days() & set(daily.get_partition_keys())) - {today()}
    found: list[str] = []
    for days, kinds in (
        (past - usable, KINDS),
        ((past & usable) - stored[RAW_DATASETS], ("datasets",)),
    ):
        for day in sorted(days, reverse=True)[:MOST_LOOKUPS]:
            if len(found) == most:
                break
            if _has_any(archive, kinds, day):
                found.append(day)
    return sorted(found)


def _has_any(archive: Archive, kinds: Sequence[Kind], day: str) -> bool:
    """Whether the archive has one of those kinds on that day."""
    try:
        there = [archive.find(kind, day) for kind in kinds]
    except ArchiveError as error:
        if not error.permanent:
            raise
        # One broken day must not stop the others every night.
        dg.get_dagster_logger().warning(f"Skipped {day}: {error}")
        return False
    return any(there)


def unfilled_days(lake: LakeResource) -> list[str]:
    """Days with complete captures of models and Spaces that lack a table or the figures.

    Figures of archived days are drawn on demand; a day whose pages were deleted, or whose tables
    were thinned, cannot be rebuilt.
    """
    tree = lake.tree
    found = [lake.stores[asset].captures() for asset in ESSENTIAL]
    # A run without `raw_*` does not run the blocking checks of captures: apply their rules here.
    usable = set.intersection(*(rules.usable_days(captures) for captures in found))
    every = [(day, capture) for captures in found for day, capture in captures.items()]
    recovered = {day for day, capture in every if capture.source != "captured"}
    dropped = {day for day, capture in every if capture.pages_dropped}
    tables = _with_all(tree, DERIVED_TABLES)
    drawn = set(tree.days("snapshot_figures", FIGURES_MARKER)) | recovered
    bare = days_with_datasets(lake) - set(tree.days(HUB_DATASETS))
    complete = _with_all(tree, (*_EARLIER, "daily_metrics")) & drawn
    missing = (usable - (tables & drawn)) | (usable & bare)
    thin = {day for day in missing & complete if "thinned" in tree.notes("models", day)}
    return sorted(missing - dropped - thin)


def days_of_earlier_versions(lake: LakeResource, missing: Sequence[str]) -> set[str]:
    """Those of some unfilled days that lack nothing but the tables that earlier versions lack."""
    bare = days_with_datasets(lake) - set(lake.tree.days(HUB_DATASETS))
    lacking = {*missing} & _with_all(lake.tree, (*_EARLIER, "daily_metrics"))
    lacking -= bare | _with_all(lake.tree, LATER)
    return {day for day in lacking if "thinned" not in lake.tree.notes("models", day)}


def outdated_aggregates(tree: Lake) -> set[str]:
    """Days whose `daily_metrics` was made before their families, uses or datasets.

    A run of many days that was cut off leaves them; so does one that was asked for one table.
    """
    notes = notes_by_month(tree, "daily_metrics")
    datasets = {day for day, of in notes_by_month(tree, HUB_DATASETS).items() if of.get("rows")}
    behind = {day for day, of in notes.items() if not {"families", "edges"} <= of.keys()}
    behind |= {day for day in datasets if "datasets" not in notes.get(day, {"datasets": 0})}
    return {
        day
        for day in behind & _with_all(tree, DERIVED_TABLES)
        if not any("thinned" in tree.notes(name, day) for name in ("models", "enriched_spaces"))
        and not (day in datasets and "thinned" in tree.notes(HUB_DATASETS, day))
    }


def _with_all(tree: Lake, tables: Sequence[str]) -> set[str]:
    return set.intersection(*({*tree.days(table)} for table in tables))


def days_with_datasets(lake: LakeResource) -> set[str]:
    """Days with a usable capture of datasets that still has its pages."""
    captures = lake.stores[RAW_DATASETS].captures()
    dropped = {day for day, capture in captures.items() if capture.pages_dropped}
    return rules.usable_days(captures) - dropped


def _ranges(
    context: dg.ScheduleEvaluationContext,
    days: Sequence[str],
    what: str = "",
    assets: Sequence[dg.AssetKey] | None = None,
) -> list[dg.RunRequest]:
    """A run for each range of consecutive days, requested once a night."""
    return [
        dg.RunRequest(
            run_key=f"{what}{first}...{last} at {context.scheduled_execution_time:%Y-%m-%d}",
            asset_selection=assets,
            tags={
                **BULK,
                "dagster/asset_partition_range_start": first,
                "dagster/asset_partition_range_end": last,
            },
        )
        for first, last in stretches(days, settings().days_per_run)
    ]


def stretches(days: Sequence[str], most: int | None = None) -> Iterator[tuple[str, str]]:
    """First and last day of each range of consecutive days, of at most so many."""
    keys = daily.get_partition_keys()
    index = {key: at for at, key in enumerate(keys)}
    days = [day for day in days if day in index]
    begin = 0
    for at, day in enumerate(days):
        full = at - begin + 1 == most
        if full or at + 1 == len(days) or index[days[at + 1]] != index[day] + 1:
            yield days[begin], day
            begin = at + 1
