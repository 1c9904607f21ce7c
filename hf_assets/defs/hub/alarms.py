"""The sensor that sends alarms of failed runs.

It is no `run_failure_sensor`: Dagster moves the cursor of one past a failure also where its body
raises, so that a webhook that is down loses the alarm, and reads one failure a tick, so that 700
failed runs of a backfill are 700 messages over hours. Here failures are kept in the outbox before
the cursor moves, and those that are not urgent are sent together.
"""

import socket
from datetime import UTC, datetime

import dagster as dg

from hf_assets.alarms.alarm import Alarm, AlarmError, joined
from hf_assets.alarms.delivery import deliver
from hf_assets.alarms.outbox import Outbox
from hf_assets.alarms.switch import Sender, sender_of
from hf_assets.defs.common.failed_runs import FailedRun, Read, failures_after, newest_failure
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub.night import interrupted_by_hand, next_attempt
from hf_assets.defs.hub.schedules import capture_today
from hf_assets.errors import clean
from hf_assets.settings import settings
from hf_assets.storage.durable import StorageError

OFF = (
    "HF_ASSETS_ALARM is not set: nobody hears of failures. Set it to a webhook (https://…), "
    "mailto:person@example.org, or a command, and start this process again."
)
# Failures sent past an outbox that could not be written, by key.
_sent_past: set[str] = set()


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alarm for each failed run, once, to whom HF_ASSETS_ALARM names; failures "
    "of a backfill come together. Runs that a person cancelled are no failures. Without the switch "
    "it does nothing.",
)
def send_alarms(
    context: dg.SensorEvaluationContext, lake: LakeResource
) -> dg.SensorResult | dg.SkipReason:
    """Keep new failures as alarms, and deliver what is due."""
    read = Read.parse(context.cursor)
    if read is None or not settings().alarm:
        # Before the first tick, and while the switch is off, nobody waits for alarms.
        if not settings().alarm:
            Outbox.of(lake.tree.root).drop()
        reason = "Alarms begin with the next failure." if settings().alarm else OFF
        return dg.SensorResult(skip_reason=reason, cursor=str(newest_failure(context.instance)))
    runs, read = failures_after(context.instance, read)
    outbox, unkept = Outbox.of(lake.tree.root), []
    for run in runs:
        if interrupted_by_hand(run.run):
            continue
        alarm = alarm_of(context.instance, lake, run)
        try:
            outbox.add(alarm)
        except StorageError:
            unkept.append(alarm)
    sender = sender_of(settings())
    if sender is None:
        return dg.SensorResult(skip_reason=OFF, cursor=str(read))
    _send_past(sender, unkept)
    delivery = deliver(outbox, sender)
    if delivery.errors:
        # The alarms are kept and the cursor stays: the next tick finds each kept already.
        raise AlarmError("; ".join(dict.fromkeys(delivery.errors)))
    return dg.SensorResult(skip_reason=delivery.text, cursor=str(read))


def _send_past(sender: Sender, alarms: list[Alarm]) -> None:
    """Send what could not be kept: a full disk is among what an alarm must report."""
    new = [alarm for alarm in alarms if alarm.key not in _sent_past]
    # In one message: 200 would take longer than a tick may.
    if new:
        sender.send(joined(new))
        _sent_past.update(alarm.key for alarm in new)


def alarm_of(instance: dg.DagsterInstance, lake: LakeResource, failed: FailedRun) -> Alarm:
    """The alarm of a failed run."""
    run, address = failed.run, (settings().ui or "").rstrip("/")
    of_capture = run.job_name == capture_today.name
    name = "materialization" if run.job_name.startswith("__") else run.job_name
    steps = ", ".join(one.step for one in failed.failures if one.step)
    where = " on ".join(filter(None, [steps, socket.gethostname()]))
    return Alarm.of(
        f"run {run.run_id}",
        f"{name} failed{f' for {failed.day}' if failed.day else ''}",
        time=failed.time,
        day=failed.day,
        where=where,
        error=" | ".join(one.error for one in failed.failures),
        next=_next(instance, lake, failed.day) if of_capture else NOTHING,
        link=f"{address}/runs/{run.run_id}" if address else f"run {run.run_id}",
        urgent=of_capture,
    )


NOTHING = "Nothing by itself: mend the cause and run it again. What it stored is kept."


def _next(instance: dg.DagsterInstance, lake: LakeResource, day: str) -> str:
    """What follows for a day, in the words of an alarm."""
    if day and day < f"{datetime.now(UTC):%Y-%m-%d}":
        return (
            f"{day} is over. If its capture has begun, capture_today for that partition resumes it "
            "for 24 hours after its beginning; else recover_past_days asks the archive for the day."
        )
    try:
        following = next_attempt(instance, lake)
    except Exception as error:  # noqa: BLE001 - an alarm must report a broken lake, too
        return (
            f"What follows is unknown ({clean(error)}). Mend the cause, and run capture_today "
            "again before midnight UTC."
        )
    if following.due or "captured" in following.reason or "lost" in following.reason:
        return following.reason
    return f"{following.reason} Run capture_today again before midnight UTC: it resumes."
