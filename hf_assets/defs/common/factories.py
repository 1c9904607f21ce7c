"""Daily tables as assets."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import dagster as dg

from hf_assets.defs.common.metadata import column_schema
from hf_assets.defs.common.partitions import daily, hub_runs
from hf_assets.defs.common.resources import PartitionWrites
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.settings import settings
from hf_assets.storage.lake import StoredTable, TableWrite
from hf_assets.storage.parquet import Table

Captures = dict[str, Capture]
Tables = dict[str, StoredTable]


def daily_table(
    table: Table,
    group: str,
    *,
    owner: str = "team:hub",
    kinds: Iterable[str] = ("polars",),
    ins: Mapping[str, dg.AssetIn] | None = None,
    **more: Any,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """An asset that stores one table per day in the lake; `more` goes to `dg.asset`."""
    return dg.asset(
        name=table.name,
        group_name=group,
        owners=[owner],
        kinds={*kinds, "parquet"},
        ins=ins,
        partitions_def=daily,
        backfill_policy=hub_runs,
        io_manager_key="tables",
        metadata={"dagster/column_schema": column_schema(table), "dagster/table_name": table.name},
        **more,
    )


def each_day(
    table: Table,
    transform: Callable[..., TableWrite],
    *inputs: Mapping[str, Any],
    **options: Any,
) -> PartitionWrites:
    """Each day of a table: `transform(input, …, day, **options)` over that day's inputs.

    `transform` gets stored tables as lazy frames; their provenance is added to the new table's.
    """

    def make(day: str) -> TableWrite:
        of_day = [days_of[day] for days_of in inputs]
        frames = [one.frame if isinstance(one, StoredTable) else one for one in of_day]
        write = transform(*frames, day, **options)
        for one in of_day:
            if isinstance(one, StoredTable):
                write.provenance |= one.provenance
        return write

    # A run that skips missing days may have fewer days of one input than of another.
    days = [day for day in inputs[0] if all(day in one for one in inputs)]
    makes = {day: partial(make, day) for day in days}
    return PartitionWrites(table, makes, at_once=settings().days_at_once)


def once(table: Table, make: Callable[[], TableWrite]) -> PartitionWrites:
    """A table without days."""
    return PartitionWrites(table, {None: make})


def every_day(name: str) -> dg.AssetDep:
    """All days of a daily asset, for one that has none."""
    return dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
