"""Today's capture as Dagster's history has it: which runs tried it, and since when it is asked for.

The sensors of the night read it: one asks again, another sends alarms.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorStatus, ScheduleInstigatorData

from hf_assets.defs.common.failed_runs import step_failures
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub.schedules import capture_today, daily_capture
from hf_assets.hub.attempts import Attempt, Plan, plan
from hf_assets.hub.capture_store.store import ESSENTIAL, RAW
from hf_assets.hub.quality import rules
from hf_assets.settings import settings

# The tag of a run that makes the night without datasets: it is no attempt at the capture.
WITHOUT_DATASETS = "hf_assets/without_datasets"
# Tags of a run that a schedule or sensor asked for, and the reason of a run that was interrupted.
_BY_ITSELF = ("dagster/schedule_name", "dagster/sensor_name")
_INTERRUPTED = "UNEXPECTED_TERMINATION"
_OUTCOMES = {
    dg.DagsterRunStatus.SUCCESS: "succeeded",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "cancelled",
}


def next_attempt(
    instance: dg.DagsterInstance, lake: LakeResource, now: datetime | None = None
) -> Plan:
    """What follows for today."""
    now = now or datetime.now(UTC)
    day = f"{now:%Y-%m-%d}"
    if captures_since(instance) is None:
        return Plan(None, f"daily_capture is off: nothing asks for {day} again.")
    wait = timedelta(minutes=settings().capture_retry_minutes)
    what = f"the listing of datasets of {day}" if captured(lake, day, ESSENTIAL) else day
    return plan(attempts(instance, day), now, wait, lambda: captured(lake, day), what)


def attempts(instance: dg.DagsterInstance, day: str) -> list[Attempt]:
    """The runs of the job `capture_today` for that day, oldest first.

    A run without datasets counts while it is under way: two at once would make the same tables.
    """
    found = [(_attempt(instance, record), record) for record in _records(instance, day)]
    return [
        attempt
        for attempt, record in found
        if attempt.outcome == "active" or WITHOUT_DATASETS not in record.dagster_run.tags
    ]


def lacks_datasets_alone(instance: dg.DagsterInstance, lake: LakeResource, day: str) -> bool:
    """Whether the night failed for datasets alone, and nothing was made without them yet.

    Dagster skips what follows a failed step: without a run of their own, no aggregates and no
    series would follow the models for as long as the listing of datasets fails.
    """
    records = _records(instance, day)
    if any(WITHOUT_DATASETS in record.dagster_run.tags for record in records):
        return False
    tried = [_attempt(instance, record) for record in records]
    failed = any(attempt.outcome == "failed" and attempt.by_night for attempt in tried)
    active = any(attempt.outcome == "active" for attempt in tried)
    # A person who cancelled the last run wants none.
    if not failed or active or tried[-1].outcome == "cancelled":
        return False
    return captured(lake, day, ESSENTIAL) and not captured(lake, day)


def _records(instance: dg.DagsterInstance, day: str) -> list[dg.RunRecord]:
    wanted = dg.RunsFilter(job_name=capture_today.name, tags={"dagster/partition": day})
    return [*reversed(instance.get_run_records(wanted))]


def _attempt(instance: dg.DagsterInstance, record: dg.RunRecord) -> Attempt:
    run = record.dagster_run
    outcome = _OUTCOMES.get(run.status, "active")
    ended = None if outcome == "active" else record.end_time or record.update_timestamp.timestamp()
    return Attempt(
        ended=None if ended is None else datetime.fromtimestamp(ended, UTC),
        outcome=outcome,  # ty: ignore[invalid-argument-type]
        by_night=by_itself(run),
        permanent=outcome == "failed" and permanent(instance, run),
    )


def by_itself(run: dg.DagsterRun) -> bool:
    """Whether a schedule or sensor asked for a run, and not a person."""
    return any(tag in run.tags for tag in _BY_ITSELF)


def interrupted_by_hand(run: dg.DagsterRun) -> bool:
    """Whether a person ended their own run by Control-C: Dagster calls that a failure."""
    return not by_itself(run) and run.tags.get("dagster/failure_reason") == _INTERRUPTED


def permanent(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether a person must mend the cause: a listing failed, and its step was not retried.

    The steps of listings are retried wherever that can help, but not where the run was ended, as by
    a restart of the service. A run that was killed has no failed step, and a rejected capture fails
    at its check.
    """
    failed = [one for one in step_failures(instance, run) if one.step in RAW]
    return bool(failed) and not any(one.retried or one.interrupted for one in failed)


def captured(lake: LakeResource, day: str, listings: Sequence[str] = RAW) -> bool:
    """Whether these listings of that day are stored, complete, and pass the blocking checks.

    A limited capture, of a person's trial, passes them: the full one replaces it.
    """
    for asset in listings:
        captures = lake.stores[asset].captures()
        if day not in rules.usable_days(captures) or captures[day].limited:
            return False
    return True


def captures_since(instance: dg.DagsterInstance) -> datetime | None:
    """When the schedule `daily_capture` was switched on; None while it is off."""
    if instance.schedule_storage is None:
        return None
    states = instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE)
    begun = [
        state.instigator_data.start_timestamp or 0.0
        for state in states
        if state.instigator_name == daily_capture.name
        and state.status == InstigatorStatus.RUNNING
        and isinstance(state.instigator_data, ScheduleInstigatorData)
    ]
    return datetime.fromtimestamp(min(begun), UTC) if begun else None
