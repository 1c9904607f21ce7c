"""The sensor that asks again for today's capture."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub.night import (
    WITHOUT_DATASETS,
    attempts,
    captures_since,
    lacks_datasets_alone,
    next_attempt,
)
from hf_assets.defs.hub.schedules import capture_today, night_without_datasets
from hf_assets.hub.attempts import LATEST
from hf_assets.hub.newest_day import expected_day
from hf_assets.settings import settings


@dg.sensor(
    job=capture_today,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks again for today's capture after the night's run failed or was rejected, "
    "until 23:30 UTC (HF_ASSETS_CAPTURE_RETRY_MINUTES). Never two at once. Where only datasets are "
    "missing, a run makes the rest of the night without them first. While daily_capture is off it "
    "asks for nothing.",
)
def retry_capture(
    context: dg.SensorEvaluationContext, lake: LakeResource
) -> dg.SensorResult | dg.SkipReason:
    """A run for today where one is due."""
    now = datetime.now(UTC)
    day = f"{now:%Y-%m-%d}"
    tried = attempts(context.instance, day)
    if not tried and _never_began(context, now):
        return _seen_missing(context, now, day)
    plan = next_attempt(context.instance, lake, now)
    if plan.due is None or plan.due > now:
        on = captures_since(context.instance) is not None
        if on and lacks_datasets_alone(context.instance, lake, day):
            return _rest_of_the_night(context, day)
        return dg.SkipReason(plan.reason)
    # Runs may be deleted: their number is no key, as it may have been one before.
    newest = max((attempt.ended for attempt in tried if attempt.ended), default=now)
    return _ask(day, f"the run that ended at {newest:%H:%M:%S.%f}")


def _ask(day: str, last: str) -> dg.SensorResult:
    """The run of a day; its key is new with each run that the day has had."""
    request = dg.RunRequest(run_key=f"{day} after {last}", partition_key=day)
    return dg.SensorResult(run_requests=[request])


def _rest_of_the_night(context: dg.SensorEvaluationContext, day: str) -> dg.SensorResult:
    """A run, once a day, of all that the night makes without its listing of datasets."""
    assert context.repository_def is not None, "the daemon gives each sensor its repository"
    assets = night_without_datasets.resolve(context.repository_def.asset_graph)
    request = dg.RunRequest(
        run_key=f"{day} without datasets",
        partition_key=day,
        asset_selection=sorted(assets),
        tags={WITHOUT_DATASETS: "true"},
    )
    return dg.SensorResult(run_requests=[request])


def _never_began(context: dg.SensorEvaluationContext, now: datetime) -> bool:
    """Whether the schedule is on, its hour is over, and no run came of it."""
    expected = expected_day(now, settings().newest_day_due, captures_since(context.instance))
    return expected == now.date() and now.time() <= LATEST


def _seen_missing(
    context: dg.SensorEvaluationContext, now: datetime, day: str
) -> dg.SensorResult | dg.SkipReason:
    """Ask for a day without a run, some time after it was seen to have none.

    A machine that was just switched on has its schedule ask first.
    """
    wait = timedelta(minutes=settings().capture_retry_minutes)
    seen = context.cursor if (context.cursor or "").startswith(day) else None
    due = datetime.fromisoformat(seen) + wait if seen else now + wait
    if seen and due <= now:
        return _ask(day, "none")
    reason = f"daily_capture has begun no run for {day}: one is asked for at {due:%H:%M} UTC."
    return dg.SensorResult(skip_reason=reason, cursor=seen or now.isoformat())
