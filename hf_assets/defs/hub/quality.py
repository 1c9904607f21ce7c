"""Day-over-day changes, and which days can be trusted."""

from functools import partial

import dagster as dg

from hf_assets.defs.common.automation import after_changes
from hf_assets.defs.common.factories import Tables, daily_table, once
from hf_assets.defs.common.failures import RETRIES
from hf_assets.defs.common.metadata import column_schema
from hf_assets.defs.common.resources import (
    OPTIONAL,
    TAKES_THINNED,
    LakeResource,
    PartitionWrites,
)
from hf_assets.hub.quality import day_quality as judging
from hf_assets.hub.quality.comparing import Baselines, compare_day
from hf_assets.hub.quality.schemas import DAILY_CHANGES, DAY_QUALITY
from hf_assets.settings import settings
from hf_assets.storage.lake import Lake, TableWrite

# A thinned day keeps its counters: it can still be compared.
_INPUTS = {
    "models": dg.AssetIn(metadata=TAKES_THINNED),
    "hub_datasets": dg.AssetIn(metadata=OPTIONAL | TAKES_THINNED),
}


# Two runs of neighbouring days may store the same day at once: on a store the second is refused.
@daily_table(DAILY_CHANGES, group="hub/quality", ins=_INPUTS, retry_policy=RETRIES)
def daily_changes(models: Tables, hub_datasets: Tables, lake: LakeResource) -> PartitionWrites:
    """Day-over-day changes: models created, deleted and renamed; counters that stalled or fell.

    Each day is compared with its baseline: the last complete day of the same scope; datasets with a
    baseline day of their own. The table has a few thousand rows, however many models there are. A
    later day whose baseline changes with this run is compared again, and so is a day of this run
    whose baseline another run stores meanwhile. A thinned day keeps its counts as long as its
    baseline stays the same.
    """
    following = judging.stale_days(lake.tree, {*models, *hub_datasets})
    baselines = Baselines.of(lake.tree, {*models, *following})
    return _compared(lake.tree, models, baselines, beyond=frozenset(following))


def _compared(
    tree: Lake, models: Tables, baselines: Baselines, beyond: frozenset[str]
) -> PartitionWrites:
    def make(day: str) -> TableWrite:
        now = models[day] if day in models else tree.read("models", day)
        return compare_day(tree, now, baselines.models[day], baselines.datasets.get(day))

    def then() -> PartitionWrites | None:
        moved = baselines.moved(tree)
        # Their first materialisation is reported already.
        return _compared(tree, models, moved, frozenset(moved.models)) if moved else None

    makes = {day: partial(make, day) for day in sorted(baselines.models)}
    at_once = settings().days_at_once
    return PartitionWrites(DAILY_CHANGES, makes, beyond=beyond, then=then, at_once=at_once)


@dg.asset(
    # With the other assets that have no days: a range of `hub/*` would refuse to run with it.
    group_name="trends/history",
    owners=["team:hub"],
    kinds={"polars", "parquet"},
    deps=["daily_changes", "daily_metrics"],
    io_manager_key="tables",
    automation_condition=after_changes(),
    metadata={
        "dagster/column_schema": column_schema(DAY_QUALITY),
        "dagster/table_name": DAY_QUALITY.name,
    },
)
def day_quality(lake: LakeResource) -> PartitionWrites:
    """Which days can be trusted: flags partial, stalled, rolled-back, short and missing days.

    One row for each day from the first stored day to the last, with the reasons. Reads file footers
    only.
    """
    return once(DAY_QUALITY, lambda: judging.quality_table(lake.tree))
