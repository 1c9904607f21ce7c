"""When today's capture is asked for again, from the runs that tried it.

The Hub shows today only: what fails at 03:00 can be saved until midnight, and no later.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

# Waits grow to this multiple of the first: an outage of hours sends an alarm every two hours, and
# what needs a person is tried no oftener. The person who mends it may run the job at any time.
LONGEST = 4
# The last attempt of a day begins then. A capture begun on its day may end after midnight.
LATEST = time(23, 30)


@dataclass(frozen=True)
class Attempt:
    """A run that was to capture today.

    Attributes:
        ended: when; None while it runs or waits in the queue.
        outcome: of the run.
        by_night: a schedule or sensor asked for it, not a person.
        permanent: a person must mend the cause: a retry alone would fail again.
    """

    ended: datetime | None
    outcome: Literal["active", "succeeded", "failed", "cancelled"]
    by_night: bool
    permanent: bool = False


@dataclass(frozen=True)
class Plan:
    """What follows for today.

    Attributes:
        due: when to ask again; None: not at all.
        reason: a sentence for the UI and the alarm.
        last: no attempt fits after that one.
    """

    due: datetime | None
    reason: str
    last: bool = False


def plan(
    attempts: Sequence[Attempt],
    now: datetime,
    wait: timedelta,
    captured: Callable[[], bool],
    what: str | None = None,
) -> Plan:
    """The next attempt of a day.

    Args:
        attempts: runs of that day, oldest first.
        now: the time, UTC, on that day.
        wait: before the second attempt; later waits are longer.
        captured: whether every listing of today is stored, complete, and passes the blocking
            checks; called where a run failed, or succeeded for a person.
        what: what is lost at midnight; by default the day.
    """
    day = f"{now:%Y-%m-%d}"
    what = what or day
    if not any(attempt.by_night for attempt in attempts):
        return Plan(None, f"No run of the night has tried {day}.")
    if any(attempt.outcome == "active" for attempt in attempts):
        return Plan(None, f"A run of capture_today for {day} is waiting or under way.")
    newest = max(attempts, key=lambda attempt: attempt.ended or now)
    if newest.outcome == "cancelled":
        return Plan(None, f"A person cancelled the last run for {day}: it is not asked for again.")
    # A person's run may have been a trial with few rows.
    succeeded = newest.outcome == "succeeded" and (newest.by_night or captured())
    if succeeded or newest.ended is None:
        return Plan(None, f"The last run for {day} succeeded.")
    if captured():
        return Plan(
            None,
            f"{day} is captured, and nothing of the Hub is lost. Mend the cause and run "
            "capture_today again: it makes what follows from the stored capture.",
        )
    failed = [attempt for attempt in attempts if attempt.outcome == "failed"]
    factor = LONGEST if newest.permanent else min(max(len(failed), 1), LONGEST)
    latest = datetime.combine(now.date(), LATEST, now.tzinfo)
    due = newest.ended + wait * factor
    if due > latest >= newest.ended + wait:
        due = latest
    if due > latest:
        return Plan(
            None,
            f"That was the last attempt of the day: {what} is lost unless capture_today succeeds "
            "before midnight UTC. Run it by hand (Jobs, capture_today).",
        )
    mend = (
        " A person must mend the cause first; run capture_today then." if newest.permanent else ""
    )
    last = due + wait > latest
    lost = f" {what[0].upper()}{what[1:]} is lost unless one succeeds before midnight UTC."
    return Plan(
        due,
        f"{'The last' if last else 'The next'} attempt is at {due:%H:%M} UTC.{mend}{lost * last}",
        last,
    )
