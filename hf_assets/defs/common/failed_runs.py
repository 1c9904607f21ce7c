"""Failed runs as Dagster's history has them: which, where, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.execution.plan.objects import ErrorSource

from hf_assets.defs.common.failures import readable

# Failures that a tick reads.
MOST = 200
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dataclass(frozen=True)
class StepFailure:
    """A failed step, or the run itself where no step failed.

    Attributes:
        step: its key; "" for the run.
        error: its words.
        retried: the step was tried more than once in the run.
        interrupted: the process was ended from outside, as by a restart of the service.
    """

    step: str
    error: str
    retried: bool
    interrupted: bool = False


@dataclass(frozen=True)
class FailedRun:
    """A run that failed."""

    run: dg.DagsterRun
    time: datetime
    failures: Sequence[StepFailure]

    @property
    def day(self) -> str:
        """The partition, or the range of partitions; "" without one."""
        return day_of(self.run)


def day_of(run: dg.DagsterRun) -> str:
    """The partition of a run, or `first...last` of its range; "" without one."""
    ends = [run.tags[tag] for tag in RANGE if tag in run.tags]
    return run.tags.get("dagster/partition") or "...".join(dict.fromkeys(ends))


@dataclass(frozen=True)
class Read:
    """How far the history was read: number and time of the last failure."""

    number: int
    time: float

    def __str__(self) -> str:
        """As a sensor's cursor."""
        return f"{self.number} {self.time!r}"

    @classmethod
    def parse(cls, cursor: str | None) -> "Read | None":
        """Of a sensor's cursor; None for another text."""
        try:
            number, time = (cursor or "").split()
            return cls(int(number), float(time))
        except ValueError:
            return None


def newest_failure(instance: dg.DagsterInstance) -> Read:
    """The newest failure in the history."""
    newest = instance.fetch_run_status_changes(dg.DagsterEventType.RUN_FAILURE, limit=1).records
    return Read(newest[0].storage_id, newest[0].timestamp) if newest else Read(0, 0.0)


def failures_after(instance: dg.DagsterInstance, read: Read) -> tuple[list[FailedRun], Read]:
    """Runs that failed after what was read, oldest first, and how far the history is read now.

    A run that was deleted meanwhile is not among them.
    """
    # Numbers begin again in a new history, and after the newest run was deleted.
    again = newest_failure(instance).number < read.number
    after = dg.RunStatusChangeRecordsFilter(
        event_type=dg.DagsterEventType.RUN_FAILURE,
        after_storage_id=None if again else read.number,
        after_timestamp=read.time if again else None,
    )
    records = instance.fetch_run_status_changes(after, ascending=True, limit=MOST).records
    found: list[FailedRun] = []
    for record in records:
        run = instance.get_run_by_id(record.event_log_entry.run_id)
        if run is not None:
            time = datetime.fromtimestamp(record.timestamp, UTC)
            found.append(FailedRun(run, time, step_failures(instance, run)))
    return found, Read(records[-1].storage_id, records[-1].timestamp) if records else read


def step_failures(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[StepFailure]:
    """The failed steps of a run, or the reason of the run where no step failed."""
    kinds = (
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
        dg.DagsterEventType.RUN_FAILURE,
    )
    events = [
        entry.dagster_event
        for entry in instance.all_logs(run.run_id, of_type={*kinds})
        if entry.dagster_event
    ]
    retried = {event.step_key for event in events if event.event_type == kinds[1]}
    failures = [
        StepFailure(
            event.step_key or "", _words(event), event.step_key in retried, _interrupted(event)
        )
        for event in events
        if event.event_type == kinds[0]
    ]
    return failures or [
        StepFailure("", _words(event), False) for event in events if event.event_type == kinds[2]
    ]


def _interrupted(event: dg.DagsterEvent) -> bool:
    return event.step_failure_data.error_source == ErrorSource.INTERRUPT


def _words(event: dg.DagsterEvent) -> str:
    """The message of whoever raised the error: Dagster's own around it say which step it was."""
    data = event.event_specific_data
    said = getattr(data, "user_failure_data", None)
    if said and said.description:
        return readable(said.description)
    error = getattr(data, "error", None)
    while error and error.cause:
        error = error.cause
    return readable((error.message if error else "") or event.message or "")
