"""Days that a run reports by itself."""

import dagster as dg
import pytest

from hf_assets.defs.common.events import DEFERRED, report_day
from hf_assets.defs.common.partitions import daily, single_run

FIRST, SECOND = "2026-01-05", "2026-01-06"
RANGE = {
    "dagster/asset_partition_range_start": FIRST,
    "dagster/asset_partition_range_end": SECOND,
}


@dg.asset(partitions_def=daily, backfill_policy=single_run)
def table(context: dg.AssetExecutionContext) -> None:
    report_day(context, FIRST, {"rows": 3})


@dg.asset(deps=[dg.AssetDep(table, partition_mapping=dg.AllPartitionMapping())], code_version="1")
def series() -> None: ...


@pytest.mark.parametrize(("tags", "days"), [({}, [FIRST, SECOND]), ({DEFERRED: "true"}, [FIRST])])
def test_a_run_that_skips_missing_days_reports_the_others_alone(
    tags: dict[str, str], days: list[str]
) -> None:
    result = dg.materialize([table], tags=RANGE | tags)
    found = result.asset_materializations_for_node("table")
    assert sorted(str(event.partition) for event in found) == days
    assert {str(e.partition): e.metadata["rows"].value for e in found if e.metadata} == {FIRST: 3}


def test_each_such_run_is_another_version_of_the_data() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        versions = set()
        for _ in range(2):
            dg.materialize([table], tags=RANGE | {DEFERRED: "true"}, instance=instance)
            made = dg.materialize([series], instance=instance)
            (event,) = made.get_asset_materialization_events()
            tags = event.step_materialization_data.materialization.tags or {}
            versions.add(tags["dagster/data_version"])
    assert len(versions) == 2
