"""Days beside each other, and which of them can be trusted. Not here: any rule (`hub`)."""

from functools import partial

import dagster as dg

from hf_assets.defs.common.factories import Tables, daily_table, once
from hf_assets.defs.common.metadata import column_schema
from hf_assets.defs.common.resources import TAKES_THINNED, LakeResource, PartitionWrites
from hf_assets.hub.quality import changes
from hf_assets.hub.quality import day_quality as judging
from hf_assets.hub.quality.comparing import compare_day
from hf_assets.hub.quality.schemas import DAILY_CHANGES, DAY_QUALITY
from hf_assets.storage.lake import TableWrite


# Counters are left of a thinned day: it can be compared still.
@daily_table(DAILY_CHANGES, group="hub/quality", ins={"models": dg.AssetIn(metadata=TAKES_THINNED)})
def daily_changes(models: Tables, lake: LakeResource) -> PartitionWrites:
    """The day beside the last: models created, deleted, renamed; counters that stood still or fell.

    Compared with the last whole day that covers the same. A few thousand rows, however many models.
    Days after those of the run that were compared with an older one, as these were not there yet,
    are compared again, with their new neighbour. A thinned day that stands beside the same day as
    it did keeps what was counted of it.
    """
    tree = lake.tree
    following = judging.stale_days(tree, models)
    places = changes.stored_baselines(tree, {*models, *following})

    def make(day: str) -> TableWrite:
        now = models[day] if day in models else tree.read("models", day)
        return compare_day(tree, now, places[day])

    makes = {day: partial(make, day) for day in sorted(places)}
    return PartitionWrites(DAILY_CHANGES, makes, beyond=frozenset(following))


@dg.asset(
    # With the other assets that have no days: a range of `hub/*` would refuse to run with it.
    group_name="trends/history",
    owners=["team:hub"],
    kinds={"polars", "parquet"},
    deps=["daily_changes", "daily_metrics"],
    io_manager_key="tables",
    metadata={
        "dagster/column_schema": column_schema(DAY_QUALITY),
        "dagster/table_name": DAY_QUALITY.name,
    },
)
def day_quality(lake: LakeResource) -> PartitionWrites:
    """Which days can be trusted: partial, stalled, rolled back, short, missing; with the reason.

    A row for every day from the first stored to the last, from footers alone.
    """
    return once(DAY_QUALITY, lambda: judging.quality_table(lake.tree))
