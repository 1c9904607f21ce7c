"""How much code the Spaces take that use the chosen models."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import dagster as dg
import polars as pl

from hf_assets.defs.common.events import (
    Skipped,
    deferred,
    report_day,
    report_left_out,
    skippable,
    steps_of,
)
from hf_assets.defs.common.factories import Tables, daily_table
from hf_assets.defs.common.failures import RETRIES, clear_failures
from hf_assets.defs.common.metadata import column_schema, stored_table
from hf_assets.defs.common.partitions import daily, hub_runs
from hf_assets.defs.common.resources import OPTIONAL, HubResource, LakeResource, PartitionWrites
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.space_code import table
from hf_assets.hub.space_code.days import NoTrees, TreeDays
from hf_assets.hub.space_code.schemas import RAW_SPACE_TREES, SPACE_CODE
from hf_assets.settings import settings

# A recorded day has the files of Spaces without any listing.
_LISTED = {name: dg.AssetIn(metadata=OPTIONAL) for name in ("enriched_spaces", "top_models")}


@dg.asset(
    group_name="hub/raw",
    owners=["team:hub"],
    kinds={"huggingface", "json"},
    ins=_LISTED,
    partitions_def=daily,
    backfill_policy=hub_runs,
    io_manager_key="tables",
    retry_policy=RETRIES,
    pool="hub",
    # After the listings and all that is made of them: it may take an hour, and they do not need it.
    op_tags={"dagster/priority": "-1"},
    output_required=False,
    metadata={"dagster/column_schema": column_schema(RAW_SPACE_TREES)},
)
@skippable
def raw_space_trees(
    context: dg.AssetExecutionContext,
    enriched_spaces: Tables,
    top_models: Tables,
    lake: LakeResource,
    hub: HubResource,
) -> dg.MaterializeResult:
    """File trees of the Spaces that use the chosen models, as the Hub serves them.

    A Space is asked for once a commit: an answer holds as long as `last_modified` does. Today is
    asked for now; a run that died goes on where it stopped. A past day is what was stored then, or
    what a folder recorded.
    """
    days, missing = _tree_days(context, lake, hub), {}
    with clear_failures():
        for day in context.partition_keys:
            try:
                stored = days.get_or_ask(day, _frame(enriched_spaces, day), _frame(top_models, day))
            except NoTrees as reason:
                missing[day] = str(reason)
                continue
            report_day(context, day, stored_table(stored, RAW_SPACE_TREES, brief=True))
    if missing and not deferred(context):
        reasons = "\n".join(missing.values())
        if "raw_spaces" in steps_of(context):
            raise Skipped(reasons)  # a night that went on past midnight has not failed for it
        raise dg.Failure(reasons, allow_retries=False)
    report_left_out(context, "raw_space_trees", missing)
    return dg.MaterializeResult()


def _frame(tables: Tables, day: str) -> pl.LazyFrame | None:
    return tables[day].frame if day in tables else None


def _tree_days(context: dg.AssetExecutionContext, lake: LakeResource, hub: HubResource) -> TreeDays:
    connection = HubConnection(
        connect_timeout=hub.connect_timeout,
        read_timeout=hub.read_timeout,
        retry_wait=hub.retry_wait,
        log=context.log.warning,
    )
    return TreeDays(
        lake=lake.tree,
        connection=connection,
        most_requests=settings().space_code_requests,
        lock_wait=hub.lock_wait,
        recorded=_recorded(hub),
        log=context.log.info,
    )


def _recorded(hub: HubResource) -> Callable[[str], tuple[Path, str] | None]:
    """The recording of a day; a folder alone has any."""

    def recorded(day: str) -> tuple[Path, str] | None:
        return hub.past.space_files(day) if isinstance(hub.past, RecordedDays) else None

    return recorded


@daily_table(
    SPACE_CODE,
    group="hub/tables",
    ins={"raw_space_trees": dg.AssetIn(), **_LISTED},
)
def space_code(
    raw_space_trees: Tables, enriched_spaces: Tables, top_models: Tables
) -> PartitionWrites:
    """Files, bytes of code by language, and packages of the Spaces that use the chosen models.

    Weights, media and data count apart. A Space whose files are unknown has its reason.
    """

    # A captured day had its listings: where they are thinned by now, its table stays as it is.
    days = {
        day: answers
        for day, answers in raw_space_trees.items()
        if (day in enriched_spaces and day in top_models)
        or answers.capture(RAW_SPACE_TREES.name).source != "captured"
    }
    # With the file itself: trees are read a row group at a time.
    return PartitionWrites(
        SPACE_CODE,
        {
            day: partial(
                table.space_code,
                answers,
                _frame(enriched_spaces, day),
                _frame(top_models, day),
                day,
            )
            for day, answers in days.items()
        },
    )
