"""Which days of a range a run reports as materialised, and which steps it skips.

Dagster reports every partition that a run was launched for. A run with the tag `DEFERRED` reports
each stored day by itself, so that a day without a source stays unmaterialised.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

import dagster as dg

DEFERRED = "dagster/defer_asset_events"
DATA_VERSION = "dagster/data_version"

# Runs of this process whose number of steps was logged.
_logged: set[str] = set()

Context = (
    dg.AssetExecutionContext | dg.OutputContext | dg.InputContext | dg.AssetCheckExecutionContext
)


def deferred(context: Context) -> bool:
    """Whether the run skips missing days."""
    if isinstance(context, dg.OutputContext | dg.InputContext):
        tags = context.step_context.dagster_run.tags
    else:
        tags = context.run.tags
    return tags.get(DEFERRED, "").lower() == "true"


def log_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Log how many steps a run has, checks included: a bar beside its log has an end by it.

    Once a process and run, however often its resources begin.
    """
    if run.execution_plan_snapshot_id and run.run_id not in _logged:
        _logged.add(run.run_id)
        plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
        steps = len(plan.step_keys_to_execute)
        dg.get_dagster_logger().info(f"This run has {steps} step{'s' * (steps != 1)}")


def report_day(
    context: dg.AssetExecutionContext | dg.OutputContext,
    day: str,
    facts: Mapping[str, Any],
    *,
    beyond: bool = False,
) -> None:
    """Report one day of the context's asset as materialised, in either kind of run.

    Args:
        context: of the step.
        day: the partition key.
        facts: its metadata.
        beyond: the run was not launched for that day, so Dagster would not report it.
    """
    if beyond or deferred(context):
        # Without a version, two such runs would look alike to what is made of all days.
        version = {DATA_VERSION: context.run_id}
        context.log_event(
            dg.AssetMaterialization(context.asset_key, partition=day, metadata=facts, tags=version)
        )
    elif isinstance(context, dg.OutputContext):
        context.step_context.add_asset_metadata(dict(facts), partition_key=day)
    else:
        context.add_asset_metadata(dict(facts), partition_key=day)


def materialized(
    context: dg.AssetExecutionContext, facts: Mapping[str, Any]
) -> dg.MaterializeResult:
    """A materialisation whose data has a version of its own, so that what follows is out of date.

    From code and inputs alone, Dagster would take a run with other config, or on another file, for
    the same data.
    """
    return dg.MaterializeResult(metadata=facts, data_version=dg.DataVersion(context.run_id))


def report_left_out(
    context: dg.AssetExecutionContext | dg.InputContext | dg.OutputContext,
    asset: str,
    days: Mapping[str, str],
) -> None:
    """Log the skipped days of a range, each with its reason.

    They are days without a source, and days whose source has no rows of that kind: the lake stores
    such a day as an empty table for downstream assets, and the UI shows no materialisation of it.
    """
    if not days:
        return
    context.log.warning(
        "Skipped %d days of %s:\n%s",
        len(days),
        asset,
        "\n".join(f"{day}: {reason}" for day, reason in days.items()),
    )
    if not isinstance(context, dg.InputContext):
        skipped = {"skipped days": len(days), "reasons": dg.MetadataValue.json(dict(days))}
        context.log_event(dg.AssetObservation(context.asset_key, metadata=skipped))


def steps_of(context: dg.AssetExecutionContext) -> list[str]:
    """The keys of the steps that the context's run executes."""
    return list(context.run.step_keys_to_execute or [node.name for node in context.job_def.nodes])


class Skipped(Exception):
    """A step has nothing to do yet; the message is the reason, and what to set."""


def skippable(body: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """The body of an asset that may raise `Skipped`; for `@dg.asset(output_required=False)`.

    A skipped step succeeds and materialises nothing. The reason is in the run log, and on the asset
    as an observation. Dagster skips the downstream steps of the same run, as it does those of a
    body that returns None.
    """

    @wraps(body)
    def run(context: dg.AssetExecutionContext, *args: Any, **inputs: Any) -> Iterator[Any]:
        try:
            result = body(context, *args, **inputs)
        except Skipped as skipped:
            _report_skipped(context, f"Skipped: {skipped}")
            return
        if result is not None:
            yield result if isinstance(result, dg.MaterializeResult) else dg.Output(result)

    return run


def _report_skipped(context: dg.AssetExecutionContext, reason: str) -> None:
    context.log.warning(
        f"{reason} Downstream assets of the same run are skipped as well: materialise them by "
        "themselves where they have another source."
    )
    # A range of days gets one observation, of the asset.
    days = context.partition_keys if context.has_partition_key else [None]
    context.log_event(
        dg.AssetObservation(
            context.asset_key,
            description=reason,
            partition=days[0] if len(days) == 1 else None,
        )
    )
