"""Which days of a range a run tells of. Not here: what it says of them (`report`).

Dagster tells of every partition that a run was launched for. A run with `DEFERRED` among its tags
tells of none: what is made then reports itself, and a day that nobody has stays unmade.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

DEFERRED = "dagster/defer_asset_events"

Context = (
    dg.AssetExecutionContext | dg.OutputContext | dg.InputContext | dg.AssetCheckExecutionContext
)


def deferred(context: Context) -> bool:
    """Whether the run leaves out the days that are not there."""
    if isinstance(context, dg.OutputContext | dg.InputContext):
        tags = context.step_context.dagster_run.tags
    else:
        tags = context.run.tags
    return tags.get(DEFERRED, "").lower() == "true"


def report_day(
    context: dg.AssetExecutionContext | dg.OutputContext,
    day: str,
    facts: Mapping[str, Any],
    *,
    beyond: bool = False,
) -> None:
    """Say what was made of one day of the context's asset, in either kind of run.

    Args:
        context: of the step.
        day: the partition key.
        facts: its metadata.
        beyond: the run was not launched for that day: Dagster does not tell of it by itself.
    """
    if beyond or deferred(context):
        context.log_event(dg.AssetMaterialization(context.asset_key, partition=day, metadata=facts))
    elif isinstance(context, dg.OutputContext):
        context.step_context.add_asset_metadata(dict(facts), partition_key=day)
    else:
        context.add_asset_metadata(dict(facts), partition_key=day)


def report_left_out(
    context: dg.AssetExecutionContext | dg.InputContext | dg.OutputContext,
    asset: str,
    days: Mapping[str, str],
) -> None:
    """Name the days of a range that the run tells nothing else of, each with its reason.

    Days that nobody has, and those whose source has nothing of that kind: the lake keeps that it
    has nothing, for what follows; the UI shows no partition with nothing in it.
    """
    if not days:
        return
    context.log.warning(
        "%d days are left out of %s:\n%s",
        len(days),
        asset,
        "\n".join(f"{day}: {reason}" for day, reason in days.items()),
    )
    if not isinstance(context, dg.InputContext):
        said = {"days left out": dg.MetadataValue.json(dict(days)), "left out": len(days)}
        context.log_event(dg.AssetObservation(context.asset_key, metadata=said))
